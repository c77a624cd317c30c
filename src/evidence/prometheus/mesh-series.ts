import type { Source } from '../../diagnosis/check.ts';
import { planeSource } from '../../diagnosis/source.ts';
import { consumers, isKiali } from '../consumers/consumers.ts';
import { allPods } from '../kubernetes/lists.ts';
import { inMeshStore } from './mesh-store.ts';
import { byPod } from './pod-series.ts';
import { loaded } from './proxies.ts';
import { summedBy } from './query.ts';
import { inEachStore, type StoreAnswer } from './store.ts';

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

/** How many samples of each target that answers are left out when they are stored: 0 where all are kept. */
export const dropped = inEachStore(
  `max by (${byPod('job')}) ((scrape_samples_scraped > 0) - scrape_samples_post_metric_relabeling)`,
);

/** Requests that came to an end, a second, without those that a proxy answered itself, or could not send on. */
const RATE = 'rate(istio_requests_total{response_flags=~"-|"}[10m])';

const EDGE = [
  'reporter',
  'source_workload_namespace',
  'source_workload',
  'destination_workload_namespace',
  'destination_workload',
  'destination_service_namespace',
  'destination_service_name',
] as const;

/** Who calls whom, by who reports it: one pass over all requests for what is judged of either end. */
export const edges = inMeshStore(`sum by (${EDGE.join(', ')}) (${RATE})`);

/** The same requests by fewer labels: asked for by themselves where who calls whom is too much for a store that answers. */
function edgesBy(...names: readonly (typeof EDGE)[number][]): Source<StoreAnswer | null> {
  const alone = inMeshStore(`sum by (${names.join(', ')}) (${RATE})`);
  return planeSource([{ verb: 'create', resource: 'pods/portforward' }], async ({ from }) => {
    const answer = await from(edges);
    if (answer === null) return null;
    if ('got' in answer.series) return { ...answer, series: { got: summedBy(answer.series.got, names) } };
    const isAnswering = (await from(loaded)).some(({ where, series }) => where === answer.where && 'got' in series);
    return isAnswering ? from(alone) : answer;
  });
}

/** Requests to and from each workload, and to each Service, by who reports them (modern.md 2f, F3 and F6). */
export const toWorkloads = edgesBy('reporter', 'destination_workload_namespace', 'destination_workload');
export const fromWorkloads = edgesBy('reporter', 'source_workload_namespace', 'source_workload');
export const toServices = edgesBy('reporter', 'destination_service_namespace', 'destination_service_name');

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

const lacking = inMeshStore(
  [
    'count(istio_requests_total)',
    ...KIALI_NEEDS.map(
      (label) => `label_replace(count(istio_requests_total{${label}=""}), "lacks", "${label}", "", "")`,
    ),
  ].join(' or '),
);

/**
 * How many series of requests lack each label that Kiali needs, and how many there are in all: the one without `lacks`. Asked
 * only where there is a Kiali.
 */
export const kialiLabels = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async ({ from }): Promise<StoreAnswer | null> => {
    // The pods are listed before any Kiali's ConfigMap is read.
    const runs = (await from(allPods)).items.some(isKiali);
    return runs || (await from(consumers)).some(({ kind }) => kind === 'Kiali') ? from(lacking) : null;
  },
);
