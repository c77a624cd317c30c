import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { detection } from '../../../../evidence/istio/detection.ts';
import { otherAsked } from '../../../../evidence/istio/plane-of-ztunnel.ts';
import { meshConfig } from '../../../../evidence/kubernetes/config-maps.ts';
import { grouped } from '../../../../evidence/kubernetes/lists.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { isDiscovered } from '../../../../istio/discovery.ts';
import { discoverNamespace } from '../../discover.ts';

export const namespacesAreDiscovered = defineCheck({
  id: 'namespaces-are-discovered',
  title: 'istiod looks at the namespaces of ambient',
  explains:
    'MeshConfig’s discoverySelectors keep whole namespaces from istiod; the agents of istio-cni and ztunnel do not know them. Pods of such a namespace are led to a ztunnel all the same, which waits for what istiod never tells it (“timed out waiting for workload”) and counts nothing. Where ztunnels’ own namespace is not looked at, istiod gives them no certificates (“impersonation failed”).',
  reasons: {
    NamespaceNotDiscovered:
      'Pods are in ambient whose namespace no discoverySelector of MeshConfig selects: ztunnel is told nothing of them.',
    ZtunnelNotDiscovered:
      'No discoverySelector of MeshConfig selects the namespace of the ztunnels: istiod gives them no certificates.',
  },
  needs: { enrolled, mesh: attempt(meshConfig), detection },
  judge(
    { enrolled: { members, ztunnels, namespaces, unasked }, mesh, detection: { all: planes } },
    { plane },
  ): Verdict {
    if (members.length + ztunnels.length === 0) return skip('no pod is in ambient');
    if ('missing' in mesh) return unknown([mesh.missing], 'which namespaces istiod looks at');
    const selectors = mesh.got?.discoverySelectors ?? [];
    if (selectors.length === 0) return skip('istiod looks at every namespace');
    const [other] = ztunnels.flatMap((pod) => otherAsked(pod, plane, planes) ?? []);
    if (other)
      return skip(`ztunnels ask the istiod of revision ${other.revision ?? 'default'}, whose MeshConfig decides`);
    if (isSome(unasked)) return unknown(unasked, 'which namespaces istiod looks at');
    const isLost = (namespace: string): boolean => {
      const labels = namespaces.get(namespace);
      return labels !== undefined && !isDiscovered(selectors, labels);
    };
    const own = members.map(({ pod }) => pod);
    const [carriers, lost] = [ztunnels, own].map((all) => all.filter(({ namespace }) => isLost(namespace)));
    const isOfCarriers = isSome(carriers ?? []);
    const pods = (isOfCarriers ? carriers : lost) ?? [];
    const [first] = pods;
    if (!first) {
      const all = [...own, ...ztunnels].map(({ namespace }) => namespace);
      const looked = new Set(all.filter((namespace) => namespaces.has(namespace)));
      return { status: 'pass', message: `${some([...looked].sort())} by discoverySelectors` };
    }
    const places = [...grouped(pods, ({ namespace }) => namespace).keys()].sort();
    const subjects = subjectsOf(pods);
    return {
      status: 'fail',
      reason: isOfCarriers ? 'ZtunnelNotDiscovered' : 'NamespaceNotDiscovered',
      message: `${count(pods.length, isOfCarriers ? 'ztunnel' : 'pod')} of ${some(places)}: no discoverySelector of MeshConfig selects the namespace, and istiod does not look at it`,
      evidence: linesOf(subjects),
      subjects,
      hint: discoverNamespace(
        { name: first.namespace, labels: namespaces.get(first.namespace) ?? {} },
        selectors,
        plane,
      ),
    };
  },
});
