import {
  type Gateway,
  hostsFor,
  kindOf,
  type MergedServer,
  mergeServers,
  type RuleKind,
  serves,
  sniHostsOf,
} from './gateways.ts';
import { isSubsetOf } from './hosts.ts';
import { type Caller, isCatchAll, type Route, routesFor } from './http-rules.ts';
import { isAt, type StreamMatch, type StreamRule } from './streams.ts';
import type { MergedVirtualService } from './virtual-services.ts';
import { inOrder } from './visibility.ts';

/** A route of a rule, for one host. */
export interface HostRoute {
  rule: MergedVirtualService;
  route: Route;
}

/** Where a listener sends what it does not read: by the names that clients ask for, none for all. */
export interface Chain {
  server: MergedServer;
  rule: MergedVirtualService;
  part: StreamRule;
  names: readonly string[];
}

/** What became of a rule's host at a server of one of its Gateways. */
export interface Place {
  server: MergedServer;
  /** `kind`: it takes rules of another kind; `match`: the rule's own matches are for other ports or Gateways; `behind`: others take all. */
  fate: 'served' | 'left out' | 'kind' | 'match' | 'behind';
  /** Those that take all. */
  others: readonly MergedVirtualService[];
}

/** Two parts of one listener for one name, or both for all: Envoy refuses such a listener whole. */
export interface Clash {
  listens: number;
  /** The name that clients ask for; '' for all. */
  name: string;
  servers: readonly [MergedServer, MergedServer];
}

/** What one proxy has of Gateways and their rules. */
export interface GatewayView {
  servers: readonly MergedServer[];
  /** The rules that it is told of, the one that wins first. */
  rules: readonly MergedVirtualService[];
  /** The routes for HTTP by their name and host, in the order in which they are looked at. */
  hosts: ReadonlyMap<string, ReadonlyMap<string, readonly HostRoute[]>>;
  /** For TCP and for TLS that is passed on. */
  chains: readonly Chain[];
  clashes: readonly Clash[];
  /** For each server that serves a host of a rule; empty where none does. */
  placesOf(rule: MergedVirtualService, host: string): readonly Place[];
}

const isOpen = ({ leftOut }: MergedServer): boolean => leftOut === null;

/** The names that a server and a rule have in common, the narrower of each two (pkg/config/host/names.go, Intersection). */
export const common = (server: readonly string[], rule: readonly string[]): readonly string[] => [
  ...new Set(
    server.flatMap((ours) =>
      rule.flatMap((theirs) => (isSubsetOf(ours, theirs) ? [ours] : isSubsetOf(theirs, ours) ? [theirs] : [])),
    ),
  ),
];

/**
 * The routes of servers that share them: what several rules say of one host is put together, and what takes every request
 * comes last, of whichever rule (pilot/pkg/networking/core/gateway.go, buildGatewayHTTPRouteConfig; route.go, SortVHostRoutes).
 */
function hostsOf(
  servers: readonly MergedServer[],
  rules: readonly MergedVirtualService[],
  caller: Caller,
): ReadonlyMap<string, readonly HostRoute[]> {
  const hosts = new Map<string, HostRoute[]>();
  for (const { gateway, server } of servers) {
    for (const rule of rules.filter(({ gateways }) => gateways.includes(gateway))) {
      const { routes } = routesFor(rule.http, caller, gateway, server.port);
      if (routes.length === 0) continue;
      for (const host of common(hostsFor(server, rule.namespace), rule.hosts)) {
        const name = host.toLowerCase();
        const all = hosts.get(name) ?? [];
        all.push(...routes.map((route) => ({ rule, route })));
        hosts.set(name, all);
      }
    }
  }
  return new Map(
    [...hosts].map(([host, all]) => [
      host,
      [...all.filter(({ route }) => !isCatchAll(route)), ...all.filter(({ route }) => isCatchAll(route))],
    ]),
  );
}

/** Whether a match for TCP or TLS is for a server. */
const isFor = (match: StreamMatch, { gateway, server }: MergedServer): boolean => isAt(match, gateway, server.port);

/** The parts of a rule that a server has, in its own kind. */
const partsFor = (rule: MergedVirtualService, server: MergedServer, kind: StreamRule['kind']): readonly StreamRule[] =>
  rule.other.filter(
    (part) =>
      part.kind === kind &&
      part.destinations.length > 0 &&
      (part.matches.some((match) => isFor(match, server)) || (kind === 'tcp' && part.matches.length === 0)),
  );

/** Of a server for TCP the first rule has it; of those that pass TLS on the first for each name (gateway.go, buildGatewayNetworkFiltersFromTCPRoutes and …FromTLSRoutes). */
function chainsOf(servers: readonly MergedServer[], rules: readonly MergedVirtualService[]): readonly Chain[] {
  const taken = new Set<string>();
  return servers.flatMap((server) => {
    const kind = kindOf(server.server);
    const bound = rules.filter(
      (rule) => rule.gateways.includes(server.gateway) && rule.hosts.some((host) => serves(server.server, rule, host)),
    );
    if (kind === 'tcp') {
      const names = server.server.tls === null ? [] : sniHostsOf(server.server);
      const all = bound.flatMap((rule) => partsFor(rule, server, 'tcp').map((part) => ({ server, rule, part, names })));
      return all.slice(0, 1);
    }
    if (kind !== 'tls') return [];
    return bound.flatMap((rule) =>
      partsFor(rule, server, 'tls').flatMap((part) =>
        part.matches
          .filter((match) => isFor(match, server))
          .flatMap(({ sniHosts: names }): readonly Chain[] => {
            const places = names.map((name) => `${server.listens} ${server.server.bind} ${name}`);
            if (places.some((place) => taken.has(place))) return [];
            for (const place of places) taken.add(place);
            return [{ server, rule, part, names }];
          }),
      ),
    );
  });
}

/**
 * Servers that Istio tells apart and Envoy cannot: hosts of two namespaces with one name, or what is plain beside what is for
 * every name (pilot/pkg/networking/core/listener.go, toFilterChainMatch).
 */
function clashesIn(open: readonly MergedServer[], chains: readonly Chain[]): readonly Clash[] {
  const read = open.filter(
    ({ routes }, at) => routes !== '' && open.findIndex((each) => each.routes === routes) === at,
  );
  const parts = [
    ...read.map((server) => ({ server, names: server.server.protocol === 'HTTPS' ? sniHostsOf(server.server) : [] })),
    ...chains,
  ];
  const taken = new Map<string, MergedServer>();
  return parts.flatMap(({ server, names }) =>
    (names.length === 0 || names.includes('*') ? [''] : names).flatMap((name): readonly Clash[] => {
      const place = `${server.listens} ${server.server.bind} ${name}`;
      const other = taken.get(place);
      taken.set(place, other ?? server);
      return other ? [{ listens: server.listens, name, servers: [other, server] }] : [];
    }),
  );
}

/** What kinds of rules a VirtualService has. */
export const kindsIn = ({ http, other }: MergedVirtualService): ReadonlySet<RuleKind> =>
  new Set([...(http.length > 0 ? (['http'] as const) : []), ...other.map(({ kind }) => kind)]);

/** What a proxy of some namespace and labels has of the Gateways that take it. */
export function gatewayViewOf(
  gateways: readonly Gateway[],
  all: readonly MergedVirtualService[],
  caller: Caller,
  listensFor?: (port: number) => number,
): GatewayView {
  const servers = mergeServers(gateways, listensFor);
  const rules = inOrder(all, caller.namespace);
  const open = servers.filter(isOpen);
  const names = [...new Set(open.map(({ routes }) => routes).filter((name) => name !== ''))];
  const hosts = new Map(
    names.map((name) => [
      name,
      hostsOf(
        open.filter(({ routes }) => routes === name),
        rules,
        caller,
      ),
    ]),
  );
  const chains = chainsOf(open, rules);

  function placeAt(server: MergedServer, rule: MergedVirtualService, host: string): Place {
    const as = (fate: Place['fate'], others: readonly MergedVirtualService[] = []): Place => ({ server, fate, others });
    if (server.leftOut) return as('left out');
    const kind = kindOf(server.server);
    if (kind === null || !kindsIn(rule).has(kind)) return as('kind');
    if (kind !== 'http') {
      if (chains.some((chain) => chain.server === server && chain.rule === rule)) return as('served');
      if (partsFor(rule, server, kind).length === 0) return as('match');
      return as('behind', [
        ...new Set(chains.filter((chain) => chain.server.listens === server.listens).map((chain) => chain.rule)),
      ]);
    }
    if (routesFor(rule.http, caller, server.gateway, server.server.port).routes.length === 0) return as('match');
    const routes = common(hostsFor(server.server, rule.namespace), [host]).flatMap((name) => {
      const all = hosts.get(server.routes)?.get(name.toLowerCase()) ?? [];
      const end = all.findIndex(({ route }) => isCatchAll(route));
      return [{ reached: end < 0 ? all : all.slice(0, end + 1) }];
    });
    if (routes.some(({ reached }) => reached.some((each) => each.rule === rule))) return as('served');
    return as('behind', [...new Set(routes.flatMap(({ reached }) => reached.slice(-1).map((each) => each.rule)))]);
  }

  return {
    servers,
    rules,
    hosts,
    chains,
    clashes: clashesIn(open, chains),
    placesOf: (rule, host) =>
      servers
        .filter(({ gateway, server }) => rule.gateways.includes(gateway) && serves(server, rule, host))
        .map((server) => placeAt(server, rule, host)),
  };
}
