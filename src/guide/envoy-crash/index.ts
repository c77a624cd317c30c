import { envoyDescriptors } from '../../evidence/envoy/descriptors.ts';
import { envoyLogs } from '../../evidence/envoy/logs.ts';
import { firstSyncs } from '../../evidence/istio/pilot.ts';
import { allNamespaces } from '../../evidence/kubernetes/lists.ts';
import { section } from '../section.ts';
import { envoyDidNotCrash } from './crashes.ts';
import { descriptorsSuffice } from './descriptors.ts';
import { CRASHES, DESCRIPTORS, step } from './steps.ts';

/** "Envoy is crashing under load" (guide.md g). */
export const envoyCrash = section({
  steps: [
    step(DESCRIPTORS, 'Verify Envoy has file descriptors left', descriptorsSuffice),
    step(CRASHES, 'Verify Envoy did not crash', envoyDidNotCrash),
  ],
  sources: [allNamespaces, firstSyncs, envoyDescriptors, envoyLogs],
});
