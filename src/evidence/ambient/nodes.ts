import { isZtunnel } from '../istio/detection.ts';
import type { Pod } from '../kubernetes/pod.ts';

/** A pod of istio-cni's DaemonSet, whose agent enrols the pods of its node (manifests/charts/istio-cni/templates/daemonset.yaml). */
export const isNodeAgent = ({ labels, containers }: Pod): boolean =>
  labels['k8s-app'] === 'istio-cni-node' ||
  containers.some(({ name, image }) => name === 'install-cni' && /install-cni/.test(image));

/** What of ambient runs on a node: the best of each, a pod that is ready before one that is not. */
export interface AmbientNode {
  ztunnel: Pod | null;
  agent: Pod | null;
}

const better = (one: Pod | null, other: Pod): Pod => (one?.ready === true ? one : other);

/** What runs on each node. Pods that ended, or are on their way out, do not. */
export function nodesIn(pods: readonly Pod[]): ReadonlyMap<string, AmbientNode> {
  const nodes = new Map<string, AmbientNode>();
  for (const pod of pods) {
    if (pod.node === null || pod.deleting || pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
    const [isTunnel, isAgent] = [isZtunnel(pod), isNodeAgent(pod)];
    if (!isTunnel && !isAgent) continue;
    const { ztunnel, agent } = nodes.get(pod.node) ?? { ztunnel: null, agent: null };
    nodes.set(pod.node, {
      ztunnel: isTunnel ? better(ztunnel, pod) : ztunnel,
      agent: isAgent ? better(agent, pod) : agent,
    });
  }
  return nodes;
}
