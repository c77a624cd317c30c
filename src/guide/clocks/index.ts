import { apiServerClock, nodeClocks, prometheusClocks, renewals } from '../../evidence/clocks/node-clocks.ts';
import { traceStores } from '../../evidence/clocks/tracing.ts';
import { pilots } from '../../evidence/istio/pilot.ts';
import { telemetryObjects } from '../../evidence/istio/telemetry.ts';
import { meshYaml } from '../../evidence/kubernetes/config-maps.ts';
import { allNodes, allServices } from '../../evidence/kubernetes/lists.ts';
import { section, stepsOf } from '../section.ts';
import { nodeClocksAgree } from './node-clocks.ts';
import { spansAreRecent } from './trace-store.ts';
import { tracingIsOn } from './tracing.ts';
import { workstationNearNodes, workstationNearPrometheus } from './workstation.ts';

const ofZipkin = stepsOf('No traces appearing in Zipkin when running Istio locally on Mac');
const ofGrafana = stepsOf('No Grafana output when connecting from a local web client to Istio remotely hosted');

/** "No traces appearing in Zipkin when running Istio locally on Mac" (guide.md c). */
export const zipkinClock = section({
  steps: [
    ofZipkin('tracing', 'Verify proxies trace', tracingIsOn),
    ofZipkin('workstation-clock', 'Verify this machine’s clock is the nodes’', workstationNearNodes),
    ofZipkin('node-clocks', 'Verify the nodes’ clocks agree', nodeClocksAgree),
    ofZipkin('trace-store', 'Verify the newest span is of now', spansAreRecent),
  ],
  sources: [meshYaml, pilots, nodeClocks, apiServerClock, allNodes, renewals, telemetryObjects, traceStores],
});

/** "No Grafana output when connecting from a local web client to Istio remotely hosted" (guide.md e). */
export const grafanaClock = section({
  steps: [
    ofGrafana('prometheus-clock', 'Verify this machine’s clock is Prometheus’', workstationNearPrometheus),
    ofGrafana('node-clocks', 'Verify the nodes’ clocks agree', nodeClocksAgree),
  ],
  sources: [allServices, nodeClocks, apiServerClock, allNodes, renewals, prometheusClocks],
});
