import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, some, unknown } from '../../diagnosis/verdict.ts';
import { isReady, pilots } from '../../evidence/istio/pilot.ts';
import { allPods } from '../../evidence/kubernetes/lists.ts';
import { pilotHasService } from './pilot-service.ts';
import { docs, PILOT_RUNNING } from './steps.ts';

export const pilotIsReady = defineCheck({
  id: 'pilot-is-ready',
  title: 'a replica of Pilot is ready',
  explains:
    'Looks at every pod of Pilot, or of the istiod that took its place: a proxy keeps its last configuration while none is there, and a new one gets none.',
  reasons: {
    PilotMissing: 'There is no pod of Pilot or istiod where this control plane should be.',
    PilotNotReady: 'Pods of Pilot or istiod are there, and none of them is ready.',
    ReplicaNotReady: 'One replica is not ready: proxies are connected to the others.',
  },
  needs: { pilots, pods: allPods },
  judge({ pilots, pods }, { plane }) {
    const at = plane.namespace ?? 'istio-system';
    const ready = pilots.filter(isReady);
    const describe = shellLine('kubectl', '-n', at, 'describe', 'pods', '-l', 'istio=pilot');
    if (pilots.length === 0) {
      if (plane.namespace === null || plane.generation === 'ambient')
        return {
          status: 'unknown',
          reason: 'PilotMissing',
          message: 'proxies run here, and no control plane of theirs was found: it is in another cluster, or gone',
          missing: [],
        };
      if (pods.refusal) return unknown([pods.refusal], 'not every pod could be seen');
      return {
        status: 'fail',
        reason: 'PilotMissing',
        message: `no pod of Pilot or istiod in ${at}`,
        hint: shellLine('kubectl', '-n', at, 'get', 'deployments,replicasets,pods'),
      };
    }
    const evidence = pilots.map(
      ({ pod }) =>
        `${pod.name}: ${pod.phase}${pod.ready ? ', ready' : ''}, ${pod.restarts} restarts${pod.trouble ? `, ${pod.trouble}` : ''}`,
    );
    if (ready.length === 0)
      return {
        status: 'fail',
        reason: 'PilotNotReady',
        message: `none of ${count(pilots.length, 'pod')} is ready: ${some(pilots.map(({ pod }) => `${pod.name} ${pod.trouble ?? pod.phase}`))}`,
        evidence,
        hint: describe,
      };
    if (ready.length < pilots.length)
      return {
        status: 'warn',
        reason: 'ReplicaNotReady',
        message: `${ready.length} of ${count(pilots.length, 'replica')} ready`,
        evidence,
        hint: describe,
      };
    return { status: 'pass', message: `${count(ready.length, 'replica')} ready`, evidence };
  },
});

export const pilotRunning: Step = {
  id: PILOT_RUNNING,
  title: 'Verify Pilot is running',
  hop: null,
  docs,
  checks: [pilotIsReady, pilotHasService],
};
