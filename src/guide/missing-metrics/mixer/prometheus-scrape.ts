import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck, type Step, type Verdict } from '../../../diagnosis/check.ts';
import { count, isSome, skip, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import { mixer } from '../../../evidence/mixer/pods.ts';
import { mixerScrapes } from '../../../evidence/mixer/scraped.ts';
import type { Target } from '../../../evidence/prometheus/targets.ts';
import { prometheusFound } from '../prometheus/found.ts';
import { PARTIAL_ANSWER, partlyAnswered } from '../prometheus/partial.ts';
import { docsOf } from './docs.ts';
import { adapterTargets, configCurrent, isConfigured, jobConfigured, showConfig } from './prometheus-config.ts';
import { scrapeFresh, seriesStored } from './prometheus-series.ts';
import { PROMETHEUS_SCRAPE, REPORT_CALLS, UPSTREAM } from './steps.ts';
import { workloadStored } from './workload.ts';

export const targetUp = defineCheck({
  id: 'scrape-target-up',
  title: 'Prometheus scrapes Mixer’s adapter',
  explains:
    'The state of every target that is Mixer’s adapter, by job, port or Service, in each Prometheus that was found: with its own lastError.',
  reasons: {
    TargetDown: 'Prometheus cannot scrape the adapter: its own words say why.',
    SomeTargetsDown: 'Prometheus scrapes some Mixer pods and not others: their share is missing.',
    NoTargets:
      'A job for the adapter is configured and finds no target: no ready pod behind the Service, another port name, or Prometheus’ own rights.',
    PartialAnswer: PARTIAL_ANSWER,
    NotScrapedYet: 'Prometheus has found the adapter and not scraped it yet: wait one interval.',
  },
  needs: { readings: mixerScrapes },
  judge({ readings }, { plane }) {
    if (readings.length === 0) return skip('no Prometheus to ask');
    const targets = adapterTargets(readings);
    const evidence = targets.map(
      ({ job, url, health, lastError }) => `${job} ${url}: ${health}${lastError ? `, ${lastError}` : ''}`,
    );
    const down = targets.filter(({ health }) => health === 'down');
    const { missing } = sorted(readings.map(({ adapters }) => adapters));
    const [first] = down;
    if (targets.length === 0) {
      if (isSome(missing)) return unknown(missing, 'Prometheus’ targets could not be read');
      if (!isConfigured(readings)) return skip('no job for Mixer’s adapter');
      const partial = readings.flatMap((each) => each.partial);
      if (isSome(partial)) return partlyAnswered(partial, 'no target for the job of Mixer’s adapter');
      return {
        status: 'fail',
        reason: 'NoTargets',
        message: 'the job for Mixer’s adapter has no target',
        hint: shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'get', 'endpoints', 'istio-telemetry'),
        mayFollowFrom: [REPORT_CALLS],
      };
    }
    if (first) {
      const says = first.lastError.replace(/^Get "?\S+"?: /, '');
      const finding = { evidence, hint: hintFor(first, plane.namespace) };
      if (down.length < targets.length) {
        return {
          status: 'warn',
          reason: 'SomeTargetsDown',
          message: `${down.length} of ${targets.length} targets are down: ${says}`,
          ...finding,
        };
      }
      return {
        status: 'fail',
        reason: 'TargetDown',
        message: `target ${first.job} is down: ${shorten(says)}`,
        ...finding,
        // A port that refuses, or a page that fails, may have its cause in Mixer; a wrong address or a timeout has not.
        mayFollowFrom: causesOf(first.lastError),
      };
    }
    const waiting = targets.filter(({ health }) => health !== 'up');
    if (waiting.length === targets.length) {
      return {
        status: 'unknown',
        reason: 'NotScrapedYet',
        message: 'the target has not been scraped yet',
        evidence,
        missing: [],
      };
    }
    return {
      status: 'pass',
      message: `target ${[...new Set(targets.map(({ job }) => job))].join(', ')} is up, ${targets.length - waiting.length} of ${targets.length}`,
      evidence,
    };
  },
});

const causesOf = (error: string): readonly string[] => {
  if (/refused/.test(error)) return UPSTREAM;
  return /HTTP status 5/.test(error) ? [PROMETHEUS_SCRAPE] : [];
};

/** `dial tcp 127.0.0.1:42422: connect: connection refused` as `connection refused`. */
const shorten = (error: string): string => error.replace(/^dial tcp \S+: (connect: )?/, '');

const hintFor = ({ url }: Target, namespace: string | null): string =>
  URL.canParse(url) && new URL(url).port !== '42422'
    ? `${shellLine('kubectl', '-n', namespace ?? 'istio-system', 'edit', 'configmap', 'prometheus')}   # it scrapes ${new URL(url).host}; the adapter listens on 42422`
    : shellLine('kubectl', '-n', namespace ?? 'istio-system', 'get', 'endpoints', 'istio-telemetry', '-o', 'wide');

export const adapterPageWhole = defineCheck({
  id: 'adapter-page-whole',
  title: 'the adapter’s page is served whole',
  explains:
    'Up to 1.0 one inconsistent metric turns the whole page into HTTP 500, and Prometheus gets nothing; the page’s own words name the metric.',
  reasons: {
    PageInconsistent:
      'The adapter answers with an error instead of its metrics: one bad metric spoils the page (1.0 and older).',
  },
  needs: { pages: mixerPages },
  judge({ pages }, { plane }) {
    const failing = pages.flatMap(({ pod, adapter }) => (adapter.state === 'fails' ? [{ pod, ...adapter }] : []));
    const [first] = failing;
    if (first) {
      return {
        status: 'fail',
        reason: 'PageInconsistent',
        message: `42422 answers HTTP ${first.status}: ${first.words}`,
        evidence: failing.map(({ pod, status, words }) => `${pod}: HTTP ${status}: ${words}`),
        hint: `${shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'delete', 'pod', first.pod)}   # clears the adapter’s registry; the metric that it names must be fixed`,
      };
    }
    const unseen = pages.flatMap(({ adapter }) => (adapter.state === 'unseen' ? [adapter.missing] : []));
    if (isSome(unseen)) return unknown(unseen, 'the adapter’s page could not be read');
    if (!pages.some(({ adapter }) => adapter.state === 'serves')) return skip('no adapter page answers');
    return { status: 'pass', message: 'the page is whole' };
  },
});

export const everyReplicaScraped = defineCheck({
  id: 'every-replica-scraped',
  title: 'every Mixer pod is a target of its own',
  explains:
    'Each pod counts for itself: fewer targets than ready pods means that some are never read, and one address for several pods makes counters jump.',
  reasons: {
    TargetsMissing: 'Prometheus scrapes fewer Mixer pods than are ready.',
    PartialAnswer: PARTIAL_ANSWER,
    OneAddress: 'Prometheus scrapes several Mixer pods through one address: its counters jump up and down.',
  },
  needs: { readings: mixerScrapes, mixer },
  judge({ readings, mixer: { pods } }, { plane }): Verdict {
    const best = [...readings].sort((a, b) => adapterTargets([b]).length - adapterTargets([a]).length)[0];
    const targets = best ? adapterTargets([best]) : [];
    const ready = pods.filter((pod) => pod.ready);
    if (targets.length === 0 || ready.length === 0) return skip('no target to compare');
    const [first] = targets;
    const addresses = new Set(pods.map(({ ip }) => ip));
    const byPod = targets.filter(({ url }) => URL.canParse(url) && addresses.has(new URL(url).hostname));
    const hint = showConfig(plane.namespace);
    const partial = best?.partial ?? [];
    const isOneAddress = byPod.length === 0 && ready.length > 1 && targets.length === 1;
    const areSome = byPod.length > 0 && byPod.length < ready.length;
    if ((isOneAddress || areSome) && isSome(partial))
      return partlyAnswered(
        partial,
        `${count(targets.length, 'target')} for ${count(ready.length, 'ready Mixer pod')}`,
      );
    if (isOneAddress) {
      return {
        status: 'warn',
        reason: 'OneAddress',
        message: `${first?.url} stands for ${count(ready.length, 'Mixer pod')}`,
        hint,
      };
    }
    if (areSome) {
      return {
        status: 'warn',
        reason: 'TargetsMissing',
        message: `${byPod.length} of ${count(ready.length, 'ready Mixer pod')} are targets`,
        hint,
      };
    }
    return {
      status: 'pass',
      message: `${count(targets.length, 'target')} for ${count(ready.length, 'ready Mixer pod')}`,
    };
  },
});

export const prometheusScrape: Step = {
  id: PROMETHEUS_SCRAPE,
  title: 'Verify Prometheus configuration',
  hop: 'adapter->prometheus',
  docs: docsOf('Verify Prometheus configuration'),
  headline: targetUp.id,
  checks: [
    prometheusFound,
    jobConfigured,
    adapterPageWhole,
    targetUp,
    seriesStored,
    scrapeFresh,
    everyReplicaScraped,
    configCurrent,
    workloadStored,
  ],
};
