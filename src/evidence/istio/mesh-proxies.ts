import { proxySource } from '../../diagnosis/source.ts';
import { enrolled } from '../ambient/enrolled.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { type Proxy as MeshProxy, type Population, type ProxyKind, population } from './population.ts';
import { proxyContainerOf } from './proxies.ts';

/** What makes Istio's metrics, of those pods that are looked at, and why not every pod could be listed. */
export type MeshProxies = Pick<Population, 'proxies' | 'refusal'>;

/** A waypoint of another implementation has no container of Istio's, and makes none of Istio's metrics. */
const proxiesOf = (pods: readonly Pod[], kind: ProxyKind): readonly MeshProxy[] =>
  pods.flatMap((pod) => {
    const container = proxyContainerOf(pod);
    return container ? [{ pod, kind, container }] : [];
  });

/** Sidecars and gateways, or of ambient ztunnels and waypoints: for what is judged alike whatever makes metrics. */
export const meshProxies = proxySource([], async ({ from, plane }): Promise<MeshProxies> => {
  if (plane.generation !== 'ambient') return from(population);
  const { ztunnels, waypoints, refusal } = await from(enrolled);
  return { proxies: [...proxiesOf(ztunnels, 'ztunnel'), ...proxiesOf(waypoints, 'waypoint')], refusal };
});
