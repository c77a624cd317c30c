import { inboundKeptBy, SIDECAR_PORTS } from '../../istio/capture.ts';
import { hasLabels, type Subset } from '../../istio/destination-rules.ts';
import { isSidecar } from '../envoy/asked.ts';
import { byNamespace, grouped, selects } from '../kubernetes/lists.ts';
import { isAmbient, isRunning, type Pod } from '../kubernetes/pod.ts';
import type { Service } from '../kubernetes/service.ts';
import { capturedOf } from './captured.ts';
import { proxyContainerOf } from './proxies.ts';

/** Whether nothing of Istio's stands before a pod. */
export const isNaked = (pod: Pod): boolean => proxyContainerOf(pod) === undefined && !isAmbient(pod);

/** The label by which Istio takes a pod for one that understands mutual TLS; the injector gives it. */
export const TLS_MODE = 'security.istio.io/tlsMode';

/** Whether callers are told to speak mutual TLS to a pod, whatever runs there (pilot/pkg/xds/endpoints/mtls_checker.go, checkMtlsEnabled). */
export const takesTls = ({ labels }: Pod): boolean => labels[TLS_MODE] === 'istio';

/** Whether a pod has a sidecar. */
export const hasSidecar = (pod: Pod): boolean => {
  const container = proxyContainerOf(pod);
  return container !== undefined && isSidecar({ pod, container });
};

/** The running pods behind a Service, or behind a subset of it; `own` are those of its namespace. */
export const behind = (service: Service, own: readonly Pod[], subset: Subset | null = null): readonly Pod[] =>
  own.filter(
    (pod) => isRunning(pod) && selects(service.selector, pod.labels) && hasLabels(subset?.labels ?? {}, pod.labels),
  );

/** The running pods behind any Service, of many pods: each is looked for among those that share one label with its selector. */
export function behindAny(pods: readonly Pod[]): (service: Service) => readonly Pod[] {
  const podsIn = byNamespace(pods);
  /** By namespace, then by a label's name, then by its value: of the names that selectors have. */
  const known = new Map<string, Map<string, ReadonlyMap<string, readonly Pod[]>>>();
  const having = (namespace: string, label: string, value: string): readonly Pod[] => {
    const own = known.get(namespace) ?? new Map<string, ReadonlyMap<string, readonly Pod[]>>();
    known.set(namespace, own);
    const byValue = own.get(label) ?? grouped(podsIn(namespace), ({ labels }) => labels[label]);
    own.set(label, byValue);
    return byValue.get(value) ?? [];
  };
  return (service) => {
    const sharing = Object.entries(service.selector).map(([label, value]) => having(service.namespace, label, value));
    const [fewest = []] = sharing.sort((a, b) => a.length - b.length);
    return behind(service, fewest);
  };
}

/** Whether a pod speaks gRPC to the mesh by itself: what was injected brings its configuration only (grpc-agent.yaml). */
const isGrpcAgent = ({ annotations }: Pod): boolean => /"istio-xds"/.test(annotations['sidecar.istio.io/status'] ?? '');

/**
 * Who answers on a port of a pod: nobody of Istio's, its sidecar, its node's ztunnel, or the application behind the
 * sidecar's back: what is kept from the sidecar is plain text, whatever a PeerAuthentication says. Null for a gateway, whose
 * ports are what its Gateway says, for the sidecar's own pages, and where the application is told itself what to take, or
 * nothing is redirected (NONE): then a Sidecar says on which ports its proxy listens (pilot/pkg/networking/core/listener_inbound.go,
 * buildInboundChainConfigs).
 */
export function answersOn(pod: Pod, port: number): 'nobody' | 'sidecar' | 'ztunnel' | 'application' | null {
  const container = proxyContainerOf(pod);
  if (!container) return isAmbient(pod) ? 'ztunnel' : 'nobody';
  if (!isSidecar({ pod, container }) || isGrpcAgent(pod) || SIDECAR_PORTS.includes(port)) return null;
  const captured = capturedOf({ pod, container });
  if (captured.interception === 'NONE') return null;
  return inboundKeptBy(captured, port) === null ? 'sidecar' : 'application';
}
