import type { Pod } from '../kubernetes/pod.ts';
import { nameIn, type PodName, podNamedBy } from './pod-labels.ts';
import type { Labels, Series } from './query.ts';

/** The labels by which a series tells its pod, whoever configured the scrape (modern.md 2e). */
const POD_LABELS = ['instance', 'pod', 'pod_name', 'kubernetes_pod_name', 'namespace', 'kubernetes_namespace'] as const;

/** For `by (…)`: a label that a series does not have costs nothing. */
export const byPod = (...more: readonly string[]): string => [...POD_LABELS, ...more].join(', ');

/** The address that was scraped, without its port; '' where labels have none. */
export const hostOf = (labels: Labels): string => addressIn(labels.get('instance') ?? '');

const addressIn = (instance: string): string =>
  instance.replace(/^(\[.*\]|[^:]*):\d+$/, '$1').replace(/^\[(.*)\]$/, '$1');

/** Whether a series tells no pod, of whatever mesh: neither by a name nor by an address. */
export const isNameless = (labels: Labels): boolean =>
  !nameIn((label) => labels.get(label)) && !/^[\d.]+$|:/.test(hostOf(labels));

const indexes = new WeakMap<readonly Pod[], PodIndex>();

/** Finds the pod that a series comes from. Addresses of pods on their node's network tell none. */
export class PodIndex {
  private readonly byAddress = new Map<string, Pod>();
  /** By namespace, then by name: tens of thousands of series are looked up, and no key is made for one. */
  private readonly byName = new Map<string, Map<string, Pod>>();
  /** Those that were looked up: many judges ask about the same series. */
  private readonly known = new Map<Labels, Pod | null>();

  /** Many judges ask about the same pods. */
  static of(pods: readonly Pod[]): PodIndex {
    const index = indexes.get(pods) ?? new PodIndex(pods);
    indexes.set(pods, index);
    return index;
  }

  constructor(pods: readonly Pod[]) {
    for (const pod of pods) {
      if (pod.ip !== null && !pod.hostNetwork) this.byAddress.set(pod.ip, pod);
      const own = this.byName.get(pod.namespace) ?? new Map<string, Pod>();
      this.byName.set(pod.namespace, own.set(pod.name, pod));
    }
  }

  /** By its name where labels have it, else by the address that was scraped; null of one that is no pod's here. */
  podOf(labels: Labels): Pod | null {
    const known = this.known.get(labels);
    if (known !== undefined) return known;
    const pod = this.find(labels);
    this.known.set(labels, pod);
    return pod;
  }

  private find(labels: Labels): Pod | null {
    const name = podNamedBy((label) => labels.get(label));
    return name ? this.named(name) : this.at(labels.get('instance') ?? '');
  }

  named({ namespace, name }: PodName): Pod | null {
    return this.byName.get(namespace)?.get(name) ?? null;
  }

  /** At an address, with or without a port. */
  at(instance: string): Pod | null {
    return this.byAddress.get(addressIn(instance)) ?? null;
  }
}

/** The pods, of these, that series come from. */
export function podsIn(series: readonly Series[], pods: readonly Pod[]): ReadonlySet<Pod> {
  const index = PodIndex.of(pods);
  const found = new Set<Pod>();
  for (const { labels } of series) {
    const pod = index.podOf(labels);
    if (pod) found.add(pod);
  }
  return found;
}
