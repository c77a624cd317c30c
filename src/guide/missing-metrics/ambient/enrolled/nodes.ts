import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { type Enrolled, enrolled, type Member } from '../../../../evidence/ambient/enrolled.ts';
import type { AmbientNode } from '../../../../evidence/ambient/nodes.ts';
import { isYoung } from '../../../../evidence/istio/proxies.ts';
import { grouped } from '../../../../evidence/kubernetes/lists.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { nobodyIn } from '../in-ambient.ts';

type Lack = 'NoZtunnel' | 'ZtunnelNotReady' | 'NoNodeAgent' | 'NodeAgentNotReady';

const WORDS: Readonly<Record<Lack, string>> = {
  NoZtunnel: 'no ztunnel runs',
  ZtunnelNotReady: 'ztunnel is not ready',
  NoNodeAgent: 'no agent of istio-cni runs',
  NodeAgentNotReady: 'the agent of istio-cni is not ready',
};

/** A pod that is redirected already does without the agent, until it is made anew. */
function lackOf({ node: { ztunnel, agent }, redirection }: Member): Lack | null {
  if (ztunnel === null) return 'NoZtunnel';
  if (agent === null && redirection !== 'enabled') return 'NoNodeAgent';
  if (!ztunnel.ready) return 'ZtunnelNotReady';
  return agent !== null && !agent.ready && redirection !== 'enabled' ? 'NodeAgentNotReady' : null;
}

/** As in a rollout: what is not ready yet has only just started. */
const isStarting = ({ ztunnel, agent }: AmbientNode, now: number): boolean =>
  [ztunnel, agent].some((pod) => pod !== null && !pod.ready && isYoung(pod, now));

function hintFor(lack: Lack, { node }: Member, { nodes }: Enrolled): string {
  const which = lack === 'NoZtunnel' || lack === 'ZtunnelNotReady' ? 'ztunnel' : 'agent';
  const name = which === 'ztunnel' ? 'ztunnel' : 'istio-cni-node';
  const pod: Pod | null = node[which];
  if (pod) return shellLine('kubectl', '-n', pod.namespace, 'describe', 'pod', pod.name);
  const [other] = [...nodes.values()].flatMap((each) => each[which] ?? []);
  return other
    ? `${shellLine('kubectl', '-n', other.namespace, 'describe', 'daemonset', other.owner?.name ?? name)}   # tolerations and nodeSelector against the node’s taints and labels, and its Events`
    : `kubectl get daemonsets --all-namespaces   # ${name}: its Events tell why it has no pods; it may not be installed, or lack a ResourceQuota for system-node-critical`;
}

export const nodesServeAmbient = defineCheck({
  id: 'nodes-serve-ambient',
  title: 'ztunnel and the agent of istio-cni run on the node of each pod in ambient',
  explains:
    'On each node the agent of istio-cni leads the connections of pods in ambient to the ztunnel of that node; without both, ready, on the pod’s own node there is no mesh for it, and no metric. DaemonSets count as complete where a taint, a nodeSelector or a quota keeps them from a node: so each pod’s own node is looked at.',
  reasons: {
    NoZtunnel: 'No ztunnel runs on the nodes of these pods: nothing carries or counts their connections.',
    ZtunnelNotReady: 'The ztunnel on the nodes of these pods is not ready.',
    NoNodeAgent: 'No agent of istio-cni runs on the nodes of these pods: nobody leads their connections to ztunnel.',
    NodeAgentNotReady: 'The agent of istio-cni on the nodes of these pods is not ready.',
  },
  needs: { enrolled },
  judge({ enrolled: all }, { now }): Verdict {
    const { members, unasked, refusal } = all;
    const old = members.filter(({ pod, isYoung }) => pod.node !== null && !isYoung);
    const placed = old.filter(({ node }) => !isStarting(node, now));
    // Where not every pod could be seen, neither could every ztunnel.
    if (refusal) return unknown([refusal], 'whether ztunnel runs on each node');
    const [why, ...others] = unasked;
    if (why && members.length === 0) return unknown([why, ...others], 'who is in ambient is not known');
    if (placed.length === 0)
      return skip(
        members.length === 0
          ? nobodyIn(all)
          : `every ${old.length === 0 ? 'pod in ambient' : 'ztunnel of these pods'} has only just started`,
      );
    const groups = grouped(placed, lackOf);
    const [worst, ...lacks] = [...groups].sort(([, a], [, b]) => b.length - a.length);
    const nodesOf = (own: readonly Member[]): readonly string[] =>
      [...new Set(own.flatMap(({ pod }) => pod.node ?? []))].sort();
    const total = nodesOf(placed).length;
    if (!worst)
      return {
        status: 'pass',
        message: `${count(total, 'node')} with ${count(placed.length, 'pod')}: both run on each`,
      };
    const [lack, own] = worst;
    const [first] = own;
    if (!first) return skip(nobodyIn(all));
    const nodes = nodesOf(own);
    const subjects = subjectsOf([...groups.values()].flat().map(({ pod }) => pod));
    return {
      status: 'fail',
      reason: lack,
      message: `${WORDS[lack]} on ${nodes.length} of ${count(total, 'node')}, which costs ${count(own.length, 'pod')}: ${some(nodes)}`,
      evidence: [
        ...lacks.map(([each, theirs]) => `${WORDS[each]} on ${some(nodesOf(theirs))}: ${count(theirs.length, 'pod')}`),
        ...linesOf(subjects),
      ],
      subjects,
      hint: hintFor(lack, first, all),
    };
  },
});
