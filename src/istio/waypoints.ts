import { isSelected, type LabelSelector } from './selector.ts';

type Labels = Readonly<Record<string, string>>;

export const USE_WAYPOINT = 'istio.io/use-waypoint';
const USE_WAYPOINT_NAMESPACE = 'istio.io/use-waypoint-namespace';

/** Whether an ingress gateway sends what is for a Service through its waypoint; else it goes to the pods. */
export const INGRESS_USES_WAYPOINT = 'istio.io/ingress-use-waypoint';

/** By which pods and Services that istiod makes for a Gateway say what they are for. */
const MANAGED = 'gateway.istio.io/managed';

/** Whether istiod made it for a waypoint: one of Istio's, or of agentgateway (files/waypoint.yaml, files/agentgateway-waypoint.yaml). */
export const isManagedWaypoint = (labels: Labels): boolean =>
  ['istio.io-mesh-controller', 'istio.io-agentgateway-waypoint-controller'].includes(labels[MANAGED] ?? '');

/** Istio's waypoints and east-west gateways have no waypoint themselves, agentgateway's have (waypoints.go, fetchWaypointForService). */
const hasNone = (labels: Labels): boolean =>
  ['istio.io-mesh-controller', 'istio.io-eastwest-controller'].includes(labels[MANAGED] ?? '');

/** A waypoint that is asked for, and by whose label: the object's own, or its namespace's. */
export interface WaypointWish {
  namespace: string;
  name: string;
  by: 'own' | 'namespace';
}

/**
 * The waypoint that a Service, a ServiceEntry or a pod asks for, by its own label, else by its namespace's; null where it asks for
 * none (pilot/pkg/serviceregistry/ambient/waypoints.go, GetUseWaypoint).
 */
export function waypointFor(
  object: { namespace: string; labels: Labels },
  namespace: Labels | undefined,
): WaypointWish | null {
  if (hasNone(object.labels)) return null;
  const by = object.labels[USE_WAYPOINT] === undefined ? 'namespace' : 'own';
  const labels = by === 'own' ? object.labels : namespace;
  const name = labels?.[USE_WAYPOINT];
  if (name === undefined || name === 'none') return null;
  return { namespace: labels?.[USE_WAYPOINT_NAMESPACE] ?? object.namespace, name, by };
}

/** What a waypoint says of whom it serves. */
export interface WaypointModel {
  namespace: string;
  /** Of the Gateway, else of its class: `service` where neither says. */
  serves: string;
  /** Whether it has an address: istiod gives one with its first pod, ready or not, and never takes it away. */
  hasAddress: boolean;
  /** From which namespaces it takes Services: by its listener for HBONE. */
  from: { namespaces: string; selector: LabelSelector | null };
}

/** Why a waypoint that is asked for does not serve. */
export type Unbound = 'missing' | 'not-ready' | 'namespace-denied' | 'serves-others';

/** Whether a waypoint takes objects of a namespace (waypoints.go, AllowsAttachmentFromNamespace). */
function takesFrom({ namespace: own, from }: WaypointModel, namespace: string, labels: Labels): boolean {
  if (from.namespaces === 'All') return true;
  // Older releases of Kubernetes do not give this label themselves.
  if (from.namespaces === 'Selector')
    return isSelected(from.selector, { 'kubernetes.io/metadata.name': namespace, ...labels });
  return own === namespace;
}

/**
 * Why the waypoint that an object asks for does not serve it; null where it does. A pod that has the wish from its namespace
 * needs none where the waypoint serves Services (waypoints.go, fetchWaypointForService and fetchWaypointForWorkload).
 */
export function unboundBecause(
  waypoint: WaypointModel | null,
  object: { namespace: string; kind: 'service' | 'workload' },
  namespace: Labels,
): Unbound | null {
  if (waypoint === null) return 'missing';
  if (!waypoint.hasAddress) return 'not-ready';
  if (!takesFrom(waypoint, object.namespace, namespace)) return 'namespace-denied';
  return waypoint.serves === 'all' || waypoint.serves === object.kind ? null : 'serves-others';
}
