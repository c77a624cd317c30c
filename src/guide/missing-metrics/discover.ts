import { shellLine } from '../../cluster/question/shell.ts';
import type { ControlPlane } from '../../diagnosis/check.ts';
import { meshName } from '../../evidence/kubernetes/config-maps.ts';
import type { LabelSelector } from '../../istio/selector.ts';

/** Labels that say something else too, which nobody should set for this. */
const HAS_MEANING = /(^|[./])(istio|kubernetes)\.io\/|^istio-/;

/** What has istiod look at a namespace: the label that is enough for a selector, where it asks for labels alone; else the selectors themselves are shown. */
export function discoverNamespace(
  namespace: string,
  selectors: readonly LabelSelector[],
  { namespace: own, revision }: ControlPlane,
): string {
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
