import { shellLine } from '../../cluster/question/shell.ts';
import type { Scope, Source, Topic, Workload } from '../../diagnosis/check.ts';
import type { Gatherer } from '../../diagnosis/gather.ts';
import { settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { allDeployments, allNamespaces, allPods, allServices, type Listing } from '../../evidence/kubernetes/lists.ts';
import type { Named } from '../../evidence/kubernetes/named.ts';
import { isRunning } from '../../evidence/kubernetes/pod.ts';
import { narrowed, selectedPods } from '../../evidence/kubernetes/workload.ts';

/** A scope in which there is nothing that a topic judges. */
interface Unmatched {
  /** What was looked for and where, with the line that looks again. */
  words: string;
  /** Searches that did not see everything: with one of them it is not proven. */
  refusals: readonly Unanswered[];
}

/**
 * What the user asked for and nothing fits; null where something does, or where it cannot be told. A control plane that
 * is well says nothing of a workload that is not there.
 */
export async function unmatched(topic: Topic, gatherer: Gatherer, scope: Scope): Promise<Unmatched | null> {
  const { workload, namespace, selector } = scope;
  if (workload) return noWorkload(gatherer, workload);
  if (!topic.flags.includes('namespace')) return null;
  if (selector !== null) return noPod(gatherer, selector, namespace);
  return namespace === null ? null : nothingIn(topic, gatherer, namespace);
}

/** Where a workload is looked for; one of another kind among the owners of pods. */
const SEARCHED: Partial<Record<Workload['kind'], Source<Listing<unknown>>>> = {
  service: allServices,
  deployment: allDeployments,
  pod: allPods,
};

async function noWorkload(gatherer: Gatherer, { kind, name, namespace }: Workload): Promise<Unmatched | null> {
  const own = await settle(gatherer.ofCluster(narrowed));
  if (!('got' in own) || own.got === null || own.got.found) return null;
  const list = SEARCHED[kind];
  const { refusal } = await gatherer.ofCluster(list ?? allPods);
  const what = list ? kind : `pod of ${kind}`;
  const words = `there is no ${what} ${name} in namespace ${namespace}: kubectl -n ${namespace} get ${list ? kind : 'pod'}s`;
  return { words, refusals: refusal ? [refusal] : [] };
}

async function noPod(gatherer: Gatherer, selector: string, namespace: string | null): Promise<Unmatched | null> {
  const selected = await settle(gatherer.ofCluster(selectedPods));
  if (!('got' in selected) || selected.got === null) return null;
  const { items, refusal } = selected.got;
  if (items.some((pod) => isRunning(pod) && (namespace === null || pod.namespace === namespace))) return null;
  const where = namespace === null ? 'any namespace' : `namespace ${namespace}`;
  const flags = namespace === null ? ['--all-namespaces'] : ['-n', namespace];
  const line = shellLine('kubectl', 'get', 'pods', '-l', selector, ...flags);
  return {
    words: `no running pod has the labels ${selector} in ${where}: ${line}`,
    refusals: refusal ? [refusal] : [],
  };
}

/** Sources of the topic whose own questions are lists, whatever they take from other sources. */
const listings = ({ sources }: Topic): readonly Source<unknown>[] =>
  sources.filter(
    ({ of, rights }) => of === 'cluster' && rights.length > 0 && rights.every(({ verb }) => verb === 'list'),
  );

/** What a source has listed; null of one that makes something else of its lists. */
function listingOf(got: unknown): Pick<Listing<Named>, 'items' | 'refusal'> | null {
  if (Array.isArray(got)) return { items: got as readonly Named[], refusal: null };
  const listing = got as Partial<Listing<Named>> | null;
  return listing?.items ? { items: listing.items, refusal: listing.refusal ?? null } : null;
}

/** Every cluster has it, and no mesh needs it. */
const isKubernetes = ({ namespace, name }: Named): boolean => namespace === 'default' && name === 'kubernetes';

async function nothingIn(topic: Topic, gatherer: Gatherer, namespace: string): Promise<Unmatched | null> {
  const namespaces = await settle(gatherer.ofCluster(allNamespaces));
  if ('got' in namespaces && namespaces.got.complete && !namespaces.got.items.some(({ name }) => name === namespace))
    return { words: `there is no namespace ${namespace}: kubectl get namespaces`, refusals: [] };
  const pods = await settle(gatherer.ofCluster(allPods));
  if (!('got' in pods) || pods.got.items.some((pod) => pod.namespace === namespace && isRunning(pod))) return null;
  const refusals = pods.got.refusal ? [pods.got.refusal] : [];
  const kinds = ['running pods'];
  for (const source of listings(topic)) {
    if (source === allPods || source === allNamespaces) continue;
    const listed = await settle(gatherer.ofCluster(source));
    if ('missing' in listed) {
      refusals.push(listed.missing);
      continue;
    }
    const listing = listingOf(listed.got);
    if (!listing) continue;
    if (listing.items.some((item) => item.namespace === namespace && !isKubernetes(item))) return null;
    if (listing.refusal) refusals.push(listing.refusal);
    kinds.push(...source.rights.map(({ resource }) => resource.split('.')[0] ?? resource));
  }
  const words = `no ${[...new Set(kinds)].join(', ')} in namespace ${namespace}: ${shellLine('kubectl', '-n', namespace, 'get', 'pods,services')}`;
  return { words, refusals };
}
