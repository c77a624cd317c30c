import { isSubsetOf, isWildcard } from './hosts.ts';
import { type Destination, type HttpRule, routesFor } from './http-rules.ts';
import type { RegistryService } from './services.ts';
import { isAt, type StreamRule, streamsFor } from './streams.ts';
import type { Lack, View } from './view.ts';
import type { MergedVirtualService } from './virtual-services.ts';

/** The ports that are called where a rule is looked at; none where they are not known. */
type Called<T> = ReadonlyMap<T, readonly number[]>;

/** What a rule does for those who call through one proxy. */
export interface Part {
  view: View;
  /** Its rules for HTTP that are looked at. */
  http: Called<HttpRule>;
  /** Its rules for HTTP behind one that takes every request. */
  unreached: readonly HttpRule[];
  /** Its rules for TCP and TLS that are looked at. */
  streams: Called<StreamRule>;
  /** Whether a destination without a port means a Service's only port, whatever was called: at gateways. */
  meansOnly: boolean;
  /** Whether its hosts are nobody's that this proxy knows: rules for HTTP are for port 80 then. */
  isNobodys: boolean;
}

/** Collects what is called, and on which ports. */
class Calls<T> {
  private readonly found = new Map<T, Set<number>>();

  add(rule: T, port: number | null): void {
    const ports = this.found.get(rule) ?? new Set();
    if (port !== null) ports.add(port);
    this.found.set(rule, ports);
  }

  end(): Called<T> {
    return new Map([...this.found].map(([rule, ports]) => [rule, [...ports]]));
  }
}

/** The Services of a rule's host that a proxy knows, a wildcard's each of those within; undefined for a host that is nobody's. */
function servicesOf(host: string, { services }: View): readonly (RegistryService | undefined)[] {
  if (!isWildcard(host)) return [services.get(host)];
  const inside = [...services.values()].filter((service) => isSubsetOf(service.host, host));
  return inside.length > 0 ? inside : [undefined];
}

/** Ports on which rules for TCP and TLS are looked at: those that are no HTTP, where there are any. */
function streamPortsOf({ ports, http }: RegistryService): readonly number[] {
  const raw = ports.filter((port) => !http.includes(port));
  return raw.length > 0 ? raw : ports;
}

/** What a rule does for the calls of one sidecar; null where it decides nothing for it. */
export function sidecarPart(rule: MergedVirtualService, view: View): Part | null {
  const [known, nobodys] = [new Calls<HttpRule>(), new Calls<HttpRule>()];
  const streams = new Calls<StreamRule>();
  const behind = new Set<HttpRule>();
  const all = rule.hosts.flatMap((host) => servicesOf(host, view).map((service) => ({ host, service })));
  for (const { host, service } of all) {
    for (const port of service?.ports ?? [80]) {
      const decided = view.ruleFor(service?.host ?? host, port);
      // A wildcard that takes in no Service stands for itself (route.go, separateVSHostsAndServices).
      const isItself = service === undefined && isWildcard(host);
      const routes = isItself ? routesFor(rule.http, view.caller, 'mesh', port) : decided?.routes;
      if (!routes || (decided?.rule !== rule && !isItself)) continue;
      for (const route of routes.routes) (service ? known : nobodys).add(route.rule, port);
      for (const route of routes.unreached) behind.add(route.rule);
    }
    for (const port of service ? streamPortsOf(service) : [null])
      for (const kind of ['tcp', 'tls'] as const)
        for (const each of streamsFor(rule.other, kind, view.caller, port).rules) streams.add(each, port);
  }
  // What a host is called on that is nobody's counts where nothing else does.
  const http = new Map([...nobodys.end(), ...known.end()]);
  const part: Part = {
    view,
    http,
    unreached: [...behind].filter((each) => !http.has(each)),
    streams: streams.end(),
    meansOnly: false,
    isNobodys: all.every(({ service }) => service === undefined),
  };
  return http.size === 0 && part.streams.size === 0 ? null : part;
}

/** The ports that a rule for sidecars is for alone, and those that its hosts have: none of them is among the others. */
export interface Uncalled {
  rule: MergedVirtualService;
  wanted: readonly number[];
  has: readonly number[];
}

/**
 * Whether every match of a rule names a port that none of its hosts has, for whoever gets the rule: it never applies. A host
 * that is nobody's has port 80 (route.go, buildSidecarVirtualHostsForVirtualService).
 */
export function uncalledBy(rule: MergedVirtualService, views: readonly View[]): Uncalled | null {
  const wanted = rule.http.flatMap(({ matches }) =>
    (matches.length > 0 ? matches : [null]).map((match) => match?.port),
  );
  const ports = wanted.flatMap((port) => port || []);
  if (ports.length === 0 || ports.length < wanted.length) return null;
  const told = views.filter((view) => view.has(rule));
  const has = told.flatMap((view) =>
    rule.hosts.flatMap((host) => servicesOf(host, view).flatMap((service) => service?.ports ?? [80])),
  );
  return told.length === 0 || ports.some((port) => has.includes(port))
    ? null
    : { rule, wanted: [...new Set(ports)], has: [...new Set(has)] };
}

/** What a rule does for what comes in through a gateway, on the ports that it opens. */
export function gatewayPart(rule: MergedVirtualService, view: View, gateway: string, ports: readonly number[]): Part {
  const http = new Calls<HttpRule>();
  const streams = new Calls<StreamRule>();
  const behind = new Set<HttpRule>();
  for (const port of ports.length > 0 ? ports : [null]) {
    const { routes, unreached } = routesFor(rule.http, view.caller, gateway, port);
    for (const route of routes) http.add(route.rule, port);
    for (const route of unreached) behind.add(route.rule);
    for (const each of rule.other) if (isAtGateway(each, gateway, port)) streams.add(each, port);
  }
  const looked = http.end();
  return {
    view,
    http: looked,
    unreached: [...behind].filter((each) => !looked.has(each)),
    streams: streams.end(),
    meansOnly: true,
    isNobodys: false,
  };
}

/** Whether a gateway looks at a rule for TCP or TLS. */
const isAtGateway = ({ matches }: StreamRule, gateway: string, port: number | null): boolean =>
  matches.length === 0 || matches.some((match) => isAt(match, gateway, port));

/** Whether a caller's calls to one of a rule's hosts are decided by it, with rules for HTTP. */
export const isDecisive = (rule: MergedVirtualService, view: View): boolean =>
  view.has(rule) && (sidecarPart(rule, view)?.http.size ?? 0) > 0;

/** What keeps calls from a destination. */
export interface Lacking {
  /** What none of the calls finds; null where some do. */
  lack: Lack | null;
  /** The ports that are called and that it does not have, where it has others that are called. */
  astray: readonly number[];
}

/**
 * What a proxy has no cluster for: the port that a destination names is called, else the one that its caller called. A
 * Service's only port is meant at gateways, and by rules for TCP and TLS; a sidecar's rules for HTTP know of each Service
 * only the port that was called (route.go, GetDestinationCluster; httproute.go, BuildSidecarOutboundVirtualHosts).
 */
export function lackingOf(
  { view, meansOnly }: Part,
  destination: Destination,
  called: readonly number[],
  isHttp: boolean,
): Lacking {
  const own = view.services.get(destination.host)?.ports ?? [];
  const isMeant = destination.port === null && own.length === 1 && (meansOnly || !isHttp);
  const ports = destination.port !== null ? [destination.port] : isMeant ? own : called;
  const lacks = (ports.length > 0 ? ports : [null]).map((port) => ({
    port,
    lack: view.lackOf({ ...destination, port }),
  }));
  const isFound = lacks.some(({ lack }) => lack === null);
  const worst = lacks.find(({ lack }) => lack !== 'port') ?? lacks[0];
  return {
    lack: isFound ? null : (worst?.lack ?? null),
    astray: isFound ? lacks.flatMap(({ port, lack }) => (lack === 'port' && port !== null ? [port] : [])) : [],
  };
}
