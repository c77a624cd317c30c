import { compare } from './order.ts';

/** What decides which of several objects comes first. */
export interface Aged {
  name: string;
  namespace: string;
  /** When it was made, in milliseconds since 1970. */
  createdAt: number;
}

/** What every object that is visible by `exportTo` has. */
export interface Exported extends Aged {
  /** Namespaces, `.` for its own, `*` for all, `~` for none; empty for the mesh's default. */
  exportTo: readonly string[];
}

/**
 * Whether a control plane reads an object of Istio's configuration: by its label, which leaves it to one revision alone
 * (pkg/config/model.go, LabelsInRevision).
 */
export const isOfRevision = (labels: Readonly<Record<string, string>>, revision: string | null): boolean => {
  const own = labels['istio.io/rev'];
  return own === undefined || revision === null || own === revision;
};

/**
 * Whether an object is visible in a namespace. `*` beats all else, `~` beats names (istio/istio
 * pilot/pkg/model/push_context.go, initVirtualServices and IsServiceVisible).
 */
export function isVisible(exportTo: readonly string[], namespace: string, to: string): boolean {
  if (exportTo.length === 0 || exportTo.includes('*')) return true;
  if (exportTo.includes('~')) return false;
  return exportTo.includes(to) || (exportTo.includes('.') && namespace === to);
}

/** The order in which Istio takes objects: the oldest first, then by name and namespace (config.go, sortByCreationComparator). */
export const byAge = (a: Aged, b: Aged): number =>
  a.createdAt - b.createdAt || compare(a.name, b.name) || compare(a.namespace, b.namespace);

/** Those of a namespace's own, then those exported to it by name, then everybody's; each as it stood (push_context.go, initVirtualServices; virtualservice.go, SelectVirtualServices). */
export function inOrder<T extends Exported>(rules: readonly T[], namespace: string): readonly T[] {
  const rank = (rule: T): number =>
    rule.exportTo.length === 0 || rule.exportTo.includes('*') ? 2 : rule.namespace === namespace ? 0 : 1;
  return rules
    .filter((rule) => isVisible(rule.exportTo, rule.namespace, namespace))
    .map((rule, index) => ({ rule, index }))
    .sort((a, b) => rank(a.rule) - rank(b.rule) || a.index - b.index)
    .map(({ rule }) => rule);
}
