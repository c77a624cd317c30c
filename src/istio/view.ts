import { destinationRuleFor, hasLabels, type MergedRule } from './destination-rules.ts';
import { mostSpecific } from './hosts.ts';
import { type Caller, type Destination, type Routes, routesFor } from './http-rules.ts';
import type { Routing } from './routing.ts';
import type { RegistryService } from './services.ts';
import { listenerFor, type Sidecar, sidecarOf } from './sidecars.ts';
import { type Listener, type Told, toldOf } from './told.ts';
import type { MergedVirtualService } from './virtual-services.ts';

/** What one caller's proxy is told of the mesh. */
export interface View {
  caller: Caller;
  sidecar: Sidecar | null;
  /** The Services that it has clusters for, by host. */
  services: ReadonlyMap<string, RegistryService>;
  /** The rules for sidecars that it gets, the one that wins first. */
  rules: readonly MergedVirtualService[];
  /** Whether it gets a rule. */
  has(rule: MergedVirtualService): boolean;
  /** The rule that decides about calls to a host and port, and its routes; null where none does. */
  ruleFor(host: string, port: number): { rule: MergedVirtualService; routes: Routes } | null;
  /** Null where no DestinationRule is applied. */
  destinationRuleFor(host: string): MergedRule | null;
  /** What keeps it from having a cluster for a destination; null where it has one. Without a port any will do. */
  lackOf(destination: Destination): Lack | null;
}

/** What a proxy does not know of a destination: its host, its port, its subset, an endpoint of the subset. */
export type Lack = 'host' | 'port' | 'subset' | 'endpoint';

/** What one sidecar's proxy is told (a gateway's is told of every Service that is visible in its namespace). */
export const viewOf = (routing: Routing, caller: Caller): View => viewsOf(routing)(caller);

/** What each of many sidecars' proxies is told. Those of one namespace and Sidecar share all that their labels do not decide. */
export function viewsOf(routing: Routing): (caller: Caller) => View {
  const known = new Map<string, Told>();
  return (caller) => {
    const { namespace } = caller;
    const sidecar = sidecarOf(routing.sidecars, caller, routing.root);
    const key = sidecar ? `${namespace} ${sidecar.namespace}/${sidecar.name}` : namespace;
    const told = known.get(key) ?? toldOf(routing, namespace, sidecar);
    known.set(key, told);
    return viewIn(told, routing, caller, sidecar);
  };
}

function viewIn(told: Told, { destinationRules, root }: Routing, caller: Caller, sidecar: Sidecar | null): View {
  const { listeners, services } = told;
  const destinationRule = (host: string): MergedRule | null => {
    const service = services.get(host);
    return service ? destinationRuleFor(destinationRules, root, caller, service) : null;
  };
  return {
    caller,
    sidecar,
    services,
    rules: told.rules,
    has: (rule) => told.got.has(rule),
    ruleFor(host, port) {
      const listener = listenerFor(listeners, port);
      return listener ? decidingRule(listener, caller, host, port) : null;
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

const NONE: ReadonlyMap<string, MergedVirtualService> = new Map();

/**
 * The first rule with routes for the caller that names the host; the most specific wildcard where none names it (route.go,
 * separateVSHostsAndServices; httproute.go, BuildSidecarOutboundVirtualHosts).
 */
function decidingRule(
  { hosts, services }: Listener,
  caller: Caller,
  host: string,
  port: number,
): { rule: MergedVirtualService; routes: Routes } | null {
  const service = services.get(host);
  const isKnown = service?.http.includes(port) === true;
  // A host that is nobody's has a route on port 80 only, and of a rule that names it.
  if (!isKnown && (port !== 80 || service?.ports.includes(port))) return null;
  const exact = hosts.exact.get(host);
  const general = exact || !isKnown ? null : mostSpecific(host, NONE, hosts.wildcards);
  for (const rule of exact ?? (general ? [general] : [])) {
    const routes = routesFor(rule.http, caller, 'mesh', port);
    if (routes.routes.length > 0) return { rule, routes };
  }
  return null;
}
