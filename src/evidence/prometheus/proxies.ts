import { byPod } from './pod-series.ts';
import { inEachStore } from './store.ts';

/**
 * A series for each proxy whose stats filter is loaded and whose page is stored: the filter itself makes it, traffic or not
 * (modern.md 0, first discriminator).
 */
export const loaded = inEachStore(`count by (${byPod('job', 'component', 'tag')}) (istio_build)`);

/** Which pods have series of Istio's standard metrics that are not stale, and of which side. */
export const fresh = inEachStore(
  `count by (${byPod('reporter')}) ({__name__=~"istio_requests_total|istio_tcp_connections_opened_total"})`,
);
