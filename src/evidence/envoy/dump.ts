import { planeSource, settle } from '../../diagnosis/source.ts';
import { adminPage, askedEnvoys, readAdmin, type Told } from './asked.ts';

type Json = Record<string, unknown>;

const object = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A field by its proto name, or as JSON spells it: old and new Envoys differ (guide.md 0.4). */
const field = (from: unknown, name: string): unknown =>
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

/** What an Envoy has of its configuration. */
export interface EnvoyDump {
  /** Of the page, in bytes. */
  size: number;
  clusters: readonly EnvoyCluster[];
  listeners: readonly Listener[];
  routes: readonly RouteTable[];
  bootstrap: unknown;
}

/** The sections of a dump: a map up to Istio 1.0, a list with types since 1.1. */
function sectionsOf(configs: unknown): ReadonlyMap<string, Json> {
  if (Array.isArray(configs)) {
    const kind = (each: Json): string =>
      text(each['@type'])
        .replace(/^.*\.(\w+?)s?ConfigDump$/, '$1')
        .toLowerCase();
    return new Map(list(configs).map((each) => [kind(each), each]));
  }
  return new Map(Object.entries(object(configs)).map(([name, each]) => [name.replace(/s$/, ''), object(each)]));
}

/** `/apis/networking.istio.io/v1alpha3/namespaces/bookinfo/virtual-service/reviews` as `bookinfo/reviews`. */
function ruleOf(from: unknown): string | null {
  const config = text(object(object(field(field(from, 'metadata'), 'filter_metadata')).istio).config);
  const [, namespace, name] = /\/namespaces\/([^/]+)\/[^/]+\/([^/]+)$/.exec(config) ?? [];
  return namespace === undefined ? null : `${namespace}/${name}`;
}

/** The entries of some of a section's lists; those whose list is called static are of the bootstrap. */
const entriesIn = (section: Json | undefined, ...names: readonly string[]): readonly Json[] =>
  names.flatMap((name) => list(field(section, name)).map((entry) => ({ ...entry, fixed: name.startsWith('static') })));

const givenOf = (entry: Json, name: string): Given => ({
  name,
  fixed: entry.fixed === true,
  updatedAt: Date.parse(text(field(entry, 'last_updated'))) || null,
  error: text(object(field(entry, 'error_state')).details),
});

function clustersOf(section: Json | undefined): readonly EnvoyCluster[] {
  return entriesIn(section, 'static_clusters', 'dynamic_active_clusters', 'dynamic_warming_clusters').map((entry) => {
    const cluster = object(entry.cluster);
    const type = text(cluster.type) || text(object(field(cluster, 'cluster_type')).name) || 'STATIC';
    return { ...givenOf(entry, text(cluster.name)), type, rule: ruleOf(cluster) };
  });
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

const entriesOf = (section: Json | undefined): readonly Json[] =>
  entriesIn(section, 'static_listeners', 'dynamic_active_listeners', 'dynamic_listeners');

function listenersOf(section: Json | undefined): readonly Listener[] {
  return entriesOf(section).map((entry) => {
    const listener = listenerIn(entry);
    const socket = object(field(listener.address, 'socket_address'));
    const state = field(entry, 'active_state') ?? entry;
    return {
      ...givenOf(entry, text(listener.name) || text(entry.name)),
      updatedAt: Date.parse(text(field(state, 'last_updated'))) || null,
      address: text(socket.address),
      port: Number(field(socket, 'port_value') ?? 0),
      direction: text(field(listener, 'traffic_direction')).toLowerCase(),
      chains: chainsOf(listener).map(chainOf),
    };
  });
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
function inlineRoutesOf(section: Json | undefined): readonly RouteTable[] {
  return entriesOf(section).flatMap((entry) => {
    const listener = listenerIn(entry);
    return chainsOf(listener)
      .flatMap((chain) => list(chain.filters))
      .filter(({ name }) => HTTP_MANAGER.test(text(name)))
      .flatMap((filter) => {
        const table = object(field(configOf(filter), 'route_config'));
        const name = text(table.name) || text(listener.name);
        return Object.keys(table).length === 0
          ? []
          : [{ ...givenOf(entry, name), virtualHosts: virtualHostsOf(table) }];
      });
  });
}

const routesOf = (section: Json | undefined): readonly RouteTable[] =>
  entriesIn(section, 'static_route_configs', 'dynamic_route_configs').map((entry) => {
    const table = object(field(entry, 'route_config'));
    return { ...givenOf(entry, text(table.name)), virtualHosts: virtualHostsOf(table) };
  });

/** Reads a page of `/config_dump`, of Envoy 1.7 or today's; null of what is none. */
export function dumpIn(page: string): EnvoyDump | null {
  let configs: unknown;
  try {
    configs = (JSON.parse(page) as { configs?: unknown } | null)?.configs;
  } catch {
    return null;
  }
  if (typeof configs !== 'object' || configs === null) return null;
  const sections = sectionsOf(configs);
  return {
    size: Buffer.byteLength(page),
    clusters: clustersOf(sections.get('cluster')),
    listeners: listenersOf(sections.get('listener')),
    routes: [...routesOf(sections.get('route')), ...inlineRoutesOf(sections.get('listener'))],
    bootstrap: field(sections.get('bootstrap'), 'bootstrap') ?? null,
  };
}

/** A dump without what no check reads. */
export type Configuration = Omit<EnvoyDump, 'bootstrap'>;

function configurationIn(page: string): Configuration | null {
  const dump = dumpIn(page);
  if (dump === null) return null;
  const { bootstrap: _, ...rest } = dump;
  return rest;
}

/** One after the other: such a page may have tens of megabytes, and costs the Envoy as much (guide.md i, 6). */
export const envoyDumps = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly Told<Configuration>[]> => {
    const { envoys } = await ask.from(askedEnvoys);
    const told: Told<Configuration>[] = [];
    for (const envoy of envoys) {
      const said = await settle(readAdmin(ask, adminPage(envoy, '/config_dump'), configurationIn));
      told.push({ ...envoy, said });
    }
    return told;
  },
);
