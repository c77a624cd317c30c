import type { Source, Walk } from '../../../diagnosis/check.ts';
import { statsEnvoyFilters, telemetryObjects } from '../../../evidence/istio/telemetry.ts';
import { mutating } from '../../../evidence/istio/webhooks.ts';
import { allNamespaces } from '../../../evidence/kubernetes/lists.ts';
import { monitoring } from '../../../evidence/prometheus/monitors.ts';
import { configDelivery } from './config-delivery.ts';
import { consuming } from './consumers.ts';
import { funnel } from './funnel.ts';
import { inMesh } from './in-mesh.ts';
import { ofProxies } from './of-proxies.ts';
import { protocol } from './protocol.ts';
import { proxyEmits } from './proxy-emits.ts';
import { scrape } from './scrape.ts';
import { stored } from './stored.ts';
import { telemetryConfig } from './telemetry-config.ts';

/** From a workload's proxy to whoever looks at its metrics, where Envoy makes them: Istio 1.5 and newer. */
export const sidecarWalk: Walk = {
  steps: [inMesh, ...[telemetryConfig, configDelivery, proxyEmits, protocol, scrape, stored, consuming].map(ofProxies)],
  meter: funnel,
};

/** What it asks the cluster: what its checks need, and what only those sources ask. */
export const sidecarSources: readonly Source<unknown>[] = [
  ...new Set([
    ...sidecarWalk.steps.flatMap(({ checks }) => checks.flatMap(({ needs }) => Object.values(needs))),
    allNamespaces,
    mutating,
    telemetryObjects,
    statsEnvoyFilters,
    monitoring,
  ]),
];
