import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AdapterPage } from '../../../src/evidence/mixer/pages.ts';
import type { MixerScrapes } from '../../../src/evidence/mixer/scraped.ts';
import type { Stored } from '../../../src/evidence/mixer/stored.ts';
import type { ScrapeJob } from '../../../src/evidence/prometheus/scrape-config.ts';
import type { Target } from '../../../src/evidence/prometheus/targets.ts';
import {
  adapterHasSeries,
  adapterListens,
  dispatched,
  dispatchesSucceed,
} from '../../../src/guide/missing-metrics/mixer/dispatches.ts';
import { mixerMeter } from '../../../src/guide/missing-metrics/mixer/meter.ts';
import { configCurrent, jobConfigured } from '../../../src/guide/missing-metrics/mixer/prometheus-config.ts';
import {
  adapterPageWhole,
  everyReplicaScraped,
  targetUp,
} from '../../../src/guide/missing-metrics/mixer/prometheus-scrape.ts';
import { scrapeFresh, seriesStored } from '../../../src/guide/missing-metrics/mixer/prometheus-series.ts';
import {
  workloadInjected,
  workloadReports,
  workloadStored,
} from '../../../src/guide/missing-metrics/mixer/workload.ts';
import { prometheusFound } from '../../../src/guide/missing-metrics/prometheus/found.ts';
import { judging } from '../../support/judging.ts';
import {
  calls,
  logs,
  missing,
  mixerWith,
  page,
  pod,
  refuses,
  serves,
  unreadPage,
  workloadPod,
} from '../../support/mixer.ts';

const quiet = { got: logs() };
const dispatches = (ok: number, failed = 0) => ({ ok, failed, present: true, lines: [] });
const nothingSent = { dispatches: dispatches(0), requestsWithInstances: 0 };
const inconsistent: AdapterPage = { state: 'fails', status: 500, words: 'collected metric x was collected before' };

judging(dispatched, [
  {
    when: 'requests made instances',
    given: { pages: [page({}, refuses)], logs: quiet },
    status: 'pass',
    says: /160 dispatches/,
  },
  {
    when: 'the counter proves it by itself (0.8, 1.2)',
    given: { pages: [page({ dispatchProves: true, requestsWithInstances: null }, refuses)], logs: quiet },
    status: 'pass',
    says: /160/,
  },
  {
    when: 'only the adapter’s page proves it',
    given: { pages: [page({ requestsWithInstances: 0 }, serves(4))], logs: quiet },
    status: 'pass',
    says: /160/,
  },
  {
    when: 'dispatches carry no instance (1.0, 1.1)',
    given: { pages: [page({ requestsWithInstances: 0 }, serves(0))], logs: quiet },
    status: 'fail',
    reason: 'NoInstances',
    says: /none with a metric instance/,
  },
  {
    when: 'nothing is dispatched',
    given: { pages: [page(nothingSent, serves(0))], logs: quiet },
    status: 'fail',
    reason: 'NoDispatches',
    says: /no dispatch to/,
  },
  {
    when: 'there is no Report',
    given: { pages: [page({ ...nothingSent, reports: calls(0) }, serves(0))], logs: quiet },
    status: 'fail',
    reason: 'NoDispatches',
    says: /no Report/,
  },
  {
    when: 'a page was not read',
    given: { pages: [page(nothingSent, serves(0)), unreadPage()], logs: quiet },
    status: 'unknown',
    reason: 'Forbidden',
    says: /could not be read/,
  },
  { when: 'no Mixer runs', given: { pages: [], logs: quiet }, status: 'skip', says: /no Mixer pod/ },
  {
    when: 'Reports arrive in the window and nothing is sent',
    given: { pages: [{ ...page({ dialect: 'C' }), later: page({ reports: calls(170) }).reading }], logs: quiet },
    scope: { window: 5000 },
    status: 'fail',
    reason: 'DispatchesStandStill',
    says: /10 Reports in 5 s, and no dispatch/,
  },
  {
    when: 'both rise in the window',
    given: {
      pages: [{ ...page(), later: page({ reports: calls(170), dispatches: dispatches(168) }).reading }],
      logs: quiet,
    },
    scope: { window: 5000 },
    status: 'pass',
    says: /, 8 in 5 s/,
  },
  {
    when: '1.1’s page is too old to tell a short window',
    given: { pages: [{ ...page({ dialect: 'B' }), later: page({ reports: calls(170) }).reading }], logs: quiet },
    scope: { window: 5000 },
    status: 'pass',
    says: /160/,
  },
  {
    when: 'one of two pods sends nothing',
    given: { pages: [page(), page(nothingSent, serves(0), 'b')], logs: quiet },
    status: 'fail',
    reason: 'NoDispatches',
    says: /160 of 320 Reports lead to no dispatch, on b/,
  },
  {
    when: 'one of two pods has seen few Reports and sent nothing',
    given: { pages: [page(), page({ ...nothingSent, reports: calls(3) }, serves(0), 'b')], logs: quiet },
    status: 'warn',
    reason: 'FewDispatches',
    says: /3 of 163/,
  },
]);

judging(adapterListens, [
  { when: 'it does', given: { pages: [page()] }, status: 'pass', says: /42422 listens/ },
  {
    when: 'it refuses on one of two pods',
    given: { pages: [page(), page({}, refuses)] },
    status: 'fail',
    reason: 'AdapterNotBuilt',
    says: /1 of 2 Mixer pods/,
  },
  {
    when: 'a pod refuses its own page too',
    given: { pages: [page(), { ...unreadPage('ConnectionRefused'), adapter: refuses }] },
    status: 'fail',
    reason: 'MixerServesNothing',
    says: /^1 of 2 Mixer pods refused every port that was asked: istio-telemetry-2$/,
  },
  {
    when: 'one pod has built no handler, and another serves nothing',
    given: { pages: [page({}, refuses), { ...unreadPage('ConnectionRefused'), adapter: refuses }] },
    status: 'fail',
    reason: 'AdapterNotBuilt',
    says: /1 of 2 Mixer pods/,
  },
  {
    when: 'it could not be asked',
    given: { pages: [unreadPage()] },
    status: 'unknown',
    reason: 'TimedOut',
    says: /could not be read/,
  },
  { when: 'no Mixer runs', given: { pages: [] }, status: 'skip', says: /no Mixer pod/ },
]);

judging(dispatchesSucceed, [
  { when: 'none failed', given: { pages: [page()], logs: quiet }, status: 'pass', says: /no dispatch/ },
  {
    when: 'some failed',
    given: { pages: [page({ dispatches: dispatches(5, 3) })], logs: quiet },
    status: 'warn',
    reason: 'SomeDispatchErrors',
    says: /3 of 8/,
  },
  {
    when: 'all failed',
    given: { pages: [page({ dispatches: dispatches(0, 3) })], logs: { missing: missing() } },
    status: 'fail',
    reason: 'DispatchErrors',
    says: /3 of 3/,
  },
  {
    when: 'there was none',
    given: { pages: [page({ dispatches: dispatches(0) })], logs: quiet },
    status: 'skip',
    says: /no dispatch/,
  },
  {
    when: 'a page was not read',
    given: { pages: [unreadPage()], logs: quiet },
    status: 'unknown',
    reason: 'Forbidden',
    says: /could not be read/,
  },
]);

judging(adapterHasSeries, [
  { when: 'it has', given: { pages: [page()] }, status: 'pass', says: /12 series on 1 adapter page/ },
  {
    when: 'they expired',
    given: { pages: [page({}, serves(0))] },
    status: 'warn',
    reason: 'SeriesExpired',
    says: /expire/,
  },
  {
    when: 'nothing was sent',
    given: { pages: [page(nothingSent, serves(0))] },
    status: 'skip',
    says: /nothing was sent/,
  },
  { when: 'no page answers', given: { pages: [page({}, refuses)] }, status: 'skip', says: /no adapter page/ },
  {
    when: 'it could not be asked',
    given: { pages: [unreadPage()] },
    status: 'unknown',
    reason: 'TimedOut',
    says: /could not be read/,
  },
]);

const server = { where: 'pod istio-system/prometheus', pod: null, question: () => ({ ask: 'url', url: '' }) as const };
const asked = { asked: [server], leftOut: 0 };
judging(prometheusFound, [
  { when: 'one runs', given: { servers: { asked: [server], leftOut: 0 } }, status: 'pass', says: /prometheus/ },
  {
    when: 'none runs here',
    given: { servers: { asked: [], leftOut: 0 } },
    status: 'unknown',
    reason: 'PrometheusNotFound',
    says: /no Prometheus found/,
  },
]);

const job = (change: Partial<ScrapeJob> = {}): ScrapeJob => ({
  name: 'istio-mesh',
  staticTargets: [],
  keeps: [],
  discovers: true,
  ways: [],
  metricRules: [],
  ...change,
});
const target = (change: Partial<Target> = {}): Target => ({
  job: 'istio-mesh',
  pool: 'istio-mesh',
  url: 'http://10.1.0.15:42422/metrics',
  health: 'up',
  lastError: '',
  lastScrape: 1_000_000,
  interval: 15_000,
  instance: '10.1.0.15:42422',
  pod: null,
  podIp: null,
  address: '10.1.0.15:42422',
  namespace: null,
  service: null,
  portName: null,
  ...change,
});
const prometheus = (targets: readonly Target[], jobs: readonly ScrapeJob[] = [job()]): MixerScrapes => ({
  where: 'pod istio-system/prometheus',
  adapters: { got: targets },
  partial: [],
  jobs: { got: jobs },
});
const deaf: MixerScrapes = {
  where: 'x',
  adapters: { missing: missing('BadAnswer') },
  partial: [],
  jobs: { missing: missing('BadAnswer') },
};

judging(
  jobConfigured,
  [
    { when: 'a job is', given: { readings: [prometheus([])] }, status: 'pass', says: /istio-mesh/ },
    {
      when: 'a target is there, under another name',
      given: { readings: [prometheus([target()], [])] },
      status: 'pass',
      says: /of the target/,
    },
    {
      when: 'a job names 42422',
      given: { readings: [prometheus([], [job({ name: 'x', staticTargets: ['istio-mixer.istio-system:42422'] })])] },
      status: 'pass',
      says: /job x/,
    },
    {
      when: 'none is',
      given: { readings: [prometheus([], [job({ name: 'node' })])] },
      status: 'fail',
      reason: 'JobMissing',
      says: /there are node/,
    },
    {
      when: 'the configuration cannot be read',
      given: { readings: [deaf] },
      status: 'unknown',
      reason: 'BadAnswer',
      says: /could not be read/,
    },
    { when: 'there is no Prometheus', given: { readings: [] }, status: 'skip', says: /no Prometheus/ },
    {
      when: 'not every Prometheus was asked',
      given: { readings: [prometheus([], [])], servers: { asked: [server], leftOut: 2 } },
      status: 'unknown',
      reason: 'NotAllAsked',
      says: /2 more Prometheus servers not asked/,
    },
  ],
  { servers: asked },
);

judging(adapterPageWhole, [
  { when: 'it is', given: { pages: [page()] }, status: 'pass', says: /whole/ },
  {
    when: 'one bad metric spoils it',
    given: { pages: [page({}, inconsistent)] },
    status: 'fail',
    reason: 'PageInconsistent',
    says: /HTTP 500: collected metric x/,
  },
  {
    when: 'it could not be asked',
    given: { pages: [unreadPage()] },
    status: 'unknown',
    reason: 'TimedOut',
    says: /could not be read/,
  },
  { when: 'nothing listens', given: { pages: [page({}, refuses)] }, status: 'skip', says: /no adapter page/ },
]);

judging(targetUp, [
  {
    when: 'it is up',
    given: { readings: [prometheus([target()])] },
    status: 'pass',
    says: /target istio-mesh is up, 1 of 1/,
  },
  {
    when: 'it refuses',
    given: {
      readings: [
        prometheus([
          target({
            health: 'down',
            lastError: 'Get "http://x": dial tcp 10.1.0.15:42422: connect: connection refused',
          }),
        ]),
      ],
    },
    status: 'fail',
    reason: 'TargetDown',
    says: /^target istio-mesh is down: connection refused$/,
  },
  {
    when: 'one of two is down',
    given: { readings: [prometheus([target(), target({ health: 'down', lastError: 'context deadline exceeded' })])] },
    status: 'warn',
    reason: 'SomeTargetsDown',
    says: /1 of 2 targets are down/,
  },
  {
    when: 'the job finds nothing',
    given: { readings: [prometheus([])] },
    status: 'fail',
    reason: 'NoTargets',
    says: /has no target/,
  },
  {
    when: 'a job has no target in an answer that may not be whole',
    given: { readings: [{ ...prometheus([]), partial: ['receive timed out'] }] },
    status: 'unknown',
    reason: 'PartialAnswer',
    says: /no target .* may not be whole: receive timed out/,
  },
  { when: 'there is no job either', given: { readings: [prometheus([], [])] }, status: 'skip', says: /no job/ },
  {
    when: 'it was not scraped yet',
    given: { readings: [prometheus([target({ health: 'unknown' })])] },
    status: 'unknown',
    reason: 'NotScrapedYet',
    says: /not been scraped/,
  },
  {
    when: 'targets cannot be read',
    given: { readings: [deaf] },
    status: 'unknown',
    reason: 'BadAnswer',
    says: /could not be read/,
  },
  { when: 'there is no Prometheus', given: { readings: [] }, status: 'skip', says: /no Prometheus/ },
]);

const stored = (change: Partial<Stored> = {}): Stored => ({
  where: 'pod istio-system/prometheus',
  series: { got: { istio_requests_total: 4 } },
  rate: { got: 12.44 },
  workload: null,
  partial: [],
  now: 1_005_000,
  ...change,
});
const empty = stored({ series: { got: { istio_requests_total: 0 } }, rate: { got: null } });
judging(
  seriesStored,
  [
    {
      when: 'it does',
      given: { stored: [stored()], pages: [page()] },
      status: 'pass',
      says: /4 series of istio_requests_total, 12\.4 requests\/s/,
    },
    {
      when: 'one of two servers does',
      given: { stored: [empty, stored({ rate: { got: null } })], pages: [page()] },
      status: 'pass',
      says: /^4 series of istio_requests_total$/,
    },
    {
      when: 'it does not, though they are exported',
      given: { stored: [empty], pages: [page()] },
      status: 'fail',
      reason: 'SeriesMissing',
      says: /no series/,
    },
    {
      when: 'nothing is exported',
      given: { stored: [empty], pages: [page({}, serves(0))] },
      status: 'fail',
      reason: 'SeriesMissing',
      says: /no series/,
    },
    {
      when: 'it could not be asked',
      given: { stored: [stored({ series: { missing: missing('BadAnswer') } })], pages: [page()] },
      status: 'unknown',
      reason: 'BadAnswer',
      says: /could not be asked/,
    },
    { when: 'there is no Prometheus', given: { stored: [], pages: [page()] }, status: 'skip', says: /no Prometheus/ },
    {
      when: 'only TCP is there',
      given: { stored: [stored({ series: { got: { istio_tcp_sent_bytes_total: 2 } } })], pages: [page()] },
      status: 'warn',
      reason: 'OnlyTcp',
      says: /none of HTTP/,
    },
    {
      when: 'it warns that its answer may not be whole',
      given: { stored: [{ ...empty, partial: ['no store matched', 'no store matched'] }], pages: [page()] },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /^no series of the mesh, in an answer that may not be whole: no store matched$/,
    },
    {
      when: 'it holds some in an answer that may not be whole',
      given: { stored: [stored({ partial: ['no store matched'] })], pages: [page()] },
      status: 'pass',
      says: /4 series/,
    },
    {
      when: 'not every Prometheus was asked',
      given: { stored: [empty], pages: [page()], servers: { asked: [server], leftOut: 1 } },
      status: 'unknown',
      reason: 'NotAllAsked',
      says: /1 more Prometheus server not asked/,
    },
  ],
  { servers: asked, readings: [prometheus([target()])] },
);

judging(scrapeFresh, [
  {
    when: 'it has',
    given: { readings: [prometheus([target()])], stored: [stored()] },
    status: 'pass',
    says: /5 s before/,
  },
  {
    when: 'it was long ago',
    given: { readings: [prometheus([target()])], stored: [stored({ now: 1_000_000 + 3_600_000 })] },
    status: 'warn',
    reason: 'ScrapeStale',
    says: /60 minutes ago/,
  },
  {
    when: 'nothing was scraped',
    given: { readings: [prometheus([])], stored: [stored()] },
    status: 'skip',
    says: /no scrape/,
  },
]);

judging(everyReplicaScraped, [
  {
    when: 'each is',
    given: { readings: [prometheus([target()])], mixer: mixerWith() },
    status: 'pass',
    says: /1 target for 1 ready/,
  },
  {
    when: 'one of two is not',
    given: {
      readings: [prometheus([target()])],
      mixer: mixerWith({ pods: [pod(), pod({ name: 'b', ip: '10.1.0.16' })] }),
    },
    status: 'warn',
    reason: 'TargetsMissing',
    says: /1 of 2/,
  },
  {
    when: 'one address stands for two',
    given: {
      readings: [prometheus([target({ url: 'http://istio-telemetry:42422/metrics' })])],
      mixer: mixerWith({ pods: [pod(), pod({ name: 'b', ip: '10.1.0.16' })] }),
    },
    status: 'warn',
    reason: 'OneAddress',
    says: /stands for 2/,
  },
  {
    when: 'the answer may not be whole',
    given: {
      readings: [{ ...prometheus([target()]), partial: ['a store is away'] }],
      mixer: mixerWith({ pods: [pod(), pod({ name: 'b', ip: '10.1.0.16' })] }),
    },
    status: 'unknown',
    reason: 'PartialAnswer',
    says: /1 target for 2 ready Mixer pods, in an answer/,
  },
  { when: 'there is no target', given: { readings: [], mixer: mixerWith() }, status: 'skip', says: /no target/ },
]);

judging(configCurrent, [
  { when: 'it does', given: { readings: [prometheus([])], map: { got: [job()] } }, status: 'pass', says: /1 job/ },
  {
    when: 'the jobs differ',
    given: { readings: [prometheus([])], map: { got: [job(), job({ name: 'pilot' })] } },
    status: 'warn',
    reason: 'ConfigMapNotLoaded',
    says: /other jobs/,
  },
  {
    when: 'there is no such ConfigMap',
    given: { readings: [prometheus([])], map: { got: null } },
    status: 'skip',
    says: /no ConfigMap/,
  },
  {
    when: 'it may not be read',
    given: { readings: [prometheus([])], map: { missing: missing() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
  {
    when: 'Prometheus does not tell',
    given: { readings: [deaf], map: { got: [job()] } },
    status: 'unknown',
    reason: 'BadAnswer',
    says: /could not be read/,
  },
  {
    when: 'there is no Prometheus',
    given: { readings: [], map: { got: [job()] } },
    status: 'skip',
    says: /no Prometheus/,
  },
]);

const reviews = { kind: 'service' as const, name: 'reviews', namespace: 'bookinfo' };
const narrowedTo = (...pods: readonly ReturnType<typeof workloadPod>[]) => ({
  workload: reviews,
  found: true,
  pods,
  services: [],
  named: null,
});
judging(workloadInjected, [
  {
    when: 'all have one',
    given: { narrowed: narrowedTo(workloadPod('a', true)) },
    status: 'pass',
    says: /all 1 pod of service\/reviews/,
  },
  {
    when: 'none has one',
    given: { narrowed: narrowedTo(workloadPod('a', false)) },
    status: 'fail',
    reason: 'NotInjected',
    says: /1 of 1 pod/,
  },
  {
    when: 'some have none',
    given: { narrowed: narrowedTo(workloadPod('a', true), workloadPod('b', false)) },
    status: 'warn',
    reason: 'PartlyInjected',
    says: /1 of 2 pods/,
  },
  {
    when: 'no pod is behind it',
    given: { narrowed: narrowedTo() },
    status: 'fail',
    reason: 'NoPods',
    says: /no running pod/,
  },
  { when: 'no workload was named', given: { narrowed: null }, status: 'skip', says: /no single workload/ },
]);

const proxies = (requests: number, reportCalls = 0) => ({ got: { proxies: 1, requests, reportCalls, missing: [] } });
const one = narrowedTo(workloadPod('a', true));
judging(workloadReports, [
  {
    when: 'the adapter has its series',
    given: { narrowed: one, pages: [page({}, serves(12, 3))], traffic: proxies(9) },
    status: 'pass',
    says: /3 series about service\/reviews/,
  },
  {
    when: 'its proxies have traffic and the adapter has no series of it',
    given: { narrowed: one, pages: [page()], traffic: proxies(9, 2) },
    status: 'fail',
    reason: 'WorkloadNotReported',
    says: /9 requests and made 2 Report calls/,
  },
  {
    when: 'it is idle',
    given: { narrowed: one, pages: [page()], traffic: proxies(0) },
    status: 'unknown',
    reason: 'NoTraffic',
    says: /no request/,
  },
  {
    when: 'its proxies cannot be asked',
    given: { narrowed: one, pages: [page()], traffic: { missing: missing('ConnectionRefused') } },
    status: 'unknown',
    reason: 'ConnectionRefused',
    says: /could not be asked/,
  },
  {
    when: 'the adapter has no series at all',
    given: { narrowed: one, pages: [page({}, serves(0))], traffic: proxies(9) },
    status: 'skip',
    says: /any workload/,
  },
  {
    when: 'no workload was named',
    given: { narrowed: null, pages: [page()], traffic: { got: null } },
    status: 'skip',
    says: /no single workload/,
  },
]);

judging(workloadStored, [
  {
    when: 'it does',
    given: { narrowed: one, stored: [stored({ workload: { got: 2 } })] },
    status: 'pass',
    says: /2 series about/,
  },
  {
    when: 'it does not',
    given: { narrowed: one, stored: [stored({ workload: { got: 0 } })] },
    status: 'fail',
    reason: 'WorkloadNotStored',
    says: /no series about/,
  },
  {
    when: 'it could not be asked',
    given: { narrowed: one, stored: [stored({ workload: { missing: missing() } })] },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
  {
    when: 'the answer may not be whole',
    given: { narrowed: one, stored: [stored({ workload: { got: 0 }, partial: ['a store is away'] })] },
    status: 'unknown',
    reason: 'PartialAnswer',
    says: /no series about .*, in an answer that may not be whole: a store is away/,
  },
  { when: 'there is none', given: { narrowed: one, stored: [] }, status: 'skip', says: /no Prometheus/ },
  {
    when: 'no workload was named',
    given: { narrowed: null, stored: [stored()] },
    status: 'skip',
    says: /no single workload/,
  },
]);

describe('the flow of a Mixer', () => {
  it('is what each stage counts', () => {
    const flow = mixerMeter.measure({ pages: { got: [page(), page()] }, stored: { got: [stored()] } });
    assert.deepEqual(
      flow.map((hop) => [hop.in, hop.out]),
      [
        [320, 320],
        [320, 320],
        [24, 4],
      ],
    );
  });
  it('is null where nothing could be read', () => {
    const flow = mixerMeter.measure({ pages: { got: [unreadPage()] }, stored: { missing: missing() } });
    assert.deepEqual(
      flow.map((hop) => [hop.in, hop.out]),
      [
        [null, null],
        [null, null],
        [null, null],
      ],
    );
  });
});
