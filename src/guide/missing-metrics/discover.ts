import { shellLine } from '../../cluster/question/shell.ts';
import type { ControlPlane } from '../../diagnosis/check.ts';
import { meshName } from '../../evidence/kubernetes/config-maps.ts';
import type { LabelSelector } from '../../istio/selector.ts';

/** Labels that are there for this; others have a meaning besides, for policies or quotas, or for Istio itself. */
const isForThis = (key: string): boolean =>
  key !== 'istio-injection' && !key.includes('istio.io/') && (/mesh|discover/i.test(key) || key.startsWith('istio-'));

/**
 * What has istiod look at a namespace: labels that are enough for a selector, where it asks for such alone and the namespace says
 * nothing else by them; else the selectors themselves are shown.
 */
export function discoverNamespace(
  { name, labels }: { name: string; labels: Readonly<Record<string, string>> },
  selectors: readonly LabelSelector[],
  { namespace: own, revision }: ControlPlane,
): string {
  const simple = selectors.find(({ matchLabels, matchExpressions }) => {
    const pairs = Object.entries(matchLabels ?? {});
    const isSettable = ([key, value]: [string, string]): boolean => isForThis(key) && (labels[key] ?? value) === value;
    return (matchExpressions ?? []).length === 0 && pairs.length > 0 && pairs.every(isSettable);
  });
  return simple
    ? shellLine(
        'kubectl',
        'label',
        'namespace',
        name,
        ...Object.entries(simple.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
      )
    : `${shellLine('kubectl', '-n', own ?? 'istio-system', 'edit', 'configmap', meshName(revision))}   # discoverySelectors of mesh, or the labels of namespace ${shellLine(name)}`;
}
