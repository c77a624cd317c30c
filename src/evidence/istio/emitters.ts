import { planeSource } from '../../diagnosis/source.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { population } from './population.ts';

/** The pods that make Istio's metrics, of those that are looked at: for what is judged alike whatever makes them. */
export const emitters = planeSource([], async ({ from }): Promise<readonly Pod[]> => {
  const { proxies } = await from(population);
  return proxies.map(({ pod }) => pod);
});
