import type { Cluster, KubernetesObject } from '../cluster/question/cluster.ts';
import { pods, services } from '../cluster/question/resources.ts';
import { askJson } from '../cluster/question/text.ts';
import { DiagError } from '../errors.ts';
import { selects } from '../evidence/kubernetes/lists.ts';
import { ownerOf } from '../evidence/kubernetes/owner.ts';
import { isRunning, type Pod, podOf } from '../evidence/kubernetes/pod.ts';
import { serviceOf } from '../evidence/kubernetes/service.ts';
import { compare } from '../istio/order.ts';
import { escapeText } from '../report/escape.ts';
import { aside, type Io } from './io.ts';
import type { PodWanted } from './options.ts';

/** The running pods of a workload in its namespace, by their names. Throws DiagError where there are none. */
export async function podsOf(
  cluster: Cluster,
  { kind, name }: Pick<PodWanted, 'kind' | 'name'>,
  namespace: string,
): Promise<readonly [Pod, ...Pod[]]> {
  const [listed, selector] = await Promise.all([
    cluster.list({ ask: 'list', resource: pods, namespace }),
    kind === 'service' ? selectorOf(cluster, name, namespace) : null,
  ]);
  const isOwn = (pod: Pod): boolean => {
    if (selector !== null) return selects(selector, pod.labels);
    const owner = ownerOf(pod);
    // A Job that a CronJob has made is its pods' owner too.
    const isDirect = pod.owner?.kind.toLowerCase() === kind && pod.owner.name === name;
    return isDirect || (owner.kind.toLowerCase() === kind && owner.name === name);
  };
  const [first, ...more] = listed
    .map(podOf)
    .filter((pod) => isRunning(pod) && isOwn(pod))
    .sort((a, b) => compare(a.name, b.name));
  if (first) return [first, ...more];
  throw new DiagError(
    `no pod of ${kind}/${name} runs in namespace ${namespace}: kubectl -n ${namespace} get ${kind},pods`,
  );
}

const selectorOf = async (cluster: Cluster, name: string, namespace: string) =>
  serviceOf((await askJson(cluster, { ask: 'object', resource: services, namespace, name })) as KubernetesObject)
    .selector;

/** The one pod of a workload that is looked at, as kubectl chooses one for its exec; which it is stands on stderr. */
export async function onePodOf(cluster: Cluster, wanted: PodWanted, namespace: string, io: Io): Promise<Pod> {
  const [first, ...more] = await podsOf(cluster, wanted, namespace);
  if (more.length > 0)
    await aside(
      io.stderr,
      `pod ${escapeText(first.name)} is looked at, of ${more.length + 1} of ${wanted.kind}/${wanted.name}\n`,
    );
  return first;
}
