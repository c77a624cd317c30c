import { ownerOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import type { StoreAnswer } from '../../../../evidence/prometheus/store.ts';
import { podsIn, seriesIn } from '../../prometheus/answers.ts';

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

const all = (answers: readonly StoreAnswer[]): readonly Series[] => answers.flatMap(seriesIn);

/** Of the filter of a proxy, and not of ztunnel or istiod. */
export const isOfProxy = ({ labels }: Series): boolean => (labels.get('component') ?? 'proxy') === 'proxy';

export function coverageOf(pods: readonly Pod[], { fresh, loaded, dropped }: Asked): Coverage {
  const reporting = podsIn(all(fresh), pods);
  const proven = podsIn(all(loaded).filter(isOfProxy), pods);
  const pages = all(dropped);
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
    ...to.flatMap(({ labels }) =>
      labels.get('reporter') === 'destination'
        ? [`${labels.get('destination_workload_namespace')}/${labels.get('destination_workload')}`]
        : [],
    ),
    ...from.flatMap(({ labels }) =>
      labels.get('reporter') === 'source'
        ? [`${labels.get('source_workload_namespace')}/${labels.get('source_workload')}`]
        : [],
    ),
  ]);

/** A pod's workload as Istio's labels name it (pkg/kube/util.go, GetWorkloadMetaFromPod). */
export function workloadOf(pod: Pod): string {
  const { namespace, name } = ownerOf(pod);
  return `${namespace}/${name}`;
}
