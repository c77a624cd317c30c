import type { Pod } from '../kubernetes/pod.ts';
import type { Series } from './query.ts';

/** The labels by which a series tells its pod, whoever configured the scrape (modern.md 2e). */
const POD_LABELS = ['instance', 'pod', 'pod_name', 'kubernetes_pod_name', 'namespace', 'kubernetes_namespace'] as const;

/** For `by (…)`: a label that a series does not have costs nothing. */
export const byPod = (...more: readonly string[]): string => [...POD_LABELS, ...more].join(', ');

const podNameOf = (labels: ReadonlyMap<string, string>): string | undefined =>
  labels.get('pod') ?? labels.get('pod_name') ?? labels.get('kubernetes_pod_name');

/** The address that was scraped, without its port; '' where labels have none. */
export const hostOf = (labels: ReadonlyMap<string, string>): string =>
  (labels.get('instance') ?? '').replace(/^(\[.*\]|[^:]*):\d+$/, '$1').replace(/^\[(.*)\]$/, '$1');

/** Whether a series tells no pod, of whatever mesh: neither by a name nor by an address. */
export const isNameless = (labels: ReadonlyMap<string, string>): boolean =>
  !podNameOf(labels) && !/^[\d.]+$|:/.test(hostOf(labels));

/** Finds the pod that a series comes from. Addresses of pods on their node's network tell none. */
export class PodIndex {
  private readonly byAddress = new Map<string, Pod>();
  private readonly byName = new Map<string, Pod>();

  constructor(pods: readonly Pod[]) {
    for (const pod of pods) {
      if (pod.ip !== null && !pod.hostNetwork) this.byAddress.set(pod.ip, pod);
      this.byName.set(`${pod.namespace}/${pod.name}`, pod);
    }
  }

  /** By its name where labels have it, else by the address that was scraped; null of one that is no pod's here. */
  podOf(labels: ReadonlyMap<string, string>): Pod | null {
    const name = podNameOf(labels);
    const namespace = labels.get('namespace') ?? labels.get('kubernetes_namespace');
    if (name && namespace) return this.byName.get(`${namespace}/${name}`) ?? null;
    return this.byAddress.get(hostOf(labels)) ?? null;
  }
}

/** The pods, of these, that series come from. */
export function podsIn(series: readonly Series[], pods: readonly Pod[]): ReadonlySet<Pod> {
  const index = new PodIndex(pods);
  return new Set(series.flatMap(({ labels }) => index.podOf(labels) ?? []));
}
