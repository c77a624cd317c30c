import { isWaypointPod } from '../../../../evidence/istio/detection.ts';
import { proxyContainerOf, runsRouter } from '../../../../evidence/istio/proxies.ts';
import { workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import { isAmbient, type Pod } from '../../../../evidence/kubernetes/pod.ts';
import { runsPrometheus } from '../../../../evidence/prometheus/server.ts';
import { GATEWAY_NAME } from '../../../../istio/attachment.ts';

/** The workloads of a cluster, as series call them, by who carries their calls. */
export interface Callers {
  waypoints: ReadonlySet<string>;
  /** Those whose calls ztunnels carry. */
  members: ReadonlySet<string>;
  /** Gateways and sidecars. */
  proxied: ReadonlySet<string>;
  gateways: ReadonlySet<string>;
  /** Who scrapes the pods themselves. */
  scrapers: ReadonlySet<string>;
}

const isRouter = (pod: Pod): boolean => runsRouter(pod) || pod.labels[GATEWAY_NAME] !== undefined;

export function callersIn(pods: readonly Pod[]): Callers {
  const named = (isOne: (pod: Pod) => boolean): ReadonlySet<string> => new Set(pods.filter(isOne).map(workloadOf));
  const members = named(isAmbient);
  const hasProxy = (pod: Pod): boolean => proxyContainerOf(pod) !== undefined || isRouter(pod);
  return {
    waypoints: named(isWaypointPod),
    members,
    // Of one that is half in ambient, ztunnel tells.
    proxied: named((pod) => hasProxy(pod) && !members.has(workloadOf(pod))),
    gateways: named((pod) => isRouter(pod) && !isWaypointPod(pod)),
    scrapers: named(runsPrometheus),
  };
}
