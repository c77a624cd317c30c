import { shellLine } from '../cluster/question/shell.ts';
import { isRolledOut, type Owner, ownerOf } from '../evidence/kubernetes/owner.ts';
import type { Pod } from '../evidence/kubernetes/pod.ts';

/** So many are named in one command. */
const MOST = 5;

/** Gives pods of the first's namespace successors: by what rolls them out, else by taking them away. */
export function restartOf(pods: readonly [Pod, ...Pod[]]): string {
  const [{ namespace }] = pods;
  const own = pods.filter((pod) => pod.namespace === namespace);
  const owners = own.map(ownerOf).filter(isRolledOut);
  const names = new Set(owners.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`));
  return names.size > 0
    ? shellLine('kubectl', '-n', namespace, 'rollout', 'restart', ...[...names].slice(0, MOST))
    : shellLine('kubectl', '-n', namespace, 'delete', 'pod', ...own.slice(0, MOST).map(({ name }) => name));
}

/** Changes labels or annotations in the template of what rolls pods out, and of others of its kind: new ones start at once. */
export const patchTemplate = (
  { kind, namespace, name }: Owner,
  metadata: object,
  ...others: readonly Pick<Owner, 'name'>[]
): string =>
  shellLine(
    'kubectl',
    '-n',
    namespace,
    'patch',
    kind.toLowerCase(),
    name,
    ...others.map((other) => other.name),
    '--type',
    'merge',
    '-p',
    JSON.stringify({ spec: { template: { metadata } } }),
  );

/** Edits what a pod is made by. */
export function editOwner(pod: Pod): string {
  const { kind, namespace, name } = ownerOf(pod);
  return shellLine('kubectl', '-n', namespace, 'edit', kind.toLowerCase(), name);
}
