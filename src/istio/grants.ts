import type { Attachment } from './parents.ts';

/** Who may lead to the Services of a namespace from another. */
export interface ReferenceGrant {
  name: string;
  namespace: string;
  /** `KIND NAMESPACE`. */
  from: readonly string[];
  /** The names of Services; empty for all. Null where it is for none. */
  services: readonly string[] | null;
}

/**
 * Whether a route may lead to a Service: one of its own namespace, or where a ReferenceGrant lets it
 * (pilot/pkg/config/kube/gateway/references_collection.go, BackendAllowed).
 */
export const isGranted = (
  route: Pick<Attachment, 'kind' | 'namespace'>,
  backend: { name: string; namespace: string },
  all: readonly ReferenceGrant[],
): boolean =>
  backend.namespace === route.namespace ||
  all.some(
    ({ namespace, from, services }) =>
      namespace === backend.namespace &&
      from.includes(`${route.kind} ${route.namespace}`) &&
      services !== null &&
      (services.length === 0 || services.includes(backend.name)),
  );
