import { isSubsetOf, isWildcard } from './hosts.ts';
import { type Destination, type HttpRule, routesFor } from './http-rules.ts';
import type { Lack, View } from './view.ts';
import type { MergedVirtualService } from './virtual-services.ts';

/** What a rule does for those who call through one proxy. */
export interface Part {
  view: View;
  /** Its rules for HTTP that are looked at, with the ports that are called then; none where they are not known. */
  http: ReadonlyMap<HttpRule, readonly number[]>;
  /** Its rules for HTTP behind one that takes every request. */
  unreached: readonly HttpRule[];
  /** The ports that are called where its rules for TCP and TLS are looked at; none where they are not known. */
  ports: readonly number[];
  /** Whether a destination without a port means a Service's only port, whatever was called: at gateways. */
  meansOnly: boolean;
}

/** What a rule does for the calls of one sidecar; null where it decides nothing for it. */
export function sidecarPart(rule: MergedVirtualService, view: View): Part | null {
  const http = new Map<HttpRule, Set<number>>();
  const behind = new Set<HttpRule>();
  const ports = new Set<number>();
  for (const host of rule.hosts) {
    const known = isWildcard(host)
      ? [...view.services.values()].filter((service) => isSubsetOf(service.host, host))
      : [view.services.get(host)];
    for (const service of known) {
      for (const port of service?.ports ?? []) ports.add(port);
      for (const port of service?.ports ?? [80]) {
        const decided = view.ruleFor(service?.host ?? host, port);
        if (decided?.rule !== rule) continue;
        for (const route of decided.routes.routes) http.set(route.rule, (http.get(route.rule) ?? new Set()).add(port));
        for (const route of decided.routes.unreached) behind.add(route.rule);
      }
    }
  }
  if (http.size === 0 && rule.other.length === 0) return null;
  return {
    view,
    http: new Map([...http].map(([each, called]) => [each, [...called]])),
    unreached: [...behind].filter((each) => !http.has(each)),
    ports: [...ports],
    meansOnly: false,
  };
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
  const told = views.filter((view) => view.rules.includes(rule));
  const wanted = rule.http.flatMap(({ matches }) =>
    (matches.length > 0 ? matches : [null]).map((match) => match?.port),
  );
  const ports = wanted.flatMap((port) => port || []);
  if (told.length === 0 || ports.length === 0 || ports.length < wanted.length) return null;
  const has = told.flatMap(({ services }) =>
    rule.hosts.flatMap((host) => {
      const known = isWildcard(host)
        ? [...services.values()].filter((service) => isSubsetOf(service.host, host))
        : [services.get(host)];
      return known.flatMap((service) => service?.ports ?? [80]);
    }),
  );
  return ports.some((port) => has.includes(port))
    ? null
    : { rule, wanted: [...new Set(ports)], has: [...new Set(has)] };
}

/** What a rule does for what comes in through a gateway, on the ports that it opens. */
export function gatewayPart(rule: MergedVirtualService, view: View, gateway: string, ports: readonly number[]): Part {
  const { routes, unreached } = routesFor(rule.http, view.caller, gateway, null);
  const http = new Map(routes.map((route) => [route.rule, ports]));
  return {
    view,
    http,
    unreached: unreached.map((route) => route.rule).filter((each) => !http.has(each)),
    ports,
    meansOnly: true,
  };
}

/** Whether a caller's calls to one of a rule's hosts are decided by it, with rules for HTTP. */
export const isDecisive = (rule: MergedVirtualService, view: View): boolean =>
  view.rules.includes(rule) && (sidecarPart(rule, view)?.http.size ?? 0) > 0;

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
