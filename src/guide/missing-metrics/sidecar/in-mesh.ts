import type { Step } from '../../../diagnosis/check.ts';
import { isUnread } from '../../../evidence/istio/bare.ts';
import type { Population } from '../../../evidence/istio/population.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { callersInMesh } from './callers/checks.ts';
import { callersSeen } from './callers/seen.ts';
import { wishesAreAnswered } from './in-mesh/answered.ts';
import { trafficIsCaptured } from './in-mesh/captured.ts';
import { podsAreInjected, proxiesRunEnvoy } from './in-mesh/injected.ts';
import { workloadInMesh } from './in-mesh/workload.ts';
import { DOCS, IN_MESH } from './steps.ts';

/** The pods that should be in the mesh, or are; null where not all of them are known. */
export function workloadsOf({ proxies, outsiders, refusal }: Population): ReadonlySet<Pod> | null {
  if (refusal !== null || 'missing' in outsiders || outsiders.got.some(isUnread)) return null;
  return new Set([...proxies, ...outsiders.got].map(({ pod }) => pod));
}

/** Of those, the pods that have a proxy; null where not every pod could be listed. */
export const inMeshOf = ({ proxies, refusal }: Population): ReadonlySet<Pod> | null =>
  refusal === null ? new Set(proxies.map(({ pod }) => pod)) : null;

export const inMesh: Step = {
  id: IN_MESH,
  title: 'Verify the workloads are in the mesh',
  hop: 'workload->proxy',
  docs: () => DOCS.injection,
  checks: [
    podsAreInjected,
    wishesAreAnswered,
    workloadInMesh,
    trafficIsCaptured,
    proxiesRunEnvoy,
    callersSeen,
    callersInMesh,
  ],
  headline: 'pods-are-injected',
};
