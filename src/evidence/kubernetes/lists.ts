import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import type { ListQuestion } from '../../cluster/question/question.ts';
import {
  deployments,
  isNamespaced,
  namespaces,
  nodes,
  pods,
  type Resource,
  services,
  typedName,
} from '../../cluster/question/resources.ts';
import type { Ask, Attempt, Scope, Source } from '../../diagnosis/check.ts';
import { clusterSource } from '../../diagnosis/source.ts';
import { NoAnswer, type Unanswered } from '../../errors.ts';
import { type Pod, podOf, type RawContainer } from './pod.ts';
import { serviceOf } from './service.ts';

/** All objects of a kind that could be seen. Absence from `items` proves something only when `complete`. */
export interface Listing<T> {
  items: readonly T[];
  /** False when only some namespaces could be listed: then `refusal` says why. */
  complete: boolean;
  refusal: Unanswered | null;
  /** Whether the API server knows the kind at all. */
  served: boolean;
}

export interface Deployment {
  name: string;
  namespace: string;
  labels: Readonly<Record<string, string>>;
  selector: Readonly<Record<string, string>>;
  replicas: number;
  readyReplicas: number;
  images: readonly string[];
}

export interface Namespace {
  name: string;
  labels: Readonly<Record<string, string>>;
}

/** Where to look when the whole cluster may not be listed: each namespace that the run is about. */
function namespacesOf(scope: Scope, also: readonly (string | null)[] = []): readonly string[] {
  const named = [scope.istioNamespace ?? 'istio-system', scope.workload?.namespace, scope.namespace, ...also];
  return [...new Set(named.filter((name) => name !== null && name !== undefined))];
}

/**
 * Lists a kind in every namespace; where that is refused, in the namespaces that the run is about. A kind that is
 * not served is an empty list: that is an answer. Throws NoAnswer when nothing could be listed.
 */
export async function listAll<T>(
  ask: Ask,
  resource: Resource,
  parse: (object: KubernetesObject) => T,
  which: Pick<ListQuestion, 'selector' | 'fields'> = {},
): Promise<Listing<T>> {
  const question = (namespace: string | null): ListQuestion => ({
    ask: 'list',
    resource,
    namespace,
    ...which,
  });
  try {
    const objects = await ask.cluster.list(question(null));
    return { items: objects.map(parse), complete: true, refusal: null, served: true };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const { hindrance } = error.unanswered;
    if (hindrance === 'NotFound') return { items: [], complete: true, refusal: null, served: false };
    if (hindrance !== 'Forbidden' || !isNamespaced(resource)) throw error;
    return listSome(ask, question, parse, error);
  }
}

async function listSome<T>(
  ask: Ask,
  question: (namespace: string) => ListQuestion,
  parse: (object: KubernetesObject) => T,
  refusal: NoAnswer,
): Promise<Listing<T>> {
  const tried = namespacesOf(ask.scope, [ask.plane.namespace]);
  const answers = await Promise.allSettled(tried.map((namespace) => ask.cluster.list(question(namespace))));
  const bug = answers.find((answer) => answer.status === 'rejected' && !(answer.reason instanceof NoAnswer));
  if (bug?.status === 'rejected') throw bug.reason;
  const items = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.map(parse) : []));
  const triedInstead = tried.map((namespace) => {
    const { verb, resource } = refusal.unanswered.right;
    return `${verb} ${resource} in namespace ${namespace}`;
  });
  const unanswered = { ...refusal.unanswered, triedInstead };
  if (answers.every((answer) => answer.status === 'rejected')) throw new NoAnswer(unanswered, { cause: refusal });
  ask.limited(unanswered);
  return { items, complete: false, refusal: unanswered, served: true };
}

/** Of several versions the first that is served. */
export async function listFirst<T>(
  ask: Ask,
  resources: readonly Resource[],
  parse: (object: KubernetesObject) => T,
): Promise<Listing<T>> {
  for (const resource of resources) {
    const listing = await listAll(ask, resource, parse);
    if (listing.served) return listing;
  }
  return { items: [], complete: true, refusal: null, served: false };
}

const listRight = (resource: Resource): Source<unknown>['rights'] => [{ verb: 'list', resource: typedName(resource) }];

const listSource = <T>(resource: Resource, parse: (object: KubernetesObject) => T): Source<Listing<T>> =>
  clusterSource(listRight(resource), (ask) => listAll(ask, resource, parse));

function deploymentOf({ metadata, ...rest }: KubernetesObject): Deployment {
  const { spec, status } = rest as {
    spec?: {
      replicas?: number;
      selector?: { matchLabels?: Record<string, string> };
      template?: { spec?: { containers?: readonly RawContainer[] } };
    };
    status?: { readyReplicas?: number };
  };
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? {},
    selector: spec?.selector?.matchLabels ?? {},
    replicas: spec?.replicas ?? 1,
    readyReplicas: status?.readyReplicas ?? 0,
    images: (spec?.template?.spec?.containers ?? []).map(({ image = '' }) => image),
  };
}

export const allPods = listSource(pods, podOf);

const podsByNamespace = new Map<string, Source<readonly Pod[]>>();

/** Those of one namespace, where not all may be listed: asked once in a run, however many control planes there are. */
export function podsOfNamespace(namespace: string): Source<readonly Pod[]> {
  const source =
    podsByNamespace.get(namespace) ??
    clusterSource(listRight(pods), async ({ cluster }) =>
      (await cluster.list({ ask: 'list', resource: pods, namespace })).map(podOf),
    );
  podsByNamespace.set(namespace, source);
  return source;
}

export const allServices = listSource(services, serviceOf);
export const allDeployments = listSource(deployments, deploymentOf);
export const allNamespaces = listSource(
  namespaces,
  ({ metadata }): Namespace => ({ name: metadata.name, labels: metadata.labels ?? {} }),
);

export interface Node {
  name: string;
  ready: boolean;
  /** The addresses of its pods. */
  podRanges: readonly string[];
}

export const allNodes = listSource(nodes, ({ metadata, ...rest }): Node => {
  const { podCIDR, podCIDRs } = (rest.spec ?? {}) as { podCIDR?: string; podCIDRs?: readonly string[] };
  const { conditions = [] } = (rest.status ?? {}) as { conditions?: readonly { type?: string; status?: string }[] };
  return {
    name: metadata.name,
    ready: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    podRanges: podCIDRs ?? (podCIDR ? [podCIDR] : []),
  };
});

/** What was listed, of what may be missing. */
export const itemsOf = <T>(attempt: Attempt<Listing<T>>): readonly T[] => ('got' in attempt ? attempt.got.items : []);

/** Why there may be more. */
export function missingOf(attempt: Attempt<Listing<unknown>>): readonly Unanswered[] {
  if ('missing' in attempt) return [attempt.missing];
  return attempt.got.refusal ? [attempt.got.refusal] : [];
}

/** Items by what `of` says of each, in their order; those of which it says nothing are left out. */
export function grouped<T, K>(
  items: readonly T[],
  of: (item: T) => K | null | undefined,
): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = of(item) ?? null;
    if (key === null) continue;
    const own = groups.get(key);
    if (own) own.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** The objects of each namespace: what is looked for in one is not looked for in all. */
export function byNamespace<T extends { namespace: string }>(items: readonly T[]): (namespace: string) => readonly T[] {
  const known = grouped(items, ({ namespace }) => namespace);
  return (namespace) => known.get(namespace) ?? [];
}

/** Whether `labels` carry all of `selector`; an empty selector selects nothing, as a Service's does. */
export const selects = (
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean =>
  Object.keys(selector).length > 0 && Object.entries(selector).every(([key, value]) => labels[key] === value);
