import { defineCheck } from '../../../diagnosis/check.ts';
import { count, skip, some } from '../../../diagnosis/verdict.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { linesOf, subjectsOf } from '../../../evidence/kubernetes/owner.ts';
import { otherNames, recorded, renamed } from '../../../evidence/prometheus/mesh-series.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { podsIn } from '../../../evidence/prometheus/pod-series.ts';
import { fresh } from '../../../evidence/prometheus/proxies.ts';
import type { StoreAnswer } from '../../../evidence/prometheus/store.ts';
import { gapsIn, notWhole, seriesIn } from './answers.ts';
import { PARTIAL_ANSWER } from './partial.ts';

const namesIn = (answers: readonly StoreAnswer[]): readonly string[] => [
  ...new Set(answers.flatMap((answer) => seriesIn(answer).flatMap(({ labels }) => labels.get('__name__') ?? []))),
];

export const namesKept = defineCheck({
  id: 'names-kept',
  title: 'Istio’s series are stored under their own names',
  explains:
    'Looks for names that hold istio_requests_total and are not it. With a colon they are recorded by a rule: a store behind another often keeps those alone, and whoever asks for istio_requests_total finds nothing. Others come of a custom tag that the proxy’s bootstrap does not know (extraStatTags, before the native filter of 1.16), or of a rule that renames.',
  reasons: {
    OnlyRecorded:
      'The store has sums that rules recorded, and not the series themselves: it stands behind the one that scrapes.',
    SeriesRenamed: 'Requests of these proxies are stored under other names: dashboards do not find them.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { emitters, store: meshStore, recorded, renamed, otherNames, fresh },
  judge({ emitters, store, recorded, renamed, otherNames, fresh }) {
    if (store === null) return skip('no Prometheus to ask');
    const strange = podsIn(renamed.flatMap(seriesIn), emitters);
    const own = podsIn(
      fresh
        .flatMap(seriesIn)
        .filter(({ labels }) => (labels.get('__name__') ?? 'istio_requests_total') === 'istio_requests_total'),
      emitters,
    );
    const lost = [...strange].filter((pod) => !own.has(pod));
    const names = namesIn(otherNames);
    const about = (pods: readonly (typeof emitters)[number][]): string =>
      `requests of ${pods.length} of ${count(emitters.length, 'proxy', 'proxies')} are stored as ${some(names, 2)}`;
    const found = lost.length > 0 ? lost : [...strange];
    if (found.length > 0) {
      const subjects = subjectsOf(found);
      return {
        status: lost.length > 0 ? 'fail' : 'warn',
        reason: 'SeriesRenamed',
        message: about(found),
        evidence: [...names, ...linesOf(subjects)],
        subjects,
        hint: `kubectl get telemetries.telemetry.istio.io --all-namespaces -o yaml | grep -A8 tagOverrides   # each tag must be among extraStatTags of the proxies’ configuration; then restart the pods. Or a rule renames: ${store.readConfig}`,
      };
    }
    const gap = notWhole(gapsIn([...recorded, ...renamed, ...fresh]));
    const sums = namesIn(recorded);
    if (store.holds === false && sums.length > 0)
      return (
        gap ?? {
          status: 'fail',
          reason: 'OnlyRecorded',
          message: `${store.where} holds ${some(sums, 2)}, and not istio_requests_total`,
          evidence: sums,
          hint: 'kubectl istio-diag missing-metrics --prometheus-url URL   # of the Prometheus that scrapes the mesh, from which this one has its sums',
        }
      );
    if (gap) return gap;
    if (store.holds !== true) return skip('no store holds series of Istio’s proxies');
    return {
      status: 'pass',
      message: `no other names of istio_requests_total${sums.length > 0 ? ` beside ${some(sums, 2)}, which rules record` : ''}`,
    };
  },
});
