import { shellLine } from '../../../../cluster/question/shell.ts';
import { type ControlPlane, defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { meshConfig, meshName } from '../../../../evidence/kubernetes/config-maps.ts';
import { grouped } from '../../../../evidence/kubernetes/lists.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { isDiscovered } from '../../../../istio/discovery.ts';
import type { LabelSelector } from '../../../../istio/selector.ts';

/** Labels that say something else too, which nobody should set for this. */
const HAS_MEANING = /(^|[./])(istio|kubernetes)\.io\/|^istio-/;

/** The label that is enough for a selector, where it asks for labels alone; else the selectors themselves are shown. */
function askFor(namespace: string, selectors: readonly LabelSelector[], { namespace: own, revision }: ControlPlane) {
  const simple = selectors.find(
    ({ matchLabels, matchExpressions }) =>
      (matchExpressions ?? []).length === 0 &&
      Object.keys(matchLabels ?? {}).length > 0 &&
      !Object.keys(matchLabels ?? {}).some((key) => HAS_MEANING.test(key)),
  );
  return simple
    ? shellLine(
        'kubectl',
        'label',
        'namespace',
        namespace,
        ...Object.entries(simple.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
      )
    : `${shellLine('kubectl', '-n', own ?? 'istio-system', 'edit', 'configmap', meshName(revision))}   # discoverySelectors of mesh`;
}

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
  needs: { enrolled, mesh: attempt(meshConfig) },
  judge({ enrolled: { members, ztunnels, namespaces, unasked }, mesh }, { plane }): Verdict {
    if (members.length + ztunnels.length === 0) return skip('no pod is in ambient');
    if ('missing' in mesh) return unknown([mesh.missing], 'which namespaces istiod looks at');
    const selectors = mesh.got?.discoverySelectors ?? [];
    if (selectors.length === 0) return skip('istiod looks at every namespace');
    if (isSome(unasked) && namespaces.size === 0) return unknown(unasked, 'which namespaces istiod looks at');
    const isLost = (namespace: string): boolean => {
      const labels = namespaces.get(namespace);
      return labels !== undefined && !isDiscovered(selectors, labels);
    };
    const carriers = ztunnels.filter(({ namespace }) => isLost(namespace));
    const lost = members.map(({ pod }) => pod).filter(({ namespace }) => isLost(namespace));
    const [pods, reason] = [
      carriers.length > 0 ? carriers : lost,
      carriers.length > 0 ? ('ZtunnelNotDiscovered' as const) : ('NamespaceNotDiscovered' as const),
    ];
    const [first] = pods;
    if (!first) {
      const looked = new Set([...members.map(({ pod }) => pod), ...ztunnels].map(({ namespace }) => namespace));
      return { status: 'pass', message: `${some([...looked].sort())} by discoverySelectors` };
    }
    const places = [...grouped(pods, ({ namespace }) => namespace).keys()].sort();
    const subjects = subjectsOf(pods);
    return {
      status: 'fail',
      reason,
      message: `${count(pods.length, reason === 'ZtunnelNotDiscovered' ? 'ztunnel' : 'pod')} of ${some(places)}: no discoverySelector of MeshConfig selects the namespace, and istiod does not look at it`,
      evidence: linesOf(subjects),
      subjects,
      hint: askFor(places[0] ?? first.namespace, selectors, plane),
    };
  },
});
