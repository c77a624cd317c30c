import { type Json, list, object, text } from '../text/json.ts';

/** A field by its proto name, or as JSON spells it: old and new Envoys differ (guide.md 0.4). */
export const field = (from: unknown, name: string): unknown =>
  object(from)[name] ?? object(from)[name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())];

/** Where a configuration came from, and when. */
interface Given {
  name: string;
  /** Milliseconds since 1970; null of a static one, and where the page does not tell. */
  updatedAt: number | null;
  /** Of the bootstrap, and not Pilot's. */
  fixed: boolean;
  /** Why Envoy did not take the newest of it; '' when it did. */
  error: string;
}

export interface EnvoyCluster extends Given {
  /** `EDS`, `STRICT_DNS`, `ORIGINAL_DST`. */
  type: string;
  /** The DestinationRule that shaped it: `NAMESPACE/NAME`; null without one, and before 1.1. */
  rule: string | null;
}

export interface Route {
  /** `/productpage`, `/api/*`, by path, prefix or expression. */
  match: string;
  /** The clusters that it leads to. */
  clusters: readonly string[];
  /** The VirtualService that made it: `NAMESPACE/NAME`; null without one, and before 1.1. */
  rule: string | null;
}

export interface VirtualHost {
  name: string;
  domains: readonly string[];
  routes: readonly Route[];
}

export interface RouteTable extends Given {
  virtualHosts: readonly VirtualHost[];
}

/** What a listener does with a connection of one kind. */
export interface Chain {
  /** `Trans: tls; Addr: *:9080`; '' for any. */
  match: string;
  /** Route: the table's name. Cluster: where it leads as TCP. */
  route: string | null;
  cluster: string | null;
  /** Whether HTTP/1.0 is taken; null where it is no HTTP. */
  http10: boolean | null;
}

export interface Listener extends Given {
  address: string;
  port: number;
  direction: string;
  chains: readonly Chain[];
}

/** `/apis/networking.istio.io/v1alpha3/namespaces/bookinfo/virtual-service/reviews` as `bookinfo/reviews`. */
function ruleOf(from: unknown): string | null {
  const config = text(object(object(field(field(from, 'metadata'), 'filter_metadata')).istio).config);
  const [, namespace, name] = /\/namespaces\/([^/]+)\/[^/]+\/([^/]+)$/.exec(config) ?? [];
  return namespace === undefined ? null : `${namespace}/${name}`;
}

const givenOf = (entry: Json, name: string, fixed: boolean): Given => ({
  name,
  fixed,
  updatedAt: Date.parse(text(field(entry, 'last_updated'))) || null,
  error: text(object(field(entry, 'error_state')).details),
});

export function clusterOf(entry: Json, fixed: boolean): EnvoyCluster {
  const cluster = object(entry.cluster);
  const type = text(cluster.type) || text(object(field(cluster, 'cluster_type')).name) || 'STATIC';
  return { ...givenOf(entry, text(cluster.name), fixed), type, rule: ruleOf(cluster) };
}

const HTTP_MANAGER = /http_connection_manager$/;
const TCP_PROXY = /tcp_proxy$/;

/** A filter's own configuration: `typed_config`, or `config` before 1.4. */
const configOf = (filter: Json): Json => object(field(filter, 'typed_config') ?? filter.config);

/** As istioctl writes it: `Trans: raw_buffer; App: http/1.1,h2c; Addr: 10.1.0.0/16:80; SNI: reviews.bookinfo`. */
function matchOf(chain: Json): string {
  const match = object(field(chain, 'filter_chain_match'));
  const port = field(match, 'destination_port');
  const ranges = list(field(match, 'prefix_ranges')).map(
    (each) => `${text(field(each, 'address_prefix'))}/${Number(field(each, 'prefix_len') ?? 0)}`,
  );
  const texts = (name: string): string => {
    const value = field(match, name);
    return Array.isArray(value) ? value.map(text).join(',') : '';
  };
  const address = `${ranges.join(',') || '*'}:${port === undefined ? '*' : Number(port)}`;
  return [
    ['Trans', text(field(match, 'transport_protocol'))],
    ['App', texts('application_protocols')],
    ['Addr', address === '*:*' ? '' : address],
    ['SNI', texts('server_names')],
  ]
    .filter(([, value]) => value !== '')
    .map((part) => part.join(': '))
    .join('; ');
}

function chainOf(chain: Json): Chain {
  const filters = list(chain.filters);
  const manager = filters.find(({ name }) => HTTP_MANAGER.test(text(name)));
  if (manager) {
    const config = configOf(manager);
    const inline = object(field(config, 'route_config'));
    return {
      match: matchOf(chain),
      route: text(field(object(field(config, 'rds')), 'route_config_name')) || text(inline.name) || 'inline',
      cluster: null,
      http10: field(field(config, 'http_protocol_options'), 'accept_http_10') === true,
    };
  }
  const proxy = configOf(filters.find(({ name }) => TCP_PROXY.test(text(name))) ?? {});
  const weighted = list(field(object(field(proxy, 'weighted_clusters')), 'clusters')).map(({ name }) => text(name));
  return {
    match: matchOf(chain),
    route: null,
    cluster: text(proxy.cluster) || weighted.join(', ') || null,
    http10: null,
  };
}

/** The listener of an entry: at hand, or in its active state since 1.5. */
const listenerIn = (entry: Json): Json =>
  object(
    entry.listener ?? object(field(entry, 'active_state')).listener ?? object(field(entry, 'warming_state')).listener,
  );

const chainsOf = (listener: Json): readonly Json[] => {
  const last = field(listener, 'default_filter_chain');
  return [...list(field(listener, 'filter_chains')), ...(last ? [object(last)] : [])];
};

export function listenerOf(entry: Json, fixed: boolean): Listener {
  const listener = listenerIn(entry);
  const socket = object(field(listener.address, 'socket_address'));
  const state = field(entry, 'active_state') ?? entry;
  return {
    ...givenOf(entry, text(listener.name) || text(entry.name), fixed),
    updatedAt: Date.parse(text(field(state, 'last_updated'))) || null,
    address: text(socket.address),
    port: Number(field(socket, 'port_value') ?? 0),
    direction: text(field(listener, 'traffic_direction')).toLowerCase(),
    chains: chainsOf(listener).map(chainOf),
  };
}

function patternOf(match: Json): string {
  const exact = text(match.path);
  if (exact) return exact;
  const prefix = text(match.prefix) || text(field(match, 'path_separated_prefix'));
  if (prefix) return `${prefix}*`;
  return text(match.regex) || text(object(field(match, 'safe_regex')).regex) || '*';
}

function routeOf(route: Json): Route {
  const action = object(route.route);
  const weighted = list(field(object(field(action, 'weighted_clusters')), 'clusters')).map(({ name }) => text(name));
  const clusters = [text(action.cluster), ...weighted].filter((name) => name !== '');
  return { match: patternOf(object(route.match)), clusters, rule: ruleOf(route) };
}

const virtualHostsOf = (table: Json): readonly VirtualHost[] =>
  list(field(table, 'virtual_hosts')).map((host) => ({
    name: text(host.name),
    domains: Array.isArray(host.domains) ? host.domains.map(text) : [],
    routes: list(host.routes).map(routeOf),
  }));

/** 0.8 has its routes inside its listeners: there the page of routes is empty, and that is no fault (guide.md 0.4). */
export function inlineRoutesOf(entry: Json, fixed: boolean): readonly RouteTable[] {
  const listener = listenerIn(entry);
  return chainsOf(listener)
    .flatMap((chain) => list(chain.filters))
    .filter(({ name }) => HTTP_MANAGER.test(text(name)))
    .flatMap((filter) => {
      const table = object(field(configOf(filter), 'route_config'));
      const name = text(table.name) || text(listener.name);
      return Object.keys(table).length === 0
        ? []
        : [{ ...givenOf(entry, name, fixed), virtualHosts: virtualHostsOf(table) }];
    });
}

export function routeTableOf(entry: Json, fixed: boolean): RouteTable {
  const table = object(field(entry, 'route_config'));
  return { ...givenOf(entry, text(table.name), fixed), virtualHosts: virtualHostsOf(table) };
}
