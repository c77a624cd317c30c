import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { byNamespace } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { allPolicies } from '../../../../evidence/prometheus/barred.ts';
import { barring, type NetworkPolicy } from '../../../../scraping/network-policies.ts';
import { ENROLLED } from '../steps.ts';

/** Where ztunnels and waypoints call a pod in ambient, whatever port is meant. */
const HBONE = 15008;

/** Policies that admit nobody at all mean it so. */
const admitsSomebody = ({ ingress }: NetworkPolicy): boolean => (ingress ?? []).length > 0;

export const hboneAdmitted = defineCheck({
  id: 'hbone-admitted',
  title: 'NetworkPolicies admit HBONE to pods in ambient',
  explains:
    'Whoever calls a pod in ambient, or a waypoint, from within the mesh reaches it at port 15008, by HBONE: a NetworkPolicy that admits callers at the port of the application alone keeps them out, and connections time out (istio.io, ambient/usage/networkpolicy). Looks at each NetworkPolicy that selects pods in ambient and admits somebody: whether one that selects the same pods admits anybody at 15008. Who that is, and what policies say of what goes out, is not looked at.',
  reasons: {
    HboneNotAdmitted:
      'NetworkPolicies admit callers to these pods, and nobody at port 15008: what comes from within the mesh times out.',
  },
  needs: { enrolled, policies: attempt(allPolicies) },
  judge({ enrolled: { members, waypoints }, policies }): Verdict {
    const called = [...members.map(({ pod }) => pod), ...waypoints];
    if (called.length === 0) return skip('no pod that is called by HBONE is looked at');
    if ('missing' in policies) return unknown([policies.missing], 'whether NetworkPolicies admit HBONE');
    const { items, refusal } = policies.got;
    const policiesIn = byNamespace(items);
    const barred = new Map<NetworkPolicy, Pod[]>();
    for (const pod of called) {
      const own = policiesIn(pod.namespace);
      const [first] = barring(own, { pod, port: HBONE, caller: null, namespaces: null }).filter(admitsSomebody);
      if (first) barred.set(first, [...(barred.get(first) ?? []), pod]);
    }
    const [worst] = [...barred].sort(([, a], [, b]) => b.length - a.length);
    if (!worst) {
      if (refusal) return unknown([refusal], 'whether NetworkPolicies admit HBONE');
      return items.length === 0
        ? skip('there is no NetworkPolicy')
        : { status: 'pass', message: `${count(called.length, 'pod')}, none kept from it by a NetworkPolicy` };
    }
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
