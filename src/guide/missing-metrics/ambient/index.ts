import type { Source, Walk } from '../../../diagnosis/check.ts';
import { bindings } from '../../../evidence/ambient/bindings.ts';
import { agentSettings } from '../../../evidence/ambient/settings.ts';
import { allGatewayClasses, apiGateways } from '../../../evidence/istio/gateway-api.ts';
import { consuming } from './consumers.ts';
import { enrolment } from './enrolled.ts';
import { funnel } from './funnel.ts';
import { inAmbient } from './in-ambient.ts';
import { scrape } from './scrape.ts';
import { stored } from './stored.ts';
import { waypoint } from './waypoint.ts';
import { ztunnelEmits } from './ztunnel-emits.ts';

/** From a workload's pod to whoever looks at its metrics, where ztunnels and waypoints make them. */
export const ambientWalk: Walk = {
  steps: [enrolment, ...[ztunnelEmits, waypoint, scrape, stored, consuming].map(inAmbient)],
  meter: funnel,
};

/** What it asks the cluster: what its checks need, and what only those sources ask. */
export const ambientSources: readonly Source<unknown>[] = [
  ...new Set([
    ...ambientWalk.steps.flatMap(({ checks }) => checks.flatMap(({ needs }) => Object.values(needs))),
    bindings,
    allGatewayClasses,
    apiGateways,
    agentSettings,
  ]),
];
