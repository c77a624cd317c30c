import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled, runsMesh } from '../../../../evidence/ambient/enrolled.ts';
import { agentSettings } from '../../../../evidence/ambient/settings.ts';
import { hasProxy } from '../../../../evidence/istio/injection.ts';
import { isYoung } from '../../../../evidence/istio/proxies.ts';
import { meshShares } from '../../../../evidence/istio/shares.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { isRolledOut, linesOf, ownerOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { narrowed } from '../../../../evidence/kubernetes/workload.ts';
import { DATAPLANE, type Exception, REDIRECTION, wantsAmbient } from '../../../../istio/enrolment.ts';
import { isKubernetes } from '../../../../istio/injection.ts';
import { editOwner, patchTemplate } from '../../../templates.ts';
import { lookAtSettings } from './kept.ts';

type Outside = 'NotAsked' | 'OptedOut' | 'NamespaceExcluded' | 'NotSelected' | 'HostNetwork';

const WORDS: Readonly<Record<Outside, string>> = {
  NotAsked: 'nobody asks for ambient',
  OptedOut: 'says that it wants none of ambient',
  NamespaceExcluded: 'is in a namespace that istio-cni’s agents leave out',
  NotSelected: 'istio-cni’s agents do not go by the labels that it has',
  HostNetwork: 'uses its node’s network, and cannot be enrolled',
};

/** How a pod says that it wants none: by its label, or by the annotation of releases before 1.22. */
const isOptedOut = ({ labels, annotations }: Pod): boolean =>
  labels[DATAPLANE] === 'none' || annotations[REDIRECTION] === 'disabled';

function reasonOf(by: Exception | null, pods: readonly Pod[], isLabelled: boolean): Outside {
  if (by === 'excluded-namespace') return 'NamespaceExcluded';
  if (by === 'host-network') return 'HostNetwork';
  if (by === 'opted-out' && pods.some(isOptedOut)) return 'OptedOut';
  if (by === 'opted-out' || isLabelled) return 'NotSelected';
  // Nobody asks for them; and whoever did would not get them in.
  if (pods.every(isOptedOut)) return 'OptedOut';
  return pods.every(({ hostNetwork }) => hostNetwork) ? 'HostNetwork' : 'NotAsked';
}

/** Takes back that a pod wants none; where its namespace does not ask, the pod itself does. */
function askAgain(pod: Pod, isNamespaceAsking: boolean): string {
  const owner = ownerOf(pod);
  const mode = isNamespaceAsking ? null : 'ambient';
  if (isRolledOut(owner))
    return patchTemplate(owner, { labels: { [DATAPLANE]: mode }, annotations: { [REDIRECTION]: null } });
  if (owner.kind !== 'Pod') return `${editOwner(pod)}   # its template’s label ${DATAPLANE}`;
  const set = mode === null ? `${DATAPLANE}-` : `${DATAPLANE}=${mode}`;
  return shellLine('kubectl', '-n', pod.namespace, 'label', '--overwrite', 'pod', pod.name, set);
}

/** What brings the workload in; of one that cannot come in, what counts for it. */
function hintFor(
  reason: Outside,
  by: Exception | null,
  [pod]: readonly Pod[],
  namespace: string,
  agents: string | null,
) {
  if (reason === 'NamespaceExcluded' || reason === 'NotSelected')
    return `${lookAtSettings(agents)}   # what the agents go by`;
  const owner = pod && ownerOf(pod);
  if (reason === 'OptedOut' && pod) return askAgain(pod, by === 'opted-out');
  if (reason === 'HostNetwork' && owner)
    return `${shellLine('kubectl', '-n', namespace, 'get', owner.kind.toLowerCase(), owner.name, '-o', 'yaml')}   # hostNetwork; its callers’ ztunnels count what they send it`;
  return shellLine('kubectl', 'label', '--overwrite', 'namespace', namespace, `${DATAPLANE}=ambient`);
}

export const workloadEnrolled = defineCheck({
  id: 'workload-enrolled',
  about: 'workload',
  title: 'the workload is in ambient',
  explains:
    'For the workload on the command line: whether ztunnel carries the connections of its running pods. What is not meant to be in the mesh is not lost in a mesh; who names it misses its metrics, and is told the label to set. Where the mesh has sidecars too, and the pod has neither, the sidecars’ own check tells.',
  reasons: {
    NotAsked: 'Neither the workload’s pods nor their namespace ask for ambient.',
    ZtunnelNotReady: 'The ztunnel that was asked for is not ready: it carries nothing.',
    OptedOut: 'The workload’s pods say that they want none of ambient.',
    NamespaceExcluded: 'The agents of istio-cni are told to leave out the workload’s namespace.',
    NotSelected:
      'The workload has the label that asks for ambient, and the agents of istio-cni are told to go by others.',
    HostNetwork: 'The workload’s pods use their node’s network: nothing can redirect their connections.',
  },
  needs: { narrowed, enrolled, shares: attempt(meshShares), settings: attempt(agentSettings) },
  judge(
    { narrowed, enrolled: { members, kept, namespaces, waypoints, ztunnels, unasked, refusal }, shares, settings },
    { now },
  ): Verdict {
    if (!narrowed) return skip('no single workload was asked for');
    const { workload, pods } = narrowed;
    const name = `${workload.kind}/${workload.name}`;
    const own = new Set(pods);
    const [unready, ...others] = ztunnels.filter((pod) => own.has(pod) && !pod.ready && !isYoung(pod, now));
    if (unready)
      return {
        status: 'fail',
        reason: 'ZtunnelNotReady',
        message: `${count(1 + others.length, 'ztunnel')} of ${name} ${others.length === 0 ? 'is' : 'are'} not ready: ${some([unready, ...others].map(titleOf))}`,
        subjects: subjectsOf([unready, ...others]),
        hint: shellLine('kubectl', '-n', unready.namespace, 'describe', 'pod', unready.name),
      };
    const carrying = [...waypoints, ...ztunnels].filter((pod) => own.has(pod));
    if (carrying.length > 0)
      return { status: 'pass', message: `${name} carries the traffic of others: ${count(carrying.length, 'pod')}` };
    if (pods.length === 0)
      return refusal ? unknown([refusal], `the pods of ${name}`) : skip(`no running pod belongs to ${name}`);
    const asking = new Set(members.map(({ pod }) => pod));
    const outside = pods.filter((pod) => !asking.has(pod));
    if (asking.size > 0 && outside.every(hasProxy)) {
      const redirected = members.filter(({ redirection }) => redirection === 'enabled').length;
      if (redirected === 0) return skip(`no pod of ${name} is redirected: as above`);
      return { status: 'pass', message: `${redirected} of ${count(pods.length, 'pod')} of ${name} in ambient` };
    }
    if (outside.every(runsMesh)) return skip(`${name} runs the mesh: nobody carries its traffic`);
    if (isKubernetes(workload.namespace)) return skip(`${name} is of Kubernetes itself, which is not looked at`);
    if (asking.size === 0 && outside.some(hasProxy)) return skip(`a sidecar carries the traffic of ${name}`);
    const by = kept.find((each) => each.by !== 'sidecar')?.by ?? null;
    const [why, ...more] = unasked;
    // What keeps it out is known by what could be read; that nobody asks, or that the agents pass it over, is not.
    if (why && by === null) return unknown([why, ...more], `whether ${name} is meant to be in ambient`);
    const isLabelled = [...outside.map(({ labels }) => labels), namespaces.get(workload.namespace)].some(wantsAmbient);
    if (isLabelled && 'got' in settings && !settings.got.isAmbient)
      return skip('istio-cni’s agents enrol nobody: as above');
    if (!isLabelled && 'got' in shares && shares.got !== null && shares.got.sidecars > 0)
      return skip(`${count(outside.length, 'pod')} of ${name} with neither a sidecar nor ztunnel: as above`);
    const lost = outside.filter((pod) => !hasProxy(pod));
    const subjects = subjectsOf(lost);
    const reason = reasonOf(by, lost, isLabelled);
    return {
      status: asking.size > 0 ? 'warn' : 'fail',
      reason,
      message: `${asking.size > 0 ? `${lost.length} of ` : ''}${count(pods.length, 'pod')} of ${name}: ${WORDS[reason]}`,
      evidence: linesOf(subjects),
      subjects,
      hint: hintFor(reason, by, lost, workload.namespace, 'got' in settings ? settings.got.namespace : null),
    };
  },
});
