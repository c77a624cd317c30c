import { serviceEntries as serviceEntriesKind, typedName } from '../../cluster/question/resources.ts';
import type { Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { GATEWAY_NAME, type Served } from '../../istio/attachment.ts';
import {
  INGRESS_USES_WAYPOINT,
  type Unbound,
  USE_WAYPOINT,
  unboundBecause,
  type WaypointModel,
  type WaypointWish,
  waypointFor,
} from '../../istio/waypoints.ts';
import { type ApiGateway, apiGateways } from '../istio/gateway-api.ts';
import { serviceEntries } from '../istio/routing.ts';
import { allNamespaces, allPods, allServices, itemsOf, missingOf } from '../kubernetes/lists.ts';
import { titleOf } from '../kubernetes/named.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import type { Service, WaypointBound } from '../kubernetes/service.ts';

/** Something that asks for a waypoint. */
export interface Binding {
  /** A pod is meant where workloads are called by their own addresses. */
  of: Served | { kind: 'Pod'; name: string; namespace: string };
  /** Null of a ServiceEntry, and of a pod. */
  service: Service | null;
  /** Of a ServiceEntry its hosts, by which Envoys call it; ztunnels call it by its name. */
  hosts: readonly string[];
  wish: WaypointWish;
  /** The Gateway of that name; null where there is none, or Gateways could not be listed. */
  gateway: ApiGateway | null;
  /** Why it is not served, as istiod decides; null where it is. Unknown where Gateways could not be listed. */
  unbound: Attempt<Unbound | null>;
  /** What istiod itself says; null where it says nothing, as before 1.24 and of pods. */
  said: WaypointBound | null;
  /** Whether ingress gateways send through it; null where nothing says so. */
  ingress: boolean | null;
  /** Whether it has an address of its own, which callers dial; `given` where istiod gave it one that only ztunnel's DNS tells. */
  address: 'own' | 'given' | null;
}

/** Who asks for a waypoint, in the whole mesh, and the waypoints that there are. */
export interface Bindings {
  bindings: readonly Binding[];
  waypoints: readonly ApiGateway[];
  /** Why there may be more. */
  missing: readonly Unanswered[];
}

/** What of a Gateway decides whom it serves: its listener for HBONE (waypoints.go, makeAllowedRoutes). */
function modelOf({ namespace, serves, hasAddress, listeners }: ApiGateway): WaypointModel {
  const listener = listeners.find(({ protocol, port }) => protocol === 'HBONE' && port === 15008);
  return {
    namespace,
    serves,
    hasAddress,
    from: { namespaces: listener?.from ?? 'Same', selector: listener?.selector ?? null },
  };
}

/** Why what asks is not served, where all is known that decides: the Gateway, the namespace's labels that it selects by, its class. */
export function attachmentOf(
  gateway: ApiGateway | null,
  object: { namespace: string; kind: 'service' | 'workload' },
  labels: Readonly<Record<string, string>> | undefined,
  unseen: { gateways?: Unanswered | undefined; namespaces?: Unanswered | undefined },
): Binding['unbound'] {
  if (gateway === null) return unseen.gateways ? { missing: unseen.gateways } : { got: 'missing' };
  const model = modelOf(gateway);
  const unbound = unboundBecause(model, object, labels ?? {});
  const isSelected = model.from.namespaces === 'Selector' && labels === undefined;
  if (unbound !== 'not-ready' && isSelected && unseen.namespaces) return { missing: unseen.namespaces };
  const isByClass = unbound === null || unbound === 'serves-others';
  return isByClass && gateway.unsaid ? { missing: gateway.unsaid } : { got: unbound };
}

export const bindings = planeSource(
  [{ verb: 'list', resource: typedName(serviceEntriesKind) }],
  async ({ from }): Promise<Bindings> => {
    const [services, entries, gateways, namespaces, pods] = await Promise.all([
      from(allServices),
      settle(from(serviceEntries)),
      settle(from(apiGateways)),
      settle(from(allNamespaces)),
      from(allPods),
    ]);
    const labelsOf = new Map(itemsOf(namespaces).map(({ name, labels }) => [name, labels]));
    const all = new Map(itemsOf(gateways).map((gateway) => [titleOf(gateway), gateway]));
    const unseen = { gateways: missingOf(gateways)[0], namespaces: missingOf(namespaces)[0] };
    const bound = (
      object: { namespace: string; labels: Readonly<Record<string, string>> },
      kind: 'service' | 'workload',
      rest: Pick<Binding, 'of' | 'said' | 'address'> & Partial<Pick<Binding, 'service' | 'hosts'>>,
    ): readonly Binding[] => {
      const own = labelsOf.get(object.namespace);
      const wish = waypointFor(object, own);
      if (wish === null) return [];
      const gateway = all.get(titleOf(wish)) ?? null;
      const ingress = (object.labels[INGRESS_USES_WAYPOINT] ?? own?.[INGRESS_USES_WAYPOINT])?.toLowerCase();
      return [
        {
          service: null,
          hosts: [],
          ...rest,
          wish,
          gateway,
          unbound: attachmentOf(gateway, { namespace: object.namespace, kind }, own, unseen),
          ingress: ingress === undefined ? null : ingress === 'true',
        },
      ];
    };
    return {
      bindings: [
        // Of another name ambient knows nothing (services.go, constructService).
        ...services.items.flatMap((service) =>
          service.external
            ? []
            : bound(service, 'service', {
                of: named('Service', service),
                service,
                said: service.waypoint,
                address: service.headless ? null : 'own',
              }),
        ),
        ...itemsOf(entries).flatMap((entry) =>
          bound(entry, 'service', {
            of: named('ServiceEntry', entry),
            hosts: entry.hosts,
            said: entry.waypoint,
            address: entry.address,
          }),
        ),
        // Whoever has the wish from its namespace is served through its Services, or as a workload too.
        ...pods.items
          .filter((pod) => isRunning(pod) && pod.labels[USE_WAYPOINT] !== undefined)
          .flatMap((pod) => bound(pod, 'workload', { of: named('Pod', pod), said: null, address: 'own' })),
      ],
      waypoints: [...all.values()].filter((each) => each.isWaypoint),
      missing: [
        ...(services.refusal ? [services.refusal] : []),
        ...[entries, gateways, namespaces].flatMap((each) => missingOf(each)),
        ...(pods.refusal ? [pods.refusal] : []),
      ],
    };
  },
);

const named = <K extends Binding['of']['kind']>(kind: K, { name, namespace }: { name: string; namespace: string }) => ({
  kind,
  name,
  namespace,
});

/** Whether a Service, or what else asks, is served by its waypoint: istiod's word has weight, unless the waypoint is gone. */
export function isBound({ unbound, said }: Binding): boolean | null {
  if ('missing' in unbound) return said?.bound ?? null;
  if (unbound.got === 'missing') return false;
  return said?.bound ?? unbound.got === null;
}

/** The pods of a waypoint. */
export const podsOfWaypoint = (
  { namespace, name }: { namespace: string; name: string },
  pods: readonly Pod[],
): readonly Pod[] =>
  pods.filter((pod) => pod.namespace === namespace && pod.labels[GATEWAY_NAME] === name && isRunning(pod));
