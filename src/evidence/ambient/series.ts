import type { Source } from '../../diagnosis/check.ts';
import { inMeshStore } from '../prometheus/mesh-store.ts';
import { byPod } from '../prometheus/pod-series.ts';
import type { StoreAnswer } from '../prometheus/store.ts';

type Answers = Source<StoreAnswer | null>;

export const ACTIVE = 'workload_manager_active_proxy_count';

/** How many pods each ztunnel serves (1.21 and newer). */
export const servedByZtunnel: Answers = inMeshStore(`max by (${byPod()}) (${ACTIVE})`);

/** How many it was told of and has no proxy for yet, all through five minutes: it tries again and again (1.21 and newer). */
export const pendingInZtunnel: Answers = inMeshStore(
  `max by (${byPod()}) (min_over_time(workload_manager_pending_proxy_count[5m]))`,
);

/** How often each ztunnel lost istiod in a quarter of an hour, by why; before 1.22 under the other name. */
export const terminations: Answers = inMeshStore(
  `sum by (${byPod('reason')}) (increase({__name__=~"istio_(xds_)?connection_terminations_total",reason!=""}[15m])) > 0`,
);

/** What ztunnel says of a connection that failed (ztunnel, src/proxy/metrics.rs): Envoy's flags are others. */
export const FLAGS = [
  'DENY',
  'CONNECT',
  'TLS_FAILURE',
  'H2_HANDSHAKE_FAILURE',
  'NETWORK_POLICY',
  'IDENTITY_ERROR',
  'CERT_REVOKED',
] as const;

const EDGE =
  'reporter, source_workload_namespace, source_workload, destination_workload_namespace, destination_workload, destination_service_namespace, destination_service_name';

/**
 * Connections that ended badly in a quarter of an hour, by how and between whom (1.22 and newer). The flag is set when a connection
 * is closed: those that were opened have none.
 */
export const failures: Answers = inMeshStore(
  `sum by (${EDGE}, response_flags, connection_security_policy) (increase(istio_tcp_connections_closed_total{response_flags=~"${FLAGS.join('|')}"}[15m])) > 0`,
);

/** What flows between whom at L4, in bytes a second that callers send: connections may be older than any window. */
export const flows: Answers = inMeshStore(`sum by (${EDGE}) (rate(istio_tcp_received_bytes_total[10m])) > 0`);

/** Requests whose peer is an east-west gateway, though they are for a Service elsewhere (reports.md 8). */
export const unknownBehindGateways: Answers = inMeshStore(
  'sum by (reporter, destination_service_namespace, destination_service_name, destination_principal) (rate(istio_requests_total{reporter="waypoint",destination_workload="unknown"}[10m])) > 0',
);

/** What each ztunnel's series have for the label app, which a scraper gives them. */
export const appsOfZtunnel: Answers = inMeshStore('count by (app) (istio_build{component="ztunnel"})');

/** What each waypoint's pod counts of requests, by who calls what, whatever becomes of them: those that fail are counted too. */
export const countedByWaypoints: Answers = inMeshStore(
  `sum by (${byPod('reporter', 'source_workload_namespace', 'source_workload', 'destination_service_namespace', 'destination_service_name')}) (rate(istio_requests_total{reporter="waypoint"}[10m]))`,
);

/** How many connections a second are opened between whom, and whether through the tunnel: 0 where there were some once. */
export const openings: Answers = inMeshStore(
  `sum by (${EDGE}, connection_security_policy) (rate(istio_tcp_connections_opened_total[10m]))`,
);
