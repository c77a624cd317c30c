import { proxySource } from '../../diagnosis/source.ts';
import { emitters } from '../istio/emitters.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { byPod } from './pod-series.ts';
import { loaded, provenIn } from './proxies.ts';
import { allSeries, inEachStore, type StoreAnswer } from './store.ts';

/** Older than any usual interval, several times over, and than what a store behind another lags (ms). */
export const LATE = 5 * 60_000;

/** When the oldest of the samples was made that a query finds, in seconds since 1970. */
export const oldest = inEachStore('min(timestamp(istio_build))');

/**
 * When the proxies' newest samples were made, in seconds since 1970: also of those that are stale, up to six hours back, then
 * with the precision of five minutes. Null where each proxy has one that a query finds and that is not late: to look back
 * costs the store the most of all questions.
 */
export const newest = proxySource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async ({ from }): Promise<readonly StoreAnswer[] | null> => {
    const [pods, filters, ages] = await Promise.all([from(emitters), from(loaded), from(oldest)]);
    return areOfNow(pods, filters, ages) ? null : from(looking);
  },
);

const looking = inEachStore(
  `max by (${byPod()}) (timestamp(istio_build)) or max by (${byPod()}) (max_over_time(timestamp(istio_build)[6h:5m]))`,
);

/** How old the oldest of them is (ms). */
export const oldestAge = (answers: readonly StoreAnswer[]): number =>
  Math.max(0, ...allSeries(answers).map(({ value, at }) => at - value * 1000));

/** Whether each proxy has a sample that a query finds, and none of these is late. */
export function areOfNow(pods: readonly Pod[], filters: readonly StoreAnswer[], ages: readonly StoreAnswer[]): boolean {
  const isTold = ages.every(({ series }) => 'got' in series && series.got.every(({ value }) => Number.isFinite(value)));
  return isTold && oldestAge(ages) <= LATE && provenIn(pods, filters).size === pods.length;
}
