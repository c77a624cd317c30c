import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck, type Step, type Verdict } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { mixerLogs, quoteLog } from '../../../evidence/mixer/log.ts';
import { type MixerPages, mixerPages } from '../../../evidence/mixer/pages.ts';
import { ADAPTER_PORT } from '../../../evidence/mixer/pods.ts';
import type { MixerReading } from '../../../evidence/mixer/reading.ts';
import { docsOf } from './docs.ts';
import { increase, lags, readTwice } from './readings.ts';
import { readLog } from './shipped.ts';
import { CONFIG_ERRORS, CONFIGURATION, DISPATCHES, PROMETHEUS_HANDLER, REPORT_CALLS } from './steps.ts';

/** Dispatches that certainly carried metric instances, of one pod (mixer.md 2.5). */
export function provenDispatches(reading: MixerReading, adapterSeries: number): number {
  const { ok, failed } = reading.dispatches;
  const carried = reading.dispatchProves || adapterSeries > 0 || (reading.requestsWithInstances ?? 0) > 0;
  return carried ? ok + failed : 0;
}

const seriesOf = ({ adapter }: MixerPages): number => (adapter.state === 'serves' ? adapter.series : 0);

const evidenceOf = (pages: readonly MixerPages[]): readonly string[] =>
  pages.flatMap(({ pod, reading }) =>
    'got' in reading
      ? [
          ...reading.got.dispatches.lines.map((line) => `${pod}: ${line}`),
          ...(reading.got.requestsWithInstances === null
            ? []
            : [`${pod}: ${reading.got.requestsWithInstances} requests made two or more instances`]),
        ]
      : [],
  );

export const dispatched = defineCheck({
  id: 'dispatches-to-prometheus',
  title: 'Mixer is sending metric instances to the Prometheus adapter',
  explains:
    'Counts the dispatches to adapters called prometheus. In 1.0 and 1.1 a dispatch is counted even without any instance, so there it takes a request that made two instances, or a series on the adapter’s page, to prove it.',
  reasons: {
    NoDispatches: 'Reports arrive, and nothing is sent to the Prometheus adapter.',
    FewDispatches: 'One of several Mixer pods has made no dispatch yet, for a small part of the Reports.',
    NoInstances:
      'The adapter is called, but with no metric instance: no rule matches the traffic (1.0 and 1.1 count such calls too).',
    DispatchesStandStill: 'Reports arrived between the two readings, and no dispatch followed.',
  },
  needs: { pages: mixerPages, logs: attempt(mixerLogs) },
  judge({ pages, logs }, { plane, scope }) {
    if (pages.length === 0) return skip('no Mixer pod runs');
    const { got, missing } = sorted(
      pages.map((page) =>
        'got' in page.reading ? { got: { reading: page.reading.got, series: seriesOf(page) } } : page.reading,
      ),
    );
    const proven = got.reduce((sum, { reading, series }) => sum + provenDispatches(reading, series), 0);
    const total = got.reduce((sum, { reading }) => sum + reading.dispatches.ok + reading.dispatches.failed, 0);
    const reports = got.reduce((sum, { reading }) => sum + reading.reports.total, 0);
    const evidence = [...evidenceOf(pages), ...('got' in logs ? quoteLog(logs.got, ['AdapterPanics'], 3) : [])];
    // From 1.1 on health checks are reported and match no rule on purpose (mixer.md 7, trap 27).
    const mayBeProbes =
      got.every(({ reading }) => reading.dialect === 'B' || reading.dialect === 'C') &&
      pages.every(({ adapter }) => adapter.state === 'serves') &&
      got.every(({ reading, series }) => provenDispatches(reading, series) === 0);
    const broken = (reason: string, message: string): Verdict => ({
      status: 'fail',
      reason,
      message,
      evidence,
      hint: readLog(plane),
      mayFollowFrom: [REPORT_CALLS, ...CONFIGURATION, CONFIG_ERRORS],
      // Nothing to send is no fault of the sender.
      ...((reports === 0 || mayBeProbes) && { withoutCause: 'unknown' as const }),
    });
    const idlePods = pages.flatMap(({ pod, ...page }) =>
      'got' in page.reading &&
      page.reading.got.reports.total > 0 &&
      provenDispatches(page.reading.got, seriesOf({ pod, ...page })) === 0
        ? [{ pod, reports: page.reading.got.reports.total }]
        : [],
    );
    const unsent = idlePods.reduce((sum, each) => sum + each.reports, 0);
    if (proven > 0 && unsent > 0) {
      const message = `${unsent} of ${count(reports, 'Report')} lead to no dispatch, on ${some(idlePods.map(({ pod }) => pod))}`;
      // A pod may have seen nothing but health checks; one with its share of the traffic has not.
      return unsent >= reports / 10
        ? broken('NoDispatches', message)
        : { status: 'warn', reason: 'FewDispatches', message, evidence, hint: readLog(plane, idlePods[0]?.pod) };
    }
    if (proven > 0) {
      const stands = readTwice(pages) && !(lags(pages) && scope.window < 20_000);
      const reported = increase(pages, (reading) => reading.reports.total);
      const sent = increase(pages, (reading) => reading.dispatches.ok + reading.dispatches.failed);
      if (stands && reported > 0 && sent === 0) {
        return broken(
          'DispatchesStandStill',
          `${count(reported, 'Report')} in ${scope.window / 1000} s, and no dispatch`,
        );
      }
      const during = readTwice(pages) ? `, ${sent} in ${scope.window / 1000} s` : '';
      return {
        status: 'pass',
        message: `${count(proven, 'dispatch', 'dispatches')} to the Prometheus adapter${during}`,
        evidence,
      };
    }
    if (isSome(missing)) return unknown(missing, 'Mixer’s own page could not be read');
    if (reports === 0) return broken('NoDispatches', 'no dispatch: there is no Report to make one of');
    if (total > 0)
      return broken(
        'NoInstances',
        `${count(total, 'dispatch', 'dispatches')} to the Prometheus adapter, none with a metric instance`,
      );
    return broken('NoDispatches', 'no dispatch to the Prometheus adapter');
  },
});

/** Whether Mixer's own page was refused by the pod. */
const refuses = (reading: MixerPages['reading']): boolean =>
  'missing' in reading && reading.missing.hindrance === 'ConnectionRefused';

export const adapterListens = defineCheck({
  id: 'adapter-listens',
  title: 'the Prometheus adapter listens on 42422 of every Mixer pod',
  explains:
    'The adapter opens 42422 when a handler is built, and a handler is built when a valid rule uses it: connection refused means that Mixer has no Prometheus handler in the configuration it runs. A pod whose own page refuses too tells nothing of its handlers: it serves nothing.',
  reasons: {
    AdapterNotBuilt: 'Nothing listens on 42422: Mixer has built no Prometheus handler.',
    MixerServesNothing: 'Neither Mixer’s own page nor the adapter’s is served: the process in the pod listens nowhere.',
  },
  needs: { pages: mixerPages },
  judge({ pages }, { plane }) {
    if (pages.length === 0) return skip('no Mixer pod runs');
    const refusing = pages.flatMap(({ pod, adapter, reading }) =>
      adapter.state === 'refuses' ? [{ pod, words: adapter.words, servesNothing: refuses(reading) }] : [],
    );
    const notBuilt = refusing.filter(({ servesNothing }) => !servesNothing);
    const [first] = notBuilt;
    if (first) {
      return {
        status: 'fail',
        reason: 'AdapterNotBuilt',
        message: `connection refused on ${ADAPTER_PORT} of ${notBuilt.length} of ${count(pages.length, 'Mixer pod')}`,
        evidence: notBuilt.map(({ pod, words }) => `${pod}: ${words}`),
        hint: `${readLog(plane, first.pod)} | grep -e 'serving prometheus' -e 'initialize adapter'`,
        mayFollowFrom: [...CONFIGURATION, CONFIG_ERRORS],
      };
    }
    const [silent] = refusing;
    if (silent) {
      return {
        status: 'fail',
        reason: 'MixerServesNothing',
        message: `${refusing.length} of ${count(pages.length, 'Mixer pod')} refused every port that was asked: ${some(refusing.map(({ pod }) => pod))}`,
        evidence: refusing.map(({ pod, words }) => `${pod}: ${words}`),
        hint: readLog(plane, silent.pod),
      };
    }
    const unseen = pages.flatMap(({ adapter }) => (adapter.state === 'unseen' ? [adapter.missing] : []));
    if (isSome(unseen)) return unknown(unseen, 'the adapter’s page could not be read');
    return { status: 'pass', message: `${ADAPTER_PORT} listens on ${count(pages.length, 'Mixer pod')}` };
  },
});

export const dispatchesSucceed = defineCheck({
  id: 'dispatches-succeed',
  title: 'dispatches to the Prometheus adapter succeed',
  explains:
    'Dispatches with error="true": the adapter refused at least one instance of each. The others of the same dispatch may have been counted.',
  reasons: {
    DispatchErrors: 'Every dispatch to the Prometheus adapter reports an error.',
    SomeDispatchErrors: 'Some dispatches to the Prometheus adapter report an error.',
  },
  needs: { pages: mixerPages, logs: attempt(mixerLogs) },
  judge({ pages, logs }, { plane }) {
    const { got, missing } = sorted(pages.map(({ reading }) => reading));
    const failed = got.reduce((sum, { dispatches }) => sum + dispatches.failed, 0);
    const ok = got.reduce((sum, { dispatches }) => sum + dispatches.ok, 0);
    if (failed > 0) {
      const finding = {
        message: `${failed} of ${count(failed + ok, 'dispatch', 'dispatches')} report an error`,
        evidence: [
          ...evidenceOf(pages),
          ...('got' in logs ? quoteLog(logs.got, ['MetricNotConfigured', 'ReportFailed', 'DimensionFails']) : []),
        ],
        hint: readLog(plane),
      };
      return ok > 0
        ? { status: 'warn', reason: 'SomeDispatchErrors', ...finding }
        : { status: 'fail', reason: 'DispatchErrors', ...finding, mayFollowFrom: [PROMETHEUS_HANDLER] };
    }
    if (isSome(missing)) return unknown(missing, 'Mixer’s own page could not be read');
    return ok === 0 ? skip('no dispatch was counted') : { status: 'pass', message: 'no dispatch reports an error' };
  },
});

export const adapterHasSeries = defineCheck({
  id: 'adapter-has-series',
  title: 'the adapter’s pages have series',
  explains:
    'An adapter that was sent instances exports series. From 1.0.1 on they expire without traffic (10 minutes in the charts), so an empty page after dispatches means an idle mesh.',
  reasons: {
    SeriesExpired:
      'Instances were sent, and the adapter has no series now: they expire after about ten minutes without traffic.',
  },
  needs: { pages: mixerPages },
  judge({ pages }, { plane }) {
    const serving = pages.filter(({ adapter }) => adapter.state === 'serves');
    const unseen = pages.flatMap(({ adapter }) => (adapter.state === 'unseen' ? [adapter.missing] : []));
    const series = serving.reduce((sum, page) => sum + seriesOf(page), 0);
    if (series > 0) {
      return {
        status: 'pass',
        message: `${count(series, 'series', 'series')} on ${count(serving.length, 'adapter page')}`,
        evidence: serving.map(
          ({ pod, adapter }) => `${pod}: ${adapter.state === 'serves' ? adapter.names.join(', ') : ''}`,
        ),
      };
    }
    if (isSome(unseen)) return unknown(unseen, 'the adapter’s page could not be read');
    if (serving.length === 0) return skip('no adapter page answers');
    const proven = pages.some(({ reading }) => 'got' in reading && provenDispatches(reading.got, 0) > 0);
    if (!proven) return skip('nothing was sent to the adapter that it could export');
    return {
      status: 'warn',
      reason: 'SeriesExpired',
      message: 'instances were sent, but the adapter has no series now: they expire without traffic',
      hint:
        shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'get', 'pods', '-l', 'istio=ingressgateway') +
        '   # send requests, then run this again',
    };
  },
});

export const dispatches: Step = {
  id: DISPATCHES,
  title: 'Verify Mixer is sending metric instances to the Prometheus adapter',
  hop: 'mixer->adapter',
  docs: docsOf('Verify Mixer is sending metric instances to the Prometheus adapter'),
  checks: [dispatched, adapterListens, dispatchesSucceed, adapterHasSeries],
};
