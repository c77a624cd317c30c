import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sampleOf } from '../../../../src/evidence/envoy/emission.ts';
import type { Proxy as MeshProxy } from '../../../../src/evidence/istio/population.ts';
import { configurationTaken } from '../../../../src/guide/missing-metrics/sidecar/proxy-emits/configuration-taken.ts';
import {
  familiesStandard,
  grpcMessagesCounted,
} from '../../../../src/guide/missing-metrics/sidecar/proxy-emits/families.ts';
import { filterLoaded } from '../../../../src/guide/missing-metrics/sidecar/proxy-emits/filter-loaded.ts';
import { longConnectionsCounted } from '../../../../src/guide/missing-metrics/sidecar/proxy-emits/long-connections.ts';
import {
  applicationMerged,
  envoyMerged,
  pageParses,
} from '../../../../src/guide/missing-metrics/sidecar/proxy-emits/parts-merged.ts';
import { emittingOf, proxyEmits } from '../../../../src/guide/missing-metrics/sidecar/proxy-emits.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { container, missing, pod } from '../../../support/mixer.ts';
import { bare, emitting, meshProxy, metricsPage, readProxy, storeAnswer } from '../../../support/proxies.ts';

const [a, b, c, d] = [meshProxy('a-0'), meshProxy('b-0'), meshProxy('b-1'), meshProxy('c-0')];
const all = [a, b, c, d];
const gateway: MeshProxy = { ...meshProxy('istio-egressgateway-0'), kind: 'gateway' };
const secured: MeshProxy = {
  ...meshProxy('istio-ingressgateway-0', {
    annotations: { 'prometheus.istio.io/secure-port': '15091', 'prometheus.istio.io/secure-envoy-port': '15092' },
  }),
  kind: 'gateway',
};
const quiet = { got: [storeAnswer()] };
const istiod = (rotation: string) => ({
  pod: pod({
    containers: [container('discovery', 'pilot:1.20.0', { variables: { METRIC_ROTATION_INTERVAL: rotation } })],
  }),
  version: '1.20.0',
  debugPort: 15014,
});

judging(
  filterLoaded,
  [
    {
      when: 'a store has all',
      given: { emission: emitting(all, ['a-0', 'b-0', 'b-1', 'c-0']) },
      status: 'pass',
      says: /^all 4 proxies in Prometheus$/,
    },
    {
      when: 'those that no store has show it',
      given: { emission: emitting(all, ['a-0', 'c-0'], { asked: [readProxy(b, metricsPage())] }) },
      status: 'pass',
      says: /^2 of 4 proxies in Prometheus; 1 of the 2 others asked: it is on its page$/,
    },
    {
      when: 'no store was found, and the pages show it',
      given: {
        emission: emitting([a], [], { stores: { answered: 0, missing: [] }, asked: [readProxy(a, metricsPage())] }),
      },
      status: 'pass',
      says: /^no Prometheus told; all have it on their pages$/,
    },
    {
      when: 'no store was found, and not every page was read',
      given: {
        emission: emitting([a, b], [], { stores: { answered: 0, missing: [] }, asked: [readProxy(a, metricsPage())] }),
      },
      status: 'unknown',
      reason: 'NotAllRead',
      says: /^1 of 2 proxies have it; of the others no store tells/,
    },
    {
      when: 'a store may not be asked, and not every page was read',
      given: {
        emission: emitting(all, ['a-0'], {
          stores: { answered: 1, missing: [missing('Unauthorized')] },
          asked: [readProxy(b, metricsPage())],
        }),
      },
      status: 'unknown',
      reason: 'NotAllRead',
      says: /^2 of 4 proxies have it/,
    },
    {
      when: 'one page is Envoy’s and has none; the other pod of its owner is no other',
      given: { emission: emitting(all, ['a-0', 'c-0'], { asked: [readProxy(b, bare(), bare())] }) },
      status: 'fail',
      reason: 'FilterNotLoaded',
      says: /^2 of 4 proxies have no stats filter: no istio_build on their pages; 1 of 2/,
    },
    {
      when: 'Envoy’s own page could not be had, and Envoy’s part of the agent’s is without it',
      given: { emission: emitting([a], [], { asked: [readProxy(a, bare())] }) },
      status: 'fail',
      reason: 'FilterNotLoaded',
      says: /^1 of 1 proxy has no stats filter: no istio_build on its page$/,
    },
    {
      when: 'what looks like Envoy’s part may be the application’s',
      given: { emission: emitting([a], [], { asked: [readProxy(a, bare({ failures: new Map([['envoy', 3]]) }))] }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /no store has 1 of 1 proxy, and the page of one could not be read/,
    },
    {
      when: 'a store that did not answer may have them, and a page says that they are not there',
      given: {
        emission: emitting([a], [], {
          stores: { answered: 0, missing: [missing('TimedOut')] },
          asked: [readProxy(a, bare(), bare())],
        }),
      },
      status: 'fail',
      reason: 'FilterNotLoaded',
      says: /1 of 1 proxy has no stats filter/,
    },
    {
      when: 'it forgets what stands still (1.28 and newer)',
      given: {
        emission: emitting([a], [], {
          asked: [
            readProxy(
              meshProxy('a-0', { annotations: { 'sidecar.istio.io/statsEvictionInterval': '30s' } }),
              bare(),
              bare(),
            ),
          ],
        }),
      },
      status: 'unknown',
      reason: 'SeriesForgotten',
      says: /default\/a-0, which forgets/,
    },
    {
      when: 'istiod tells all to forget what stands still (1.18 to 1.27)',
      given: { emission: emitting([a], [], { asked: [readProxy(a, bare(), bare())] }), pilots: [istiod('30m')] },
      status: 'unknown',
      reason: 'SeriesForgotten',
      says: /forgets/,
    },
    {
      when: 'that switch is written out as off',
      given: { emission: emitting([a], [], { asked: [readProxy(a, bare(), bare())] }), pilots: [istiod('0s')] },
      status: 'fail',
      reason: 'FilterNotLoaded',
      says: /1 of 1/,
    },
    {
      when: 'a proxy that is stored shows none either',
      given: {
        emission: emitting([a, b], ['a-0'], {
          asked: [readProxy(b, bare(), bare())],
          control: readProxy(a, bare(), bare()),
        }),
      },
      status: 'unknown',
      reason: 'PagesContradict',
      says: /default\/a-0 is stored/,
    },
    {
      when: 'the one without it is a gateway that no Gateway is for',
      given: {
        emission: emitting([a, gateway], ['a-0'], {
          asked: [readProxy(gateway, bare({ listeners: 2 }), bare({ listeners: 2 }))],
        }),
      },
      status: 'pass',
      says: /^1 of 2 proxies in Prometheus; 1 gateway without listeners: no Gateway is for it$/,
    },
    {
      when: 'there are such gateways only',
      given: { emission: emitting([gateway], [], { asked: [readProxy(gateway, bare({ listeners: 2 }))] }) },
      status: 'skip',
      says: /anything to count; 1 gateway/,
    },
    {
      when: 'a gateway has listeners, and none with the filter',
      given: { emission: emitting([gateway], [], { asked: [readProxy(gateway, bare({ listeners: 3 }))] }) },
      status: 'fail',
      reason: 'FilterNotLoaded',
      says: /^1 of 1/,
    },
    {
      when: 'a gateway has its own listeners only, two of them for metrics by mutual TLS',
      given: { emission: emitting([secured], [], { asked: [readProxy(secured, bare({ listeners: 4 }))] }) },
      status: 'skip',
      says: /1 gateway/,
    },
    {
      when: 'no page may be read',
      given: { emission: emitting([a], []) },
      status: 'unknown',
      reason: 'NoPageRead',
      says: /0 of 1 proxy/,
    },
    {
      when: 'not every pod could be listed',
      given: { emission: emitting([a], ['a-0'], { refusal: missing() }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /that were listed/,
    },
    {
      when: 'no pod could be listed',
      given: { emission: emitting([], [], { refusal: missing() }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /could not be listed/,
    },
    {
      when: 'there are young ones only',
      given: { emission: emitting([], [], { young: 2 }) },
      status: 'skip',
      says: /2 younger/,
    },
  ],
  { pilots: [] },
);

judging(configurationTaken, [
  {
    when: 'all have the filter',
    given: { emission: emitting(all, [], { asked: [readProxy(a, metricsPage({ refused: 3 }))] }) },
    status: 'skip',
    says: /no page is without/,
  },
  {
    when: 'they took what they were sent',
    given: { emission: emitting([a], [], { asked: [readProxy(a, bare(), bare())] }) },
    status: 'pass',
    says: /^1 proxy without/,
  },
  {
    when: 'one refused its listeners',
    given: {
      emission: emitting(all, ['a-0'], {
        asked: [
          readProxy(b, bare(), bare({ refused: 4, taken: 0, lines: ['x_rejected 4'] })),
          readProxy(d, bare(), bare()),
        ],
      }),
    },
    status: 'fail',
    reason: 'ListenersRefused',
    says: /^2 of 4 proxies refused listeners, and have no stats filter; 2 of 3/,
  },
  {
    when: 'one waits for its first configuration',
    given: { emission: emitting([a], [], { asked: [readProxy(a, bare(), bare({ state: 3, taken: 0 }))] }) },
    status: 'fail',
    reason: 'NeverConfigured',
    says: /^1 of 1 proxy never had a configuration$/,
  },
]);

const agentOnly = metricsPage({
  parts: { agent: true, envoy: false },
  build: null,
  families: new Set(),
  failures: new Map([['envoy', 7]]),
});

judging(
  envoyMerged,
  [
    {
      when: 'no agent missed it',
      given: { emission: emitting([a], ['a-0']) },
      status: 'pass',
      says: /of 1 of 1 proxy$/,
    },
    {
      when: 'no store tells, and a page has it',
      given: { emission: emitting([a], [], { asked: [readProxy(a, metricsPage())] }), failures: { got: [] } },
      status: 'pass',
      says: /of 1 of 1 proxy$/,
    },
    {
      when: 'the agent’s page is without it, and Envoy’s own is there',
      given: {
        emission: emitting(all, ['a-0'], {
          asked: [readProxy(b, agentOnly, metricsPage({ parts: { agent: false, envoy: true } }))],
        }),
      },
      status: 'fail',
      reason: 'EnvoyNotMerged',
      says: /^2 of 4 proxies: the agent’s page is without Envoy’s part; 1 of 3/,
    },
    {
      when: 'the agent does not merge at all',
      given: {
        emission: emitting([a], [], { asked: [readProxy(a, { ...agentOnly, failures: new Map() }, metricsPage())] }),
      },
      status: 'fail',
      reason: 'EnvoyNotMerged',
      says: /does not even ask for/,
    },
    {
      when: 'its page could not be read, and the store says so',
      given: {
        emission: emitting([a], [], { asked: [readProxy(a, null)] }),
        failures: { got: [storeAnswer({ type: 'envoy', namespace: 'default', pod: 'a-0' })] },
      },
      status: 'fail',
      reason: 'EnvoyNotMerged',
      says: /^1 of 1 proxy/,
    },
    {
      when: 'an agent misses it at times',
      given: {
        emission: emitting([a], ['a-0']),
        failures: { got: [storeAnswer({ type: 'envoy', namespace: 'default', pod: 'a-0' })] },
      },
      status: 'warn',
      reason: 'EnvoyMissedOften',
      says: /in the last 15 minutes/,
    },
    {
      when: 'nothing tells',
      given: { emission: emitting([a], []), failures: { missing: missing('TimedOut') } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /words|kubectl/,
    },
    {
      when: 'there is neither store nor page',
      given: { emission: emitting([a], []), failures: { got: [] } },
      status: 'skip',
      says: /no store/,
    },
    { when: 'there is no proxy', given: { emission: emitting([], []) }, status: 'skip', says: /no proxy/ },
  ],
  { failures: quiet },
);

const asking = {
  ...a,
  container: container('istio-proxy', 'x', {
    variables: { ISTIO_PROMETHEUS_ANNOTATIONS: '{"scrape":"true","path":"/actuator","port":"9999"}' },
  }),
};

judging(
  applicationMerged,
  [
    {
      when: 'no agent missed it',
      given: { emission: emitting([a], ['a-0']) },
      status: 'pass',
      says: /of 1 of 1 proxy$/,
    },
    {
      when: 'the annotations name a port that nobody listens on',
      given: {
        emission: emitting([asking, b], ['a-0', 'b-0']),
        failures: {
          got: [
            storeAnswer(
              { type: 'application', namespace: 'default', pod: 'a-0' },
              { type: 'envoy', namespace: 'default', pod: 'b-0' },
            ),
          ],
        },
      },
      status: 'warn',
      reason: 'ApplicationNotMerged',
      says: /^1 of 2 proxies: the agent gets no metrics from the application/,
    },
    {
      when: 'a page says so where no store answers',
      given: {
        emission: emitting([a], [], {
          asked: [readProxy(a, metricsPage({ failures: new Map([['application', 3]]) }))],
        }),
        failures: { missing: missing() },
      },
      status: 'warn',
      reason: 'ApplicationNotMerged',
      says: /^1 of 1 proxy/,
    },
    {
      when: 'a page counts none',
      given: { emission: emitting([a], [], { asked: [readProxy(a, metricsPage())] }), failures: { got: [] } },
      status: 'pass',
      says: /of 1 of 1 proxy$/,
    },
    {
      when: 'nothing tells',
      given: { emission: emitting([a], []), failures: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /rules/,
    },
    { when: 'there is no proxy', given: { emission: emitting([], []) }, status: 'skip', says: /no proxy/ },
  ],
  { failures: quiet },
);

judging(pageParses, [
  {
    when: 'they can',
    given: { emission: emitting([a], [], { asked: [readProxy(a, metricsPage())] }) },
    status: 'pass',
    says: /^1 page read/,
  },
  {
    when: 'the application writes a line that nobody can read',
    given: {
      emission: emitting([a], [], {
        asked: [readProxy(a, metricsPage({ problem: { line: 312, text: 'not a number: NULL' } }))],
      }),
    },
    status: 'fail',
    reason: 'PageBroken',
    says: /^1 of 1 proxy: line 312 of the page cannot be read: not a number: NULL$/,
  },
  { when: 'none was read', given: { emission: emitting([a], ['a-0']) }, status: 'skip', says: /no page/ },
]);

judging(familiesStandard, [
  {
    when: 'there is traffic, or none',
    given: {
      emission: emitting([a, b], ['b-0'], {
        asked: [readProxy(a, metricsPage())],
        control: readProxy(b, metricsPage({ families: new Set() })),
      }),
    },
    status: 'pass',
    says: /^of 2 pages 1 have requests, 0 TCP, 1 no traffic yet$/,
  },
  {
    when: 'a tag that Envoy was not told of is in the name',
    given: {
      emission: emitting([a], [], {
        asked: [
          readProxy(
            a,
            metricsPage({ build: '1.12.0', families: new Set(), mangled: ['request_host___istio_requests_total'] }),
          ),
        ],
      }),
    },
    status: 'fail',
    reason: 'NamesMangled',
    says: /request_host___istio_requests_total in the place of/,
  },
  {
    when: 'one direction only is named so',
    given: {
      emission: emitting([a], [], { asked: [readProxy(a, metricsPage({ mangled: ['x_istio_requests_total'] }))] }),
    },
    status: 'warn',
    reason: 'NamesMangled',
    says: /x_istio/,
  },
  { when: 'none was read', given: { emission: emitting([a], ['a-0']) }, status: 'skip', says: /no page/ },
]);

/** What a refused question leaves open. */
const refused = <Evidence>(when: string, given: Evidence) => ({
  when,
  given,
  status: 'unknown' as const,
  reason: 'Forbidden',
  says: /rules/,
});

const build = (tag: string) => ({ got: [storeAnswer({ component: 'proxy', tag, pod: 'a-0' })] });
const counted = (...names: string[]) => ({ got: [storeAnswer(...names.map((name) => ({ __name__: name })))] });

judging(
  grpcMessagesCounted,
  [
    { when: 'no proxy is of 1.17', given: { loaded: build('1.18.0') }, status: 'skip', says: /no proxy of 1\.17/ },
    {
      when: 'requests are counted and no messages',
      given: { counts: counted('istio_requests_total') },
      status: 'warn',
      reason: 'GrpcMessagesMissing',
      says: /^1 proxy of 1\.17/,
    },
    {
      when: 'both are',
      given: { counts: counted('istio_requests_total', 'istio_request_messages_total') },
      status: 'pass',
      says: /is stored/,
    },
    { when: 'nobody speaks gRPC', given: { counts: counted() }, status: 'skip', says: /no request of gRPC/ },
    refused('that cannot be asked', { counts: { missing: missing() } }),
    refused('no store can be asked', { loaded: { missing: missing() } }),
  ],
  { loaded: build('1.17.8'), counts: counted() },
);

const tcp = (...series: Record<string, string>[]) => ({ got: [storeAnswer(...series)] });
const toDatabase = { reporter: 'source', destination_service: 'db.shop.svc.cluster.local', destination_workload: 'db' };
const toCart = {
  reporter: 'source',
  destination_service: 'cart.shop.svc.cluster.local',
  destination_workload: 'cart-v1',
};
const atCart = { ...toCart, reporter: 'destination' };

judging(
  longConnectionsCounted,
  [
    ...['1.18.7', '1.20.8', '1.21.4', '1.22.2', '1.23.0', '1.31.0'].map((tag) => ({
      when: `proxies are of ${tag}`,
      given: { loaded: build(tag) },
      status: 'pass' as const,
      says: /none of 1 proxy is of a release that counts late/,
    })),
    ...['1.19.0', '1.19.10', '1.19', '1.20.3', '1.21.2-distroless', '1.22.1'].map((tag) => ({
      when: `proxies of ${tag} call what has none`,
      given: { loaded: build(tag) },
      status: 'warn' as const,
      reason: 'CountedLate',
      says: /^1 of 1 proxy of \S+ count connections to 1 destination without a proxy, and their bytes, only when they end$/,
    })),
    {
      when: 'the patch is not told',
      given: { loaded: build('1.20') },
      status: 'skip',
      says: /whether 1\.20, without its patch, counts late is not known/,
    },
    {
      when: 'the destination counts, too',
      given: { connections: tcp(toCart, atCart) },
      status: 'skip',
      says: /no connection to what has no proxy is stored; 1 of 1 proxy of 1\.20\.3 would count it late/,
    },
    {
      when: 'the destination counts them for another Service',
      given: { connections: tcp({ ...toCart, destination_service: 'canary.shop.svc.cluster.local' }, atCart) },
      status: 'skip',
      says: /would count it late/,
    },
    {
      when: 'nothing that was sent by TCP has ended',
      given: { connections: tcp() },
      status: 'skip',
      says: /would count it late/,
    },
    {
      when: 'no series tells a release',
      given: { loaded: { got: [storeAnswer({ component: 'pilot', tag: '1.20.3' })] } },
      status: 'skip',
      says: /no store tells/,
    },
    {
      when: 'one store of two cannot be asked',
      given: {
        connections: { got: [storeAnswer(toDatabase), { where: 'b', series: { missing: missing() }, partial: [] }] },
      },
      status: 'unknown',
      reason: 'Forbidden',
      says: /rules/,
    },
    {
      when: 'the answer may not be whole',
      given: { connections: { got: [{ ...storeAnswer(toDatabase), partial: ['a store is down'] }] } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    refused('connections cannot be asked for', { connections: { missing: missing() } }),
    refused('no store can be asked', { loaded: { missing: missing() } }),
  ],
  { loaded: build('1.20.3'), connections: tcp(toDatabase, toCart, atCart) },
);

/** As people reported it. */
describe('reports of proxies without metrics', () => {
  const context = { plane, scope, now: NOW };
  const asked = (page: ReturnType<typeof metricsPage>, proxy = a) =>
    emitting([proxy], [], { asked: [readProxy(proxy, page, page)] });
  const says = (emission: ReturnType<typeof emitting>, rotation?: string) => {
    const pilots = rotation === undefined ? [] : [istiod(rotation)];
    const [loaded, taken] = [
      filterLoaded.judge({ emission, pilots }, context),
      configurationTaken.judge({ emission }, context),
    ];
    return [loaded, taken].map((verdict) => ('reason' in verdict ? verdict.reason : verdict.status));
  };

  it('istio_build went two hours after the start, with rotation in istiod', () => {
    assert.deepEqual(says(asked(bare()), '120m'), ['SeriesForgotten', 'pass']);
    // One that is busy is known by what it counts.
    assert.deepEqual(says(asked(bare({ families: new Set(['istio_requests_total']) })), '120m'), ['pass', 'skip']);
  });

  it('rotation in the proxy’s own metadata, where nobody reads it', () => {
    const rotating = {
      ...a,
      container: container('istio-proxy', 'x', { variables: { METRIC_ROTATION_INTERVAL: '2m' } }),
    };
    assert.deepEqual(says(asked(bare(), rotating)), ['FilterNotLoaded', 'pass']);
  });

  it('an upgrade over four releases: lds updates 0 successful, 19 rejected', () => {
    assert.deepEqual(says(asked(bare({ taken: 0, refused: 19 }))), ['FilterNotLoaded', 'ListenersRefused']);
  });

  it('calls made inside of the proxy’s container, which pass no proxy', () => {
    const page = metricsPage({ families: new Set() });
    assert.deepEqual(says(asked(page)), ['pass', 'skip']);
    assert.match(familiesStandard.judge({ emission: asked(page) }, context).message, /1 no traffic yet/);
  });

  it('a gateway that istiod does not authenticate: connection refused on 15090, hour after hour', () => {
    const refused = { missing: missing('ConnectionRefused') };
    const emission = emitting([a], [], { asked: [{ ...readProxy(a, agentOnly), own: refused }] });
    assert.deepEqual(says(emission), ['ConnectionRefused', 'EnvoyNotServing']);
    const verdict = configurationTaken.judge({ emission }, context);
    assert.match(verdict.message, /^1 of 1 proxy has an Envoy that serves no page$/);
    assert.deepEqual('mayFollowFrom' in verdict && verdict.mayFollowFrom, ['telemetry-config', 'config-delivery']);
  });

  it('a proxy built from its source without the filters', () => {
    assert.deepEqual(says(asked(bare({ lines: ['envoy_server_state 0'] }))), ['FilterNotLoaded', 'pass']);
  });
});

describe('proxy-emits', () => {
  const verdictOf = (emission: ReturnType<typeof emitting>) =>
    filterLoaded.judge({ emission, pilots: [] }, { plane, scope, now: NOW });

  it('says with a refusal of listeners what follows from it', () => {
    const refusing = emitting([a], [], { asked: [readProxy(a, bare(), bare({ refused: 2 }))] });
    const verdict = verdictOf(refusing);
    assert.deepEqual('mayFollowFrom' in verdict && verdict.mayFollowFrom, [
      'telemetry-config',
      'config-delivery',
      'proxy-emits',
    ]);
    const both = emitting(all, [], {
      asked: [readProxy(a, bare(), bare({ refused: 2 })), readProxy(d, bare(), bare())],
    });
    const other = verdictOf(both);
    assert.deepEqual('mayFollowFrom' in other && other.mayFollowFrom, ['telemetry-config', 'config-delivery']);
    assert.deepEqual(other.subjects, [{ kind: 'Deployment', namespace: 'default', name: 'c', pods: ['c-0'] }]);
  });

  it('shows the log of the proxy’s own container', () => {
    const gate = { ...a, container: container('ingressgateway', 'x') };
    const verdict = envoyMerged.judge(
      {
        emission: emitting([gate], ['a-0']),
        failures: { got: [storeAnswer({ type: 'envoy', namespace: 'default', pod: 'a-0' })] },
      },
      { plane, scope, now: NOW },
    );
    assert.match('hint' in verdict ? (verdict.hint ?? '') : '', /^kubectl -n default logs a-0 -c ingressgateway /);
  });

  it('asks one of each owner first', () => {
    assert.deepEqual(
      sampleOf(all, 3).map(({ pod }) => pod.name),
      ['a-0', 'b-0', 'c-0'],
    );
  });

  it('counts those that are stored, or that a page shows which Prometheus can read', () => {
    const count = (emission: ReturnType<typeof emitting>) => emittingOf(emission)?.size ?? null;
    assert.equal(count(emitting(all, ['a-0'])), null, 'nobody was asked');
    const asked = [readProxy(b, metricsPage()), readProxy(c, bare(), bare()), readProxy(d, agentOnly, metricsPage())];
    assert.equal(count(emitting(all, ['a-0'], { asked })), 2);
    assert.equal(count(emitting(all, ['a-0'], { asked: asked.slice(0, 1) })), null, 'c-0 may be like it, or not');
    assert.equal(count(emitting(all, ['a-0', 'c-0'], { asked: asked.slice(0, 1) })), 4, 'b-1 is like b-0');
    assert.equal(count(emitting(all, ['a-0'], { asked: asked.slice(1, 2) })), 1);
    assert.equal(count(emitting(all, ['a-0'], { asked: [readProxy(b, null)] })), null);
    assert.equal(count(emitting(all, ['a-0'], { refusal: missing() })), null);
  });

  it('has its documents', () => {
    assert.match(proxyEmits.docs(null), /^https:\/\/istio\.io/);
  });
});
