import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import type { Port } from '../../istio/protocol.ts';
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
  waypoint: { bound: boolean; message: string } | null;
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
  status?: { conditions?: readonly { type?: string; status?: string; message?: string }[] };
}

export function serviceOf({ metadata, ...rest }: KubernetesObject): Service {
  const { spec: { selector, ports, type, clusterIP, publishNotReadyAddresses } = {}, status } = rest as RawService;
  const bound = status?.conditions?.find((each) => each.type === 'istio.io/WaypointBound');
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
    waypoint: bound ? { bound: bound.status === 'True', message: bound.message ?? '' } : null,
  };
}

/** The port of a pod that a Service's port leads to; null where the pod has none of that name. */
export function targetOf({ targetPort }: ServicePort, { containers }: Pod): number | null {
  if (typeof targetPort === 'number') return targetPort;
  return containers.flatMap(({ ports }) => ports).find(({ name }) => name === targetPort)?.port ?? null;
}
