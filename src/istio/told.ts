import { isWildcard } from './hosts.ts';
import type { Routing } from './routing.ts';
import { bestOf, isServiceVisible, type Registry, type RegistryService } from './services.ts';
import { type EgressListener, listenersOf, type Sidecar, takesRule, takesService } from './sidecars.ts';
import { isForMesh, type MergedVirtualService, streamDestinations } from './virtual-services.ts';
import { inOrder } from './visibility.ts';

/** What the proxies of one namespace and Sidecar are told of the mesh, whatever their labels are. */
export interface Told {
  listeners: readonly Listener[];
  /** The Services that they have clusters for, by host. */
  services: ReadonlyMap<string, RegistryService>;
  /** The rules for sidecars that they get, the one that wins first. */
  rules: readonly MergedVirtualService[];
  /** The same, to be asked for one. */
  got: ReadonlySet<MergedVirtualService>;
}

/** What one listener of a Sidecar takes in. */
export interface Listener {
  /** The port that it is for; null for all the others. */
  port: number | null;
  services: ReadonlyMap<string, RegistryService>;
  hosts: ByHost;
}

/** The rules of one listener by their hosts: all of each, the one that wins first, and the first of each wildcard. */
export interface ByHost {
  exact: ReadonlyMap<string, readonly MergedVirtualService[]>;
  wildcards: ReadonlyMap<string, MergedVirtualService>;
}

function byHost(rules: readonly MergedVirtualService[]): ByHost {
  const exact = new Map<string, MergedVirtualService[]>();
  const wildcards = new Map<string, MergedVirtualService>();
  for (const rule of rules) {
    for (const host of rule.hosts) {
      const same = exact.get(host);
      if (same) same.push(rule);
      else if (!isWildcard(host)) exact.set(host, [rule]);
      else if (!wildcards.has(host)) wildcards.set(host, rule);
    }
  }
  return { exact, wildcards };
}

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

const lacks = (own: readonly number[], others: readonly number[]): boolean =>
  others.some((each) => !own.includes(each));

/** Adds a Service to those that are known: what is told of its ports is taken together. */
function add(services: Map<string, RegistryService>, service: RegistryService): void {
  const known = services.get(service.host);
  if (known === undefined || (known.kind === 'ServiceEntry' && service.kind === 'Service'))
    services.set(service.host, service);
  else if (known.namespace !== service.namespace || known.kind !== service.kind) return;
  // Most are known whole already: they stay the registry's own.
  else if (lacks(known.ports, service.ports) || lacks(known.http, service.http))
    services.set(service.host, {
      ...known,
      ports: [...new Set([...known.ports, ...service.ports])],
      http: [...new Set([...known.http, ...service.http])],
    });
}

/** What a Sidecar's listeners take in, and the Services that their rules lead to beside (pilot/pkg/model/sidecar.go). */
export function toldOf({ registry, virtualServices }: Routing, namespace: string, sidecar: Sidecar | null): Told {
  const all = inOrder(virtualServices.filter(isForMesh), namespace);
  const listeners = listenersOf(sidecar).map((listener) => {
    const rules = all.filter((rule) => takesRule(listener, rule, namespace));
    const services = servicesOf(listener, registry, namespace);
    return { port: listener.port, services, rules, hosts: byHost(rules) };
  });
  const services = new Map<string, RegistryService>();
  for (const { port, rules, services: own } of listeners) {
    for (const service of own.values()) add(services, service);
    for (const rule of rules) {
      for (const [host, ports] of destinationsOf(rule, namespace)) {
        const same = registry.get(host) ?? [];
        const service =
          same.find((each) => each.namespace === namespace) ??
          bestOf(same.filter((each) => isServiceVisible(each, namespace)));
        if (!service) continue;
        const wanted = port === null ? ports : new Set([port]);
        const kept = service.ports.filter((each) => wanted === null || wanted.has(each));
        if (kept.length > 0) add(services, limited(service, kept));
      }
    }
  }
  const got = new Set(listeners.flatMap(({ rules }) => rules));
  return { listeners, services, rules: [...got], got };
}
