import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled, type Member } from '../../../../evidence/ambient/enrolled.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { REDIRECTION } from '../../../../istio/enrolment.ts';
import { nobodyIn } from '../in-ambient.ts';
import { ENROLLED } from '../steps.ts';

/** Asks the agent on the pod's own node. */
const askAgent = ({ node: { agent }, pod }: Member): string =>
  agent
    ? `${shellLine('kubectl', '-n', agent.namespace, 'logs', agent.name, '--since=1h')} | grep ${shellLine(pod.name)}`
    : shellLine('kubectl', 'get', 'pods', '--all-namespaces', '-l', 'k8s-app=istio-cni-node', '-o', 'wide');

export const podsAreRedirected = defineCheck({
  id: 'pods-are-redirected',
  title: 'each pod that asks for ambient is led to its ztunnel',
  explains: `Holds every running pod against the labels by which istio-cni’s agents enrol pods, live and whenever they were created (istio.io/dataplane-mode on the pod, or on its namespace; what the agents’ ConfigMap istio-cni-config says instead, and the namespaces that it excludes). The truth afterwards is the annotation ${REDIRECTION}: enabled, once the pod’s ztunnel has taken it; pending (1.25 and newer) while connections are led to a ztunnel that does not know it.`,
  reasons: {
    NotRedirected:
      'Pods ask for ambient and are not redirected: the agent of their node has not looked at them, or could not, and said so in its log.',
    RedirectionPending:
      'The agents have redirected these pods and could not tell ztunnel: their connections go nowhere until it has taken them.',
  },
  needs: { enrolled },
  judge({ enrolled: { members, kept, unasked, refusal } }): Verdict {
    const old = members.filter(({ isYoung }) => !isYoung);
    const lost = old.filter(({ redirection }) => redirection !== 'enabled');
    const pending = lost.filter(({ redirection }) => redirection === 'pending');
    const own = pending.length === lost.length ? pending : lost.filter((each) => !pending.includes(each));
    const [first] = own;
    if (first) {
      const isPending = own === pending;
      const subjects = subjectsOf(lost.map(({ pod }) => pod));
      return {
        status: 'fail',
        reason: isPending ? 'RedirectionPending' : 'NotRedirected',
        message: `${own.length} of ${count(old.length, 'pod')} ${isPending ? 'wait for their ztunnel to take them' : 'ask for ambient and are not redirected'}: ${some(subjectsOf(own.map(({ pod }) => pod)).map(titleOf))}`,
        evidence: [
          ...(isPending || pending.length === 0
            ? []
            : [`${count(pending.length, 'more pod')} with ${REDIRECTION}: pending`]),
          ...linesOf(subjects),
        ],
        subjects,
        hint: `${askAgent(first)}   # then ${shellLine('kubectl', '-n', first.pod.namespace, 'delete', 'pod', first.pod.name)}`,
        mayFollowFrom: [ENROLLED],
      };
    }
    const missing = [...(refusal ? [refusal] : []), ...unasked];
    const [why, ...more] = missing;
    if (why) return unknown([why, ...more], `${count(old.length, 'pod')} redirected; who else asks for ambient`);
    if (old.length === 0)
      return skip(members.length === 0 ? nobodyIn({ kept }) : 'every pod in ambient has only just started');
    const young = members.length - old.length;
    return {
      status: 'pass',
      message: `${count(old.length, 'pod')} in ${some([...new Set(old.map(({ pod }) => pod.namespace))].sort())}${young > 0 ? `; ${young} too young to be judged` : ''}`,
    };
  },
});
