import type { Source, Walk } from '../../../diagnosis/check.ts';
import { consumerStores } from '../../../evidence/consumers/consumer-stores.ts';
import { consumers } from '../../../evidence/consumers/consumers.ts';
import { emission } from '../../../evidence/envoy/emission.ts';
import { injection } from '../../../evidence/istio/injection.ts';
import { madeStats } from '../../../evidence/istio/made-stats.ts';
import { meshMetrics } from '../../../evidence/istio/mesh-metrics.ts';
import { allSyncs, pilotCounts } from '../../../evidence/istio/pilot.ts';
import { statsEnvoyFilters, telemetryObjects } from '../../../evidence/istio/telemetry.ts';
import { mutating } from '../../../evidence/istio/webhooks.ts';
import { allNamespaces } from '../../../evidence/kubernetes/lists.ts';
import { monitoring } from '../../../evidence/prometheus/monitors.ts';
import { prometheusReadings } from '../../../evidence/prometheus/readings.ts';
import { prometheusServers } from '../../../evidence/prometheus/server.ts';
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

/** What it asks the cluster. */
export const sidecarSources: readonly Source<unknown>[] = [
  ...new Set([
    ...sidecarWalk.steps.flatMap(({ checks }) => checks.flatMap(({ needs }) => Object.values(needs))),
    allNamespaces,
    mutating,
    meshMetrics,
    telemetryObjects,
    statsEnvoyFilters,
    madeStats,
    injection,
    allSyncs,
    pilotCounts,
    emission,
    monitoring,
    prometheusServers,
    prometheusReadings,
    consumers,
    consumerStores,
  ]),
];
