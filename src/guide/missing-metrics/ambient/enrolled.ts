import type { Step } from '../../../diagnosis/check.ts';
import { namespacesAreDiscovered } from './enrolled/discovered.ts';
import { namespacesAreTaken, sidecarsGiveWay } from './enrolled/kept.ts';
import { modesAreKnown } from './enrolled/modes.ts';
import { nodesServeAmbient } from './enrolled/nodes.ts';
import { podsAreRedirected } from './enrolled/redirected.ts';
import { podsAreServed } from './enrolled/served.ts';
import { workloadEnrolled } from './enrolled/workload.ts';
import { DOCS, ENROLLED } from './steps.ts';

export const enrolment: Step = {
  id: ENROLLED,
  title: 'Verify the workloads are enrolled in ambient',
  hop: 'workload->proxy',
  docs: () => DOCS.enrolled,
  checks: [
    nodesServeAmbient,
    namespacesAreTaken,
    namespacesAreDiscovered,
    podsAreRedirected,
    podsAreServed,
    workloadEnrolled,
    sidecarsGiveWay,
    modesAreKnown,
  ],
  headline: podsAreRedirected.id,
};
