import type { Handler, Instance, Rule } from './config.ts';

/**
 * The keys that a reference of a rule may mean, the first that exists wins (mixer.md 3.3). `kind` is `handler` or
 * `instance`. In 0.8 a one-part name resolves to nothing; no object is called so there, so trying does no harm.
 */
export function keysOf(reference: string, kind: 'handler' | 'instance', ruleNamespace: string): readonly string[] {
  const parts = reference.split('.');
  if (parts.length === 1) return [`${reference}.${kind}.${ruleNamespace}`];
  // `handler.prometheus`: an old kind; or `prometheus.istio-system`: a namespace.
  if (parts.length === 2) return [`${reference}.${ruleNamespace}`, `${parts[0]}.${kind}.${parts[1]}`];
  return [reference];
}

/** A reference, and the object that it means: null when there is none that this Mixer reads. */
export interface Resolved<T> {
  reference: string;
  object: T | null;
  /** An object of that name is there, but of a kind that this Mixer does not read. */
  ignored: T | null;
}

function resolve<T extends { key: string; read: boolean }>(
  reference: string,
  kind: 'handler' | 'instance',
  ruleNamespace: string,
  objects: readonly T[],
): Resolved<T> {
  const keys = keysOf(reference, kind, ruleNamespace);
  const found = keys.flatMap((key) => objects.filter((object) => object.key === key));
  return {
    reference,
    object: found.find(({ read }) => read) ?? null,
    ignored: found.find(({ read }) => !read) ?? null,
  };
}

/** An action that sends metric instances to a Prometheus handler, or means to. */
export interface MetricsAction {
  rule: Rule;
  handler: Resolved<Handler>;
  instances: readonly Resolved<Instance>[];
}

/**
 * The actions that are about metrics for Prometheus. A handler that is missing tells no adapter; then the reference's
 * own words count (`handler.prometheus`, `prometheus`), and that its instances are metrics.
 */
export function metricsActions(
  rules: readonly Rule[],
  handlers: readonly Handler[],
  instances: readonly Instance[],
): readonly MetricsAction[] {
  return rules.flatMap((rule) =>
    rule.actions.flatMap((action): readonly MetricsAction[] => {
      const handler = resolve(action.handler, 'handler', rule.namespace, handlers);
      const sent = action.instances.map((name) => resolve(name, 'instance', rule.namespace, instances));
      const known = handler.object ?? handler.ignored;
      const meansPrometheus = known
        ? known.adapter === 'prometheus'
        : /(^|\.)prometheus(\.|$)/.test(action.handler) || (isGeneric(action.handler) && sent.some(isMetric));
      return meansPrometheus ? [{ rule, handler, instances: sent }] : [];
    }),
  );
}

/** A reference that names no old kind: only its object would tell the adapter. */
const isGeneric = (reference: string): boolean => reference.split('.').length === 1;

const isMetric = ({ object }: Resolved<Instance>): boolean => object?.template === 'metric';

/** Label names as the adapter compares them (mixer.md 3.3, point 4). */
export const safeName = (name: string): string => name.replace(/[/. ]/g, '_').replaceAll('-', '');

/** How evidence and messages name a rule. */
export const ruleName = ({ name, namespace }: Rule, defaultNamespace: string): string =>
  namespace === defaultNamespace ? name : `${namespace}/${name}`;
