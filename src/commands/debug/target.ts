import { pods } from '../../cluster/question/resources.ts';
import { askJson } from '../../cluster/question/text.ts';
import { DiagError, NoAnswer, UsageError } from '../../errors.ts';
import type { Envoy } from '../../evidence/envoy/asked.ts';
import { proxyContainerOf } from '../../evidence/istio/proxies.ts';
import { allPods } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { type Pod, podOf } from '../../evidence/kubernetes/pod.ts';
import { text } from '../arguments.ts';
import { podOfWord } from '../options.ts';
import { onePodOf } from '../pods.ts';
import type { Work } from './work.ts';

/** The pod that the words name; -n, or the context, says where. A bundle of a topic holds pods as a list. */
export async function podCalled(word: string | undefined, { args, session, gatherer, io }: Work): Promise<Pod> {
  if (word === undefined) throw new UsageError('name a pod: POD, NAMESPACE/POD or KIND/NAME');
  const wanted = podOfWord(word, text(args.namespace), 'debug');
  const namespace = wanted.namespace ?? (await session.identity).namespace;
  if (wanted.kind !== 'pod') return onePodOf(session.cluster, wanted, namespace, io);
  const { name } = wanted;
  const absent = (): DiagError =>
    new DiagError(`there is no pod ${name} in namespace ${namespace}: kubectl -n ${namespace} get pods`);
  try {
    const question = { ask: 'object', resource: pods, namespace, name } as const;
    return podOf((await askJson(session.cluster, question)) as Parameters<typeof podOf>[0]);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    if (error.unanswered.hindrance === 'NotFound') throw absent();
    if (error.unanswered.hindrance !== 'NotInBundle') throw error;
    const { items } = await gatherer.ofCluster(allPods);
    const found = items.find((pod) => pod.name === name && pod.namespace === namespace);
    if (!found) throw absent();
    return found;
  }
}

/** The Envoy of the pod that the words name: one that can be asked. */
export async function envoyCalled(word: string | undefined, work: Work): Promise<Envoy> {
  const pod = await podCalled(word, work);
  const container = proxyContainerOf(pod);
  const name = titleOf(pod);
  if (!container) throw new DiagError(`pod ${name} has no proxy: none of its containers is one of Istio’s`);
  if (pod.labels.app === 'ztunnel') throw new DiagError(`pod ${name} is a ztunnel, and has no Envoy`);
  if (pod.phase !== 'Running')
    throw new DiagError(`pod ${name} is ${pod.trouble ?? pod.phase}, not running: it has no Envoy to ask`);
  return { pod, container };
}
