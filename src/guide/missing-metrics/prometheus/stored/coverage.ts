import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { podsIn } from '../../../../evidence/prometheus/pod-series.ts';
import { isOfDataPlane, provenIn } from '../../../../evidence/prometheus/proxies.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import type { StoreAnswer } from '../../../../evidence/prometheus/store.ts';
import { seriesIn } from '../answers.ts';
import { endOf, reportedBy } from '../rates.ts';

/** What is asked of every store about the proxies. */
export interface Asked {
  fresh: readonly StoreAnswer[];
  loaded: readonly StoreAnswer[];
  dropped: readonly StoreAnswer[];
}

/** What the stores hold of each proxy. Each pod is in one of these. */
export interface Coverage {
  /** Series of traffic that are not stale. */
  reporting: readonly Pod[];
  /** The filter's own series alone: there was no traffic, or it is not reported. */
  idle: readonly Pod[];
  /** Its page is stored in part, and Istio's own series are not in it. */
  cut: readonly Pod[];
  /** Its page is stored as it is, and Istio's own series are not on it: an earlier hop's matter. */
  silent: readonly Pod[];
  /** No page of it is stored: also an earlier hop's matter. */
  unscraped: readonly Pod[];
}

/** Series of traffic, and those that a proxy's filter, or ztunnel, makes itself. */
export const ofProxies = ({ fresh, loaded }: Omit<Asked, 'dropped'>): readonly Series[] => [
  ...fresh.flatMap(seriesIn),
  ...loaded.flatMap(seriesIn).filter(isOfDataPlane),
];

export function coverageOf(pods: readonly Pod[], { fresh, loaded, dropped }: Asked): Coverage {
  const reporting = podsIn(fresh.flatMap(seriesIn), pods);
  const proven = provenIn(pods, loaded);
  const pages = dropped.flatMap(seriesIn);
  const scraped = podsIn(pages, pods);
  const cut = podsIn(
    pages.filter(({ value }) => value > 0),
    pods,
  );
  const without = pods.filter((pod) => !reporting.has(pod) && !proven.has(pod));
  return {
    reporting: pods.filter((pod) => reporting.has(pod)),
    idle: pods.filter((pod) => proven.has(pod) && !reporting.has(pod)),
    cut: without.filter((pod) => cut.has(pod)),
    silent: without.filter((pod) => scraped.has(pod) && !cut.has(pod)),
    unscraped: without.filter((pod) => !scraped.has(pod)),
  };
}

/** `NAMESPACE/WORKLOAD` as Istio's own labels name who reports. */
export const reportersIn = (to: readonly Series[], from: readonly Series[]): ReadonlySet<string> =>
  new Set([
    ...reportedBy(to, 'destination').map((each) => endOf(each, 'destination_workload')),
    ...reportedBy(from, 'source').map((each) => endOf(each, 'source_workload')),
  ]);
