/** What every object that is visible by `exportTo` has. */
export interface Exported {
  name: string;
  namespace: string;
  /** Namespaces, `.` for its own, `*` for all, `~` for none; empty for the mesh's default. */
  exportTo: readonly string[];
  /** When it was made, in milliseconds since 1970. */
  createdAt: number;
}

/**
 * Whether an object is visible in a namespace. `*` beats all else, `~` beats names (istio/istio
 * pilot/pkg/model/push_context.go, initVirtualServices and IsServiceVisible).
 */
export function isVisible(exportTo: readonly string[], namespace: string, to: string): boolean {
  if (exportTo.length === 0 || exportTo.includes('*')) return true;
  if (exportTo.includes('~')) return false;
  return exportTo.includes(to) || (exportTo.includes('.') && namespace === to);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The order in which Istio takes objects: the oldest first, then by name and namespace (config.go, sortByCreationComparator). */
export const byAge = (a: Exported, b: Exported): number =>
  a.createdAt - b.createdAt || compare(a.name, b.name) || compare(a.namespace, b.namespace);
