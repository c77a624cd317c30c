import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { indexDestinationRules } from '../../istio/destination-rules.ts';
import { hostOf } from '../../istio/hosts.ts';
import { kindsOf, selectorsIn } from '../../istio/kinds.ts';
import { protocolOf } from '../../istio/protocol.ts';
import type { Routing } from '../../istio/routing.ts';
import { type RegistryService, registryOf } from '../../istio/services.ts';
import { type View, viewsOf } from '../../istio/view.ts';
import { mergeVirtualServices } from '../../istio/virtual-services.ts';
import { callerPod, isSidecar } from '../envoy/asked.ts';
import { type MeshConfig, meshConfig } from '../kubernetes/config-maps.ts';
import { allPods, allServices, itemsOf, missingOf } from '../kubernetes/lists.ts';
import { isRunning } from '../kubernetes/pod.ts';
import type { Service } from '../kubernetes/service.ts';
import { detection } from './detection.ts';
import { ofPlane, proxyContainerOf } from './proxies.ts';
import {
  type DestinationRule,
  destinationRules,
  type ServiceEntry,
  serviceEntries,
  sidecars,
  virtualServices,
} from './routing.ts';

/** The objects that decide where calls go, and why not all of them could be seen. */
export interface Calls {
  routing: Routing;
  destinationRules: readonly DestinationRule[];
  missing: readonly Unanswered[];
}

/** A Service with the annotation of who sees it. */
function serviceOf({ name, namespace, annotations, ports }: Service, version: string | null): RegistryService {
  const tcp = ports.filter(({ protocol }) => protocol === 'TCP');
  const exportTo = annotations['networking.istio.io/exportTo'] ?? '';
  return {
    name,
    namespace,
    host: hostOf({ name, namespace }),
    exportTo: exportTo.split(',').flatMap((each) => each.trim() || []),
    createdAt: 0,
    ports: tcp.map(({ port }) => port),
    http: tcp.flatMap((each) => (protocolOf(each, version).http === 'no' ? [] : [each.port])),
    kind: 'Service',
    endpoints: null,
  };
}

const entered = ({ hosts, ...entry }: ServiceEntry): readonly RegistryService[] =>
  hosts.map((host) => ({ ...entry, host: host.toLowerCase(), kind: 'ServiceEntry' }));

/** Objects that say nothing of who sees them are seen by whom the mesh says. */
const seenBy = <T extends { exportTo: readonly string[] }>(items: readonly T[], byDefault: readonly string[]): T[] =>
  items.map((each) => (each.exportTo.length === 0 ? { ...each, exportTo: byDefault } : each));

export const calls = planeSource([], async ({ from, plane }): Promise<Calls> => {
  const [rules, services, entries, policies, scopes, mesh] = await Promise.all([
    from(virtualServices),
    from(allServices),
    settle(from(serviceEntries)),
    settle(from(destinationRules)),
    settle(from(sidecars)),
    settle(from(meshConfig)),
  ]);
  const said: Partial<MeshConfig> = ('got' in mesh ? mesh.got : null) ?? {};
  const root = said.rootNamespace ?? plane.namespace ?? 'istio-system';
  const byDefault = said.exportTo ?? { services: [], virtualServices: [], destinationRules: [] };
  const policyItems = itemsOf(policies);
  const registry = [
    ...services.items.map((service) => serviceOf(service, plane.version)),
    ...itemsOf(entries).flatMap(entered),
  ];
  return {
    routing: {
      root,
      registry: registryOf(seenBy(registry, byDefault.services)),
      destinationRules: indexDestinationRules(policyItems, { root, exportTo: byDefault.destinationRules }),
      virtualServices: mergeVirtualServices(seenBy(rules.items, byDefault.virtualServices)),
      sidecars: itemsOf(scopes),
    },
    destinationRules: policyItems,
    missing: [
      ...[rules.refusal, services.refusal].filter((refusal) => refusal !== null),
      ...[entries, policies, scopes].flatMap((each) => missingOf(each)),
      // No ConfigMap is an answer: it says nothing.
      ...('missing' in mesh && mesh.missing.hindrance !== 'NotFound' ? [mesh.missing] : []),
    ],
  };
});

/**
 * What every kind of caller in the mesh is told: the pods with a sidecar, or the one that --from names. Pods of one namespace
 * that no selector tells apart are one.
 */
export const callers = planeSource([], async ({ from, scope, plane }): Promise<readonly View[]> => {
  const [{ routing }, pods, { all: planes }, named] = await Promise.all([
    from(calls),
    from(allPods),
    from(detection),
    from(callerPod),
  ]);
  const isOwn = ofPlane(plane, planes);
  const all = pods.items.filter((pod) => {
    const container = proxyContainerOf(pod);
    return container && isRunning(pod) && isSidecar({ pod, container }) && isOwn(pod);
  });
  const own = scope.from ? (named ? [named] : []) : all;
  return kindsOf(own, selectorsIn(routing)).map(viewsOf(routing));
});
