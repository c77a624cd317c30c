import { planeSource } from '../../diagnosis/source.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { byPod, PodIndex } from './pod-series.ts';
import type { Series } from './query.ts';
import { allSeries, inEachStore, type StoreAnswer } from './store.ts';

/** What else tells two copies of one series apart: how it was scraped, and in which cluster. */
const COPY_LABELS = ['job', 'service', 'endpoint', 'cluster', 'prometheus_replica'] as const;

/**
 * A series for each proxy whose stats filter is loaded and whose page is stored: the filter itself makes it, traffic or not
 * (modern.md 0, first discriminator).
 */
export const loaded = inEachStore(`count by (${byPod(...COPY_LABELS, 'component', 'tag')}) (istio_build)`);

/** Which pods have series of Istio's standard metrics that are not stale, and of which side. */
export const fresh = inEachStore(
  `count by (${byPod(...COPY_LABELS, 'reporter', '__name__')}) ({__name__=~"istio_requests_total|istio_tcp_connections_opened_total"})`,
);

/** Parts of a proxy's page that its agent could not have lately: `type` says which (modern.md 2f, F11). */
export const mergeFailures = inEachStore(
  `sum by (${byPod('type')}) (increase(istio_agent_scrape_failures_total[15m])) > 0`,
);

/** Whether `istio_build` is of what carries the mesh's traffic, an Envoy whose filter is loaded or a ztunnel, and not istiod's. */
export const isOfDataPlane = ({ labels }: Series): boolean =>
  /^(proxy|ztunnel)$/.test(labels.get('component') ?? 'proxy');

/** The releases of the proxies that are stored, one for each proxy. */
export const releasesIn = (builds: readonly StoreAnswer[]): readonly string[] =>
  allSeries(builds).flatMap(({ labels }) => (labels.get('component') === 'proxy' ? [labels.get('tag') ?? ''] : []));

/** The release that counts no messages of gRPC (modern.md 5, 21). */
const WITHOUT_MESSAGES = /^1\.17\b/;

/** Proxies of that release, by their pods' names where a store tells them. */
export const withoutMessages = (answers: readonly StoreAnswer[]): readonly Series[] =>
  allSeries(answers).filter(
    ({ labels }) => labels.get('component') === 'proxy' && WITHOUT_MESSAGES.test(labels.get('tag') ?? ''),
  );

/** What is counted of gRPC, by its name; only a mesh with proxies of that release is asked. */
export const grpcCounts = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async ({ from }): Promise<readonly StoreAnswer[]> =>
    withoutMessages(await from(loaded)).length === 0 ? [] : from(countedOfGrpc),
);

const countedOfGrpc = inEachStore(
  'count by (__name__) ({__name__=~"istio_requests_total|istio_request_messages_total",request_protocol="grpc"})',
);

/** Which of `pods` have series that only a loaded stats filter makes, or ztunnel. Those of istiod are none. */
export function provenIn(pods: readonly Pod[], answers: readonly StoreAnswer[]): ReadonlySet<Pod> {
  const index = PodIndex.of(pods);
  const proven = new Set<Pod>();
  for (const { series } of answers)
    for (const each of 'got' in series ? series.got : []) {
      const pod = isOfDataPlane(each) ? index.podOf(each.labels) : null;
      if (pod) proven.add(pod);
    }
  return proven;
}
