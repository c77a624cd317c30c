import { defineCheck } from '../../../diagnosis/check.ts';
import { count, skip } from '../../../diagnosis/verdict.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { allPods } from '../../../evidence/kubernetes/lists.ts';
import { linesOf, subjectsOf } from '../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { falling } from '../../../evidence/prometheus/falling.ts';
import { dropped } from '../../../evidence/prometheus/mesh-series.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { isNameless, PodIndex, podsIn } from '../../../evidence/prometheus/pod-series.ts';
import { isOfDataPlane, loaded } from '../../../evidence/prometheus/proxies.ts';
import type { Series } from '../../../evidence/prometheus/query.ts';
import { nothingIn, notWhole, seriesIn } from './answers.ts';
import { PARTIAL_ANSWER } from './partial.ts';
import { total } from './rates.ts';

/** Labels without those that tell nothing here: `{job="mesh"}`. */
const labelsOf = ({ labels }: Series): string =>
  `{${[...labels].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;

export const proxiesToldApart = defineCheck({
  id: 'proxies-told-apart',
  title: 'each proxy has series of its own',
  explains:
    'Rules that drop labels after the scrape (labeldrop, labelkeep) can leave several proxies’ counters one series: each scrape writes over the last one’s, and what looks like a counter that starts again makes every rate far too high. Looks for counters that fall at every few samples, and for targets that are told apart while their istio_build is not, and for a Service’s address that is scraped in the place of its pods. Not for sums that a store behind another keeps: those do not fall.',
  reasons: {
    ProxiesMerged: 'Several proxies are written into one series: its rates are false.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { emitters, pods: allPods, store: meshStore, falling, loaded, dropped },
  judge({ emitters, pods, store, falling, loaded, dropped }) {
    if (store === null) return skip('no Prometheus to ask');
    if (falling === 'needless')
      return { status: 'pass', message: `each proxy has series of its own in ${store.where}` };
    const nothing = nothingIn(falling);
    if (nothing) return nothing;
    const index = PodIndex.of(emitters);
    // A pod's own counters begin again when its proxy does.
    const all = PodIndex.of(pods.items);
    // A Service's address leads to one pod after the other.
    const isNobodys = (labels: Series['labels']): boolean =>
      pods.complete && !labels.has('pod') && !labels.has('pod_name') && all.podOf(labels) === null;
    const wrong = seriesIn(falling).filter(
      ({ labels }) => isNameless(labels) || isNobodys(labels) || index.podOf(labels)?.restarts === 0,
    );
    const own = seriesIn(loaded[store.index]).filter(isOfDataPlane);
    const scraped = podsIn(seriesIn(dropped[store.index]), emitters);
    const told = podsIn(own, emitters);
    const nameless = own.filter(({ labels }) => isNameless(labels));
    const merged: readonly Pod[] = [...scraped].filter((pod) => !told.has(pod));
    const isMerged = nameless.length > 0 && total(nameless) < merged.length;
    if (wrong.length === 0 && !isMerged) {
      const gap = notWhole({ missing: [], partial: falling?.partial ?? [] });
      if (gap) return gap;
      return { status: 'pass', message: `no counter of ${store.where} falls again and again` };
    }
    const subjects = subjectsOf(merged);
    const [first] = wrong.length > 0 ? wrong : nameless;
    const words =
      merged.length > 0
        ? `${merged.length} of ${count(emitters.length, 'proxy', 'proxies')} write into ${count(Math.max(1, total(nameless)), 'series', 'series')}`
        : 'several proxies write into one series';
    const falls = wrong[0] ? `, whose counters fall at ${Math.round(wrong[0].value * 100)}% of their samples` : '';
    return {
      status: 'fail',
      reason: 'ProxiesMerged',
      effect: 'wrong',
      message: `${words}${first ? ` ${labelsOf(first)}` : ''}${falls}`,
      evidence: [
        ...wrong
          .slice(0, 3)
          .map((each) => `${labelsOf(each)} falls at ${Math.round(each.value * 100)}% of its samples`),
        ...linesOf(subjects),
      ],
      subjects,
      hint: `${store.readConfig} | jq -r .data.yaml | grep -B3 -A3 -E 'label(drop|keep)'   # keep instance, or pod and namespace`,
    };
  },
});
