import { unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { numberOf } from '../../prometheus/numbers.ts';
import { allPods, grouped } from '../kubernetes/lists.ts';
import { isAmbient, isRunning, type Pod } from '../kubernetes/pod.ts';
import { askMetrics } from '../prometheus/metrics-page.ts';
import { PodIndex } from '../prometheus/pod-series.ts';
import { allSeries, type StoreAnswer } from '../prometheus/store.ts';
import { enrolled, isSidecar } from './enrolled.ts';
import { ACTIVE, servedByZtunnel } from './series.ts';

/** How many pods a ztunnel serves, against those of its node that are marked as redirected. */
export interface ServedBy {
  ztunnel: Pod;
  marked: number;
  active: number;
  /** Of a store's number that seems too small: why the ztunnel's own page does not confirm it; null where nothing is open. */
  unconfirmed: Unanswered | 'not-asked' | null;
}

/** So long a pod may be marked before its ztunnel counts it (ms). */
const SETTLING = 3 * 60_000;

/** Of each ztunnel, as the store has it: two that scrape it may be apart by one scrape. */
function activeIn(answer: StoreAnswer | null, pods: readonly Pod[]): ReadonlyMap<Pod, number> {
  const index = PodIndex.of(pods);
  const active = new Map<Pod, number>();
  for (const { labels, value } of answer ? allSeries([answer]) : []) {
    const pod = index.podOf(labels);
    if (pod && Number.isFinite(value)) active.set(pod, Math.max(active.get(pod) ?? 0, value));
  }
  return active;
}

/** What a ztunnel counts now, on its own page. */
async function countedBy({ cluster }: Ask, { namespace, name }: Pod): Promise<number> {
  const question = { ask: 'page', namespace, pod: name, port: 15020, path: '/metrics' } as const;
  let active: number | null = null;
  await askMetrics(
    cluster,
    question,
    (each) => each === ACTIVE,
    (_family, { value }) => {
      active = numberOf(value);
    },
  );
  if (active === null) throw unanswered(question, 'BadAnswer', 'the page does not tell how many pods it serves');
  return active;
}

/**
 * The ztunnels that carry what is looked at, as far as a store tells how many pods they serve. A store is as old as its last
 * scrape, and a mark may be younger: those that seem to serve too few are asked themselves, at most `scope.sample`; of the others it stays open.
 */
export const servedNow = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<Attempt<readonly ServedBy[]>> => {
    const { from, now, scope } = ask;
    const [{ ztunnels }, { items }, answer] = await Promise.all([from(enrolled), from(allPods), from(servedByZtunnel)]);
    if (answer && 'missing' in answer.series) return answer.series;
    const active = activeIn(answer, ztunnels);
    const isOld = ({ startedAt }: Pod): boolean => startedAt === null || now - startedAt > SETTLING;
    const marked = grouped(
      items.filter((pod) => isAmbient(pod) && !isSidecar(pod) && isRunning(pod) && isOld(pod)),
      ({ node }) => node,
    );
    const known = ztunnels.flatMap((ztunnel): readonly Omit<ServedBy, 'unconfirmed'>[] => {
      const number = active.get(ztunnel);
      const own = ztunnel.node === null ? [] : (marked.get(ztunnel.node) ?? []);
      return number === undefined || !isOld(ztunnel) ? [] : [{ ztunnel, active: number, marked: own.length }];
    });
    const isShort = ({ active, marked }: { active: number; marked: number }): boolean => active < marked;
    const pages = new Map(
      await Promise.all(
        known
          .filter(isShort)
          .slice(0, scope.sample)
          .map(async ({ ztunnel }) => [ztunnel, await settle(countedBy(ask, ztunnel))] as const),
      ),
    );
    return {
      got: known.map((each): ServedBy => {
        if (!isShort(each)) return { ...each, unconfirmed: null };
        const page = pages.get(each.ztunnel);
        if (page === undefined) return { ...each, unconfirmed: 'not-asked' };
        return 'got' in page
          ? { ...each, active: page.got, unconfirmed: null }
          : { ...each, unconfirmed: page.missing };
      }),
    };
  },
);
