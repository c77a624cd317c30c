import type { Ask, Lost } from '../../diagnosis/check.ts';
import type { Happened } from '../../evidence/kubernetes/happened.ts';
import type { Managed } from '../../evidence/kubernetes/managed.ts';
import type { Pod } from '../../evidence/kubernetes/pod.ts';
import { runsPrometheus } from '../../evidence/prometheus/server.ts';

/** The namespaces in which a change may matter; null for all: the loss names nobody. */
export function placesOf({ subjects }: Lost, ask: Ask, pods: readonly Pod[]): ReadonlySet<string> | null {
  if (subjects.length === 0) return null;
  return new Set([...subjects.map(({ namespace }) => namespace), ...aroundOf(ask, pods)]);
}

/** Where what all depend on runs: a control plane, a Prometheus. */
export const aroundOf = ({ plane }: Ask, pods: readonly Pod[]): readonly string[] => [
  ...(plane.namespace === null ? [] : [plane.namespace]),
  ...pods.filter(runsPrometheus).map(({ namespace }) => namespace),
];

export function isNear(
  { kind, namespace, name }: Managed,
  { subjects }: Lost,
  where: ReadonlySet<string> | null,
): boolean {
  if (kind === 'MutatingWebhookConfiguration') return /istio/.test(name);
  // Those that are asked for were chosen by who reads them.
  if (kind === 'ConfigMap') return true;
  if (where === null) return true;
  if (kind === 'Namespace') return where.has(name);
  if (namespace === null || !where.has(namespace)) return false;
  // Of what subjects share a namespace with, their own: others' changes are not about them.
  const isAmong = kind === 'Deployment' && subjects.some((each) => each.namespace === namespace);
  return !isAmong || subjects.some((each) => each.namespace === namespace && each.name === name);
}

/** Containers of the subjects that began, and of what all depend on. */
export function begunIn(
  { subjects }: Lost,
  pods: readonly Pod[],
  where: ReadonlySet<string> | null,
): readonly Happened[] {
  const own = new Set(subjects.flatMap(({ namespace, pods: names }) => names.map((name) => `${namespace}/${name}`)));
  const owners = new Set(subjects.map(({ namespace }) => namespace));
  return pods
    .filter(
      ({ namespace, name }) => own.has(`${namespace}/${name}`) || (where?.has(namespace) && !owners.has(namespace)),
    )
    .flatMap(({ namespace, name, startedAt, instances }) => {
      const began = { kind: 'Pod', namespace, name, manager: null, fields: [] };
      return [
        ...(startedAt === null ? [] : [{ ...began, at: startedAt, operation: 'Start' as const }]),
        ...instances.flatMap(({ ended }) =>
          ended?.at ? [{ ...began, at: ended.at, operation: 'Restart' as const }] : [],
        ),
      ];
    });
}

/** Whether a trace is of a subject, also of a pod of it that is gone, or of what all depend on. */
export function isAbout({ namespace, name }: Happened, { subjects }: Lost, where: ReadonlySet<string> | null): boolean {
  const own = subjects.filter((each) => each.namespace === namespace);
  if (own.length === 0) return where === null || where.has(namespace);
  return own.some((each) => name === each.name || each.pods.includes(name) || isMadeFor(each.name, name));
}

/** Kubernetes makes names up of these: no vowels, nothing that looks like another (apimachinery, util/rand). */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';
const MADE = new RegExp(`^-(${RANDOM}{1,10}(-${RANDOM}{5})?|\\d+)$`);

/** Whether a ReplicaSet or a pod of this name is one of an owner's. */
const isMadeFor = (owner: string, name: string): boolean =>
  name.startsWith(owner) && MADE.test(name.slice(owner.length));
