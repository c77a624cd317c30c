import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { proxyScraping } from '../../../../evidence/prometheus/scraping.ts';
import type { Cause } from '../../../../evidence/prometheus/unscraped.ts';
import { annotate } from './mending.ts';
import { about, nothingAbout, partOf, UNPROVEN, unproven } from './scope.ts';

const isOfAnnotations = ({ by, obstacle }: Cause): boolean =>
  by !== null && 'job' in by && by.isByAnnotation && (obstacle?.is === 'rule' || obstacle?.is === 'elsewhere');

/** The values of an annotation however it is spelled: Prometheus and the injector read `prometheus.io.scrape` alike. */
const said = ({ annotations }: Pod, name: string): readonly string[] =>
  Object.entries(annotations).flatMap(([key, value]) => (key.replace(/[^a-zA-Z0-9_]/g, '_') === name ? [value] : []));

type Reason = 'ScrapeSaysFalse' | 'MergeOff' | 'ScrapeAnnotationMissing' | 'ScrapeAnnotationElsewhere';

function reasonOf(pod: Pod): Reason {
  const scrape = said(pod, 'prometheus_io_scrape');
  const isNo = (value: string): boolean => /^(0|f|false)$/i.test(value);
  if (scrape.some(isNo)) return 'ScrapeSaysFalse';
  if (said(pod, 'prometheus_istio_io_merge_metrics').some(isNo)) return 'MergeOff';
  return scrape.length === 0 ? 'ScrapeAnnotationMissing' : 'ScrapeAnnotationElsewhere';
}

const WORDS: Readonly<Record<Reason, string>> = {
  ScrapeSaysFalse: 'their annotation prometheus.io/scrape says "false"',
  MergeOff: 'their annotation prometheus.istio.io/merge-metrics says "false", and nothing else scrapes their proxy',
  ScrapeAnnotationMissing: 'no annotation prometheus.io/scrape, by which the job finds its pods',
  ScrapeAnnotationElsewhere: 'their annotations prometheus.io/port and path lead to the application, not to the proxy',
};

/** Whether jobs that go by annotations find every proxy. */
export const scrapeAnnotations = defineCheck({
  id: 'scrape-annotations',
  title: 'annotations lead Prometheus to every proxy',
  explains:
    'Where Prometheus finds pods by their annotations, as Istio’s samples have it since 1.7, the injector sets prometheus.io/scrape, port and path to the proxy’s page, unless the pod says prometheus.io/scrape: "false" or metrics are not merged (prometheus.istio.io/merge-metrics: "false", or enablePrometheusMerge: false in the mesh): then neither the application nor the proxy is scraped. Annotations count in every spelling that Prometheus reads alike.',
  reasons: {
    ...UNPROVEN,
    ScrapeSaysFalse:
      'The pods say prometheus.io/scrape: "false": the injector leaves them alone, and Prometheus does too.',
    MergeOff: 'The pods say that their metrics are not merged: the injector sets no annotations to their proxy’s page.',
    ScrapeAnnotationMissing:
      'The pods have no annotation prometheus.io/scrape: metrics were not merged when they were made (enablePrometheusMerge), or nothing was injected that sets it.',
    ScrapeAnnotationElsewhere:
      'The pods’ annotations name a page of the application, and metrics are not merged: nobody asks for the proxy’s.',
  },
  needs: { scraping: proxyScraping },
  judge({ scraping }): Verdict {
    const nothing = nothingAbout(scraping);
    if (nothing) return nothing;
    const pods = scraping.causes.filter(isOfAnnotations).flatMap((cause) => cause.pods);
    const byReason = new Map<Reason, Pod[]>();
    for (const pod of pods) {
      const known = byReason.get(reasonOf(pod));
      if (known) known.push(pod);
      else byReason.set(reasonOf(pod), [pod]);
    }
    const [first, ...others] = [...byReason].sort(([, a], [, b]) => b.length - a.length);
    const unsure = unproven(scraping);
    if (unsure && (first || scraping.missing.length > 0)) return unsure;
    if (!first) return { status: 'pass', message: 'no proxy is left out for its annotations' };
    const [reason, own] = first;
    const subjects = subjectsOf(own);
    return {
      status: 'fail',
      reason,
      message: `${partOf(own, scraping)}: ${WORDS[reason]}`,
      hint: annotate(subjects),
      ...about(pods, ...others.map(([other, more]) => `${partOf(more, scraping)}: ${WORDS[other]}`)),
    };
  },
});
