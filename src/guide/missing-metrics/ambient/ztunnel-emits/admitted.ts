import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { type Enrolled, enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { byNamespace, grouped } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { allPolicies } from '../../../../evidence/prometheus/barred.ts';
import { admits, barring, type NetworkPolicy } from '../../../../scraping/network-policies.ts';
import { ENROLLED } from '../steps.ts';

/** Where ztunnels and waypoints call a pod in ambient, whatever port is meant. */
const HBONE = 15008;

/** Whether a policy admits somebody of the mesh, at whatever port: a scraper outside, or nobody at all, is meant so. */
const admitsMesh = (policy: NetworkPolicy, callers: readonly Pod[], namespaces: Enrolled['namespaces']): boolean =>
  (policy.ingress ?? []).some(
    (rule) =>
      rule.from.length === 0 ||
      (!rule.from.every(({ isBlock }) => isBlock) && callers.some((pod) => admits(policy, rule, pod, namespaces))),
  );

export const hboneAdmitted = defineCheck({
  id: 'hbone-admitted',
  title: 'NetworkPolicies admit HBONE to pods in ambient',
  explains:
    'Whoever calls a pod in ambient, or a waypoint, from within the mesh reaches it at port 15008, by HBONE: a NetworkPolicy that admits callers at the port of the application alone keeps them out, and connections time out (istio.io, ambient/usage/networkpolicy). Looks at each NetworkPolicy that selects pods in ambient and admits other pods in ambient, or everybody: whether one that selects the same pods admits anybody at 15008. Who that is, and what policies say of what goes out, is not looked at; one that admits nobody of the mesh is taken as meant.',
  reasons: {
    HboneNotAdmitted:
      'NetworkPolicies admit callers to these pods, and nobody at port 15008: what comes from within the mesh times out.',
  },
  needs: { enrolled, policies: attempt(allPolicies) },
  judge({ enrolled: { members, waypoints, namespaces }, policies }): Verdict {
    const called = [...members.map(({ pod }) => pod), ...waypoints];
    if (called.length === 0) return skip('no pod that is called by HBONE is looked at');
    if ('missing' in policies) return unknown([policies.missing], 'whether NetworkPolicies admit HBONE');
    const { items, refusal } = policies.got;
    if (items.length === 0)
      return refusal ? unknown([refusal], 'whether NetworkPolicies admit HBONE') : skip('there is no NetworkPolicy');
    const policiesIn = byNamespace(items);
    // Of a policy that bars nobody it is not looked for: each takes a look at all pods.
    const known = new Map<NetworkPolicy, boolean>();
    const isForMesh = (policy: NetworkPolicy): boolean => {
      const answer = known.get(policy) ?? admitsMesh(policy, called, namespaces);
      known.set(policy, answer);
      return answer;
    };
    const barred = grouped(
      called,
      (pod) =>
        barring(policiesIn(pod.namespace), { pod, port: HBONE, caller: null, namespaces: null }).find(isForMesh) ??
        null,
    );
    const [worst] = [...barred].sort(([, a], [, b]) => b.length - a.length);
    if (!worst)
      return refusal
        ? unknown([refusal], 'whether NetworkPolicies admit HBONE')
        : {
            status: 'pass',
            message: `none of ${count(called.length, 'pod')} is open to the mesh at other ports alone`,
          };
    const [policy] = worst;
    const pods = [...barred.values()].flat();
    const subjects = subjectsOf(pods);
    return {
      status: 'warn',
      reason: 'HboneNotAdmitted',
      message: `${some([...barred.keys()].map((each) => `NetworkPolicy ${titleOf(each)}`))} ${barred.size === 1 ? 'admits' : 'admit'} callers of ${count(pods.length, 'pod')}, and nobody at port ${HBONE}`,
      evidence: linesOf(subjects),
      subjects,
      hint: `${shellLine('kubectl', '-n', policy.namespace, 'edit', 'networkpolicies.networking.k8s.io', policy.name)}   # admit the same callers at port ${HBONE} (TCP) too`,
      mayFollowFrom: [ENROLLED],
    };
  },
});
