import { defineCheck } from '../../../diagnosis/check.ts';
import { count, skip } from '../../../diagnosis/verdict.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { grouped } from '../../../evidence/kubernetes/lists.ts';
import { linesOf, subjectsOf } from '../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { hostOf, PodIndex, podsIn } from '../../../evidence/prometheus/pod-series.ts';
import { fresh, loaded } from '../../../evidence/prometheus/proxies.ts';
import type { Series } from '../../../evidence/prometheus/query.ts';
import type { StoreAnswer } from '../../../evidence/prometheus/store.ts';
import { gapsIn, notWhole, seriesIn } from './answers.ts';
import { PARTIAL_ANSWER } from './partial.ts';

/** The labels by which copies of one series differ. */
const TELLING = ['job', 'service', 'endpoint', 'instance', 'prometheus_replica'] as const;

/** What must be alike for two series to be copies of one. */
const ALIKE = ['__name__', 'reporter', 'component', 'cluster'] as const;

const ADDRESS = /^([\d.]+|[\da-f.]*:[\da-f:.]*)$/i;

/**
 * Whether a series was scraped at an address that its pod no longer has: a pod of a StatefulSet is called the same after it has
 * moved. Of a pod that has addresses of both families one alone is known.
 */
function isOfPast(labels: Series['labels'], { ip }: Pod): boolean {
  const host = hostOf(labels);
  return ip !== null && ADDRESS.test(host) && host.includes(':') === ip.includes(':') && host !== ip;
}

/** How one copy of a series was scraped: `job reviews, instance 10.0.0.9:15020`. */
const scrapedBy = ({ labels }: Series): string =>
  TELLING.flatMap((name) => (labels.get(name) ? [`${name} ${labels.get(name)}`] : [])).join(', ');

const alike = ({ labels }: Series): string => ALIKE.map((name) => labels.get(name) ?? '').join('\n');

const isAlike = (one: Series, other: Series): boolean =>
  ALIKE.every((name) => (one.labels.get(name) ?? '') === (other.labels.get(name) ?? ''));

/** So few are compared one by one: it costs no memory, and most pods have no more. */
const FEW = 8;

const hasCopies = (series: readonly Series[]): boolean =>
  series.length > FEW || series.some((one, place) => series.some((other, next) => next > place && isAlike(one, other)));

/** The most copies that one of these series has, by how they were scraped. */
function copiesOf(series: readonly Series[]): readonly string[] {
  if (!hasCopies(series)) return [];
  const copies = [...grouped(series, alike).values()].map((same) => [...new Set(same.map(scrapedBy))]);
  return copies.reduce((most, each) => (each.length > most.length ? each : most), []);
}

/** The pods whose series are there more than once in one store, and how each copy was scraped. */
export function copiesIn(series: readonly Series[], pods: readonly Pod[]): ReadonlyMap<Pod, readonly string[]> {
  const index = PodIndex.of(pods);
  const own = grouped(series, ({ labels }) => {
    const pod = index.podOf(labels);
    return pod === null || isOfPast(labels, pod) ? null : pod;
  });
  const found = new Map<Pod, readonly string[]>();
  for (const [pod, all] of own) {
    const copies = copiesOf(all);
    if (copies.length > 1) found.set(pod, copies);
  }
  return found;
}

/** The store with most of them. */
function mostCopies(answers: readonly StoreAnswer[], pods: readonly Pod[]): ReadonlyMap<Pod, readonly string[]> {
  const [most] = answers.map((answer) => copiesIn(seriesIn(answer), pods)).sort((a, b) => b.size - a.size);
  return most ?? new Map();
}

/** `2`, `2 to 3`. */
function factors(found: ReadonlyMap<Pod, readonly string[]>): string {
  const sizes = [...found.values()].map(({ length }) => length);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

export const scrapedOnce = defineCheck({
  id: 'scraped-once',
  title: 'each proxy’s series are stored once',
  explains:
    'A pod that two jobs scrape, or one job once for each Service that selects it, or on two of its ports, is stored more than once: sums over its series are too high by that factor. A mesh-wide sum hides it where a few workloads are meant. Copies that differ by the cluster they come from are no copies, nor is what is left of an address that a pod no longer has.',
  reasons: {
    StoredTwice: 'Requests of these proxies are stored more than once: sums of them are too high.',
    ScrapedTwice: 'These proxies are scraped more than once: what they will count is stored more than once.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { emitters, store: meshStore, fresh, loaded },
  judge({ emitters, store, fresh, loaded }) {
    if (store === null) return skip('no Prometheus to ask');
    const counted = mostCopies(fresh, emitters);
    const found = counted.size > 0 ? counted : mostCopies(loaded, emitters);
    if (found.size === 0) {
      const gap = notWhole(gapsIn([...fresh, ...loaded]));
      if (gap) return gap;
      if (store.holds !== true) return skip('no store holds series of Istio’s proxies');
      if (podsIn([...fresh, ...loaded].flatMap(seriesIn), emitters).size === 0)
        return skip('no series names a pod of these');
      return { status: 'pass', message: `each series of a proxy is in ${store.where} once` };
    }
    const subjects = subjectsOf([...found.keys()]);
    const [, example = []] = [...found].sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
    return {
      status: counted.size > 0 ? 'fail' : 'warn',
      reason: counted.size > 0 ? 'StoredTwice' : 'ScrapedTwice',
      effect: 'wrong',
      message: `${found.size} of ${count(emitters.length, 'proxy', 'proxies')} stored ${factors(found)} times: what they count is too high by that factor`,
      evidence: [...example.slice(0, 4), ...linesOf(subjects)],
      subjects,
      hint: `${store.readConfig} | jq -r .data.yaml | grep -A2 job_name   # let one job scrape them: a PodMonitor, or a ServiceMonitor that selects one Service for each pod`,
    };
  },
});
