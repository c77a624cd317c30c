import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Source } from '../../src/diagnosis/check.ts';
import { planeSource } from '../../src/diagnosis/source.ts';
import { NoAnswer } from '../../src/errors.ts';
import { query, queryAny } from '../../src/evidence/prometheus/query.ts';
import { prometheusReadings } from '../../src/evidence/prometheus/readings.ts';
import { prometheusServers } from '../../src/evidence/prometheus/server.ts';
import type { Target } from '../../src/evidence/prometheus/targets.ts';
import { gatheredFrom } from '../support/gathered.ts';
import { it } from '../support/programs.ts';
import { type Reply, withPrometheusApi } from '../support/prometheus-api.ts';
import { reported } from '../support/run.ts';
import { withStandIn } from '../support/standing.ts';

/** What a source gathers from a real server, which answers `reply` to whatever is asked. */
async function gathered<T>(source: Source<T>, reply: Reply | ((path: string) => Reply)): Promise<T> {
  return withPrometheusApi({ reply: ({ path }) => (typeof reply === 'function' ? reply(path) : reply) }, ({ url }) =>
    gatheredFrom(source, url),
  );
}

const up = planeSource([], async (ask) => {
  const [server] = (await ask.from(prometheusServers)).asked;
  assert.ok(server);
  return query(ask, server, 'up');
});
const anyUp = planeSource([], (ask) => queryAny(ask, 'up'));

const vector = (result: unknown, more: object = {}): Reply => ({
  body: JSON.stringify({ status: 'success', data: { resultType: 'vector', result }, ...more }),
});
const sample = (value: string) => ({ metric: { __name__: 'up', job: 'a' }, value: [1_700_000_000.5, value] });
const html = (status: number, title: string): Reply => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<!doctype html>\n<html><head>\n<title>${title}</title></head><body>sign in</body></html>`,
});
const failed = (status: number, error: string): Reply => ({
  status,
  body: JSON.stringify({ status: 'error', errorType: 'execution', error }),
});

async function refusal(reply: Reply | ((path: string) => Reply)): Promise<NoAnswer['unanswered']> {
  const error = await gathered(up, reply).then(
    () => assert.fail('there was an answer'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof NoAnswer, String(error));
  return error.unanswered;
}

describe('a query', () => {
  const none: readonly [string, Reply, string, RegExp][] = [
    [
      '401',
      html(401, 'Unauthorized'),
      'Unauthorized',
      /^HTTP 401: Unauthorized: a login is needed: .*--prometheus-token-file/,
    ],
    ['403', failed(403, 'forbidden by policy'), 'Unauthorized', /^HTTP 403: forbidden by policy: a login is needed: /],
    [
      'a tenant that is missing',
      { status: 401, body: 'no org id\n' },
      'Unauthorized',
      /no org id.*--prometheus-header/,
    ],
    ['a login page', html(200, 'Sign in'), 'BadAnswer', /^an HTML page, “Sign in”: a login is needed/],
    [
      '404',
      { status: 404, body: '404 page not found\n' },
      'NotFound',
      /^HTTP 404: 404 page not found: .*prefix\? Mimir/,
    ],
    [
      '422',
      failed(422, 'query processing would load too many samples'),
      'BadAnswer',
      /^HTTP 422: query processing would load/,
    ],
    ['400', failed(400, 'invalid parameter "query"'), 'BadAnswer', /^HTTP 400: invalid parameter "query"$/],
    ['503', failed(503, 'query timed out'), 'BadAnswer', /^HTTP 503: query timed out$/],
    ['an error with 200', failed(200, 'too many outstanding requests'), 'BadAnswer', /^too many outstanding requests$/],
    ['another document', { body: '{"data":{"result":[]}}' }, 'BadAnswer', /^not an answer of Prometheus’ API$/],
    ['null', { body: 'null' }, 'BadAnswer', /^not an answer of Prometheus’ API$/],
    ['nothing', { body: '' }, 'BadAnswer', /^not JSON/],
    ['half of one', { body: '{"status":"success","data":{"resultType":"vec' }, 'BadAnswer', /^not JSON: \{"status"/],
    ['a scalar', vector([1, '2']), 'BadAnswer', /^the answer is no vector/],
    ['no list', vector(null), 'BadAnswer', /^the answer is no vector/],
    ['series without a sample', vector([{ metric: {} }]), 'BadAnswer', /^the answer is no vector/],
    ['a redirect that leads nowhere', { status: 302 }, 'BadAnswer', /^HTTP 302: a redirect that leads nowhere$/],
    [
      'gzip that is cut off',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync('{"status":"success"}').subarray(0, 20) },
      'BadAnswer',
      /unexpected end of file/,
    ],
    [
      'gzip that is none',
      { headers: { 'content-encoding': 'gzip' }, body: '{}' },
      'BadAnswer',
      /incorrect header check/,
    ],
  ];
  for (const [what, reply, hindrance, words] of none) {
    it(`that is answered with ${what} has no answer: ${hindrance}`, async () => {
      const unanswered = await refusal(reply);
      assert.equal(unanswered.hindrance, hindrance);
      assert.match(unanswered.words, words);
      assert.match(unanswered.command, /^curl -s 'http:\/\/localhost:\d+\/api\/v1\/query\?query=up'$/);
    });
  }

  it('follows no redirect, whether to a login elsewhere or to another path', async () => {
    const tried: string[] = [];
    const other = createServer((request, response) => {
      tried.push(String(request.headers.authorization));
      response.end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/oauth2/start?state=hidden`;
    try {
      const away = await refusal({ status: 302, headers: { location: elsewhere } });
      assert.match(
        away.words,
        /^HTTP 302: it redirects to http:\/\/127\.0\.0\.1:\d+\/oauth2\/start, which is not followed: a login\?/,
      );
      const paths: string[] = [];
      const here = await refusal((path) => {
        paths.push(path);
        return { status: 301, headers: { location: `/prometheus${path}` } };
      });
      assert.match(here.words, /redirects to http:\/\/localhost:\d+\/prometheus\/api\/v1\/query, .*--prometheus-url$/);
      assert.deepEqual([tried, paths.length], [[], 1]);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('with no series is an answer, and not zero', async () => {
    assert.deepEqual(await gathered(up, vector([])), { series: [], partial: [], infos: [] });
  });

  it('has samples of any value, and of native histograms', async () => {
    const values = ['1.5', 'NaN', '+Inf', '-Inf', 'nonsense', ''].map(sample);
    const histogram = { metric: {}, histogram: [1, { count: '1' }] };
    const answer = await gathered(up, vector([...values, histogram]));
    assert.deepEqual(
      answer.series.map(({ value }) => value),
      [1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, Number.NaN, Number.NaN],
    );
    assert.deepEqual([answer.series[0]?.at, answer.series[0]?.labels.get('job')], [1_700_000_000_500, 'a']);
  });

  it('tells why an answer may not be whole', async () => {
    const warned = await gathered(
      up,
      vector([sample('1')], { warnings: ['store a is away', 7], infos: ['no counter'] }),
    );
    assert.deepEqual([warned.series.length, warned.partial, warned.infos], [1, ['store a is away'], ['no counter']]);
    const partial = await gathered(up, vector([], { isPartial: true }));
    assert.deepEqual(partial.partial, ['the server calls its answer partial']);
  });

  it('of whichever server has it proves nothing by an absence in an answer that is not whole', async () => {
    assert.equal((await gathered(anyUp, vector([sample('1')], { isPartial: true })))?.series.length, 1);
    assert.equal((await gathered(anyUp, vector([])))?.series.length, 0);
    await assert.rejects(gathered(anyUp, vector([], { isPartial: true })), /may not be whole: the server calls/);
  });

  for (const [encoding, pack] of [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const) {
    it(`reads ${encoding}, which nobody asked for`, async () => {
      const { body = '' } = vector([sample('1')]);
      const answer = await gathered(up, { headers: { 'content-encoding': encoding }, body: pack(body) });
      assert.equal(answer.series.length, 1);
    });
  }
});

describe('Prometheus’ targets', () => {
  const raw = (change: object = {}) => ({
    discoveredLabels: { __address__: '10.0.0.7:15020', __meta_kubernetes_pod_annotation_x: 'y'.repeat(1500) },
    labels: { job: 'kubernetes-pods', instance: '10.0.0.7:15020', secret_label: 'hidden' },
    scrapePool: 'kubernetes-pods',
    scrapeUrl: 'http://10.0.0.7:15020/stats/prometheus',
    globalUrl: 'http://10.0.0.7:15020/stats/prometheus',
    lastError: '',
    lastScrape: '2026-11-22T10:00:00.5Z',
    lastScrapeDuration: 0.01,
    health: 'up',
    scrapeInterval: '1m15s',
    scrapeTimeout: '10s',
    ...change,
  });
  const targets = (list: unknown, more: object = {}): Reply => ({
    body: JSON.stringify({ status: 'success', data: { activeTargets: list, droppedTargets: [{ a: 1 }] }, ...more }),
  });
  const CONFIG: Reply = { body: '{"status":"success","data":{"yaml":"scrape_configs: []"}}' };
  const reading = async (reply: Reply) => {
    const [only] = await gathered(prometheusReadings, (path) => (path.includes('/targets') ? reply : CONFIG));
    assert.ok(only);
    return only;
  };
  const read = async (reply: Reply): Promise<readonly Target[]> => {
    const { scrapes } = await reading(reply);
    assert.ok('got' in scrapes, JSON.stringify(scrapes));
    return scrapes.got.targets;
  };

  it('are told with what finds a pod', async () => {
    const [target] = await read(targets([raw()]));
    assert.deepEqual(target, {
      job: 'kubernetes-pods',
      pool: 'kubernetes-pods',
      url: 'http://10.0.0.7:15020/stats/prometheus',
      health: 'up',
      lastError: '',
      lastScrape: Date.parse('2026-11-22T10:00:00.5Z'),
      interval: 75_000,
      instance: '10.0.0.7:15020',
      pod: null,
      podIp: null,
      address: '10.0.0.7:15020',
      namespace: null,
      service: null,
      portName: null,
    });
  });

  const pods: readonly [string, object][] = [
    ['discovery', { discoveredLabels: { __meta_kubernetes_namespace: 'shop', __meta_kubernetes_pod_name: 'web-1' } }],
    ['the labels of an operator', { labels: { namespace: 'shop', pod: 'web-1' } }],
    [
      'the labels of Istio’s samples before 1.18',
      { labels: { kubernetes_namespace: 'shop', kubernetes_pod_name: 'web-1' } },
    ],
    ['the labels of Istio 1.5', { labels: { namespace: 'shop', pod_name: 'web-1' } }],
    [
      'discovery rather than a label',
      {
        discoveredLabels: { __meta_kubernetes_namespace: 'shop', __meta_kubernetes_pod_name: 'web-1' },
        labels: { namespace: 'x', pod: 'y' },
      },
    ],
  ];
  for (const [by, change] of pods) {
    it(`name their pod by ${by}`, async () => {
      const [target] = await read(targets([raw(change)]));
      assert.deepEqual(target?.pod, { namespace: 'shop', name: 'web-1' });
    });
  }

  it('tell their pod’s address and Service', async () => {
    const discoveredLabels = {
      __meta_kubernetes_namespace: 'shop',
      __meta_kubernetes_pod_ip: '10.0.0.7',
      __meta_kubernetes_service_name: 'web',
      __meta_kubernetes_endpoint_port_name: 'http-metrics',
    };
    const [target] = await read(targets([raw({ discoveredLabels })]));
    const { podIp, namespace, service, portName, pod } = target ?? {};
    assert.deepEqual([podIp, namespace, service, portName, pod], ['10.0.0.7', 'shop', 'web', 'http-metrics', null]);
  });

  it('are read whatever their shape', async () => {
    const odd = await read(
      targets([
        {},
        { labels: null, discoveredLabels: 7, health: [], lastScrape: 5 },
        { lastScrape: '0001-01-01T00:00:00Z' },
      ]),
    );
    assert.deepEqual(
      odd.map(({ health, lastScrape, interval, job }) => [health, lastScrape, interval, job]),
      [
        ['unknown', null, null, ''],
        ['unknown', null, null, ''],
        ['unknown', null, null, ''],
      ],
    );
  });

  it('are those of a real Prometheus', async () => {
    const [only] = await withPrometheusApi({}, ({ url }) => gatheredFrom(prometheusReadings, url));
    assert.ok(only && 'got' in only.scrapes);
    const { job, pool, interval, health, address, instance } = only.scrapes.got.targets[0] ?? assert.fail();
    const at = 'istio-telemetry.istio-system:42422';
    assert.deepEqual(
      [job, pool, interval, health, address, instance],
      ['istio-mesh', 'istio-mesh', 1000, 'up', at, at],
    );
  });

  it('may be none, and may not be all', async () => {
    assert.deepEqual(await read(targets([])), []);
    const { scrapes } = await reading(targets([raw()], { warnings: ['receive-0 is away'] }));
    assert.ok('got' in scrapes);
    assert.deepEqual([scrapes.got.targets.length, scrapes.got.partial], [1, ['receive-0 is away']]);
  });

  const none: readonly [string, Reply, string, RegExp][] = [
    [
      '404',
      { status: 404, body: '404 page not found' },
      'NotFound',
      /it has no such page; a store that scrapes nothing/,
    ],
    ['a login page', html(200, 'Sign in'), 'BadAnswer', /^an HTML page, “Sign in”: a login is needed/],
    ['401', html(401, 'x'), 'Unauthorized', /^HTTP 401: x: a login is needed/],
    ['no list', targets(null), 'BadAnswer', /^the answer holds no activeTargets$/],
    ['a list of words', targets(['a']), 'BadAnswer', /^activeTargets holds what is no object$/],
    [
      'half a list',
      { body: JSON.stringify({ status: 'success', data: { activeTargets: [raw()] } }).slice(0, -30) },
      'BadAnswer',
      /^not JSON/,
    ],
    [
      'a broken entry',
      { body: '{"status":"success","data":{"activeTargets":[{"labels":}]}}' },
      'BadAnswer',
      /^not JSON/,
    ],
    ['an error', failed(200, 'no'), 'BadAnswer', /^no$/],
  ];
  for (const [what, reply, hindrance, words] of none) {
    it(`that are answered with ${what} cost what needs them, and not the configuration`, async () => {
      const { scrapes, jobs } = await reading(reply);
      assert.ok('missing' in scrapes);
      assert.equal(scrapes.missing.hindrance, hindrance);
      assert.match(scrapes.missing.words, words);
      assert.deepEqual(jobs, { got: [] });
    });
  }

  it('of ten megabytes are read in little memory and time', async () => {
    const one = JSON.stringify(raw({ labels: { job: 'a', instance: 'b', namespace: 'shop', pod: 'web-1' } }));
    const number = Math.ceil((10 * 1024 * 1024) / one.length);
    const body = `{"status":"success","data":{"activeTargets":[${Array(number).fill(one).join(',')}]}}`;
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const found = await read({ body });
    assert.equal(found.length, number);
    assert.ok(performance.now() - started < 3000);
    assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024);
  });
});

/** What a server may answer in place of an answer: nothing of it is green, and nothing that was found is lost. */
describe('a Prometheus that answers badly', () => {
  const everywhere: readonly [string, Reply][] = [
    ['401', html(401, 'Unauthorized')],
    ['403', failed(403, 'forbidden')],
    ['a login page', html(200, 'Sign in')],
    ['404', { status: 404, body: 'not found' }],
    ['422', failed(422, 'too many samples')],
    ['a redirect', { status: 302, headers: { location: 'https://login.example.com/' } }],
    ['an empty vector in a partial answer', vector([], { warnings: ['store a is away'] })],
    ['a vector of what is no number', vector([sample('NaN')])],
    ['half an answer', { body: '{"status":"succ' }],
  ];
  const diagnosed = (mesh: string, reply: (path: string) => Reply | null) =>
    withPrometheusApi({ recording: mesh, reply: ({ path }) => reply(path) }, ({ url }) =>
      withStandIn(mesh, (_, env) => reported(['missing-metrics', '--prometheus-url', url], { env })),
    );
  for (const [what, reply] of everywhere) {
    it(`with ${what} is never green, and hides no other cause`, async () => {
      const healthy = await diagnosed('istio-1.0.6/healthy', () => reply);
      const stored = healthy.report.steps.flatMap(({ checks }) => checks).find(({ id }) => id === 'series-stored');
      assert.deepEqual(
        [healthy.report.verdict, healthy.code, stored?.status],
        ['inconclusive', 3, 'unknown'],
        stored?.message,
      );
      const broken = await diagnosed('istio-1.0.6/handler-missing', () => reply);
      assert.deepEqual([broken.report.verdict, broken.report.lostAt?.reason], ['broken', 'HandlerMissing']);
    });
  }

  it('in a pod is named by its address, with a login', async () => {
    await withPrometheusApi({ reply: () => html(401, 'Unauthorized') }, ({ url }) =>
      withStandIn(
        'istio-1.0.6/healthy',
        async (_, env) => {
          const { report } = await reported(['missing-metrics'], { env });
          const stored = report.steps.flatMap(({ checks }) => checks).find(({ id }) => id === 'series-stored');
          assert.match(
            stored?.message ?? '',
            /HTTP 401: Unauthorized: .*--prometheus-url, and --prometheus-token-file$/,
          );
        },
        { forwardTo: new Map([['istio-system/prometheus-1cb6f872bd-e55ee:9090', Number(new URL(url).port)]]) },
      ),
    );
  });

  it('to queries for targets alone keeps the series', async () => {
    const { report, code } = await diagnosed('istio-1.0.6/healthy', (path) =>
      path.includes('/query?') ? null : { status: 404, body: '404 page not found' },
    );
    const status = (id: string) =>
      report.steps.flatMap(({ checks }) => checks).find((check) => check.id === id)?.status;
    assert.deepEqual(['series-stored', 'scrape-target-up', 'scrape-job-configured'].map(status), [
      'pass',
      'unknown',
      'unknown',
    ]);
    assert.deepEqual([report.verdict, code], ['inconclusive', 3]);
  });

  it('to nothing else tells Mixer’s adapter from other targets', async () => {
    const endpoint = { __meta_kubernetes_service_name: 'istio-telemetry', __meta_kubernetes_namespace: 'istio-system' };
    const adapters = [
      { labels: { job: 'mixers' }, scrapeUrl: 'http://10.0.0.1:42422/metrics', health: 'up' },
      {
        labels: { job: 'endpoints' },
        scrapeUrl: 'http://10.0.0.1:9999/metrics',
        health: 'up',
        discoveredLabels: { ...endpoint, __meta_kubernetes_endpoint_port_name: 'prometheus' },
      },
    ];
    const others = [
      { labels: { job: 'nodes' }, scrapeUrl: 'http://10.0.0.1:9100/metrics', health: 'down' },
      {
        labels: { job: 'endpoints' },
        scrapeUrl: 'http://10.0.0.1:9093/metrics',
        health: 'down',
        discoveredLabels: { ...endpoint, __meta_kubernetes_endpoint_port_name: 'http-monitoring' },
      },
    ];
    const activeTargets = [...others, ...adapters];
    const { report } = await diagnosed('istio-1.0.6/healthy', (path) =>
      path.includes('/targets') ? { body: JSON.stringify({ status: 'success', data: { activeTargets } }) } : null,
    );
    const target = report.steps.flatMap(({ checks }) => checks).find(({ id }) => id === 'scrape-target-up');
    assert.equal(target?.message, 'target mixers, endpoints is up, 2 of 2');
  });

  it('to queries for targets does not make another job’s series nobody’s', async () => {
    const other = { metric: { __name__: 'istio_requests_total', job: 'mixers' }, value: [1, '4'] };
    const { report } = await diagnosed('istio-1.0.6/healthy', (path) =>
      path.includes('/query?') ? vector([other]) : { status: 404, body: '404 page not found' },
    );
    const stored = report.steps.flatMap(({ checks }) => checks).find(({ id }) => id === 'series-stored');
    assert.deepEqual([stored?.status, stored?.reason], ['unknown', 'NotFound']);
  });
});
