import { type Content, everyGeneration } from '../../diagnosis/check.ts';
import { envoyDescriptors } from '../../evidence/envoy/descriptors.ts';
import { envoyLogs } from '../../evidence/envoy/logs.ts';
import { detection } from '../../evidence/istio.ts';
import { allDeployments, allNamespaces, allPods } from '../../evidence/kubernetes.ts';
import { firstSyncs } from '../../evidence/pilot.ts';
import { envoyDidNotCrash } from './crashes.ts';
import { descriptorsSuffice } from './descriptors.ts';
import { CRASHES, DESCRIPTORS, step } from './steps.ts';

/** "Envoy is crashing under load" (guide.md g). */
export const envoyCrash: Content = {
  once: 'for each control plane',
  walks: everyGeneration({
    steps: [
      step(DESCRIPTORS, 'Verify Envoy has file descriptors left', descriptorsSuffice),
      step(CRASHES, 'Verify Envoy did not crash', envoyDidNotCrash),
    ],
    meter: null,
  }),
  sources: [detection, allPods, allDeployments, allNamespaces, firstSyncs, envoyDescriptors, envoyLogs],
};
