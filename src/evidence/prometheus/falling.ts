import { proxySource } from '../../diagnosis/source.ts';
import { emitters } from '../istio/emitters.ts';
import { allPods, type Listing } from '../kubernetes/lists.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { inMeshStore, meshStore } from './mesh-store.ts';
import { podNamedBy } from './pod-labels.ts';
import { byPod, PodIndex } from './pod-series.ts';
import { fresh, loaded, provenIn } from './proxies.ts';
import type { Series } from './query.ts';
import { allSeries, type StoreAnswer } from './store.ts';

const resets = (metric: string): string =>
  `max by (${byPod('job')}) ((resets(${metric}[10m]) >= 3) / count_over_time(${metric}[10m])) > 0.2`;

const fallingOften = inMeshStore(
  `${resets('istio_requests_total')} or ${resets('istio_tcp_connections_opened_total')}`,
);

/**
 * Counters that fall again and again: as several proxies' do that are written into one series, each scrape in its turn. A
 * proxy that restarts resets its own once. `needless` where each proxy has series of its own, and all that are stored name a
 * pod of this cluster: then only pods of another cluster that are called the same could be written into one. Null where no
 * store holds any.
 */
export const falling = proxySource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async ({ from }): Promise<StoreAnswer | 'needless' | null> => {
    const [store, pods, all, filters, counts] = await Promise.all([
      from(meshStore),
      from(emitters),
      from(allPods),
      from(loaded),
      from(fresh),
    ]);
    const [own, counted] = [filters, counts].map((answers) => (store && answers[store.index]) ?? null);
    return own && counted && areApart(pods, all, own, counted) ? 'needless' : from(fallingOften);
  },
);

const isWhole = ({ series, partial }: StoreAnswer): boolean => 'got' in series && partial.length === 0;

/** Whether each of `pods` has series of its own in a store whose filters and counters are told whole, each with its pod. */
export function areApart(pods: readonly Pod[], all: Listing<Pod>, filters: StoreAnswer, counts: StoreAnswer): boolean {
  const index = PodIndex.of(all.items);
  // By an address alone it might be another cluster's.
  const isNamed = ({ labels }: Series): boolean =>
    podNamedBy((label) => labels.get(label)) !== null && index.podOf(labels) !== null;
  return (
    pods.length > 0 &&
    all.complete &&
    [filters, counts].every(isWhole) &&
    provenIn(pods, [filters]).size === pods.length &&
    allSeries([filters, counts]).every(isNamed)
  );
}
