import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import { meshStoreOf } from '../../../../src/evidence/prometheus/mesh-store.ts';
import { copiesIn, scrapedOnce } from '../../../../src/guide/missing-metrics/prometheus/copies.ts';
import { samplesFresh } from '../../../../src/guide/missing-metrics/prometheus/freshness.ts';
import { rulesKeepMetrics } from '../../../../src/guide/missing-metrics/prometheus/metric-rules.ts';
import { namesKept } from '../../../../src/guide/missing-metrics/prometheus/names.ts';
import { callersKnown, destinationsKnown } from '../../../../src/guide/missing-metrics/prometheus/peers.ts';
import { proxiesStored, storedOf } from '../../../../src/guide/missing-metrics/prometheus/stored/proxies.ts';
import { proxiesToldApart } from '../../../../src/guide/missing-metrics/prometheus/told-apart.ts';
import { servicesToldApart } from '../../../../src/guide/missing-metrics/sidecar/stored/shared-ports.ts';
import { bothSidesReport } from '../../../../src/guide/missing-metrics/sidecar/stored/sides.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { listed, missing, port, service } from '../../../support/mixer.ts';
import {
  answer,
  build,
  from,
  partly,
  populationOf,
  proxied,
  rate,
  requests,
  STORE,
  series,
  store,
  unanswered,
} from '../../../support/stores.ts';

const [cart, web, api] = [proxied('cart'), proxied('web'), proxied('api', { namespace: 'shop' })];
const pods = [cart, web, api];
const population = populationOf(pods);
/** Who is looked at, all of them old enough. */
const of = (own: readonly Pod[]) => ({ population: populationOf(own), meshProxies: populationOf(own), settled: own });
const servers = { asked: [], leftOut: 0 };

judging(
  proxiesStored,
  [
    {
      when: 'each has series that are fresh',
      given: {},
      status: 'pass',
      says: /^3 of 3 proxies in pod istio-system\/prometheus-0$/,
    },
    {
      when: 'one has had no traffic yet',
      given: { fresh: [answer(requests(cart), requests(web))] },
      status: 'pass',
      says: /1 without traffic yet$/,
    },
    {
      when: 'none has had any',
      given: { fresh: [answer()] },
      status: 'unknown',
      reason: 'NoTraffic',
      says: /^3 proxies loaded and stored in .*, and no traffic has been counted$/,
    },
    {
      when: 'callers count requests to one that counts none',
      given: {
        ...of([cart]),
        fresh: [answer()],
        to: answer(rate('source', 'destination_workload', 'cart', 4)),
      },
      status: 'unknown',
      reason: 'NotCounted',
      says: /^callers count requests to bookinfo\/cart/,
    },
    {
      when: 'a namespace is missing, and gateways are there',
      given: { fresh: [answer(requests(cart), requests(web))], loaded: [answer(build(cart), build(web))] },
      status: 'fail',
      reason: 'ProxiesNotStored',
      says: /^1 of 3 proxies have no series of Istio’s in .*, all of shop$/,
    },
    {
      when: 'its page is stored without them',
      given: {
        fresh: [answer(requests(cart), requests(web))],
        loaded: [answer(build(cart), build(web))],
        dropped: [answer(series(from(api), 700))],
      },
      status: 'fail',
      reason: 'SeriesCut',
      says: /^1 of 3 proxies: pages stored without Istio’s series, all of shop$/,
    },
    {
      when: 'another store might have it',
      given: {
        fresh: [answer(requests(cart), requests(web)), { ...unanswered, where: 'pod team/prometheus-0' }],
        loaded: [answer(build(cart), build(web)), unanswered],
      },
      status: 'unknown',
      reason: 'TimedOut',
      says: /^2 of 3 proxies seen in pod istio-system\/prometheus-0: /,
    },
    {
      when: 'the answer is a part, and one is not in it',
      given: { fresh: [partly(requests(cart), requests(web))], loaded: [answer(build(cart), build(web))] },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /may not be whole: a store is down$/,
    },
    {
      when: 'the answer is a part that has all',
      given: { fresh: [partly(...pods.map((pod) => requests(pod)))] },
      status: 'pass',
      says: /^3 of 3/,
    },
    {
      when: 'there are more servers than were asked',
      given: { fresh: [answer(requests(cart))], loaded: [answer()], servers: { asked: [], leftOut: 2 } },
      status: 'unknown',
      reason: 'NotAllAsked',
      says: /2 more Prometheus servers not asked$/,
    },
    {
      when: 'two stores have a half each',
      given: {
        fresh: [answer(requests(cart)), answer(requests(web), requests(api))],
        loaded: [answer(build(cart)), answer(build(web), build(api))],
        store: store({ where: 'pod b/prometheus-1', beside: [STORE] }),
      },
      status: 'warn',
      reason: 'SpreadOverStores',
      says: /^no store has all: the fullest, pod b\/prometheus-1, has 2 of 3 proxies$/,
    },
    {
      when: 'another store has none of it',
      given: { store: store({ without: ['pod team/prometheus-0'] }) },
      status: 'pass',
      says: /; pod team\/prometheus-0 has none$/,
    },
    {
      // A store behind another keeps sums over the pods of a workload under the raw name.
      when: 'series are sums that name no pod, and their workloads are there',
      given: {
        ...of([cart, web]),
        fresh: [answer(series({ reporter: 'destination', __name__: 'istio_requests_total' }, 40))],
        loaded: [answer()],
        to: answer(rate('destination', 'destination_workload', 'cart', 4)),
        from: answer(rate('source', 'source_workload', 'web', 4)),
      },
      status: 'pass',
      says: /by their workloads: the series name no pods$/,
    },
    {
      when: 'series name no pod, and a workload is not among them',
      given: {
        fresh: [answer(series({ reporter: 'destination' }, 40))],
        loaded: [answer()],
        to: answer(rate('destination', 'destination_workload', 'cart', 4)),
        from: answer(),
      },
      status: 'unknown',
      reason: 'PodsNotTold',
      says: /nothing is seen of the workloads of 2 of 3 proxies$/,
    },
    {
      when: 'no Prometheus was found',
      given: { store: null, fresh: [], loaded: [] },
      status: 'unknown',
      reason: 'NoStore',
      says: /no Prometheus was found/,
    },
    {
      when: 'there is no proxy',
      given: of([]),
      status: 'skip',
      says: /no proxy to be judged/,
    },
    {
      when: 'all of them have only just started',
      given: { ...of([proxied('new', { startedAt: NOW - 60_000 })]), settled: [] },
      status: 'skip',
      says: /only just started/,
    },
    {
      when: 'not every pod could be listed',
      given: { meshProxies: { ...population, refusal: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^3 of 3 proxies seen/,
    },
    {
      // kiali/kiali#7866: the job keeps endpoints of one namespace only, and only that one is drawn.
      when: 'one namespace alone is scraped',
      given: { fresh: [answer(requests(api))], loaded: [answer(build(api))] },
      status: 'fail',
      reason: 'ProxiesNotStored',
      says: /^2 of 3 proxies .*, all of bookinfo$/,
    },
  ],
  {
    ...of(pods),
    fresh: [answer(...pods.map((pod) => requests(pod)))],
    loaded: [answer(...pods.map((pod) => build(pod)))],
    dropped: [answer()],
    store: store(),
    servers,
    to: answer(),
    from: answer(),
  },
);

it('tells the funnel which pods are stored, and nothing where it is not known', () => {
  const asked = { fresh: [answer(requests(cart))], loaded: [answer(build(web))] };
  assert.deepEqual([...(storedOf(pods, asked) ?? [])], [cart, web]);
  assert.equal(storedOf(pods, { ...asked, loaded: [unanswered] }), null);
  assert.equal(storedOf(pods, { ...asked, fresh: [partly(requests(cart))] }), null);
  assert.equal(storedOf(pods, { fresh: [], loaded: [] }), null);
  const nameless = (component: string) => [answer(build(web), series({ component, instance: component }))];
  assert.deepEqual([...(storedOf(pods, { ...asked, loaded: nameless('istiod') }) ?? [])], [cart, web]);
  assert.equal(storedOf(pods, { ...asked, loaded: nameless('proxy') }), null);
});

judging(
  scrapedOnce,
  [
    { when: 'each is there once', given: {}, status: 'pass', says: /once$/ },
    {
      // A ServiceMonitor over all Services: one target for each Service that selects the pod.
      when: 'two Services select a pod',
      given: {
        fresh: [
          answer(
            requests(cart, 'destination', { job: 'cart' }),
            requests(cart, 'destination', { job: 'cart-headless' }),
            requests(web),
          ),
        ],
      },
      status: 'fail',
      reason: 'StoredTwice',
      says: /^1 of 3 proxies stored 2 times/,
    },
    {
      // Pods that both carry annotations and match a PodMonitor.
      when: 'annotations and a PodMonitor find all of them, on two ports',
      given: {
        fresh: [
          answer(
            ...pods.flatMap((pod) => [
              requests(pod),
              requests(pod, 'destination', { instance: `${pod.ip}:15090`, job: 'envoy-stats' }),
            ]),
          ),
        ],
      },
      status: 'fail',
      reason: 'StoredTwice',
      says: /^3 of 3 proxies stored 2 times/,
    },
    {
      when: 'a pod without traffic is scraped twice',
      given: { fresh: [answer()], loaded: [answer(build(cart), build(cart, { job: 'other' }))] },
      status: 'warn',
      reason: 'ScrapedTwice',
      says: /^1 of 3/,
    },
    {
      when: 'a pod counts what it sends and what it answers, requests and TCP',
      given: {
        fresh: [
          answer(
            requests(cart),
            requests(cart, 'source'),
            requests(cart, 'source', { __name__: 'istio_tcp_connections_opened_total' }),
          ),
        ],
      },
      status: 'pass',
      says: /once$/,
    },
    {
      when: 'two clusters have a pod of the same name',
      given: {
        fresh: [
          answer(
            requests(cart, 'destination', { pod: cart.name, namespace: 'bookinfo', cluster: 'a' }),
            requests(cart, 'destination', { pod: cart.name, namespace: 'bookinfo', cluster: 'b' }),
          ),
        ],
      },
      status: 'pass',
      says: /once$/,
    },
    {
      when: 'the answer is a part',
      given: { fresh: [partly()] },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    {
      when: 'no store has any',
      given: { fresh: [answer()], loaded: [answer()], store: store({ holds: false }) },
      status: 'skip',
      says: /no store holds/,
    },
    {
      when: 'no series names a pod',
      given: { fresh: [answer(series({ reporter: 'source' }))], loaded: [answer()] },
      status: 'skip',
      says: /names a pod/,
    },
  ],
  {
    emitters: pods,
    store: store(),
    fresh: [answer(...pods.map((pod) => requests(pod)))],
    loaded: [answer(...pods.map((pod) => build(pod)))],
  },
);

it('takes what is left of an address that a pod no longer has for no copy', () => {
  const named = { pod: cart.name, namespace: cart.namespace };
  const copies = (ip: string | null, ...instances: readonly string[]): number =>
    copiesIn(
      instances.map((instance) => series({ ...named, instance })),
      [{ ...cart, ip }],
    ).size;
  assert.equal(copies('10.0.0.1', '10.0.0.1:15020', '10.9.9.9:15020'), 0);
  assert.equal(copies('fd00::2', '[fd00::2]:15020', '[fd00::1]:15020'), 0);
  // Of two families one alone is known, and a name is no address.
  assert.equal(copies('10.0.0.1', '10.0.0.1:15020', '[fd00::1]:15020'), 1);
  assert.equal(copies('fd00::2', '[fd00::2]:15020', '[fd00::2]:15090'), 1);
  assert.equal(copies('10.0.0.1', '10.0.0.1:15020', 'cart:15020'), 1);
  assert.equal(copies(null, '10.0.0.1:15020', '10.9.9.9:15020'), 1);
});

judging(
  proxiesToldApart,
  [
    { when: 'no counter falls', given: {}, status: 'pass', says: /falls again and again$/ },
    {
      when: 'no two can be written into one',
      given: { falling: 'needless' },
      status: 'pass',
      says: /^each proxy has series of its own in /,
    },
    {
      // cortexlabs/cortex#2316: labelkeep without instance and pod.
      when: 'rules keep no label that tells them apart',
      given: { falling: answer(series({}, 0.46)), loaded: [answer(series({ component: 'proxy' }))] },
      status: 'fail',
      reason: 'ProxiesMerged',
      says: /^3 of 3 proxies write into 1 series \{\}, whose counters fall at 46% of their samples$/,
    },
    {
      // nebius/soperator#1269: an operator that drops pod, instance and container of every PodMonitor by default.
      when: 'pod and instance are dropped, and nobody has called yet',
      given: { loaded: [answer(series({ component: 'proxy', job: 'mesh', namespace: 'bookinfo' }, 1))] },
      status: 'fail',
      reason: 'ProxiesMerged',
      says: /^3 of 3 proxies write into 1 series/,
    },
    {
      // DataDog/documentation#6376: a Service is scraped, and another pod answers each time.
      when: 'a Service’s address is scraped in the place of its pods',
      given: { falling: answer(series({ instance: '10.96.0.7:15020', job: 'gateway' }, 0.5)) },
      status: 'fail',
      reason: 'ProxiesMerged',
      says: /several proxies write into one series \{instance="10\.96\.0\.7:15020"/,
    },
    {
      when: 'a proxy restarts again and again',
      given: {
        emitters: [proxied('crash', { restarts: 9, ip: '10.1.7.7' })],
        falling: answer(series({ instance: '10.1.7.7:15020' }, 0.3)),
        dropped: [answer()],
        pods: listed(proxied('crash', { ip: '10.1.7.7' })),
      },
      status: 'pass',
      says: /falls/,
    },
    {
      when: 'another mesh’s proxies are in the store, and some of ours are not loaded',
      given: { loaded: [answer(build(cart), series({ component: 'proxy', instance: '10.77.0.1:15020' }))] },
      status: 'pass',
      says: /falls/,
    },
    {
      when: 'a store behind another keeps sums that name no pod',
      given: { loaded: [answer(series({ component: 'proxy' }, 40))], dropped: [answer()] },
      status: 'pass',
      says: /falls/,
    },
    {
      when: 'the answer is a part',
      given: { falling: partly() },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    {
      when: 'the question is too much for the store',
      given: { falling: unanswered },
      status: 'unknown',
      reason: 'TimedOut',
      says: /TimedOut/,
    },
    { when: 'no store has any', given: { falling: null }, status: 'skip', says: /no store holds/ },
  ],
  {
    emitters: pods,
    pods: listed(...pods),
    store: store(),
    falling: answer(),
    loaded: [answer(...pods.map((pod) => build(pod)))],
    dropped: [answer(...pods.map((pod) => series(from(pod), 0)))],
  },
);

judging(
  samplesFresh,
  [
    { when: 'they are of now', given: {}, status: 'pass', says: /^the newest sample is 5 seconds old$/ },
    {
      when: 'a query finds a sample of each proxy, and the oldest is of now',
      given: { newest: null, oldest: [answer(series({}, NOW / 1000 - 12))] },
      status: 'pass',
      says: /^each proxy’s newest sample is at most 12 seconds old$/,
    },
    {
      when: 'all are hours old',
      given: { newest: [answer(...pods.map((pod) => series(from(pod), NOW / 1000 - 3 * 3600)))] },
      status: 'fail',
      reason: 'SamplesStopped',
      says: /is 3 hours old$/,
    },
    {
      when: 'one has stopped',
      given: { newest: [answer(series(from(cart), NOW / 1000 - 5), series(from(web), NOW / 1000 - 1800))] },
      status: 'fail',
      reason: 'SomeStopped',
      says: /^1 of 3 proxies have had no sample for 30 minutes or more$/,
    },
    {
      when: 'one has stopped in one store, and goes on in another',
      given: { newest: [answer(series(from(cart), NOW / 1000 - 9000)), answer(series(from(cart), NOW / 1000 - 2))] },
      status: 'pass',
      says: /2 seconds old/,
    },
    {
      when: 'another pod had its address before',
      given: {
        emitters: [proxied('young', { ip: '10.1.9.9', startedAt: NOW - 600_000 })],
        newest: [answer(series({ instance: '10.1.9.9:15020' }, NOW / 1000 - 7200))],
      },
      status: 'skip',
      says: /no samples/,
    },
    { when: 'there is none', given: { newest: [answer()] }, status: 'skip', says: /no samples of istio_build/ },
    {
      when: 'the store does not say',
      given: { newest: [unanswered] },
      status: 'unknown',
      reason: 'TimedOut',
      says: /TimedOut/,
    },
    {
      when: 'what stopped may be in the part that is missing',
      given: { newest: [partly(series(from(cart), NOW / 1000 - 9000))] },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    { when: 'there is no store', given: { store: null }, status: 'skip', says: /no Prometheus/ },
  ],
  {
    emitters: pods,
    store: store(),
    oldest: [answer()],
    newest: [answer(...pods.map((pod) => series(from(pod), NOW / 1000 - 5)))],
  },
);

const named = (name: string, value = 3) => answer(series({ __name__: name }, value));

judging(
  namesKept,
  [
    { when: 'there are no others', given: {}, status: 'pass', says: /^no other names/ },
    {
      when: 'rules record sums beside them',
      given: { recorded: [named('workload:istio_requests_total')] },
      status: 'pass',
      says: /beside workload:istio_requests_total, which rules record$/,
    },
    {
      when: 'the sums are all there is',
      given: { recorded: [named('workload:istio_requests_total')], fresh: [answer()], store: store({ holds: false }) },
      status: 'fail',
      reason: 'OnlyRecorded',
      says: /holds workload:istio_requests_total, and not istio_requests_total$/,
    },
    {
      when: 'a tag that the bootstrap does not know is in the name',
      given: {
        renamed: [answer(series(from(cart)))],
        otherNames: [named('host___istio_requests_total')],
        fresh: [answer(requests(web))],
      },
      status: 'fail',
      reason: 'SeriesRenamed',
      says: /^requests of 1 of 3 proxies are stored as host___istio_requests_total$/,
    },
    {
      when: 'both names are there of one pod',
      given: { renamed: [answer(series(from(cart)))], otherNames: [named('host___istio_requests_total')] },
      status: 'warn',
      reason: 'SeriesRenamed',
      says: /^requests of 1 of 3/,
    },
    {
      when: 'nothing is there',
      given: { fresh: [answer()], store: store({ holds: false }) },
      status: 'skip',
      says: /no store holds/,
    },
    {
      when: 'the answer is a part',
      given: { renamed: [partly()] },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    { when: 'there is no store', given: { store: null }, status: 'skip', says: /no Prometheus/ },
  ],
  {
    emitters: pods,
    store: store(),
    recorded: [answer()],
    renamed: [answer()],
    otherNames: [answer()],
    fresh: [answer(...pods.map((pod) => requests(pod)))],
  },
);

const rule = (action: string, regex: string, change = {}) => ({
  action,
  sources: ['__name__'],
  separator: ';',
  regex,
  target: '',
  replacement: '$1',
  ...change,
});
const target = (pod: (typeof pods)[number], pool = 'mesh', at = '15020/stats/prometheus') => ({
  job: pool,
  pool,
  url: `http://${pod.ip}:${at}`,
  health: 'up',
  lastError: '',
  lastScrape: NOW,
  interval: 15_000,
  instance: '',
  pod: { namespace: pod.namespace, name: pod.name },
  podIp: pod.ip,
  address: '',
  namespace: pod.namespace,
  service: null,
  portName: null,
});
const job = (name: string, ...metricRules: readonly ReturnType<typeof rule>[]) => ({
  name,
  staticTargets: [],
  keeps: [],
  discovers: true,
  ways: [],
  metricRules,
});
const readingOf = (...jobs: readonly ReturnType<typeof job>[]) => [
  {
    where: STORE,
    scrapes: { got: { targets: pods.map((pod) => target(pod)), partial: [] } },
    jobs: { got: jobs },
    interval: 15_000,
  },
];

judging(
  rulesKeepMetrics,
  [
    { when: 'there is no rule', given: {}, status: 'pass', says: /^mesh keeps/ },
    {
      when: 'other metrics are dropped',
      given: { readings: readingOf(job('mesh', rule('drop', 'envoy_.*|istio_request_bytes.*'))) },
      status: 'pass',
      says: /^mesh keeps/,
    },
    {
      when: 'a list of what is kept has not the name',
      given: { readings: readingOf(job('mesh', rule('keep', 'envoy_.*|istio_build|istio_tcp_.*'))) },
      status: 'fail',
      reason: 'RequestsDropped',
      says: /^job mesh leaves out istio_requests_total and istio_request_duration_milliseconds_bucket of 3 of 3 proxies$/,
    },
    {
      when: 'buckets are dropped',
      given: { readings: readingOf(job('mesh', rule('drop', '.*_bucket'))) },
      status: 'warn',
      reason: 'MetricsDropped',
      says: /leaves out istio_request_duration_milliseconds_bucket/,
    },
    {
      when: 'the name is replaced',
      given: {
        readings: readingOf(
          job('mesh', rule('replace', '(istio_requests_total)', { target: '__name__', replacement: 'mesh_$1' })),
        ),
      },
      status: 'fail',
      reason: 'RequestsDropped',
      says: /renames istio_requests_total/,
    },
    {
      when: 'another label decides',
      given: {
        readings: readingOf(job('mesh', rule('drop', 'istio_.*;destination', { sources: ['__name__', 'reporter'] }))),
      },
      status: 'pass',
      says: /keeps/,
    },
    {
      when: 'another job keeps what one drops',
      given: {
        readings: readingOf(job('mesh', rule('drop', 'istio_.*')), job('other')).map((each) => ({
          ...each,
          scrapes: { got: { targets: pods.flatMap((pod) => [target(pod), target(pod, 'other')]), partial: [] } },
        })),
      },
      status: 'pass',
      says: /^mesh and other keep/,
    },
    {
      when: 'the job that keeps them scrapes the applications beside the proxies',
      given: {
        readings: readingOf(job('mesh', rule('drop', 'istio_.*')), job('app')).map((each) => ({
          ...each,
          scrapes: {
            got: { targets: pods.flatMap((pod) => [target(pod), target(pod, 'app', '8080/metrics')]), partial: [] },
          },
        })),
      },
      status: 'fail',
      reason: 'RequestsDropped',
      says: /^job mesh leaves out istio_requests_total, .* of 3 of 3 proxies$/,
    },
    {
      when: 'targets name no pod, and are found by their addresses',
      given: {
        readings: readingOf(job('mesh', rule('drop', 'istio_.*'))).map((each) => ({
          ...each,
          scrapes: { got: { targets: pods.map((pod) => ({ ...target(pod), pod: null })), partial: [] } },
        })),
      },
      status: 'fail',
      reason: 'RequestsDropped',
      says: /of 3 of 3 proxies$/,
    },
    {
      when: 'the store scrapes nothing by itself',
      given: { readings: readingOf().map((each) => ({ ...each, jobs: { missing: missing('NotFound') } })) },
      status: 'skip',
      says: /scrapes nothing by itself/,
    },
    {
      when: 'the configuration is not told',
      given: { readings: readingOf().map((each) => ({ ...each, jobs: { missing: missing('Unauthorized') } })) },
      status: 'unknown',
      reason: 'Unauthorized',
      says: /rules of its jobs/,
    },
    { when: 'no proxy is a target', given: { emitters: [] }, status: 'skip', says: /no job scrapes a proxy/ },
  ],
  { emitters: pods, meshProxies: population, store: store(), readings: readingOf(job('mesh')) },
);

const to = (reporter: string, name: string, value: number) => rate(reporter, 'destination_workload', name, value);
const by = (reporter: string, name: string, value: number) => rate(reporter, 'source_workload', name, value);

judging(
  bothSidesReport,
  [
    { when: 'both count', given: {}, status: 'pass', says: /^8 requests\/s in all/ },
    {
      when: 'a workload does not count what its callers count',
      given: { to: answer(to('source', 'cart', 4), to('destination', 'web', 1)) },
      status: 'warn',
      reason: 'ServerSideMissing',
      says: /^1 workload of 4 requests\/s by their callers count none themselves$/,
    },
    {
      when: 'that workload was named',
      given: { to: answer(to('source', 'cart', 4)) },
      scope: { workload: { kind: 'deployment', name: 'cart', namespace: 'bookinfo' } },
      status: 'fail',
      reason: 'ServerSideMissing',
      says: /count none themselves/,
    },
    {
      when: 'a gateway answers',
      given: { population: populationOf(pods, { cart: 'gateway' }), to: answer(to('source', 'cart', 4)) },
      status: 'pass',
      says: /4 requests/,
    },
    {
      when: 'a waypoint counts for it',
      given: { to: answer(to('source', 'cart', 4), to('waypoint', 'cart', 4)) },
      status: 'pass',
      says: /8 requests/,
    },
    {
      when: 'a workload has no proxy',
      given: { to: answer(to('source', 'legacy', 4)) },
      status: 'pass',
      says: /4 requests/,
    },
    {
      when: 'it is not stored at all, which is told already',
      given: { fresh: [answer(requests(web))], loaded: [answer()], to: answer(to('source', 'cart', 4)) },
      status: 'pass',
      says: /4 requests/,
    },
    {
      when: 'a few requests are on their way',
      given: { to: answer(to('source', 'cart', 0.005)) },
      status: 'skip',
      says: /no requests/,
    },
    {
      when: 'a workload does not count what it sends',
      given: { from: answer(by('destination', 'web', 4)) },
      status: 'warn',
      reason: 'ClientSideMissing',
      says: /^1 workload that sent 4 requests\/s/,
    },
    {
      when: 'the answer is a part',
      given: { to: partly(to('source', 'cart', 4)) },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    { when: 'no store has any', given: { to: null }, status: 'skip', says: /no store holds/ },
  ],
  {
    ...of(pods),
    fresh: [answer(...pods.map((pod) => requests(pod)))],
    loaded: [answer()],
    to: answer(to('source', 'cart', 4), to('destination', 'cart', 4)),
    from: answer(by('source', 'web', 4), by('destination', 'web', 4)),
  },
);

const unknownTo = (name: string, value: number, policy = 'none') =>
  rate('destination', 'destination_workload', name, value, { connection_security_policy: policy });

judging(
  callersKnown,
  [
    { when: 'all have a name', given: {}, status: 'pass', says: /^all of 10 requests\/s/ },
    {
      when: 'a scrape in hundreds has none',
      given: { unknown: answer(unknownTo('cart', 0.1)) },
      status: 'pass',
      says: /^nearly all/,
    },
    {
      when: 'a part comes from outside',
      given: { unknown: answer(unknownTo('cart', 3)) },
      status: 'warn',
      reason: 'CallersUnknown',
      says: /^30% of 10 requests\/s .*callers without a proxy$/,
    },
    {
      when: 'a part comes from ambient to sidecars that take no tunnels',
      given: { unknown: answer(unknownTo('cart', 3)), shares: { got: { sidecars: 2, ambient: 3 } } },
      status: 'warn',
      reason: 'CallersUnknown',
      says: /^30% .*callers in ambient, of which these sidecars take no tunnels, or without a proxy$/,
    },
    {
      when: 'a part comes from outside to sidecars that take tunnels',
      given: {
        emitters: pods.map((pod) => ({ ...pod, labels: { ...pod.labels, 'networking.istio.io/tunnel': 'http' } })),
        unknown: answer(unknownTo('cart', 3)),
        shares: { got: { sidecars: 2, ambient: 3 } },
      },
      status: 'warn',
      reason: 'CallersUnknown',
      says: /^30% .*: callers without a proxy$/,
    },
    {
      when: 'most come without their metadata',
      given: { unknown: answer(unknownTo('cart', 9, 'mutual_tls')) },
      status: 'fail',
      reason: 'MostCallersUnknown',
      says: /^90% .* metadata did not arrive$/,
    },
    {
      when: 'an idle mesh is called from outside only',
      given: { unknown: answer(unknownTo('cart', 9)), from: answer() },
      status: 'warn',
      reason: 'CallersUnknown',
      says: /^90%/,
    },
    {
      when: 'it is another mesh’s workload',
      given: { unknown: answer(unknownTo('elsewhere', 9)) },
      status: 'pass',
      says: /^all of/,
    },
    { when: 'nobody calls', given: { to: answer() }, status: 'skip', says: /no requests/ },
    {
      when: 'the answer is a part',
      given: { unknown: partly() },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
  ],
  {
    emitters: pods,
    shares: { got: { sidecars: 2, ambient: 0 } },
    unknown: answer(),
    to: answer(to('destination', 'cart', 10)),
    from: answer(by('source', 'web', 10)),
  },
);

const sentTo = (name: string, value: number, namespace = 'bookinfo') =>
  rate('source', 'source_workload', 'web', value, {
    destination_service_name: name,
    destination_service_namespace: namespace,
  });

judging(
  destinationsKnown,
  [
    { when: 'all are', given: {}, status: 'pass', says: /^all of 10/ },
    {
      when: 'a host outside has no workload',
      given: { unknown: answer(sentTo('api.example.com', 5, 'unknown')) },
      status: 'pass',
      says: /^all of/,
    },
    {
      when: 'a Service’s workload is unknown',
      given: { unknown: answer(sentTo('cart', 3)) },
      status: 'warn',
      reason: 'DestinationsUnknown',
      says: /^30% of .* bookinfo\/cart$/,
    },
    {
      when: 'most go to such',
      given: { unknown: answer(sentTo('cart', 8)) },
      status: 'fail',
      reason: 'MostDestinationsUnknown',
      says: /^80%/,
    },
    {
      when: 'some are passed through',
      given: { unknown: answer(sentTo('PassthroughCluster', 2)) },
      status: 'warn',
      reason: 'PassedThrough',
      says: /^20%/,
    },
    {
      when: 'some go nowhere',
      given: { unknown: answer(sentTo('BlackHoleCluster', 0.1)) },
      status: 'warn',
      reason: 'BlackHole',
      says: /^0\.1 requests\/s go nowhere/,
    },
    { when: 'nobody sends', given: { from: answer() }, status: 'skip', says: /no requests/ },
    {
      when: 'the answer is a part',
      given: { from: partly(by('source', 'web', 10)) },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
  ],
  {
    emitters: pods,
    unknown: answer(),
    from: answer(by('source', 'web', 10)),
    services: listed(service('cart', { ports: [port('http', 80)] })),
  },
);

const forService = (reporter: string, name: string, value: number) =>
  series({ reporter, destination_service_namespace: 'bookinfo', destination_service_name: name }, value);
const primary = service('cart-primary', { selector: { app: 'cart' }, ports: [port('http', 80, { targetPort: 8080 })] });
const canary = service('cart-canary', { selector: { app: 'cart' }, ports: [port('http', 80, { targetPort: 8080 })] });
const both = answer(
  forService('source', 'cart-primary', 4),
  forService('source', 'cart-canary', 4),
  forService('destination', 'cart-primary', 8),
);

judging(
  servicesToldApart,
  [
    {
      when: 'each has its own',
      given: { to: answer(forService('source', 'cart-primary', 4), forService('destination', 'cart-primary', 4)) },
      status: 'pass',
      says: /no Service of 1/,
    },
    {
      when: 'two lead to one port',
      given: {},
      status: 'warn',
      reason: 'CountedForOtherService',
      says: /bookinfo\/cart-canary is counted as cart-primary$/,
    },
    {
      when: 'they lead to different ports',
      given: { services: listed(primary, { ...canary, ports: [port('http', 80, { targetPort: 9090 })] }) },
      status: 'pass',
      says: /no Service/,
    },
    {
      when: 'not every Service was seen',
      given: { to: answer(), services: { ...listed(primary), complete: false, refusal: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
    { when: 'nobody calls', given: { to: answer() }, status: 'skip', says: /no requests/ },
  ],
  { emitters: pods, services: listed(primary, canary), to: both },
);

it('says that istioctl names the Deployment behind two Services, where their numbers for the port differ', () => {
  const evidenceOf = (number: number) => {
    const other = { ...canary, ports: [port('http', number, { targetPort: 8080 })] };
    const given = { emitters: pods, services: listed(primary, other), to: both };
    return servicesToldApart.judge(given, { plane, scope, now: NOW }).evidence?.slice(1);
  };
  assert.deepEqual(evidenceOf(80), []);
  assert.deepEqual(evidenceOf(81), ['istioctl analyze: IST0137 (DeploymentConflictingPorts) of bookinfo/cart']);
});

it('judges by the store that has most of the mesh, and names the others', () => {
  const other = (where: string, each: ReturnType<typeof answer>) => ({ ...each, where });
  const fresh = [other('a', answer()), other('b', answer(requests(cart))), other('c', unanswered)];
  const loaded = [other('a', answer()), other('b', answer(build(cart))), other('c', unanswered)];
  assert.deepEqual(meshStoreOf(fresh, loaded), {
    where: 'b',
    index: 1,
    holds: true,
    without: ['a'],
    beside: [],
    silent: ['c'],
  });
  assert.equal(meshStoreOf([], []), null);
  assert.equal(meshStoreOf([unanswered], [unanswered])?.holds, null);
  assert.equal(meshStoreOf([answer()], [answer()])?.holds, false);
  // Istiod tells of itself what a proxy tells, too.
  assert.equal(meshStoreOf([answer()], [answer(build(cart, { component: 'pilot' }))])?.holds, false);
});
