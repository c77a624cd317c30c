import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it as nodesIt } from 'node:test';
import { PageReader, type Sample } from '../src/prometheus/page-reader.ts';
import { conditionsOf } from './support/mesh/ambient/binding.ts';
import { edgesOn } from './support/mesh/ambient/edges.ts';
import { ambientShop } from './support/mesh/ambient/shop.ts';
import { type Waypoint, waypoint } from './support/mesh/ambient/spec.ts';
import { ztunnelPage } from './support/mesh/ambient/ztunnel-page.ts';
import { changedAmbient } from './support/mesh/causes/ambient/changed.ts';
import { type Built, built } from './support/mesh/scenario.ts';
import { startScraping } from './support/mesh/scraping.ts';
import { call, type Spec, service, workload } from './support/mesh/spec.ts';
import { it } from './support/programs.ts';
import { scrapes } from './support/scrapes.ts';

const folder = new URL('pages/ztunnel-1.31/', import.meta.url);
const names = readdirSync(folder);
const recorded = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

/** The samples of a page as the project's own reader finds them, which must understand every line. */
function samplesIn(text: string): readonly Sample[] {
  const found: Sample[] = [];
  const reader = new PageReader(
    () => true,
    (_, sample) => found.push({ ...sample, labels: new Map(sample.labels) }),
  );
  reader.push(Buffer.from(text));
  assert.deepEqual(reader.end().problems, []);
  return found;
}

const OPENED = 'istio_tcp_connections_opened_total';
const HEADERS = ['text/plain; charset=utf-8', 'application/openmetrics-text;charset=utf-8;version=1.0.0'];

/** A real Prometheus has as many samples of each text as we have, by either header of ztunnel's. */
async function assertReadAlike(texts: readonly string[]): Promise<void> {
  const served = texts.flatMap((body) => HEADERS.map((contentType) => ({ body, contentType })));
  const scraped = await scrapes(served);
  for (const [index, { body }] of served.entries())
    assert.deepEqual(scraped[index], { error: null, samples: samplesIn(body).length });
}

describe('a recorded page of a ztunnel', () => {
  it('is read by a real Prometheus and by us alike', () => assertReadAlike(names.map(recorded)));

  for (const [name, opened] of [
    ['idle.txt', 0],
    ['traffic.txt', 5],
    ['disconnected.txt', 0],
  ] as const) {
    nodesIt(`${name} is read whole`, () => {
      const text = recorded(name);
      const samples = samplesIn(text);
      assert.equal(samples.length, text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length);
      assert.equal(samples.filter((each) => each.name === OPENED).length, opened);
      const [build] = samples.filter((each) => each.name === 'istio_build');
      assert.equal(build?.labels.get('component'), 'ztunnel');
    });
  }
});

describe('a composed page of a ztunnel', () => {
  const spec = ambientShop();
  const edges = edgesOn(spec, 'node-1');

  nodesIt('tells of failures what its release tells', () => {
    const failures = (release: string): readonly string[] => {
      const text = String(ztunnelPage(release, 3, edges, { failed: { CONNECT: 3, DENY: 2 } }).body);
      return samplesIn(text)
        .filter(({ labels }) => /[A-Z]/.test(labels.get('response_flags') ?? ''))
        .map(({ name, labels, value }) => `${name} ${labels.get('reporter')} ${labels.get('response_flags')} ${value}`);
    };
    assert.deepEqual(failures('1.31.0'), [
      'istio_tcp_connections_closed_total source CONNECT 3',
      'istio_tcp_connections_closed_total destination DENY 2',
      'istio_tcp_connections_failed_total source CONNECT 3',
      'istio_tcp_connections_failed_total destination DENY 2',
    ]);
    assert.deepEqual(failures('1.28.0'), ['istio_tcp_connections_closed_total destination DENY 2']);
    assert.deepEqual(failures('1.21.0'), []);
  });

  it('is read by a real Prometheus and by us alike', () =>
    assertReadAlike([
      String(ztunnelPage('1.31.0', 3, edges, {}).body),
      String(ztunnelPage('1.21.0', 3, edges, { failed: { CONNECT: 3 } }).body),
      String(ztunnelPage('1.31.0', 0, [], { pending: 2, terminations: { ConnectionError: 9 } }).body),
      String(ztunnelPage('1.31.0', 3, edges, { failed: { CONNECT: 3, DENY: 2 }, without: /_bytes_total$/ }).body),
    ]));

  nodesIt('says what it says as a real one does, label by label', () => {
    const [mine, real] = [
      String(ztunnelPage('1.31.0', 3, edges, { failed: { CONNECT: 1 }, terminations: { ConnectionError: 1 } }).body),
      `${recorded('traffic.txt')}${recorded('disconnected.txt')}`,
    ];
    const comments = (text: string): readonly string[] =>
      text.split('\n').filter((line) => /^# (HELP|TYPE)/.test(line));
    const shown = new Set(comments(real));
    // What only a shared ztunnel has, and what it has of istiod, was not recorded.
    const strange = comments(mine).filter((line) => !/ (workload_manager_|istio_xds_message)/.test(line));
    assert.deepEqual(
      strange.filter((line) => !shown.has(line)),
      [],
    );
    const labels = (text: string): readonly (readonly string[])[] =>
      samplesIn(text)
        .filter(({ name }) => name.startsWith('istio_tcp_connections_'))
        .map(({ labels: each }) => [...each.keys()]);
    const [order = []] = labels(real);
    assert.equal(order.length, 27);
    for (const each of labels(mine)) assert.deepEqual(each, order);
  });
});

/** Who is seen at the other end, by node, reporter and Service. */
const seen = (spec: Spec): readonly string[] =>
  ['node-1', 'node-2'].flatMap((node) =>
    edgesOn(spec, node).map(
      ({ reporter, from, to, service: of, mutual }) =>
        `${node} ${reporter} ${from?.workload ?? '?'} > ${to?.workload ?? '?'} (${of.name}${mutual ? ', mutual' : ''})`,
    ),
  );

function changed(change: (spec: Spec) => void): Spec {
  const spec = ambientShop();
  change(spec);
  return spec;
}

/** The shop's one waypoint, changed. */
const withWaypoint = (change: Partial<Waypoint>): Spec =>
  changed((spec) => {
    if (spec.ambient) spec.ambient.waypoints = [waypoint('waypoint', change)];
  });

describe('what ztunnels of a composed mesh see', () => {
  nodesIt('is each side of a call on its own node, and a waypoint between them', () => {
    assert.deepEqual(seen(ambientShop()), [
      'node-1 destination istio-ingressgateway > web-v1 (web, mutual)',
      'node-1 source web-v1 > waypoint (cart, mutual)',
      'node-1 destination waypoint > cart-v1 (cart, mutual)',
      'node-1 source web-v1 > prices-v1 (prices, mutual)',
      'node-1 source cart-v1 > db-v1 (db, mutual)',
      'node-1 destination cart-v1 > db-v1 (db, mutual)',
      'node-2 destination istio-ingressgateway > web-v1 (web, mutual)',
      'node-2 source web-v1 > waypoint (cart, mutual)',
      'node-2 source web-v1 > prices-v1 (prices, mutual)',
      'node-2 destination web-v1 > prices-v1 (prices, mutual)',
    ]);
  });

  nodesIt('goes straight where the waypoint is not there, and nowhere where it has no pods', () => {
    const toCart = (spec: Spec): readonly string[] => seen(spec).filter((line) => line.includes('(cart'));
    assert.deepEqual(toCart(withWaypoint({ programmed: false })), [
      'node-1 source web-v1 > cart-v1 (cart, mutual)',
      'node-1 destination web-v1 > cart-v1 (cart, mutual)',
      'node-2 source web-v1 > cart-v1 (cart, mutual)',
    ]);
    assert.deepEqual(toCart(withWaypoint({ replicas: 0 })), []);
    assert.deepEqual(toCart(withWaypoint({ ready: [false] })), []);
  });

  nodesIt('is nothing of pods that no ztunnel takes, nor at their peers', () => {
    const cart = changed((spec) => {
      workload(spec, 'cart-v1').redirection = 'pending';
    });
    assert.deepEqual(
      seen(cart).filter((line) => /cart-v1|db-v1/.test(line)),
      [],
    );
    const out = changed((spec) => {
      workload(spec, 'cart-v1').redirection = null;
    });
    assert.deepEqual(
      seen(out).filter((line) => /cart-v1 >|db-v1/.test(line)),
      ['node-1 destination cart-v1 > db-v1 (db)'],
    );
    const node = changed((spec) => {
      if (spec.ambient?.nodes['node-2']) spec.ambient.nodes['node-2'].ztunnel = null;
    });
    assert.deepEqual(
      seen(node).filter((line) => /^node-2|prices/.test(line)),
      [],
    );
  });

  nodesIt('has gateways go through a waypoint where a Service says so', () => {
    const spec = changed((each) => {
      for (const { name, labels } of each.services)
        if (name === 'cart' && labels) labels['istio.io/ingress-use-waypoint'] = 'true';
      each.calls.push(call('istio-ingressgateway', 'cart-v1'));
    });
    assert.deepEqual(
      seen(spec).filter((line) => /destination .*\(cart/.test(line)),
      ['node-1 destination waypoint > cart-v1 (cart, mutual)'],
    );
    const { recording } = built('ingress', spec);
    const [, page] = [...recording.pages].find(([where]) => /gateway.*15090/.test(where)) ?? [];
    assert.match(
      String(page?.body),
      /reporter="source",.*destination_workload="waypoint",.*destination_service_name="cart"/,
    );
  });

  nodesIt('has sidecars and strangers beside it', () => {
    const mixed = changed((spec) => {
      Object.assign(workload(spec, 'prices-v1'), { proxy: 'sidecar', env: { ISTIO_META_ENABLE_HBONE: 'false' } });
      workload(spec, 'db-v1').proxy = 'none';
      spec.calls.push(call('prices-v1', 'web-v1'), call('db-v1', 'web-v1'));
    });
    const lines = seen(mixed);
    for (const line of [
      'node-1 source web-v1 > prices-v1 (prices)',
      'node-1 source cart-v1 > db-v1 (db)',
      'node-1 destination prices-v1 > web-v1 (web, mutual)',
      'node-1 destination db-v1 > web-v1 (web)',
    ])
      assert.ok(lines.includes(line), line);
    const { recording } = built('mixed', mixed);
    const [, page] = [...recording.pages].find(([where]) => /prices.*15090/.test(where)) ?? [];
    assert.match(String(page?.body), /istio_requests_total\{reporter="destination",source_workload="unknown"/);
    assert.match(String(page?.body), /istio_requests_total\{reporter="source",.*destination_workload="web-v1"/);
  });

  nodesIt('has sidecars that take tunnels, and know who calls', () => {
    const mixed = changed((spec) => {
      workload(spec, 'prices-v1').proxy = 'sidecar';
    });
    assert.ok(seen(mixed).includes('node-1 source web-v1 > prices-v1 (prices, mutual)'));
    const { recording } = built('mixed', mixed);
    const [, page] = [...recording.pages].find(([where]) => /prices.*15090/.test(where)) ?? [];
    assert.match(
      String(page?.body),
      /istio_requests_total\{reporter="destination",source_workload="web-v1",.*connection_security_policy="mutual_tls"/,
    );
  });
});

describe('a Service that asks for a waypoint', () => {
  const bound = (spec: Spec, namespace = 'shop'): unknown =>
    conditionsOf(
      spec,
      service('cart', { namespace, labels: { 'istio.io/use-waypoint': 'waypoint', ...from(namespace) } }),
    );
  const from = (namespace: string): Record<string, string> =>
    namespace === 'shop' ? {} : { 'istio.io/use-waypoint-namespace': 'shop' };
  const condition = (status: string, reason: string, message: string): readonly object[] => [
    { type: 'istio.io/WaypointBound', status, reason, message, lastTransitionTime: '2026-11-20T08:00:00Z' },
  ];

  nodesIt('is told what became of it', () => {
    const accepted = condition('True', 'WaypointAccepted', 'Successfully attached to waypoint shop/waypoint');
    assert.deepEqual(bound(ambientShop()), accepted);
    assert.deepEqual(bound(withWaypoint({ serves: null })), accepted);
    const missing = condition('False', 'WaypointIsNotReady', 'waypoint "shop/waypoint" is not ready');
    assert.deepEqual(bound(withWaypoint({ programmed: false })), missing);
    assert.deepEqual(bound(withWaypoint({ name: 'another' })), missing);
    assert.deepEqual(
      bound(withWaypoint({ serves: 'workload' })),
      condition(
        'False',
        'UnsupportedTrafficType',
        'attempting to bind to traffic type "service" which the waypoint "shop/waypoint" does not support',
      ),
    );
    assert.deepEqual(
      bound(ambientShop(), 'elsewhere'),
      condition(
        'False',
        'AttachmentDenied',
        'we are not permitted to attach to waypoint "shop/waypoint" (missing allowedRoutes?)',
      ),
    );
    assert.deepEqual(bound(withWaypoint({ allowedRoutes: 'All' }), 'elsewhere'), accepted);
  });

  nodesIt('is told nothing where it asks for none, whatever its namespace asks for', () => {
    const spec = changed(({ namespaces }) => {
      namespaces.shop = { 'istio.io/dataplane-mode': 'ambient', 'istio.io/use-waypoint': 'waypoint' };
    });
    assert.deepEqual(conditionsOf(spec, service('cart', { labels: { 'istio.io/use-waypoint': 'none' } })), []);
    assert.equal(conditionsOf(spec, service('web')).length, 1);
    assert.deepEqual(conditionsOf(ambientShop(), service('web')), []);
  });
});

/** Every target's page, as far as it is there. */
const planned = ({ recording, plan }: Built): readonly string[] =>
  plan.targets.map(({ labels, page }) => {
    const [namespace, pod, port, ...path] = page.split('/');
    assert.ok(recording.pages.has(`${namespace}/${pod}:${port}/${path.join('/')}`), page);
    return `${labels.pod?.replace(/(-[0-9a-f]{10})?-[0-9a-f]{5}$/, '')}:${port}/${path.join('/')}`;
  });

describe('a composed mesh of ambient', () => {
  const OF_PROXIES = [
    'istio-ingressgateway:15020/stats/prometheus',
    'ztunnel:15020/PATH',
    'ztunnel:15020/PATH',
    'waypoint:15020/stats/prometheus',
  ];

  nodesIt('is scraped by annotations, or by Istio’s PodMonitor', () => {
    assert.deepEqual(planned(built('ambient', ambientShop())), [
      'istiod:15014/metrics',
      ...OF_PROXIES.slice(0, 3).map((each) => each.replace('PATH', 'metrics')),
      'istio-cni-node:15014/metrics',
      'istio-cni-node:15014/metrics',
      OF_PROXIES[3],
    ]);
    const monitored = changed(({ prometheus }) => {
      prometheus.by = 'monitor';
    });
    assert.deepEqual(
      planned(built('ambient', monitored)),
      OF_PROXIES.map((each) => each.replace('PATH', 'stats/prometheus')),
    );
  });

  nodesIt('has a waypoint answer itself where no pod of the destination can be reached', () => {
    const spec = changedAmbient((each) => {
      workload(each, 'cart-v1').redirection = 'pending';
    });
    const [, page] = [...built('pending', spec).recording.pages].find(([where]) => /waypoint.*15090/.test(where)) ?? [];
    const requests = samplesIn(String(page?.body)).filter(({ name }) => name === 'istio_requests_total');
    assert.deepEqual(
      requests.map(({ labels, value }) => [labels.get('reporter'), labels.get('response_code'), value]),
      [['waypoint', '503', '720']],
    );
  });

  nodesIt('has its ztunnels and waypoints at istiod, which makes a waypoint’s stats filters', () => {
    const { recording } = built('ambient', ambientShop());
    const page = (path: string): string =>
      [...recording.pages].flatMap(([where, { body }]) =>
        where.includes(`:15014/debug/${path}`) ? [String(body)] : [],
      )[0] ?? '';
    const proxies = JSON.parse(page('syncz')) as { proxy_type: string; resources: object; listener_sent?: string }[];
    assert.deepEqual(
      proxies.map(({ proxy_type: type, resources, listener_sent: sent }) => [
        type,
        Object.keys(resources).length,
        sent !== undefined,
      ]),
      [
        ['router', 4, true],
        ['ztunnel', 2, false],
        ['ztunnel', 2, false],
        ['waypoint', 3, true],
      ],
    );
    assert.match(page('config_dump__proxyID=waypoint-'), /"reporter":"SERVER_GATEWAY"/);
    assert.doesNotMatch(page('config_dump__proxyID=istio-ingressgateway-'), /SERVER_GATEWAY/);
  });

  it('is taken by a real Prometheus, and both sides of what is called agree', async () => {
    const { recording, plan } = built('ambient', ambientShop());
    const { port, close } = await startScraping(recording, plan);
    try {
      const values = async (promql: string): Promise<Record<string, number>> => {
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(promql)}`);
        const { data } = (await answer.json()) as {
          data: { result: { metric: Record<string, string>; value: [number, string] }[] };
        };
        return Object.fromEntries(
          data.result.map(({ metric, value }) => [Object.values(metric).join(' '), Number(value[1])]),
        );
      };
      assert.deepEqual(await values('min(up)'), { '': 1 });
      assert.deepEqual(await values('count by (component) (istio_build)'), { pilot: 1, proxy: 2, ztunnel: 2 });
      const opened = await values(`sum by (reporter, destination_workload) (${OPENED})`);
      assert.equal(opened['db-v1 source'], opened['db-v1 destination']);
      assert.deepEqual(Object.keys(opened).sort(), [
        'cart-v1 destination',
        'db-v1 destination',
        'db-v1 source',
        'prices-v1 destination',
        'prices-v1 source',
        'waypoint source',
        'web-v1 destination',
      ]);
      assert.deepEqual(Object.keys(await values('sum by (reporter) (istio_requests_total)')).sort(), [
        'source',
        'waypoint',
      ]);
    } finally {
      await close();
    }
  });
});
