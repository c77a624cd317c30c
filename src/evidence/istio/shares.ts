import type { Shares } from '../../diagnosis/check.ts';
import { clusterSource } from '../../diagnosis/source.ts';
import { allPods } from '../kubernetes/lists.ts';
import { isAmbient, isRunning, type Pod } from '../kubernetes/pod.ts';
import { isPilotPod, isWaypointPod, isZtunnel } from './detection.ts';
import { proxyContainerOf, runsRouter } from './proxies.ts';

/** Whether an Envoy beside the application carries its traffic: no gateway, no waypoint, no control plane's own. */
const hasSidecar = (pod: Pod): boolean =>
  pod.containers.length > 1 &&
  proxyContainerOf(pod) !== undefined &&
  ![isZtunnel, isWaypointPod, isPilotPod, runsRouter].some((is) => is(pod));

/** Each pod counts once: with both, its sidecar carries it. */
export function sharesOf(pods: readonly Pod[]): Shares {
  const running = pods.filter(isRunning);
  const sidecars = running.filter(hasSidecar);
  const own = new Set(sidecars);
  return { sidecars: sidecars.length, ambient: running.filter((pod) => isAmbient(pod) && !own.has(pod)).length };
}

/** Null where not every pod could be listed. */
export const meshShares = clusterSource([], async ({ from }): Promise<Shares | null> => {
  const { items, complete } = await from(allPods);
  return complete ? sharesOf(items) : null;
});
