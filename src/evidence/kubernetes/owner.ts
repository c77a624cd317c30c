import type { Subject } from '../../diagnosis/check.ts';
import { compare } from '../../istio/order.ts';
import { titleOf } from './named.ts';
import type { Pod } from './pod.ts';

/** What a person would mend: a Deployment, not the ReplicaSet that is between. */
export type Owner = Omit<Subject, 'pods'>;

/** What stands between a pod and what a person would mend, by the label that names the part of its name that is left out. */
const BETWEEN = [
  ['pod-template-hash', 'Deployment'],
  // Argo's.
  ['rollouts-pod-template-hash', 'Rollout'],
] as const;

const owners = new WeakMap<Pod, Owner>();

/** A pod that nobody owns is mended itself. Many judges ask about the same pods. */
export function ownerOf(pod: Pod): Owner {
  const known = owners.get(pod);
  if (known) return known;
  const owner = ownerIn(pod);
  owners.set(pod, owner);
  return owner;
}

function ownerIn({ namespace, name, labels, owner }: Pod): Owner {
  if (owner === null) return { kind: 'Pod', namespace, name };
  for (const [label, kind] of owner.kind === 'ReplicaSet' ? BETWEEN : []) {
    const end = `-${labels[label]}`;
    if (labels[label] !== undefined && owner.name.endsWith(end))
      return { kind, namespace, name: owner.name.slice(0, -end.length) };
  }
  // OpenShift's.
  const configured = owner.kind === 'ReplicationController' ? labels.deploymentconfig : undefined;
  if (configured) return { kind: 'DeploymentConfig', namespace, name: configured };
  // A CronJob's Job carries the minute that it was made for.
  const [, cron] = /^(.+)-\d{8,}$/.exec(owner.name) ?? [];
  if (owner.kind === 'Job' && cron !== undefined) return { kind: 'CronJob', namespace, name: cron };
  return { kind: owner.kind, namespace, name: owner.name };
}

/** The label that calls a pod's workload something else. */
export const WORKLOAD_NAME = 'service.istio.io/workload-name';

/** What labels of Istio's metrics call a pod's workload (pkg/kube/util.go, GetWorkloadMetaFromPod). */
export const workloadNameOf = (pod: Pod): string => pod.labels[WORKLOAD_NAME] ?? ownerOf(pod).name;

/** The same with its namespace: `NAMESPACE/NAME`. */
export const workloadOf = (pod: Pod): string => titleOf({ namespace: pod.namespace, name: workloadNameOf(pod) });

/** Whether `kubectl rollout restart` makes its pods anew, and a change of its template does. */
export const isRolledOut = ({ kind }: Pick<Owner, 'kind'>): boolean =>
  ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind);

/** The pods by their owners, those with most pods first. */
export function subjectsOf(pods: readonly Pod[]): readonly Subject[] {
  const subjects = new Map<string, { owner: Owner; pods: string[] }>();
  for (const pod of pods) {
    const owner = ownerOf(pod);
    const key = `${owner.kind} ${owner.namespace}/${owner.name}`;
    const known = subjects.get(key) ?? { owner, pods: [] };
    known.pods.push(pod.name);
    subjects.set(key, known);
  }
  return [...subjects.values()]
    .map(({ owner, pods: names }) => ({ ...owner, pods: names.sort() }))
    .sort((a, b) => b.pods.length - a.pods.length || compare(a.namespace, b.namespace) || compare(a.name, b.name));
}

/** Lines of evidence. */
const MOST = 10;

/** `Deployment shop/cart: 3 pods`, ten lines at most. */
export function linesOf(subjects: readonly Subject[], about = ''): readonly string[] {
  const line = ({ kind, namespace, name, pods }: Subject): string =>
    `${kind} ${namespace}/${name}${kind === 'Pod' ? '' : `: ${pods.length} ${pods.length === 1 ? 'pod' : 'pods'}`}${about}`;
  if (subjects.length <= MOST) return subjects.map(line);
  return [...subjects.slice(0, MOST - 1).map(line), `and ${subjects.length - MOST + 1} more`];
}
