import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AnyCheck, Scope } from '../../../../src/diagnosis/check.ts';
import type { ProxySync } from '../../../../src/evidence/istio/sync.ts';
import { classesOf, type MetricsTold, NOTHING_LEFT } from '../../../../src/evidence/istio/told.ts';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import type { Narrowed } from '../../../../src/evidence/kubernetes/workload.ts';
import type { Caller, Callers } from '../../../../src/evidence/prometheus/callers.ts';
import { type Asked, scrapingIn } from '../../../../src/evidence/prometheus/scraping.ts';
import type { Target } from '../../../../src/evidence/prometheus/targets.ts';
import {
  callersConfigured,
  callersEmit,
  callersInMesh,
  callersScraped,
  callersStored,
  callersTold,
} from '../../../../src/guide/missing-metrics/sidecar/callers/checks.ts';
import { callersCount } from '../../../../src/guide/missing-metrics/sidecar/callers/counting.ts';
import { callersSeen } from '../../../../src/guide/missing-metrics/sidecar/callers/seen.ts';
import { judging, NOW, plane, scope as scopeOfAll } from '../../../support/judging.ts';
import { listed, missing, pod } from '../../../support/mixer.ts';
import { emitting, readProxy, bare as withoutFilter } from '../../../support/proxies.ts';
import {
  answer,
  build,
  from,
  partly,
  populationOf,
  proxied,
  requests,
  series,
  store,
} from '../../../support/stores.ts';
import { allOf, configOf, envoyFilterObject, statsPatch, telemetryObject } from '../../../support/telemetry.ts';

type Evidence = Record<string, unknown>;

const web = proxied('web');
const desk = proxied('desk', { namespace: 'front' });
const young = proxied('desk', { namespace: 'front' });
const pods = [web, desk];
const population = populationOf(pods);
const nobody = { callers: { got: populationOf([]) } };
const refused = {
  callers: { got: { ...populationOf([]), refusal: missing('Forbidden', { verb: 'list', resource: 'pods' }) } },
};
/** What a check of several needs, by the names that those have for it. */
const handed = (check: AnyCheck, values: Evidence): Evidence => ({
  ...Object.fromEntries(Object.keys(check.needs).map((name) => [name, values[name.split(' ').at(-1) ?? name]])),
  callers: { got: population },
});
const scope: Partial<Scope> = { workload: { kind: 'deployment', name: 'cart', namespace: 'bookinfo' } };

type Cases = Parameters<typeof judging<Evidence>>[1];

/** Cases that every check of the callers has, and its own. */
function ofCallers(check: AnyCheck, values: Evidence, ...own: Cases): void {
  const cases: Cases = [
    { when: 'no caller is known', given: nobody, status: 'skip', says: /^no proxy of a caller’s is known here$/ },
    {
      when: 'the callers’ pods may not be listed',
      given: refused,
      status: 'unknown',
      reason: 'Forbidden',
      says: /^its callers’ pods: not allowed: list pods/,
    },
    ...own,
  ];
  judging<Evidence>(
    check,
    cases.map((each) => ({ scope, ...each })),
    handed(check, values),
  );
}

const caller = (of: Pod, change: Partial<Caller> = {}): Caller => ({
  name: of.labels.app ?? '',
  namespace: of.namespace,
  pods: [of],
  rate: 2,
  isCounting: true,
  leftOut: null,
  ...change,
});
const known = (change: Partial<Callers> = {}): Callers => ({
  callers: [caller(web), caller(desk)],
  pods,
  missing: [],
  partial: [],
  hasStore: true,
  refusal: null,
  ...change,
});

const narrowed: Narrowed = {
  workload: { kind: 'deployment', name: 'cart', namespace: 'bookinfo' },
  found: true,
  pods: [proxied('cart')],
  services: [],
  named: 'cart',
};
judging(
  callersSeen,
  [
    {
      when: 'all run here',
      given: {},
      status: 'pass',
      says: /^2 of 2 callers looked at: bookinfo\/web and front\/desk$/,
    },
    {
      when: 'one runs nowhere here',
      given: { callers: known({ callers: [caller(web), caller(desk, { pods: [] })] }) },
      status: 'pass',
      says: /^1 of 2 callers looked at: bookinfo\/web$/,
    },
    {
      when: 'there may be more',
      given: { callers: known({ partial: ['a store is down'] }) },
      status: 'pass',
      says: /; there may be more, as the store’s answer may not be whole$/,
    },
    {
      when: 'of one the namespace is not told',
      given: { callers: known({ callers: [caller(desk, { namespace: '', pods: [] })] }) },
      status: 'skip',
      says: /^no pod of desk, which called, runs here now$/,
    },
    {
      when: 'none runs here now',
      given: { callers: known({ callers: [caller(desk, { pods: [] })] }) },
      status: 'skip',
      says: /^no pod of front\/desk, which called, runs here now$/,
    },
    {
      when: 'one sent next to nothing lately',
      given: { callers: known({ callers: [caller(web), caller(desk, { leftOut: 'idle' })] }) },
      status: 'pass',
      says: /^1 of 2 callers looked at: bookinfo\/web$/,
    },
    {
      when: 'nobody sent anything to speak of lately, but a Prometheus',
      given: {
        callers: known({
          callers: [
            caller(web, { leftOut: 'prometheus' }),
            caller(desk, { leftOut: 'idle' }),
            caller(desk, { name: 'batch', leftOut: 'opted-out' }),
          ],
        }),
      },
      status: 'skip',
      says: /^none of its callers is looked at: bookinfo\/web \(Prometheus, which asks for pages\), front\/desk \(next to nothing in the last hour\) and front\/batch \(its label istio-prometheus-ignore\)$/,
    },
    {
      when: 'their pods may not be listed',
      given: {
        callers: known({ refusal: missing('Forbidden', { verb: 'list', resource: 'pods', namespace: 'front' }) }),
      },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^2 of 2 callers can be looked at: not allowed: list pods in front$/,
    },
    {
      when: 'nobody calls',
      given: { callers: known({ callers: [] }) },
      status: 'skip',
      says: /^no series .* name a caller/,
    },
    {
      when: 'there is no store',
      given: { callers: known({ callers: [], hasStore: false }) },
      status: 'skip',
      says: /^its callers are not known: no store/,
    },
    {
      when: 'the store does not answer',
      given: { callers: known({ callers: [], missing: [missing('TimedOut')] }) },
      status: 'skip',
      says: /^its callers are not known: /,
    },
    { when: 'no workload was named', given: { narrowed: null }, status: 'skip', says: /^no single workload/ },
    {
      when: 'no pod of the workload runs, and no store was asked',
      given: { narrowed: { ...narrowed, pods: [] }, callers: known({ callers: [], hasStore: false }) },
      status: 'skip',
      says: /^its callers are not known: no pod of it runs$/,
    },
  ],
  {
    narrowed,
    callers: known(),
  },
);

const naked = pod({
  name: 'desk-7d9c-9',
  namespace: 'front',
  owner: { kind: 'ReplicaSet', name: 'desk-7d9c' },
  labels: { 'pod-template-hash': '7d9c' },
});
const outsider = {
  pod: naked,
  namespace: {},
  asked: 'namespace',
  called: [{ createdAt: 0, missing: null }],
  refusal: null,
};
ofCallers(
  callersInMesh,
  { population, injection: { got: {} } },
  { when: 'each has a proxy', given: {}, status: 'pass', says: /^of its callers: no pod asks for a proxy in vain$/ },
  {
    when: 'a pod of one has none',
    given: handed(callersInMesh, {
      population: { ...population, outsiders: { got: [outsider] } },
      injection: { got: {} },
    }),
    status: 'fail',
    reason: 'CreatedBefore',
    says: /^caller front\/desk: 1 of 3 pods without a proxy/,
  },
  {
    when: 'it is not known which should have one',
    given: handed(callersInMesh, {
      population: { ...population, outsiders: { missing: missing('Forbidden') } },
      injection: { got: {} },
    }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /^of its callers: which pods should have a proxy/,
  },
);

const off = (title: string, mode: string, metric = 'ALL_METRICS') =>
  telemetryObject(title, { metrics: [{ overrides: [{ match: { metric, mode }, disabled: true }] }] });
const told = (objects: readonly { kind: string }[]): MetricsTold => {
  const all = allOf(objects);
  const config = configOf(objects, { version: '1.31.0' });
  return {
    classes: classesOf(population.proxies, all, config),
    elsewhere: [],
    config,
    all,
    left: NOTHING_LEFT,
    revisions: ['default'],
    missing: [],
  };
};
const tellingBy = (...objects: readonly { kind: string }[]): Evidence =>
  handed(callersTold, { told: told(objects), made: { got: [] } });
const telling = (mode: string, metric?: string): Evidence => tellingBy(off('front/quiet', mode, metric));
ofCallers(
  callersTold,
  {},
  {
    when: 'only what comes in to one is not counted',
    given: telling('SERVER'),
    status: 'pass',
    says: /^of its callers: 2 proxies told to make metrics of what they send$/,
  },
  {
    when: 'what one sends is not counted',
    given: telling('CLIENT'),
    status: 'fail',
    reason: 'OneSideDisabled',
    says: /^caller front\/desk: 1 of 2 proxies: Telemetry front\/quiet switches the metrics of the calls that go out off$/,
  },
  {
    when: 'nothing of one is counted',
    given: telling('CLIENT_AND_SERVER'),
    status: 'fail',
    reason: 'MetricsDisabled',
    says: /^caller front\/desk: 1 of 2 proxies: Telemetry front\/quiet switches all metrics off$/,
  },
  {
    when: 'requests that one sends are left out',
    given: telling('CLIENT', 'REQUEST_COUNT'),
    status: 'fail',
    reason: 'MetricDropped',
    says: /^caller front\/desk: 1 of 2 proxies: Telemetry front\/quiet leaves out istio_requests_total$/,
  },
  {
    when: 'requests that come in to one are left out',
    given: telling('SERVER', 'REQUEST_COUNT'),
    status: 'pass',
    says: /^of its callers: 2 proxies told to make metrics of what they send$/,
  },
  {
    when: 'another metric of what one sends is left out',
    given: telling('CLIENT', 'REQUEST_SIZE'),
    status: 'pass',
    says: /^of its callers: 2 proxies told to make metrics of what they send$/,
  },
  {
    when: 'another object takes what comes in away than takes what goes out',
    given: tellingBy(off('istio-system/in', 'SERVER'), off('front/out', 'CLIENT')),
    status: 'fail',
    reason: 'OneSideDisabled',
    says: /^caller front\/desk: 1 of 2 proxies: Telemetry front\/out switches the metrics of the calls that go out off$/,
  },
  {
    when: 'it is not known what they are told of what comes in',
    given: tellingBy(
      off('istio-system/in', 'SERVER'),
      envoyFilterObject('istio-system/perhaps', {
        configPatches: [statsPatch({ context: 'SIDECAR_INBOUND', proxyVersion: '(' })],
      }),
    ),
    status: 'pass',
    says: /^of its callers: 2 proxies told to make metrics of what they send$/,
  },
  {
    when: 'it is not known what they are told of what goes out',
    given: tellingBy(
      off('istio-system/out', 'CLIENT'),
      envoyFilterObject('istio-system/perhaps', {
        configPatches: [statsPatch({ context: 'SIDECAR_OUTBOUND', proxyVersion: '(' })],
      }),
    ),
    status: 'unknown',
    reason: 'Undecided',
    says: /^of its callers: 2 of 2 proxies: what they are told is not known$/,
  },
);

const sync = (of: Pod, error = ''): ProxySync => ({
  proxy: `${of.name}.${of.namespace}`,
  version: '1.31.0',
  types: [{ kind: 'listener', sent: 'a', acked: error ? '' : 'a', error, sentAt: NOW - 300_000 }],
});
const pilot = { pod: pod({ name: 'istiod-1', namespace: 'istio-system' }), version: '1.31.0', debugPort: 15014 };
const delivered = (...proxies: readonly ProxySync[]): Evidence => ({
  population,
  pilots: [pilot],
  syncs: [{ pilot, proxies: { got: proxies } }],
  counts: { got: [] },
  loaded: { got: [answer(build(web))] },
});
ofCallers(
  callersConfigured,
  delivered(sync(web), sync(desk)),
  { when: 'all are connected', given: {}, status: 'pass', says: /^of its callers: all 2 proxies connected$/ },
  {
    when: 'one refuses the filter',
    given: handed(callersConfigured, delivered(sync(web), sync(desk, 'unknown extension istio.stats'))),
    status: 'fail',
    reason: 'StatsFilterRefused',
    says: /^caller front\/desk: 1 of 2 proxies refuses the stats filter/,
  },
  {
    when: 'one is connected nowhere, and has what it had',
    given: handed(callersConfigured, delivered(sync(web))),
    status: 'pass',
    says: /^of its callers: none of 1 connected proxy$/,
  },
);

const [first, second] = population.proxies;
const emitted = (stored: readonly string[], change: Parameters<typeof emitting>[2] = {}): Evidence => ({
  emission: emitting(population.proxies, stored, change),
  pilots: [pilot],
  failures: { got: [answer()] },
});
ofCallers(
  callersEmit,
  emitted([web.name, desk.name]),
  {
    when: 'a store has all',
    given: {},
    status: 'pass',
    says: /^of its callers: Envoy’s part is on the pages of 2 of 2/,
  },
  {
    when: 'one has no stats filter',
    given: handed(
      callersEmit,
      emitted([web.name], { asked: first && second ? [readProxy(second, withoutFilter(), withoutFilter())] : [] }),
    ),
    status: 'fail',
    reason: 'FilterNotLoaded',
    says: /^caller front\/desk: 1 of 2 proxies has no stats filter/,
  },
);

const target = (of: Pod, lastError = ''): Target => ({
  job: 'kubernetes-pods',
  pool: 'kubernetes-pods',
  url: `http://${of.ip}:15020/stats/prometheus`,
  health: lastError ? 'down' : 'up',
  lastError,
  lastScrape: NOW - 5000,
  interval: 15_000,
  instance: `${of.ip}:15020`,
  pod: { namespace: of.namespace, name: of.name },
  podIp: of.ip,
  address: `${of.ip}:15020`,
  namespace: of.namespace,
  service: null,
  portName: null,
});
const scraping = (targets: readonly Target[], change: Partial<Asked> = {}): Evidence => ({
  scraping: scrapingIn({
    servers: ['pod mon/prometheus-0'],
    serverPods: [],
    leftOut: 0,
    refusal: null,
    everyPod: pods,
    pods,
    now: NOW,
    targets: [{ got: { targets, partial: [] } as never }],
    ups: [],
    loaded: [],
    monitors: { prometheuses: { got: listed() }, podMonitors: { got: listed() }, serviceMonitors: { got: listed() } },
    namespaces: null,
    jobs: [],
    services: [],
    ...change,
  }),
  barred: { got: new Map() },
});
ofCallers(
  callersScraped,
  scraping([target(web), target(desk)]),
  { when: 'all are targets', given: {}, status: 'pass', says: /^of its callers: 2 proxies that are targets$/ },
  {
    when: 'one is none',
    given: handed(callersScraped, scraping([target(web)])),
    status: 'fail',
    reason: 'NoScrapeJob',
    says: /^caller front\/desk: 1 of 2 proxies: no job and no monitor/,
  },
  {
    when: 'two are lost for two reasons',
    given: handed(callersScraped, scraping([target(web, 'connection refused')])),
    status: 'fail',
    reason: 'NoScrapeJob',
    says: /^caller front\/desk: /,
  },
);

const stores = (change: Evidence = {}): Evidence => ({
  emitters: pods,
  settled: pods,
  oldest: [answer(series({}, NOW / 1000 - 5))],
  population,
  meshProxies: population,
  fresh: [answer(requests(web), requests(desk))],
  loaded: [answer(build(web), build(desk))],
  dropped: [answer()],
  newest: [answer(...pods.map((each) => series(from(each), NOW / 1000 - 5)))],
  store: store(),
  servers: { asked: [], leftOut: 0 },
  to: answer(),
  from: answer(),
  callers: known(),
  ...change,
});
const storing = (change: Evidence): Evidence => handed(callersStored, stores(change));
const silent = known({ callers: [caller(web), caller(desk, { isCounting: false })] });
ofCallers(
  callersStored,
  {},
  {
    when: 'all count what they send',
    given: storing({}),
    status: 'pass',
    says: /^of its callers: 4 requests\/s, counted by who sends it$/,
  },
  {
    when: 'one is not stored',
    given: storing({ fresh: [answer(requests(web))], loaded: [answer(build(web))] }),
    status: 'fail',
    reason: 'ProxiesNotStored',
    says: /^caller front\/desk: 1 of 2 proxies have no series/,
  },
  {
    when: 'one counts nothing',
    given: storing({ callers: silent }),
    status: 'fail',
    reason: 'CallersCountNothing',
    says: /^caller front\/desk: 2 requests\/s arrive, and their own proxies count none of it$/,
  },
  {
    when: 'nothing of them is counted, though they are known to call',
    given: storing({ fresh: [answer()], callers: known({ callers: [caller(web, { rate: 0 })] }) }),
    status: 'pass',
    says: /^of its callers: the newest sample is 5 seconds old$/,
  },
);

judging(
  callersCount,
  [
    { when: 'all do', given: {}, status: 'pass', says: /^4 requests\/s, counted by who sends it$/ },
    {
      when: 'one does not',
      given: { callers: silent },
      status: 'fail',
      reason: 'CallersCountNothing',
      says: /^2 requests\/s arrive/,
    },
    {
      when: 'one does not, in an answer that may not be whole',
      given: { callers: { ...silent, partial: ['a store is down'] } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /may not be whole/,
    },
    {
      when: 'one that does not is not stored at all: others tell',
      given: { callers: silent, fresh: [partly(requests(web))], loaded: [answer(build(web))] },
      status: 'pass',
      says: /^2 requests\/s, counted by who sends it; 2 requests\/s of callers that cannot be looked at: front\/desk$/,
    },
    {
      when: 'one that does not has no pod here',
      given: { callers: known({ callers: [caller(web), caller(desk, { pods: [], isCounting: false })] }) },
      status: 'pass',
      says: /^2 requests\/s, counted by who sends it; 2 requests\/s of callers that cannot be looked at: front\/desk$/,
    },
    {
      when: 'one that does not has pods without a proxy alone',
      given: { callers: known({ callers: [caller(naked, { name: 'desk', isCounting: false })] }) },
      status: 'skip',
      says: /^2 requests\/s of callers that cannot be looked at: front\/desk$/,
    },
    {
      when: 'of one the series do not tell',
      given: { callers: known({ callers: [caller(web), caller(desk, { isCounting: null })] }) },
      status: 'pass',
      says: /^2 requests\/s, counted by who sends it; 2 requests\/s of callers that cannot be looked at: front\/desk$/,
    },
    {
      when: 'one that does not has just started',
      given: { callers: silent, settled: [web] },
      status: 'pass',
      says: /^2 requests\/s, counted by who sends it; 2 requests\/s of callers that cannot be looked at: front\/desk$/,
    },
    {
      when: 'one that does not has a pod that has just started, too',
      given: {
        callers: known({ callers: [caller(desk, { pods: [desk, young], isCounting: false })] }),
        population: populationOf([...pods, young]),
      },
      status: 'fail',
      reason: 'CallersCountNothing',
      says: /^2 requests\/s arrive/,
    },
    {
      when: 'Prometheus asks for pages, and is not counted',
      given: { callers: known({ callers: [caller(desk, { isCounting: false, leftOut: 'prometheus' })] }) },
      status: 'skip',
      says: /^no request of a caller in ten minutes$/,
    },
    {
      when: 'one has sent a few requests',
      given: { callers: known({ callers: [caller(desk, { rate: 0.001, isCounting: false })] }) },
      status: 'skip',
      says: /^no request of a caller in ten minutes$/,
    },
  ],
  { callers: known(), population, settled: pods, fresh: [answer(requests(web), requests(desk))], loaded: [answer()] },
);

it('names all callers that are lost, and for which reasons', () => {
  const evidence = handed(callersScraped, scraping([target(web, 'dial tcp: connection refused')]));
  const verdict = callersScraped.judge(evidence, { plane, scope: { ...scopeOfAll, ...scope }, now: NOW });
  assert.deepEqual(
    verdict.subjects?.map(({ namespace, name }) => `${namespace}/${name}`),
    ['front/desk', 'bookinfo/web'],
  );
  assert.match(verdict.evidence?.join('\n') ?? '', /^caller bookinfo\/web: 1 of 2 proxies: .*connection refused/m);
});
