import { hasLabels } from './destination-rules.ts';
import { byAge, type Exported } from './visibility.ts';

export type MtlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

/** What servers take: plain text, mutual TLS, or both. */
export interface PeerAuthentication extends Exported {
  /** The pods that it is for; null for all of its namespace, or in the root namespace of the mesh. */
  selector: Readonly<Record<string, string>> | null;
  /** Null where it leaves the mode to whoever stands above. */
  mode: MtlsMode | null;
  /** Of single ports of the pods. */
  ports: ReadonlyMap<number, MtlsMode | null>;
}

/**
 * What a pod takes on a port: by the oldest rule that selects it, its port first, else by the oldest of its namespace, else
 * by the mesh's, else both (istio/istio pilot/pkg/security/authn/policy_applier.go, ComposePeerAuthentication).
 */
export function mtlsModeOf(
  rules: readonly PeerAuthentication[],
  pod: { namespace: string; labels: Readonly<Record<string, string>> },
  port: number,
  root: string,
): MtlsMode {
  const sorted = [...rules].sort(byAge);
  const mesh = sorted.find(({ namespace, selector }) => namespace === root && selector === null);
  const own = sorted.filter(({ namespace }) => namespace === pod.namespace);
  const space = pod.namespace === root ? undefined : own.find(({ selector }) => selector === null);
  const workload = own.find(({ selector }) => selector !== null && hasLabels(selector, pod.labels));
  return workload?.ports.get(port) ?? workload?.mode ?? space?.mode ?? mesh?.mode ?? 'PERMISSIVE';
}
