import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import type { Port } from '../../istio/protocol.ts';
import { text } from '../text/json.ts';
import type { Pod } from './pod.ts';

export interface Service {
  name: string;
  namespace: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  selector: Readonly<Record<string, string>>;
  ports: readonly ServicePort[];
  /** Without an address of its own: clients speak with the pods. */
  headless: boolean;
  /** Another name, and no pods. */
  external: boolean;
  /** Whether requests come to pods that are not ready too. */
  takesUnready: boolean;
  /** What istiod says of its waypoint (1.24 and newer); null when it says nothing. */
  waypoint: WaypointBound | null;
}

/** A condition `istio.io/WaypointBound` (pilot/pkg/model/service.go, GetConditions). */
export interface WaypointBound {
  bound: boolean;
  message: string;
  /** Since when; null where it does not say. */
  since: number | null;
}

/** What istiod says of the waypoint of a Service or a ServiceEntry. */
export function waypointBoundIn(
  conditions: readonly { type?: unknown; status?: unknown; message?: unknown; lastTransitionTime?: unknown }[],
): WaypointBound | null {
  const found = conditions.find(({ type }) => type === 'istio.io/WaypointBound');
  if (!found) return null;
  const since = Date.parse(text(found.lastTransitionTime));
  return {
    bound: found.status === 'True',
    message: text(found.message),
    since: Number.isNaN(since) ? null : since,
  };
}

export interface ServicePort extends Port {
  targetPort: number | string;
}

interface RawService {
  spec?: {
    selector?: Record<string, string> | null;
    type?: string;
    clusterIP?: string;
    publishNotReadyAddresses?: boolean;
    ports?:
      | readonly {
          name?: string;
          port?: number;
          targetPort?: number | string;
          protocol?: string;
          appProtocol?: string;
        }[]
      | null;
  };
  status?: {
    conditions?: readonly { type?: string; status?: string; message?: string; lastTransitionTime?: string }[];
  };
}

export function serviceOf({ metadata, ...rest }: KubernetesObject): Service {
  const { spec: { selector, ports, type, clusterIP, publishNotReadyAddresses } = {}, status } = rest as RawService;
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    selector: selector ?? {},
    ports: (ports ?? []).map(({ name, port = 0, targetPort, protocol = 'TCP', appProtocol }) => ({
      name: name ?? null,
      port,
      targetPort: targetPort ?? port,
      protocol,
      appProtocol: appProtocol ?? null,
    })),
    headless: clusterIP === 'None',
    external: type === 'ExternalName',
    takesUnready: publishNotReadyAddresses === true,
    waypoint: waypointBoundIn(status?.conditions ?? []),
  };
}

/** The port of a pod that a Service's port leads to; null where the pod has none of that name. */
export function targetOf({ targetPort }: ServicePort, { containers }: Pod): number | null {
  if (typeof targetPort === 'number') return targetPort;
  return containers.flatMap(({ ports }) => ports).find(({ name }) => name === targetPort)?.port ?? null;
}
