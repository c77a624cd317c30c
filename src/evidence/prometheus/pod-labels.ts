/** A pod, by its name. */
export interface PodName {
  namespace: string;
  name: string;
}

/** A pod's name alone. */
export const nameIn = (label: (name: string) => string | undefined): string | undefined =>
  label('kubernetes_pod_name') || label('pod') || label('pod_name');

/** The pod that the labels of a target or of a series name, in whatever the release's jobs call it; null where they name none. */
export function podNamedBy(label: (name: string) => string | undefined): PodName | null {
  const namespace = label('kubernetes_namespace') || label('namespace');
  const name = nameIn(label);
  return namespace && name ? { namespace, name } : null;
}
