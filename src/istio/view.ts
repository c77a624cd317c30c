import { type DestinationRules, destinationRuleFor, hasLabels, type MergedRule } from './destination-rules.ts';
import { isSubsetOf, isWildcard, mostSpecific } from './hosts.ts';
import { type Caller, type Destination, type Routes, routesFor } from './http-rules.ts';
import { bestOf, isServiceVisible, type Registry, type RegistryService } from './services.ts';
import {
  type EgressListener,
  listenerFor,
  listenersOf,
  type Sidecar,
  sidecarOf,
  takesRule,
  takesService,
} from './sidecars.ts';
import { isForMesh, type MergedVirtualService, streamDestinations } from './virtual-services.ts';
import { inOrder } from './visibility.ts';

/** The objects of a mesh that decide where calls go. */
export interface Routing {
  /** The root namespace of the mesh. */
  root: string;
  registry: Registry;
  destinationRules: DestinationRules;
  /** The oldest first. */
  virtualServices: readonly MergedVirtualService[];
  sidecars: readonly Sidecar[];
}

/** What one caller's proxy is told of the mesh. */
export interface View {
  caller: Caller;
  sidecar: Sidecar | null;
  /** The Services that it has clusters for, by host. */
  services: ReadonlyMap<string, RegistryService>;
  /** The rules for sidecars that it gets, the one that wins first. */
  rules: readonly MergedVirtualService[];
  /** The rule that decides about calls to a host and port, and its routes; null where none does. */
  ruleFor(host: string, port: number): { rule: MergedVirtualService; routes: Routes } | null;
  /** Null where no DestinationRule is applied. */
  destinationRuleFor(host: string): MergedRule | null;
  /** What keeps it from having a cluster for a destination; null where it has one. Without a port any will do. */
  lackOf(destination: Destination): Lack | null;
}

/** What a proxy does not know of a destination: its host, its port, its subset, an endpoint of the subset. */
export type Lack = 'host' | 'port' | 'subset' | 'endpoint';

/** A Service of which a proxy knows some ports only. */
const limited = (service: RegistryService, ports: readonly number[]): RegistryService => ({
  ...service,
  ports,
  http: service.http.filter((each) => ports.includes(each)),
});

/** The Services that a listener takes in: of several with one host the caller's own, else the best (sidecar.go, selectServices). */
function servicesOf(listener: EgressListener, registry: Registry, caller: string): Map<string, RegistryService> {
  const found = new Map<string, RegistryService>();
  for (const [host, same] of registry) {
    const taken = same.filter(
      (service) =>
        isServiceVisible(service, caller) &&
        takesService(listener, host, service.namespace, caller) &&
        (listener.port === null || service.ports.includes(listener.port)),
    );
    const service = taken.find(({ namespace }) => namespace === caller) ?? bestOf(taken);
    if (service) found.set(host, listener.port === null ? service : limited(service, [listener.port]));
  }
  return found;
}

/** Where the rules of a listener lead, with the ports that they name; null for all (push_context.go, virtualServiceDestinationsFilteredBySourceNamespace). */
function destinationsOf(rule: MergedVirtualService, caller: string): ReadonlyMap<string, ReadonlySet<number> | null> {
  const http = rule.http
    .filter(({ matches }) => {
      const from = matches.flatMap(({ sourceNamespace }) => sourceNamespace || []);
      return from.length === 0 || from.includes(caller);
    })
    .flatMap(({ destinations }) => destinations);
  const found = new Map<string, Set<number> | null>();
  for (const { host, port } of [...http, ...streamDestinations(rule)]) {
    const known = found.get(host);
    if (port === null || known === null) found.set(host, null);
    else found.set(host, new Set([...(known ?? []), port]));
  }
  return found;
}

/**
 * What a sidecar's proxy is told: by its Sidecar's listeners, and of the Services that their rules lead to beside
 * (pilot/pkg/model/sidecar.go; a gateway's proxy is told of every Service that is visible in its namespace).
 */
export function viewOf(routing: Routing, caller: Caller): View {
  const { registry, root } = routing;
  const sidecar = sidecarOf(routing.sidecars, caller, root);
  const listeners = listenersOf(sidecar);
  const all = inOrder(routing.virtualServices.filter(isForMesh), caller.namespace);
  const parts = listeners.map((listener) => {
    const rules = all.filter((rule) => takesRule(listener, rule, caller.namespace));
    return { listener, services: servicesOf(listener, registry, caller.namespace), rules, hosts: byHost(rules) };
  });
  const services = new Map<string, RegistryService>();
  const addService = (service: RegistryService): void => {
    const known = services.get(service.host);
    if (known === undefined || (known.kind === 'ServiceEntry' && service.kind === 'Service'))
      services.set(service.host, service);
    else if (known.namespace === service.namespace && known.kind === service.kind)
      services.set(service.host, {
        ...known,
        ports: [...new Set([...known.ports, ...service.ports])],
        http: [...new Set([...known.http, ...service.http])],
      });
  };
  for (const part of parts) {
    for (const service of part.services.values()) addService(service);
    for (const rule of part.rules) {
      for (const [host, ports] of destinationsOf(rule, caller.namespace)) {
        const same = registry.get(host) ?? [];
        const service =
          same.find(({ namespace }) => namespace === caller.namespace) ??
          bestOf(same.filter((each) => isServiceVisible(each, caller.namespace)));
        if (!service) continue;
        const { port } = part.listener;
        const wanted = port === null ? ports : new Set([port]);
        const kept = service.ports.filter((each) => wanted === null || wanted.has(each));
        if (kept.length > 0) addService(limited(service, kept));
      }
    }
  }
  const destinationRule = (host: string): MergedRule | null => {
    const service = services.get(host);
    return service ? destinationRuleFor(routing.destinationRules, root, caller, service) : null;
  };
  return {
    caller,
    sidecar,
    services,
    rules: [...new Set(parts.flatMap((part) => part.rules))],
    ruleFor(host, port) {
      const listener = listenerFor(listeners, port);
      const part = parts.find((each) => each.listener === listener);
      return part ? decidingRule(part, caller, host, port) : null;
    },
    destinationRuleFor: destinationRule,
    lackOf({ host, port, subset }) {
      const service = services.get(host);
      if (!service) return 'host';
      if (port !== null && !service.ports.includes(port)) return 'port';
      if (subset === null) return null;
      const defined = destinationRule(host)?.subsets.find(({ name }) => name === subset);
      if (!defined) return 'subset';
      // Of a subset that is found by DNS and has no endpoint Istio makes no cluster (cluster_builder.go, buildCluster).
      const { endpoints } = service;
      return endpoints === null || endpoints.some((labels) => hasLabels(defined.labels, labels)) ? null : 'endpoint';
    },
  };
}

/** The rules of one listener by their hosts: the first of each, and all of each that is no wildcard. */
interface ByHost {
  exact: ReadonlyMap<string, readonly MergedVirtualService[]>;
  specific: ReadonlyMap<string, MergedVirtualService>;
  wildcards: ReadonlyMap<string, MergedVirtualService>;
  /** Where each stands: the first decides. */
  rank: ReadonlyMap<MergedVirtualService, number>;
}

function byHost(rules: readonly MergedVirtualService[]): ByHost {
  const exact = new Map<string, MergedVirtualService[]>();
  const wildcards = new Map<string, MergedVirtualService>();
  for (const rule of rules) {
    for (const host of rule.hosts) {
      if (!isWildcard(host)) exact.set(host, [...(exact.get(host) ?? []), rule]);
      else if (!wildcards.has(host)) wildcards.set(host, rule);
    }
  }
  const specific = new Map([...exact].flatMap(([host, [first]]) => (first ? [[host, first]] : [])));
  return { exact, specific, wildcards, rank: new Map(rules.map((rule, index) => [rule, index])) };
}

/**
 * The first rule with routes for the caller that names the host; a wildcard only where it is the most specific of all for
 * it (route.go, separateVSHostsAndServices; httproute.go, BuildSidecarOutboundVirtualHosts).
 */
function decidingRule(
  { hosts, services }: { hosts: ByHost; services: ReadonlyMap<string, RegistryService> },
  caller: Caller,
  host: string,
  port: number,
): { rule: MergedVirtualService; routes: Routes } | null {
  const service = services.get(host);
  const isKnown = service?.http.includes(port) === true;
  // A host that is nobody's has a route on port 80 only.
  const isNobodys = port === 80 && service?.ports.includes(port) !== true;
  const exact = isKnown || isNobodys ? (hosts.exact.get(host) ?? []) : [];
  const most = mostSpecific(host, hosts.specific, hosts.wildcards);
  const isGeneral = isKnown && most?.hosts.some((each) => isWildcard(each) && isSubsetOf(host, each));
  const rank = (rule: MergedVirtualService): number => hosts.rank.get(rule) ?? 0;
  const candidates = [...exact, ...(most && isGeneral ? [most] : [])].sort((a, b) => rank(a) - rank(b));
  for (const rule of candidates) {
    const routes = routesFor(rule.http, caller, 'mesh', port);
    if (routes.routes.length > 0) return { rule, routes };
  }
  return null;
}
