import { hasLabels } from './destination-rules.ts';

/** Labels of a pod, or those that a selector asks for. */
type Labels = Readonly<Record<string, string>>;

/** An object that a policy names by its targetRefs. */
export interface TargetRef {
  /** Empty for Kubernetes' own. */
  group: string;
  kind: string;
  name: string;
  /** Empty for the policy's own. */
  namespace: string;
}

/** A Telemetry, an EnvoyFilter: an object that is for some workloads. */
export interface Policy {
  name: string;
  namespace: string;
  /** Null where it selects nobody in particular. */
  selector: Labels | null;
  targets: readonly TargetRef[];
}

/** What a proxy serves: an application beside it, the mesh's border, or other workloads of ambient. */
export type ProxyKind = 'sidecar' | 'gateway' | 'waypoint';

/** What of a proxy decides which objects are for it. */
export interface MeshProxy {
  namespace: string;
  labels: Labels;
  kind: ProxyKind;
  /** `1.31.0`; null where nothing tells. */
  version: string | null;
}

/** A Service or ServiceEntry that a waypoint serves. */
export interface Served {
  kind: 'Service' | 'ServiceEntry';
  name: string;
  namespace: string;
}

/** By which pods of the Gateway API's gateways and waypoints say whose they are. */
export const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';

/** Of the GatewayClass that is every waypoint's. */
export const WAYPOINT_CLASS = 'istio-waypoint';

const GATEWAY_API = 'gateway.networking.k8s.io';
const GROUPS: Readonly<Record<string, string>> = {
  Gateway: GATEWAY_API,
  GatewayClass: GATEWAY_API,
  Service: '',
  ServiceEntry: 'networking.istio.io',
};

/** Whether a policy is for a whole namespace: an empty selector is none (pilot/pkg/model/telemetry.go, namespaceWideTelemetryConfig). */
export const isNamespaceWide = ({ selector, targets }: Policy): boolean =>
  Object.keys(selector ?? {}).length === 0 && targets.length === 0;

/** `core` is another word for Kubernetes' own group (pkg/config/model.go, CanonicalGroup). */
const isOf = ({ group, kind }: TargetRef, wanted: string): boolean =>
  kind === wanted && (group === 'core' ? '' : group) === GROUPS[wanted];

/**
 * Whether a policy is for a proxy, and of a waypoint for what it serves (pilot/pkg/model/policyattachment.go,
 * ShouldAttachPolicy). Gateways of the Gateway API take selectors too, unless ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY is
 * false; waypoints never do.
 */
export function isAttached(policy: Policy, proxy: MeshProxy, root: string, served: Served | null = null): boolean {
  const gateway = proxy.labels[GATEWAY_NAME];
  if (gateway === undefined) return policy.targets.length === 0 && hasLabels(policy.selector ?? {}, proxy.labels);
  const isWaypoint = proxy.kind === 'waypoint';
  if (policy.targets.length === 0) return !isWaypoint && hasLabels(policy.selector ?? {}, proxy.labels);
  return policy.targets.some((target) => {
    if (isWaypoint && served && isOf(target, served.kind))
      return target.name === served.name && policy.namespace === served.namespace;
    if (isWaypoint && isOf(target, 'GatewayClass')) return policy.namespace === root && target.name === WAYPOINT_CLASS;
    const isHere = policy.namespace === proxy.namespace && ['', proxy.namespace].includes(target.namespace);
    return isHere && isOf(target, 'Gateway') && target.name === gateway;
  });
}
