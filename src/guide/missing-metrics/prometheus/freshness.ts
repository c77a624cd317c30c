import { defineCheck } from '../../../diagnosis/check.ts';
import { count, skip } from '../../../diagnosis/verdict.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { linesOf, subjectsOf } from '../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { LATE, newest, oldest, oldestAge } from '../../../evidence/prometheus/newest.ts';
import { PodIndex } from '../../../evidence/prometheus/pod-series.ts';
import type { StoreAnswer } from '../../../evidence/prometheus/store.ts';
import { spoken } from '../../../evidence/text/duration.ts';
import { SCRAPE } from '../steps.ts';
import { gapsIn, notWhole, seriesIn } from './answers.ts';
import { PARTIAL_ANSWER } from './partial.ts';

/** How old each pod's newest sample is, by the store's own clock (ms): in the store that has the newest. */
function agesOf(answers: readonly StoreAnswer[], pods: readonly Pod[]): ReadonlyMap<Pod, number> {
  const index = PodIndex.of(pods);
  const ages = new Map<Pod, number>();
  for (const { labels, value, at } of answers.flatMap(seriesIn)) {
    const pod = index.podOf(labels);
    const age = at - value * 1000;
    // What was stored before it started is another's, that had its address.
    const isOwn = pod !== null && (pod.startedAt === null || value * 1000 >= pod.startedAt);
    if (isOwn && age < (ages.get(pod) ?? Number.POSITIVE_INFINITY)) ages.set(pod, age);
  }
  return ages;
}

export const samplesFresh = defineCheck({
  id: 'samples-fresh',
  title: 'the proxies’ newest samples are of now',
  explains:
    'The age of each proxy’s newest istio_build by the store’s own clock, up to six hours back: no clock of this machine is compared with it. A series whose newest sample is older than five minutes is not found by a query, though it is stored.',
  reasons: {
    SamplesStopped:
      'No proxy has had a sample for more than five minutes, and they had before: the store no longer gets any.',
    SomeStopped:
      'These proxies run, and had samples until a while ago: they are no longer scraped, or no longer make them.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { emitters, store: meshStore, oldest, newest },
  judge({ emitters, store, oldest, newest }) {
    if (store === null) return skip('no Prometheus to ask');
    if (newest === null)
      return { status: 'pass', message: `each proxy’s newest sample is at most ${spoken(oldestAge(oldest))} old` };
    const ages = agesOf(newest, emitters);
    const gap = notWhole(gapsIn(newest));
    if (ages.size === 0) return gap ?? skip('no samples of istio_build in six hours');
    const all = [...ages.values()];
    const youngest = Math.max(0, Math.min(...all));
    const late = [...ages].filter(([, age]) => age > LATE).map(([pod]) => pod);
    if (late.length === 0) return { status: 'pass', message: `the newest sample is ${spoken(youngest)} old` };
    if (gap) return gap;
    const subjects = subjectsOf(late);
    const isAll = late.length === ages.size;
    const since = spoken(Math.min(...late.map((pod) => ages.get(pod) ?? 0)));
    return {
      status: 'fail',
      reason: isAll ? 'SamplesStopped' : 'SomeStopped',
      message: isAll
        ? `the newest sample of any proxy in ${store.where} is ${since} old`
        : `${late.length} of ${count(emitters.length, 'proxy', 'proxies')} have had no sample for ${since} or more`,
      evidence: linesOf(subjects),
      subjects,
      hint: `${store.readConfig.replace('/api/v1/status/config', '/api/v1/targets?state=active')}   # lastScrape and lastError of their targets`,
      mayFollowFrom: [SCRAPE],
    };
  },
});
