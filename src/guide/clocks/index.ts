import { type Content, everyGeneration, type Step } from '../../diagnosis/check.ts';
import { apiServerClock, nodeClocks, prometheusClocks, renewals } from '../../evidence/clocks.ts';
import { meshConfig } from '../../evidence/config-maps.ts';
import { detection } from '../../evidence/istio.ts';
import { allDeployments, allNodes, allPods, allServices } from '../../evidence/kubernetes.ts';
import { pilots } from '../../evidence/pilot.ts';
import { sectionOf } from '../section.ts';
import { nodeClocksAgree } from './node-clocks.ts';
import { tracingIsOn } from './tracing.ts';
import { workstationNearNodes, workstationNearPrometheus } from './workstation.ts';

const docsOfZipkin = sectionOf('No traces appearing in Zipkin when running Istio locally on Mac');
const docsOfGrafana = sectionOf('No Grafana output when connecting from a local web client to Istio remotely hosted');

const step = (id: string, title: string, docs: () => string, check: Step['checks'][number]): Step => ({
  id,
  title,
  hop: null,
  docs,
  checks: [check],
});

/** "No traces appearing in Zipkin when running Istio locally on Mac" (guide.md c). */
export const zipkinClock: Content = {
  once: 'for each control plane',
  walks: everyGeneration({
    steps: [
      step('tracing', 'Verify proxies trace', docsOfZipkin, tracingIsOn),
      step('workstation-clock', 'Verify this machine’s clock is the nodes’', docsOfZipkin, workstationNearNodes),
      step('node-clocks', 'Verify the nodes’ clocks agree', docsOfZipkin, nodeClocksAgree),
    ],
    meter: null,
  }),
  sources: [detection, allPods, allDeployments, meshConfig, pilots, nodeClocks, apiServerClock, allNodes, renewals],
};

/** "No Grafana output when connecting from a local web client to Istio remotely hosted" (guide.md e). */
export const grafanaClock: Content = {
  once: 'for each control plane',
  walks: everyGeneration({
    steps: [
      step('prometheus-clock', 'Verify this machine’s clock is Prometheus’', docsOfGrafana, workstationNearPrometheus),
      step('node-clocks', 'Verify the nodes’ clocks agree', docsOfGrafana, nodeClocksAgree),
    ],
    meter: null,
  }),
  sources: [
    detection,
    allPods,
    allServices,
    allDeployments,
    nodeClocks,
    apiServerClock,
    allNodes,
    renewals,
    prometheusClocks,
  ],
};
