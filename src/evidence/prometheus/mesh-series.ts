import { inMeshStore } from './mesh-store.ts';
import { byPod } from './pod-series.ts';
import { inEachStore } from './store.ts';

/** Names that hold Istio's own and are not: a tag that the proxy does not know ends up in the name (modern.md 2f, F8). */
const RENAMED = '{__name__=~"[^:]+istio_requests_total|[^:]*istio_requests_total[^:]+"}';

/** Sums of Istio's series that rules record, by the colon in their names (modern.md 5, cause 40). */
export const recorded = inEachStore(
  'topk(5, count by (__name__) ({__name__=~".+:istio_(requests|tcp|request_duration).*|istio_(requests|tcp)[a-z_]*:.+"}))',
);

/** Pods whose requests are stored under other names. */
export const renamed = inEachStore(`count by (${byPod()}) (${RENAMED})`);

/** A few of these names. */
export const otherNames = inEachStore(`topk(5, count by (__name__) (${RENAMED}))`);

/**
 * When the proxies' newest samples were made, in seconds since 1970: also of those that are stale, up to six hours back, then
 * with the precision of five minutes.
 */
export const newest = inEachStore(
  `max by (${byPod()}) (timestamp(istio_build)) or max by (${byPod()}) (max_over_time(timestamp(istio_build)[6h:5m]))`,
);

/** How many samples of each target that answers are left out when they are stored: 0 where all are kept. */
export const dropped = inEachStore(
  `max by (${byPod('job')}) ((scrape_samples_scraped > 0) - scrape_samples_post_metric_relabeling)`,
);

const resets = (metric: string): string =>
  `max by (${byPod('job')}) ((resets(${metric}[10m]) >= 3) / count_over_time(${metric}[10m])) > 0.2`;

/**
 * Counters that fall again and again: as several proxies' do that are written into one series, each scrape in its turn. A
 * proxy that restarts resets its own once.
 */
export const falling = inMeshStore(
  `${resets('istio_requests_total')} or ${resets('istio_tcp_connections_opened_total')}`,
);

/** Requests that came to an end, a second, without those that a proxy answered itself, or could not send on. */
const RATE = 'rate(istio_requests_total{response_flags=~"-|"}[10m])';

/** Requests to and from each workload, by who reports them (modern.md 2f, F3 and F6). */
export const toWorkloads = inMeshStore(
  `sum by (reporter, destination_workload_namespace, destination_workload) (${RATE})`,
);
export const fromWorkloads = inMeshStore(`sum by (reporter, source_workload_namespace, source_workload) (${RATE})`);
export const toServices = inMeshStore(
  `sum by (reporter, destination_service_namespace, destination_service_name) (${RATE})`,
);

/** Requests whose peer has no name, by why that may be (modern.md 2f, F7). */
export const unknownSources = inMeshStore(
  'sum by (reporter, connection_security_policy, destination_workload_namespace, destination_workload) (rate(istio_requests_total{source_workload="unknown",response_flags=~"-|"}[10m]))',
);
const BY_DESTINATION =
  'sum by (reporter, source_workload_namespace, source_workload, destination_service_namespace, destination_service_name)';
export const unknownDestinations = inMeshStore(
  `${BY_DESTINATION} (rate(istio_requests_total{destination_workload="unknown",response_flags=~"-|"}[10m])) or ${BY_DESTINATION} (rate(istio_requests_total{destination_service_name="BlackHoleCluster"}[10m]))`,
);

/** Kiali leaves out a series that lacks one of these (kiali/kiali, graph/telemetry/istio). */
const KIALI_NEEDS = [
  'source_workload_namespace',
  'source_workload',
  'source_canonical_service',
  'source_canonical_revision',
  'destination_service_namespace',
  'destination_service',
  'destination_service_name',
  'destination_workload_namespace',
  'destination_workload',
  'destination_canonical_service',
  'destination_canonical_revision',
  'request_protocol',
  'response_code',
  'response_flags',
];

/** How many series lack each label that Kiali needs, and how many there are in all: the one without `lacks`. */
export const kialiLabels = inMeshStore(
  [
    'count(istio_requests_total)',
    ...KIALI_NEEDS.map(
      (label) => `label_replace(count(istio_requests_total{${label}=""}), "lacks", "${label}", "", "")`,
    ),
  ].join(' or '),
);
