import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressed } from '../../../../src/evidence/consumers/address.ts';
import type { ConsumerStore, Consuming } from '../../../../src/evidence/consumers/consumer-stores.ts';
import type { Asked, Consumer } from '../../../../src/evidence/consumers/consumers.ts';
import {
  grafanaAsksStore,
  kialiAsksStore,
} from '../../../../src/guide/missing-metrics/prometheus/consumers/asks-store.ts';
import { kialiFindsLabels } from '../../../../src/guide/missing-metrics/prometheus/consumers/kiali-labels.ts';
import { rateWindow } from '../../../../src/guide/missing-metrics/prometheus/consumers/rate-window.ts';
import { dashboardsAnswered } from '../../../../src/guide/missing-metrics/sidecar/consumers/dashboards.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { container, missing, pod, port, service } from '../../../support/mixer.ts';
import {
  answer,
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

const PROMETHEUS = 'http://prometheus.istio-system:9090';
const server = pod({
  name: 'prometheus-0',
  labels: { app: 'prometheus' },
  containers: [container('prometheus', 'prom/prometheus:v3')],
});
const prometheus = service('prometheus', { namespace: 'istio-system', ports: [port('http', 9090)] });
const known = { services: [prometheus], pods: [server], namespaces: new Set(['istio-system', 'monitoring']) };

const asked = (url: string, change: Partial<Asked> = {}): Asked => ({
  name: 'Prometheus',
  url,
  isDefault: true,
  interval: null,
  ...change,
});

const consumer = (kind: Consumer['kind'], change: Partial<Consumer> = {}): Consumer => ({
  kind,
  namespace: 'istio-system',
  pod: `${kind.toLowerCase()}-1`,
  configMap: kind.toLowerCase(),
  asks: { got: [asked(PROMETHEUS)] },
  ...change,
});

const holds = (has: boolean, ...partial: readonly string[]): ConsumerStore['holds'] => ({
  got: { holds: has, partial },
});

/** What a consumer in istio-system asks, and what is there. */
const asking = (
  kind: Consumer['kind'],
  ...stores: readonly (readonly [url: string, holds: ConsumerStore['holds']])[]
) => ({
  consuming: [
    {
      consumer: consumer(kind),
      stores: stores.map(([url, found]) => ({
        ...asked(url),
        leads: addressed(url, 'istio-system', known),
        holds: found,
      })),
    } satisfies Consuming,
  ],
  rightUrl: PROMETHEUS,
  isComplete: true,
});

describe('an address', () => {
  const leads = (url: string, from = 'istio-system', change: Partial<Parameters<typeof addressed>[2]> = {}): string =>
    addressed(url, from, { ...known, ...change }).to;
  it('leads to a Service by each of its names', () => {
    for (const host of [
      'prometheus',
      'prometheus.istio-system',
      'prometheus.istio-system.svc',
      'prometheus.istio-system.svc.cluster.local',
      'prometheus.istio-system.svc.corp.internal',
    ])
      assert.equal(leads(`http://${host}:9090/prom/`), 'service', host);
  });
  it('leads to nothing, where Kubernetes would have it and has not', () => {
    // kiali/kiali#229 and #3289: Kiali in another namespace, with the address of one beside it.
    for (const [url, from] of [
      ['http://prometheus:9090', 'monitoring'],
      ['http://prometheus.monitoring:9090', 'istio-system'],
      ['http://prometheus.gone.svc:9090', 'istio-system'],
    ])
      assert.equal(leads(url ?? '', from), 'nothing', url);
    assert.equal(leads('http://prometheus:80'), 'no port');
    assert.equal(leads('http://prometheus'), 'no port');
  });
  it('leads elsewhere, where it may be anybody’s', () => {
    for (const url of [
      'https://prom.example.com',
      'http://example.com',
      'http://10.0.0.9:9090',
      'http://localhost:9090',
      'prometheus:9090',
      '$PROMETHEUS',
      '',
    ])
      assert.equal(leads(url), 'elsewhere', url);
    assert.equal(
      leads('http://prometheus:9090', 'istio-system', { services: [{ ...prometheus, selector: {} }] }),
      'elsewhere',
    );
    assert.equal(leads('http://prometheus.other:9090', 'istio-system', { namespaces: null }), 'elsewhere');
  });
  it('leads to the port of the pod, by number or name', () => {
    const named = service('prometheus', {
      namespace: 'istio-system',
      ports: [port('http', 80, { targetPort: 'web' })],
    });
    const pods = [
      pod({
        labels: { app: 'prometheus' },
        containers: [container('prometheus', '', { ports: [{ name: 'web', port: 9090 }] })],
      }),
    ];
    const found = addressed('http://prometheus', 'istio-system', { ...known, services: [named], pods });
    assert.equal(found.to === 'service' && found.port, 9090);
  });
});

describe('the hint about a store that cannot be asked from here', () => {
  it('hands a shell its address as one word', () => {
    const found = asking('Grafana', ['https://prom.example.com/$(reboot);a b', null]);
    const verdict = grafanaAsksStore.judge({ found, store: store() }, { plane, scope, now: NOW });
    assert.equal(
      'hint' in verdict && verdict.hint,
      "kubectl istio-diag missing-metrics --prometheus-url 'https://prom.example.com/$(reboot);a b'   # where it can be reached from this machine",
    );
  });
});

judging(
  grafanaAsksStore,
  [
    {
      when: 'the store has the series',
      given: { found: asking('Grafana', [PROMETHEUS, holds(true)]) },
      status: 'pass',
      says: /^Grafana in istio-system asks http:\/\/prometheus\.istio-system:9090, which holds/,
    },
    {
      when: 'one of its stores has them',
      given: { found: asking('Grafana', ['http://thanos.gone.svc:9090', null], [PROMETHEUS, holds(true)]) },
      status: 'pass',
      says: /which holds/,
    },
    {
      when: 'there is no such Service',
      given: { found: asking('Grafana', ['http://prometheus.monitoring:9090', null]) },
      status: 'fail',
      reason: 'StoreGone',
      says: /there is no Service monitoring\/prometheus; pod istio-system\/prometheus-0 has them$/,
    },
    {
      when: 'the Service has another port',
      given: { found: asking('Grafana', ['http://prometheus:80', null]) },
      status: 'fail',
      reason: 'StoreGone',
      says: /has no port 80/,
    },
    {
      when: 'another store has them',
      given: { found: asking('Grafana', [PROMETHEUS, holds(false)]) },
      status: 'fail',
      reason: 'OtherStore',
      says: /holds no series of Istio’s proxies; pod/,
    },
    {
      when: 'another Grafana draws something else, from another store',
      given: {
        found: {
          ...asking('Grafana', [PROMETHEUS, holds(true)]),
          consuming: [
            ...asking('Grafana', [PROMETHEUS, holds(false)]).consuming,
            ...asking('Grafana', [PROMETHEUS, holds(true)]).consuming,
          ],
        },
      },
      status: 'pass',
      says: /^Grafana in istio-system asks .* which holds/,
    },
    {
      when: 'no store has any',
      given: { found: asking('Grafana', [PROMETHEUS, holds(false)]), store: store({ holds: false }) },
      status: 'skip',
      says: /so far no store has any/,
    },
    {
      when: 'the store is outside of the cluster',
      given: { found: asking('Grafana', ['https://prom.example.com/api', null]) },
      status: 'unknown',
      reason: 'StoreNotAsked',
      says: /cannot be looked into/,
    },
    {
      when: 'it is the one that was named',
      given: {
        found: asking('Grafana', ['https://prom.example.com/', null]),
        store: store({ where: 'https://prom.example.com' }),
      },
      status: 'pass',
      says: /which holds/,
    },
    {
      when: 'the store wants a login',
      given: { found: asking('Grafana', [PROMETHEUS, { missing: missing('Unauthorized') }]) },
      status: 'unknown',
      reason: 'Unauthorized',
      says: /^Grafana in istio-system asks/,
    },
    {
      when: 'a Thanos answers with a part, and not with these',
      given: { found: asking('Grafana', [PROMETHEUS, holds(false, 'a store is down')]) },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /cannot be looked into/,
    },
    {
      when: 'not every Service was seen',
      given: { found: { ...asking('Grafana', ['http://prometheus.monitoring:9090', null]), isComplete: false } },
      status: 'unknown',
      reason: 'StoreNotAsked',
      says: /cannot be looked into/,
    },
    {
      when: 'it keeps its datasources itself',
      given: { found: asking('Grafana') },
      status: 'skip',
      says: /in no ConfigMap that it mounts/,
    },
    {
      when: 'its ConfigMap may not be read',
      given: {
        found: {
          ...asking('Grafana'),
          consuming: [{ consumer: consumer('Grafana', { asks: { missing: missing() } }), stores: [] }],
        },
      },
      status: 'unknown',
      reason: 'Forbidden',
      says: /asks an unknown store/,
    },
    {
      when: 'there is none',
      given: { found: asking('Kiali', [PROMETHEUS, holds(true)]) },
      status: 'skip',
      says: /no Grafana/,
    },
  ],
  { store: store() },
);

judging(
  kialiAsksStore,
  [
    {
      when: 'the store has the series',
      given: { found: asking('Kiali', [PROMETHEUS, holds(true)]) },
      status: 'pass',
      says: /^Kiali/,
    },
    {
      when: 'another store has them',
      given: { found: asking('Kiali', [PROMETHEUS, holds(false)]) },
      status: 'fail',
      reason: 'OtherStore',
      says: /^Kiali in istio-system asks/,
    },
    {
      when: 'no pod is behind the Service',
      given: {
        found: {
          ...asking('Kiali'),
          consuming: [
            {
              consumer: consumer('Kiali'),
              stores: [
                {
                  ...asked(PROMETHEUS),
                  leads: addressed(PROMETHEUS, 'istio-system', { ...known, pods: [] }),
                  holds: null,
                },
              ],
            },
          ],
        },
      },
      status: 'fail',
      reason: 'StoreGone',
      says: /no running pod is behind this Service/,
    },
  ],
  { store: store() },
);

const lacks = (label: string, number: number) => series({ lacks: label }, number);

judging(
  kialiFindsLabels,
  [
    { when: 'all are there', given: {}, status: 'pass', says: /each of the fourteen/ },
    // kiali/kiali#4517: tags that a Telemetry removes.
    {
      when: 'two are on none',
      given: { labels: answer(series({}, 40), lacks('response_flags', 40), lacks('source_canonical_revision', 40)) },
      status: 'fail',
      reason: 'LabelsRemoved',
      says: /^response_flags and source_canonical_revision are missing on all/,
    },
    {
      when: 'one is missing in a namespace',
      given: { labels: answer(series({}, 40), lacks('response_flags', 4)) },
      status: 'warn',
      reason: 'LabelsRemovedInPart',
      says: /^response_flags is missing on 10% of the series/,
    },
    { when: 'there are no requests', given: { labels: answer() }, status: 'skip', says: /no requests/ },
    {
      when: 'the answer is a part',
      given: { labels: partly(series({}, 40)) },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    {
      when: 'the store does not say',
      given: { labels: unanswered },
      status: 'unknown',
      reason: 'TimedOut',
      says: /TimedOut/,
    },
    { when: 'there is no Kiali', given: { consumers: [consumer('Grafana')] }, status: 'skip', says: /no Kiali/ },
  ],
  { consumers: [consumer('Kiali')], labels: answer(series({}, 40)) },
);

const cart = proxied('cart');
const readings = (interval: number | null, global: number | null, at = '15020/stats/prometheus') => [
  {
    where: STORE,
    scrapes: {
      got: {
        targets: [
          {
            job: 'mesh',
            pool: 'podMonitor/istio-system/envoy-stats-monitor/0',
            url: `http://${cart.ip}:${at}`,
            health: 'up',
            lastError: '',
            lastScrape: NOW,
            interval,
            instance: '',
            pod: { namespace: cart.namespace, name: cart.name },
            podIp: cart.ip,
            address: '',
            namespace: cart.namespace,
            service: null,
            portName: null,
          },
        ],
        partial: [],
      },
    },
    jobs: { got: [] },
    interval: global,
  },
];

judging(
  rateWindow,
  [
    {
      when: 'the proxies are scraped as often as the rest',
      given: {},
      status: 'pass',
      says: /^the proxies are scraped every 15 seconds/,
    },
    // kiali/kiali#8910.
    {
      when: 'their monitor has a longer interval than all others',
      given: { readings: readings(60_000, 15_000) },
      status: 'warn',
      reason: 'WindowTooShort',
      says: /every 60 seconds .*; Kiali takes every 15 seconds for granted/,
    },
    {
      when: 'the application beside a proxy has a longer interval',
      given: {
        readings: readings(15_000, 15_000).map((each) => ({
          ...each,
          scrapes: {
            got: {
              targets: [each, ...readings(600_000, 15_000, '8080/metrics')].flatMap(
                ({ scrapes }) => scrapes.got.targets,
              ),
              partial: [],
            },
          },
        })),
      },
      status: 'pass',
      says: /^the proxies are scraped every 15 seconds/,
    },
    {
      when: 'all are scraped so',
      given: { readings: readings(60_000, 60_000) },
      status: 'pass',
      says: /every 60 seconds/,
    },
    {
      when: 'Grafana was not told',
      given: { consumers: [consumer('Grafana')], readings: readings(60_000, 60_000) },
      status: 'warn',
      reason: 'WindowTooShort',
      says: /; Grafana takes/,
    },
    {
      when: 'Grafana was told',
      given: {
        consumers: [consumer('Grafana', { asks: { got: [asked(PROMETHEUS, { interval: 60_000 })] } })],
        readings: readings(60_000, 60_000),
      },
      status: 'pass',
      says: /every 60 seconds/,
    },
    {
      when: 'no target tells its interval',
      given: { readings: readings(null, 15_000) },
      status: 'skip',
      says: /no target/,
    },
    {
      when: 'the store scrapes nothing',
      given: {
        readings: readings(60_000, null).map((each) => ({ ...each, scrapes: { missing: missing('NotFound') } })),
      },
      status: 'skip',
      says: /scrapes nothing/,
    },
    {
      when: 'targets are not told',
      given: {
        readings: readings(60_000, null).map((each) => ({ ...each, scrapes: { missing: missing('Unauthorized') } })),
      },
      status: 'unknown',
      reason: 'Unauthorized',
      says: /how often/,
    },
    { when: 'nobody draws', given: { consumers: [] }, status: 'skip', says: /no Grafana and no Kiali/ },
  ],
  { consumers: [consumer('Kiali')], emitters: [cart], store: store(), readings: readings(15_000, 15_000) },
);

judging(
  dashboardsAnswered,
  [
    { when: 'sidecars count what they answer', given: {}, status: 'pass', says: /count what they answer/ },
    {
      when: 'none does, and callers count',
      given: { fresh: [answer(requests(cart, 'source'))] },
      status: 'warn',
      reason: 'NoDestinationReporter',
      says: /^4 requests\/s go to sidecars/,
    },
    {
      when: 'waypoints count in their place',
      given: {
        fresh: [answer(requests(cart, 'source'))],
        to: answer(rate('waypoint', 'destination_workload', 'cart', 3)),
      },
      status: 'warn',
      reason: 'NoDestinationReporter',
      says: /^3 requests/,
    },
    {
      when: 'sidecars send only, to hosts outside',
      given: { fresh: [answer(requests(cart, 'source'))], to: answer() },
      status: 'skip',
      says: /nobody calls/,
    },
    {
      when: 'the answer is a part',
      given: { fresh: [partly(requests(cart, 'source'))] },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    {
      when: 'gateways alone are there',
      given: { population: populationOf([cart], { cart: 'gateway' }) },
      status: 'skip',
      says: /nobody calls a sidecar/,
    },
    { when: 'there is no Grafana', given: { consumers: [] }, status: 'skip', says: /no Grafana/ },
  ],
  {
    consumers: [consumer('Grafana')],
    population: populationOf([cart]),
    fresh: [answer(requests(cart, 'source'), requests(cart))],
    to: answer(rate('source', 'destination_workload', 'cart', 4)),
  },
);
