import { proxySource } from '../../diagnosis/source.ts';
import { emitters } from '../istio/emitters.ts';
import { allPods, type Listing } from '../kubernetes/lists.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { inMeshStore, meshStore } from './mesh-store.ts';
import { byPod, PodIndex } from './pod-series.ts';
import { fresh, loaded, provenIn } from './proxies.ts';
import { allSeries, type StoreAnswer } from './store.ts';

const resets = (metric: string): string =>
  `max by (${byPod('job')}) ((resets(${metric}[10m]) >= 3) / count_over_time(${metric}[10m])) > 0.2`;

const fallingOften = inMeshStore(
  `${resets('istio_requests_total')} or ${resets('istio_tcp_connections_opened_total')}`,
);

/**
 * Counters that fall again and again: as several proxies' do that are written into one series, each scrape in its turn. A
 * proxy that restarts resets its own once. `needless` where no two can be written into one: each proxy has series of its own,
 * and there are none but those of pods of this cluster. Null where no store holds any.
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
    const own = [filters, counts].flatMap((answers) => (store && answers[store.index]) ?? []);
    return areApart(pods, all, own) ? 'needless' : from(fallingOften);
  },
);

/** Whether each of `pods` has series of its own in a store, whose filters' and counters' `answers` are all of pods in `all`. */
export function areApart(pods: readonly Pod[], all: Listing<Pod>, answers: readonly StoreAnswer[]): boolean {
  const index = PodIndex.of(all.items);
  return (
    pods.length > 0 &&
    all.complete &&
    provenIn(pods, answers.slice(0, 1)).size === pods.length &&
    allSeries(answers).every(({ labels }) => index.podOf(labels) !== null)
  );
}
