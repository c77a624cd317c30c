import { overlap } from './hosts.ts';
import { byAge, type Exported } from './visibility.ts';

/** A port that a Gateway opens. */
export interface GatewayServer {
  port: number;
  name: string;
  /** `HTTP`, `HTTPS`, `TLS`, `TCP`, `GRPC`, `HTTP2`, `MONGO`. */
  protocol: string;
  /** `HOST` or `NAMESPACE/HOST`. */
  hosts: readonly string[];
  /** Its mode: `SIMPLE`, `PASSTHROUGH`…; null where nothing is said of TLS. */
  tls: string | null;
  /** Whether it sends every request to HTTPS. */
  redirects: boolean;
  /** The address that it listens at; '' for every one. */
  bind: string;
}

/** Istio's own Gateway. */
export interface Gateway extends Exported {
  /** The labels of the pods that it is for; empty for every gateway's. */
  selector: Readonly<Record<string, string>>;
  servers: readonly GatewayServer[];
}

/** What rules a server takes. */
export type RuleKind = 'http' | 'tls' | 'tcp';

const isPlainHttp = ({ protocol }: GatewayServer): boolean =>
  ['HTTP', 'HTTP2', 'HTTP_PROXY', 'GRPC', 'GRPC-WEB'].includes(protocol);

const passesOn = ({ tls }: GatewayServer): boolean => tls === 'PASSTHROUGH' || tls === 'AUTO_PASSTHROUGH';

/** Whether a server has TLS of its own: one for HTTP has it only to redirect to HTTPS (pkg/config/gateway/gateway.go, IsTLSServer). */
const isTls = (server: GatewayServer): boolean => server.tls !== null && !isPlainHttp(server);

/**
 * A server that speaks HTTP, or ends TLS for HTTPS, takes rules for HTTP; one that passes TLS on rules for TLS, but none where it
 * leads by the name alone (AUTO_PASSTHROUGH); any other takes rules for TCP (pkg/config/gateway/gateway.go, IsHTTPServer,
 * IsPassThroughServer; pilot/pkg/networking/core/gateway.go, buildGatewayTCPBasedFilterChains).
 */
export function kindOf(server: GatewayServer): RuleKind | null {
  if (isPlainHttp(server)) return 'http';
  if (server.tls === 'AUTO_PASSTHROUGH') return null;
  if (passesOn(server)) return 'tls';
  return server.protocol === 'HTTPS' ? 'http' : 'tcp';
}

/** The hosts of a server by namespace and name: `./` is its Gateway's own namespace, `*\/` any (pilot/pkg/model/gateway.go, sanitizeServerHostNamespace). */
function fullHosts(hosts: readonly string[], namespace: string): readonly string[] {
  if (hosts.includes('*/*')) return ['*'];
  return hosts.map((host) => host.replace(/^\.\//, `${namespace}/`).replace(/^\*\//, ''));
}

/** The names of a server’s hosts for the rules of a namespace (pkg/config/host/names.go, NamesForNamespace). */
export const hostsFor = ({ hosts }: GatewayServer, namespace: string): readonly string[] =>
  hosts.flatMap((entry) => {
    const [place, name] = entry.split('/', 2);
    return name === undefined ? [entry] : place === namespace ? [name] : [];
  });

/** The hosts that a filter chain of a server has (pilot/pkg/model/gateway.go, GetSNIHostsForServer). */
export const sniHostsOf = ({ hosts }: GatewayServer): readonly string[] => [
  ...new Set(hosts.map((entry) => entry.split('/', 2).at(-1) ?? '')),
];

/** Whether a server serves a host of a rule: by the rule's namespace and the host (gateway.go, pickMatchingGatewayHosts). */
export const serves = (server: GatewayServer, rule: { namespace: string }, host: string): boolean =>
  hostsFor(server, rule.namespace).some((name) => overlap(name, host));

/** Why a proxy leaves a server out: another has one of its hosts for TLS, another protocol its port, or its name. */
export type LeftOut = 'host' | 'protocol' | 'name';

/** A server of a Gateway, for one proxy. */
export interface MergedServer {
  /** Of the Gateway, by `NAMESPACE/NAME`. */
  gateway: string;
  /** Its hosts by their full names. */
  server: GatewayServer;
  /** Where the proxy listens: a Service may lead another port there. */
  listens: number;
  /** The name of the routes for HTTP that it shares with others; '' for one without. */
  routes: string;
  /** Why the proxy has it not, and because of which; null where it has. */
  leftOut: { why: LeftOut; by: MergedServer } | null;
}

/** What one port of a proxy has so far. */
interface Taken {
  /** The first that has no TLS. */
  plain: MergedServer | null;
  first: MergedServer;
  /** Who has a host for TLS. */
  hosts: Map<string, MergedServer>;
}

/** pilot/pkg/model/gateway.go, gatewayRDSRouteName. */
function routesName(server: GatewayServer, gateway: Gateway, listens: number): string {
  const bind = server.bind === '' ? '' : `.${server.bind}`;
  if (isPlainHttp(server)) return `http.${listens}${bind}`;
  if (kindOf(server) !== 'http') return '';
  return `https.${server.port}.${server.name}.${gateway.name}.${gateway.namespace}${bind}`;
}

/**
 * The servers of all Gateways that one proxy takes, the oldest Gateway first: on a port plain HTTP is merged with plain HTTP,
 * TLS stands beside TLS of other hosts, and of all else the first has it (pilot/pkg/model/gateway.go, mergeGateways;
 * push_context.go, initGateways).
 */
export function mergeServers(
  gateways: readonly Gateway[],
  listensFor: (port: number) => number = (port) => port,
): readonly MergedServer[] {
  const ports = new Map<number, Taken>();
  const named = new Map<string, MergedServer>();
  return [...gateways].sort(byAge).flatMap((gateway) =>
    gateway.servers.map((raw): MergedServer => {
      const server = { ...raw, hosts: fullHosts(raw.hosts, gateway.namespace) };
      const listens = listensFor(server.port);
      const routes = routesName(server, gateway, listens);
      const own: MergedServer = {
        gateway: `${gateway.namespace}/${gateway.name}`,
        server,
        listens,
        routes,
        leftOut: null,
      };
      const taken: Taken = ports.get(listens) ?? { plain: null, first: own, hosts: new Map() };
      ports.set(listens, taken);
      const leftOut = inTheWay(own, taken, named.get(routes));
      if (leftOut?.why !== 'host' && server.tls !== null) for (const host of server.hosts) taken.hosts.set(host, own);
      if (leftOut) return { ...own, leftOut };
      if (!isTls(server)) taken.plain ??= own;
      if (routes !== '' && !named.has(routes)) named.set(routes, own);
      return own;
    }),
  );
}

function inTheWay(own: MergedServer, { plain, first, hosts }: Taken, sameName?: MergedServer): MergedServer['leftOut'] {
  const { server } = own;
  if (server.tls !== null) {
    const twice = server.hosts.map((host) => hosts.get(host)).find((other) => other?.server.bind === server.bind);
    if (twice) return { why: 'host', by: twice };
  }
  if (first === own) return null;
  if (plain) {
    const isMerged = isPlainHttp(server) && isPlainHttp(plain.server);
    return isMerged || plain.server.bind !== server.bind ? null : { why: 'protocol', by: plain };
  }
  return isTls(server) && own.routes !== '' && sameName ? { why: 'name', by: sameName } : null;
}
