import { pods } from '../../cluster/resources.ts';
import { askJson } from '../../cluster/text.ts';
import { DiagError, NoAnswer, UsageError } from '../../errors.ts';
import type { Envoy } from '../../evidence/envoy/asked.ts';
import { type Pod, podOf } from '../../evidence/pod.ts';
import { proxyContainerOf } from '../../evidence/proxies.ts';
import type { Arguments } from '../options.ts';
import type { Session } from '../session.ts';

/** The pod that the words name: `POD`, `pod/POD` or `NAMESPACE/POD`; -n, or the context, says where else. */
export async function podCalled(word: string | undefined, args: Arguments, session: Session): Promise<Pod> {
  if (word === undefined) throw new UsageError('name a pod: POD or NAMESPACE/POD');
  const [, own, name] = /^(?:([a-z0-9][a-z0-9-]*)\/)?([a-z0-9][a-z0-9.-]*)$/.exec(word.replace(/^pods?\//, '')) ?? [];
  if (!name) throw new UsageError(`${JSON.stringify(word)} cannot be the name of a pod`);
  const namespace = own ?? (args.namespace as string | undefined) ?? (await session.identity).namespace;
  try {
    const question = { ask: 'object', resource: pods, namespace, name } as const;
    return podOf((await askJson(session.cluster, question)) as Parameters<typeof podOf>[0]);
  } catch (error) {
    if (!(error instanceof NoAnswer) || error.unanswered.hindrance !== 'NotFound') throw error;
    throw new DiagError(`there is no pod ${name} in namespace ${namespace}: kubectl -n ${namespace} get pods`);
  }
}

/** The Envoy of the pod that the words name: one that can be asked. */
export async function envoyCalled(word: string | undefined, args: Arguments, session: Session): Promise<Envoy> {
  const pod = await podCalled(word, args, session);
  const container = proxyContainerOf(pod);
  const name = `${pod.namespace}/${pod.name}`;
  if (!container) throw new DiagError(`pod ${name} has no proxy: none of its containers is one of Istio’s`);
  if (pod.labels.app === 'ztunnel') throw new DiagError(`pod ${name} is a ztunnel, and has no Envoy`);
  if (pod.phase !== 'Running')
    throw new DiagError(`pod ${name} is ${pod.trouble ?? pod.phase}, not running: it has no Envoy to ask`);
  return { pod, container };
}
