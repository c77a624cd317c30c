import { proxySource } from '../../diagnosis/source.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { meshProxies } from './mesh-proxies.ts';
import { podsOf } from './population.ts';

/** The pods that make Istio's metrics, of those that are looked at: for what is judged alike whatever makes them. */
export const emitters = proxySource([], async ({ from }): Promise<readonly Pod[]> => {
  const { proxies } = await from(meshProxies);
  return podsOf(proxies);
});

/** A pod so young may not have been scraped yet, whatever the interval (ms). */
const SETTLING = 3 * 60_000;

/** Those whose series must be there by now. */
export const settled = proxySource([], async ({ from, now }): Promise<readonly Pod[]> => {
  const pods = await from(emitters);
  const old = pods.filter(({ startedAt }) => startedAt === null || now - startedAt >= SETTLING);
  // One list where they are the same: what is known of pods is kept by their list.
  return old.length === pods.length ? pods : old;
});
