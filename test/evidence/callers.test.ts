import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster, KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { once } from '../../src/cluster/ways/http.ts';
import type { Ask, ControlPlane, Scope, Source } from '../../src/diagnosis/check.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { ofCallers, planeSource, proxySource } from '../../src/diagnosis/source.ts';
import { population } from '../../src/evidence/istio/population.ts';
import { allPods, podsOfNamespace } from '../../src/evidence/kubernetes/lists.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import { narrowed } from '../../src/evidence/kubernetes/workload.ts';
import { barredProxies } from '../../src/evidence/prometheus/barred.ts';
import { type Callers, callers, callersIn } from '../../src/evidence/prometheus/callers.ts';
import { meshStore } from '../../src/evidence/prometheus/mesh-store.ts';
import { proxyScraping } from '../../src/evidence/prometheus/scraping.ts';
import { type PrometheusServer, prometheusServers } from '../../src/evidence/prometheus/server.ts';
import { scope } from '../support/judging.ts';
import { container, listed } from '../support/mixer.ts';
import { proxied, series, store } from '../support/stores.ts';

const REQUESTS = 'istio_requests_total';
const CONNECTIONS = 'istio_tcp_connections_opened_total';

const [cart, web, desk, batch] = [
  proxied('cart'),
  proxied('web'),
  proxied('desk', { namespace: 'front' }),
  proxied('batch', { phase: 'Pending' }),
];

/** A series about requests of a workload to cart: a rate without a name of a metric, a counter with one. */
const from = (source: string, reporter: string, value: number, more: Record<string, string> = {}) => {
  const [namespace = '', name = ''] = source.split('/');
  return series(
    { reporter, source_workload_namespace: namespace, source_workload: name, destination_workload: 'cart', ...more },
    value,
  );
};
const found = (...all: Parameters<typeof callersIn>[0]) =>
  callersIn(all, [cart], [cart, web, desk, batch]).map(({ namespace, name, pods, rate, isCounting }) => [
    `${namespace}/${name}`,
    pods.length,
    rate,
    isCounting,
  ]);

describe('the callers of a workload', () => {
  it('are those that series name as the source, with their running pods', () => {
    assert.deepEqual(
      found(
        from('bookinfo/web', 'destination', 2),
        from('bookinfo/web', 'source', 2),
        from('front/desk', 'destination', 3),
        from('bookinfo/batch', 'destination', 1, { __name__: CONNECTIONS }),
        from('elsewhere/web', 'destination', 1),
        from('unknown/unknown', 'destination', 9),
        from('bookinfo/cart', 'destination', 9),
      ),
      [
        ['front/desk', 1, 3, false],
        ['bookinfo/web', 1, 2, true],
        ['elsewhere/web', 0, 1, false],
        ['bookinfo/batch', 0, 0, false],
      ],
    );
  });
  it('count what they send if they count anything, as long ago as their counters tell', () => {
    assert.deepEqual(
      found(from('bookinfo/web', 'destination', 2), from('bookinfo/web', 'source', 9, { __name__: REQUESTS })),
      [['bookinfo/web', 1, 2, true]],
    );
    // Connections are no requests.
    assert.deepEqual(
      found(from('bookinfo/web', 'destination', 2), from('bookinfo/web', 'source', 9, { __name__: CONNECTIONS })),
      [['bookinfo/web', 1, 2, false]],
    );
    // A waypoint, or ztunnel, counts in its place.
    assert.deepEqual(found(from('bookinfo/web', 'destination', 2), from('bookinfo/web', 'waypoint', 2)), [
      ['bookinfo/web', 1, 2, true],
    ]);
  });
  it('may count where no series says: a Telemetry object took that label away, or the proxy did not know', () => {
    for (const destination of ['', 'unknown']) {
      const labelless = from('bookinfo/web', 'source', 2, { destination_workload: destination });
      assert.deepEqual(found(labelless), []);
      assert.deepEqual(found(from('bookinfo/web', 'destination', 2), labelless), [['bookinfo/web', 1, 2, null]]);
    }
  });
  it('may count where what was sent names no source', () => {
    const sourceless = (more = {}) => from('', 'source', 2, { source_workload: '', ...more });
    assert.deepEqual(found(from('bookinfo/web', 'destination', 2), sourceless()), [['bookinfo/web', 1, 2, null]]);
    assert.deepEqual(found(from('bookinfo/web', 'destination', 2), sourceless({ __name__: CONNECTIONS })), [
      ['bookinfo/web', 1, 2, false],
    ]);
    // Of those without a proxy nobody expects it.
    assert.deepEqual(found(from('bookinfo/web', 'destination', 2), from('unknown/unknown', 'destination', 9)), [
      ['bookinfo/web', 1, 2, false],
    ]);
  });
  it('may count where they are of several clusters, or of another', () => {
    const of = (source: string, destination: string) =>
      from('bookinfo/web', 'destination', 1, { source_cluster: source, destination_cluster: destination });
    assert.deepEqual(found(of('one', 'one'), of('two', 'one')), [['bookinfo/web', 1, 2, null]]);
    assert.deepEqual(found(of('two', 'one')), [['bookinfo/web', 1, 1, null]]);
    assert.deepEqual(found(of('one', 'one')), [['bookinfo/web', 1, 1, false]]);
    assert.deepEqual(found(of('unknown', 'one')), [['bookinfo/web', 1, 1, false]]);
  });
  it('of whom a rate is no number send nothing that is known', () => {
    assert.deepEqual(found(from('bookinfo/web', 'destination', Number.NaN)), [['bookinfo/web', 1, 0, false]]);
  });
});

describe('a caller that costs nothing', () => {
  const counted = from('bookinfo/web', 'destination', 500, { __name__: REQUESTS });
  const lately = (value: number, metric = REQUESTS, reporter = 'destination') =>
    from('bookinfo/web', reporter, value, { last_hour: metric });
  const leftOut = (pods: Parameters<typeof callersIn>[2], ...all: Parameters<typeof callersIn>[0]) =>
    callersIn(all, [cart], pods).map((each) => each.leftOut);

  it('is one of which next to nothing came in the last hour', () => {
    assert.deepEqual(leftOut([web], counted), ['idle']);
    assert.deepEqual(leftOut([web], counted, lately(9), lately(Number.NaN)), ['idle']);
    assert.deepEqual(leftOut([web], counted, lately(10)), [null]);
    // Both ends count the same.
    assert.deepEqual(leftOut([web], counted, lately(6), lately(6, REQUESTS, 'source')), ['idle']);
    assert.deepEqual(leftOut([web], counted, lately(12, REQUESTS, 'source')), [null]);
    assert.deepEqual(leftOut([web], counted, lately(4000, 'istio_tcp_received_bytes_total')), [null]);
  });
  it('is a Prometheus that scrapes the application', () => {
    const prometheus = proxied('web', {
      containers: [...web.containers, container('prometheus', 'prom/prometheus:v3')],
    });
    assert.deepEqual(leftOut([prometheus], counted, lately(999)), ['prometheus']);
  });
  it('is one whose pods all say that they are not to be scraped', () => {
    const ignored = proxied('web', {
      labels: { app: 'web', 'pod-template-hash': '7d9c', 'istio-prometheus-ignore': 'true' },
    });
    assert.deepEqual(leftOut([ignored], counted, lately(999)), ['opted-out']);
    assert.deepEqual(leftOut([ignored, web], counted, lately(999)), [null]);
  });
  it('does not count by what is known of the last hour alone', () => {
    const [caller] = callersIn([counted, lately(999), lately(99, CONNECTIONS, 'source')], [cart], [web]);
    assert.deepEqual([caller?.rate, caller?.isCounting], [0, false]);
  });
});

const PLANE: ControlPlane = {
  generation: 'telemetry-v2',
  namespace: 'istio-system',
  revision: 'default',
  version: '1.31.0',
};

/** A cluster without a pod. */
const gathererOf = (asked: Partial<Scope> = {}): Gatherer => {
  const cluster: Cluster = {
    list: () => Promise.resolve([] as KubernetesObject[]),
    read: () => assert.fail('nothing is read'),
  };
  return new Gatherer({ cluster, scope: { ...scope, ...asked }, now: 0, sleep: () => Promise.resolve() }, () => 0);
};

describe('a source of proxies', () => {
  const whose = proxySource([], ({ whose }) => Promise.resolve({ whose }));
  const gathered = async (...sources: readonly Parameters<Gatherer['gather']>[0][]): Promise<readonly unknown[]> => {
    const gatherer = gathererOf();
    return Promise.all(sources.map(async (source) => (await gatherer.gather(source, PLANE)).evidence));
  };

  it('is gathered once for those that were asked for, and once for their callers', async () => {
    const through = proxySource([], async ({ from }) => from(whose));
    const [own, again, theirs, deeper] = await gathered(whose, whose, ofCallers(whose), ofCallers(through));
    assert.deepEqual([own, theirs], [{ whose: 'asked' }, { whose: 'callers' }]);
    assert.ok(own === again && theirs === deeper);
  });
  it('is the only one that differs: what is of a plane is one for both', async () => {
    const ofPlane = planeSource([], () => Promise.resolve({}));
    const through = proxySource([], async ({ from }) => from(ofPlane));
    const [own, theirs, direct] = await gathered(through, ofCallers(through), ofCallers(ofPlane));
    assert.ok(own === theirs && own === direct);
  });
  it('is not asked by one that does not know whose proxies it is about', async () => {
    const forgetful = planeSource([], async ({ from }) => from(whose));
    await assert.rejects(gathered(forgetful), /a source that is not of proxies asks one that is/);
  });
});

it('nobody is a caller where no workload was named, or the named one runs nowhere', async () => {
  for (const workload of [null, { kind: 'deployment', name: 'cart', namespace: 'shop' } as const]) {
    const gatherer = gathererOf({ workload });
    const { evidence } = await gatherer.gather(callers, PLANE);
    assert.deepEqual(evidence, { callers: [], pods: [], missing: [], partial: [], hasStore: false, refusal: null });
    const { evidence: theirs } = await gatherer.gather(ofCallers(population), PLANE);
    assert.deepEqual((theirs as { proxies: unknown }).proxies, []);
  }
});

describe('what callers are found by', () => {
  const server: PrometheusServer = {
    where: 'http://store',
    pod: null,
    question: (path) => ({ ask: 'url', url: `http://store${path}` }),
  };
  const body = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } });

  /** What a store is asked of these pods of a Service, and what is known then. */
  async function askedOf(...pods: readonly Pod[]): Promise<{ query: string; found: Callers }> {
    let query = '';
    const known = new Map<unknown, unknown>([
      [narrowed, { workload: { kind: 'service', name: 'all', namespace: 'bookinfo' }, found: true, pods }],
      [allPods, listed(...pods)],
      [prometheusServers, { asked: [server], leftOut: 0 }],
      [meshStore, { ...store(), where: server.where }],
    ]);
    const ask = {
      cluster: {
        read: (question: { url: string }) => {
          query = new URL(question.url).searchParams.get('query') ?? '';
          return Promise.resolve({ status: 200, contentType: 'application/json', body: once(Buffer.from(body)) });
        },
      },
      from: async (source: Source<unknown>) => known.get(source) ?? source.gather(ask as unknown as Ask),
    };
    const found = await callers.gather(ask as unknown as Ask);
    return { query, found };
  }

  it('is a query that takes names for nothing else, whatever is in them', async () => {
    const odd = proxied('cart', { owner: { kind: 'ReplicaSet', name: 'a.b+(c|d)"e\\f' } });
    const { query } = await askedOf(odd);
    const [, told = ''] = /destination_workload=~("(?:[^"\\]|\\.)*")/.exec(query) ?? [];
    const pattern = new RegExp(`^(?:${JSON.parse(told)})$`);
    assert.deepEqual(
      ['a.b+(c|d)"e\\f', 'axb', 'd)"e\\f'].map((name) => pattern.test(name)),
      [true, false, false],
    );
  });
  it('are a hundred names at most, and that there may be more is said', async () => {
    const of = (count: number): readonly Pod[] =>
      Array.from({ length: count }, (_, index) => proxied('all', { owner: { kind: 'DaemonSet', name: `w${index}` } }));
    const [some, many] = [await askedOf(...of(100)), await askedOf(...of(101))];
    const names = ({ query }: typeof some): number =>
      /destination_workload=~"([^"]*)/.exec(query)?.[1]?.split('|').length ?? 0;
    assert.deepEqual([some, many].map(names), [102, 102]);
    assert.deepEqual(
      [some.found.partial, many.found.partial],
      [[], ['100 of 101 workloads behind it were asked about']],
    );
  });
  it('are pods of a namespace that is listed once, however many control planes there are', async () => {
    let lists = 0;
    const cluster: Cluster = {
      list: () => Promise.resolve([] as KubernetesObject[]).finally(() => (lists += 1)),
      read: () => assert.fail('nothing is read'),
    };
    const gatherer = new Gatherer({ cluster, scope, now: 0, sleep: () => Promise.resolve() }, () => 0);
    for (const revision of ['default', 'canary'])
      await gatherer.gather(podsOfNamespace('front'), { ...PLANE, revision });
    await gatherer.gather(podsOfNamespace('back'), PLANE);
    assert.equal(lists, 2);
  });
});

it('NetworkPolicies are listed once for all whose scrapes time out', async () => {
  const late = {
    health: 'down',
    lastError: 'context deadline exceeded',
    url: 'http://10.1.0.1:15020/stats/prometheus',
  };
  const asked: Source<unknown>[] = [];
  for (const pod of [cart, web]) {
    const scraping = { targets: new Map([[pod, [late]]]), up: new Set(), serverPods: [], namespaces: null };
    const from = async (source: Source<unknown>) => {
      if (source === proxyScraping) return scraping;
      asked.push(source);
      return listed();
    };
    await barredProxies.gather({ from } as unknown as Ask);
  }
  const [own, theirs] = asked;
  assert.ok(own && own === theirs && own.of === 'cluster');
});
