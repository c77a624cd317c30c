import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import {
  attributeManifests,
  handlers,
  instances,
  metrics,
  prometheuses,
  type Resource,
  rules,
  typedName,
} from '../../cluster/question/resources.ts';
import { askJson } from '../../cluster/question/text.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { clusterSource, planeSource, settle } from '../../diagnosis/source.ts';
import { NoAnswer } from '../../errors.ts';
import { isAtLeast } from '../../istio/release.ts';
import { type Listing, listAll } from '../kubernetes/lists.ts';
import { type Json, list, object, text } from '../text/json.ts';
import { mixer } from './pods.ts';

export interface Rule {
  name: string;
  namespace: string;
  match: string;
  actions: readonly { handler: string; instances: readonly string[] }[];
}

/** One metric of a Prometheus handler. Field names of both spellings are read: the charts mix them (mixer.md 3.3). */
export interface HandlerMetric {
  name: string;
  namespace: string;
  instanceName: string;
  kind: string;
  labelNames: readonly string[];
  buckets: unknown;
}

/** A handler, of an old kind named after its adapter or of the generic kind. */
export interface Handler {
  /** Mixer's key: `handler.prometheus.istio-system`, `prometheus.handler.istio-system`. */
  key: string;
  name: string;
  namespace: string;
  /** `prometheus` and `handler` are the kinds that this tool lists. */
  kind: string;
  adapter: string;
  metrics: readonly HandlerMetric[];
  /** Whether this Mixer reads objects of this kind at all. */
  read: boolean;
}

/** An instance of the template `metric`. */
export interface Instance {
  key: string;
  name: string;
  namespace: string;
  kind: string;
  template: string;
  dimensions: readonly string[];
  read: boolean;
}

const array = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const either = (from: Json, snake: string, camel: string): unknown => from[snake] ?? from[camel];

const identity = ({ metadata }: KubernetesObject): { name: string; namespace: string } => ({
  name: metadata.name,
  namespace: metadata.namespace ?? '',
});

const ruleOf = (from: KubernetesObject): Rule => {
  const spec = object(from.spec);
  return {
    ...identity(from),
    // `selector` is an old alias (mixer.md 3.3).
    match: text(spec.match) || text(spec.selector),
    actions: list(spec.actions).map(({ handler, instances }) => ({
      handler: text(handler),
      instances: array(instances).map(text),
    })),
  };
};

/** Numbers of the enum in the adapter's config.proto. */
const KINDS: Readonly<Record<number, string>> = { 1: 'GAUGE', 2: 'COUNTER', 3: 'DISTRIBUTION' };

const handlerMetricOf = (metric: Json): HandlerMetric => ({
  name: text(metric.name),
  namespace: text(metric.namespace) || 'istio',
  instanceName: text(either(metric, 'instance_name', 'instanceName')),
  // jsonpb takes an enum's number too.
  kind: typeof metric.kind === 'number' ? (KINDS[metric.kind] ?? '') : text(metric.kind),
  labelNames: array(either(metric, 'label_names', 'labelNames')).map(text),
  buckets: metric.buckets ?? null,
});

const oldHandlerOf = (from: KubernetesObject): Omit<Handler, 'read'> => ({
  ...identity(from),
  key: `${from.metadata.name}.prometheus.${from.metadata.namespace}`,
  kind: 'prometheus',
  adapter: 'prometheus',
  metrics: list(object(from.spec).metrics).map(handlerMetricOf),
});

const handlerOf = (from: KubernetesObject): Omit<Handler, 'read'> => {
  const spec = object(from.spec);
  return {
    ...identity(from),
    key: `${from.metadata.name}.handler.${from.metadata.namespace}`,
    kind: 'handler',
    adapter: text(spec.compiledAdapter) || text(spec.adapter),
    metrics: list(object(spec.params).metrics).map(handlerMetricOf),
  };
};

const oldInstanceOf = (from: KubernetesObject): Omit<Instance, 'read'> => ({
  ...identity(from),
  key: `${from.metadata.name}.metric.${from.metadata.namespace}`,
  kind: 'metric',
  template: 'metric',
  dimensions: Object.keys(object(object(from.spec).dimensions)),
});

const instanceOf = (from: KubernetesObject): Omit<Instance, 'read'> => {
  const spec = object(from.spec);
  return {
    ...identity(from),
    key: `${from.metadata.name}.instance.${from.metadata.namespace}`,
    kind: 'instance',
    template: text(spec.compiledTemplate) || text(spec.template),
    dimensions: Object.keys(object(object(spec.params).dimensions)),
  };
};

/** Two listings of kinds that mean the same, as one. */
const joined = <T>(a: Listing<T>, b: Listing<T>): Listing<T> => ({
  items: [...a.items, ...b.items],
  complete: a.complete && b.complete,
  refusal: a.refusal ?? b.refusal,
  served: a.served || b.served,
});

const mapped = <T, U>(listing: Listing<T>, change: (item: T) => U): Listing<U> => ({
  ...listing,
  items: listing.items.map(change),
});

/** The kinds of Mixer's group that are served; null when it cannot be told. */
const servedKinds = clusterSource([], async ({ cluster }): Promise<ReadonlySet<string> | null> => {
  const answer = await settle(askJson(cluster, { ask: 'discovery', path: '/apis/config.istio.io/v1alpha2' }));
  if ('missing' in answer) return answer.missing.hindrance === 'NotFound' ? new Set() : null;
  return new Set(list(object(answer.got).resources).map(({ name }) => text(name)));
});

/** A user without the right is refused before the API server tells that there is no such kind: so ask what is served. */
async function listKind<T>(ask: Ask, resource: Resource, parse: (from: KubernetesObject) => T): Promise<Listing<T>> {
  try {
    return await listAll(ask, resource, parse);
  } catch (error) {
    if (!(error instanceof NoAnswer) || error.unanswered.hindrance !== 'Forbidden') throw error;
    const served = await ask.from(servedKinds);
    if (served === null || served.has(resource.plural)) throw error;
    return { items: [], complete: true, refusal: null, served: false };
  }
}

const kinds = [rules, prometheuses, handlers, metrics, instances, attributeManifests];
const listRights = kinds.map((kind) => ({ verb: 'list' as const, resource: typedName(kind) }));

/** From 1.1 on generic objects may be for built-in adapters; of an unknown release that is assumed. */
const readsGeneric = ({ plane }: Ask): boolean => plane.version === null || isAtLeast(plane.version, '1.1');

/** Each kind by itself: one that may not be listed costs its own checks only. */
export const mixerRules = clusterSource(listRights.slice(0, 1), (ask) => listKind(ask, rules, ruleOf));

export const mixerHandlers = planeSource(listRights.slice(1, 3), async (ask): Promise<Listing<Handler>> => {
  const [old, generic, { flags }] = await Promise.all([
    listKind(ask, prometheuses, oldHandlerOf),
    listKind(ask, handlers, handlerOf),
    ask.from(mixer),
  ]);
  // In 0.8 - 1.0 a `handler` is for adapters out of process, even with a compiledAdapter (mixer.md 3.3).
  return joined<Handler>(
    mapped(old, (handler) => ({ ...handler, read: flags.useAdapterCRDs })),
    mapped(generic, (handler) => ({ ...handler, read: handler.adapter !== 'prometheus' || readsGeneric(ask) })),
  );
});

export const mixerInstances = planeSource(listRights.slice(3, 5), async (ask): Promise<Listing<Instance>> => {
  const [old, generic, { flags }] = await Promise.all([
    listKind(ask, metrics, oldInstanceOf),
    listKind(ask, instances, instanceOf),
    ask.from(mixer),
  ]);
  return joined<Instance>(
    mapped(old, (instance) => ({ ...instance, read: flags.useTemplateCRDs })),
    mapped(generic, (instance) => ({ ...instance, read: readsGeneric(ask) })),
  );
});

export const mixerAttributeManifests = clusterSource(listRights.slice(5), (ask) =>
  listKind(ask, attributeManifests, identity),
);
