/** A pod, by its name. */
export interface PodName {
  namespace: string;
  name: string;
}

/** The pod that the labels of a target or of a series name, in whatever the release's jobs call it; null where they name none. */
export function podNamedBy(label: (name: string) => string | undefined): PodName | null {
  const namespace = label('kubernetes_namespace') || label('namespace');
  const name = label('kubernetes_pod_name') || label('pod') || label('pod_name');
  return namespace && name ? { namespace, name } : null;
}
