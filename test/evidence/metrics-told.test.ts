import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer, Cluster, KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { unanswered } from '../../src/cluster/question/text.ts';
import type { Attempt, ControlPlane, Scope } from '../../src/diagnosis/check.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { attempt } from '../../src/diagnosis/source.ts';
import { type Made, madeStats } from '../../src/evidence/istio/made-stats.ts';
import { type MetricsTold, metricsTold } from '../../src/evidence/istio/told.ts';
import { type MeshConfig, meshConfig } from '../../src/evidence/kubernetes/config-maps.ts';
import { scope } from '../support/judging.ts';
import { istiodObject, podObject } from '../support/modern.ts';
import { envoyFilterObject, statsPatch, telemetryObject } from '../support/telemetry.ts';

const pod = (name: string, namespace: string) =>
  podObject(name, {
    namespace,
    labels: { app: name.replace(/-.*/, '') },
    containers: [{ name: 'istio-proxy', image: 'istio/proxyv2:1.31.0', args: ['proxy', 'sidecar'] }],
  });
const PLURALS: Record<string, string> = { Pod: 'pods', Telemetry: 'telemetries', EnvoyFilter: 'envoyfilters' };
const MESH = 'rootNamespace: istio-system\ndefaultProviders: {metrics: [prometheus]}';

const filter = (drop?: string) => ({
  name: 'istio.stats',
  typedConfig: {
    '@type': 'type.googleapis.com/stats.PluginConfig',
    ...(drop !== undefined && { metrics: [{ name: drop, drop: true }] }),
  },
});
const listener = (trafficDirection: string, httpFilters: readonly object[]) => ({
  activeState: {
    listener: {
      trafficDirection,
      filterChains: [
        { filters: [{ name: 'envoy.filters.network.http_connection_manager', typedConfig: { httpFilters } }] },
      ],
      defaultFilterChain: { filters: [filter(), { name: 'envoy.filters.network.tcp_proxy' }] },
    },
  },
});
const dump = (inbound: readonly object[], outbound: readonly object[]): string =>
  JSON.stringify({
    configs: [
      { '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump' },
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
        dynamicListeners: [listener('INBOUND', inbound), listener('OUTBOUND', outbound)],
      },
    ],
  });

interface Given {
  objects?: readonly unknown[];
  meshes?: Readonly<Record<string, string>>;
  revision?: string;
  /** Lists that are refused, by `VERSION PLURAL`: as forbidden, or as not served. */
  refused?: Readonly<Record<string, 'Forbidden' | 'NotFound'>>;
  /** The proxies of each istiod. */
  replicas?: readonly (readonly string[])[];
  page?: (proxy: string) => { status: number; body: string };
  asked?: Partial<Scope>;
}

async function gathered({
  objects = [],
  meshes = { istio: MESH },
  revision = 'default',
  refused = {},
  replicas = [[]],
  page = () => ({ status: 200, body: dump([filter()], [filter('request_bytes')]) }),
  asked = {},
}: Given): Promise<{
  told: MetricsTold;
  mesh: Attempt<MeshConfig | null>;
  made: readonly Made[];
  pages: readonly string[];
}> {
  const istiods = replicas.map((_, index) =>
    istiodObject({ labels: { app: 'istiod', 'istio.io/rev': revision } }, `istiod-${index}`),
  );
  const all = [...istiods, ...objects] as KubernetesObject[];
  const pages: string[] = [];
  const answer = ({ status, body }: { status: number; body: string }): Answer => ({
    status,
    contentType: 'application/json',
    body: (async function* () {
      yield Buffer.from(body);
    })(),
  });
  const cluster = {
    list: async (question: Parameters<Cluster['list']>[0]) => {
      const hindrance = refused[`${question.resource.version} ${question.resource.plural}`];
      if (hindrance) throw unanswered(question, hindrance, 'no');
      return all.filter(({ kind }) => PLURALS[String(kind)] === question.resource.plural);
    },
    read: async (question: Parameters<Cluster['read']>[0]) => {
      if (question.ask === 'object') {
        const mesh = meshes[question.name];
        if (mesh === undefined) throw unanswered(question, 'NotFound', 'no such ConfigMap');
        return answer({ status: 200, body: JSON.stringify({ data: { mesh } }) });
      }
      if (question.ask !== 'page') throw unanswered(question, 'NotFound', 'no');
      pages.push(`${question.pod} ${question.path}`);
      const proxies = replicas[Number(question.pod.replace('istiod-', ''))] ?? [];
      if (question.path === '/debug/syncz')
        return answer({ status: 200, body: JSON.stringify(proxies.map((proxy) => ({ proxy }))) });
      return answer(page(question.path.split('=')[1] ?? ''));
    },
  } as unknown as Cluster;
  const plane: ControlPlane = { generation: 'telemetry-v2', namespace: 'istio-system', revision, version: '1.31.0' };
  const gatherer = new Gatherer(
    { cluster, scope: { ...scope, ...asked }, now: 0, sleep: () => Promise.resolve() },
    () => 0,
  );
  const told = (await gatherer.gather(metricsTold, plane)).evidence as MetricsTold;
  const made = (await gatherer.gather(madeStats, plane)).evidence as readonly Made[];
  const mesh = (await gatherer.gather(attempt(meshConfig), plane)).evidence as Attempt<MeshConfig | null>;
  return { told, mesh, made, pages };
}

const sizes = ({ told }: { told: MetricsTold }) => told.classes.map(({ proxies }) => proxies.length);
const PODS = [pod('cart-1', 'shop'), pod('cart-2', 'shop'), pod('bank-1', 'pay')];

describe('what the proxies of a mesh are told about metrics', () => {
  it('is worked out once for those that nothing tells apart', async () => {
    const found = await gathered({ objects: PODS });
    assert.deepEqual(sizes(found), [2, 1]);
    assert.deepEqual(found.told.missing, []);
    assert.equal(found.told.classes[0]?.stats?.inbound?.http.length, 1);
  });

  it('comes from a revision’s own ConfigMap', async () => {
    const found = await gathered({
      objects: PODS,
      revision: 'canary',
      meshes: { istio: MESH, 'istio-canary': 'rootNamespace: r\nenableAutoMtls: false' },
    });
    assert.deepEqual([found.told.config?.mesh.rootNamespace, found.told.config?.mesh.defaults], ['r', []]);
    assert.ok('got' in found.mesh);
    assert.deepEqual([found.mesh.got?.rootNamespace, found.mesh.got?.autoMtls], ['r', false]);
  });

  it('is not known without MeshConfig, and without a right to Telemetry objects', async () => {
    const without = await gathered({ objects: PODS, meshes: {} });
    assert.deepEqual([without.told.config, without.told.missing], [null, []]);
    const refused = await gathered({ objects: PODS, refused: { 'v1alpha1 telemetries': 'Forbidden' } });
    assert.equal(refused.told.config, null);
    assert.deepEqual(
      refused.told.missing.map(({ hindrance }) => hindrance),
      ['Forbidden'],
    );
    const broken = await gathered({ objects: PODS, meshes: { istio: '{' } });
    assert.deepEqual(
      broken.told.missing.map(({ hindrance }) => hindrance),
      ['BadAnswer'],
    );
  });

  it('lacks nothing where the kind is not installed, or served as v1 only', async () => {
    const object = telemetryObject('shop/off', { metrics: [{ overrides: [{ disabled: true }] }] });
    const newer = await gathered({ objects: [...PODS, object], refused: { 'v1alpha1 telemetries': 'NotFound' } });
    assert.deepEqual(
      newer.told.classes.map(({ stats }) => stats?.inbound?.absence?.why ?? null),
      ['disabled', null],
    );
    const none = await gathered({
      objects: PODS,
      refused: {
        'v1alpha1 telemetries': 'NotFound',
        'v1 telemetries': 'NotFound',
        'v1alpha3 envoyfilters': 'NotFound',
      },
    });
    assert.deepEqual([none.told.missing, none.told.classes[0]?.stats?.chain], [[], []]);
  });

  const ODD: readonly unknown[] = [null, 7, 'x', [], {}, [null], ['x'], [{ overrides: 'x', providers: 7 }]];
  for (const odd of ODD)
    it(`is worked out of objects of any shape: ${JSON.stringify(odd)}`, async () => {
      const objects = [
        telemetryObject('shop/a', odd as object),
        telemetryObject('shop/b', { metrics: odd, selector: odd, targetRefs: odd, targetRef: odd }),
        telemetryObject('shop/c', {
          selector: { matchLabels: { app: 'cart' } },
          metrics: [{ overrides: [{ match: odd, tagOverrides: odd, disabled: odd }], providers: [odd] }],
        }),
        envoyFilterObject('shop/d', odd as object),
        envoyFilterObject('shop/e', { configPatches: odd, workloadSelector: odd, priority: odd, targetRefs: odd }),
        envoyFilterObject('shop/f', {
          configPatches: [{ applyTo: 'HTTP_FILTER', match: odd, patch: { operation: odd, value: odd } }],
        }),
      ];
      const found = await gathered({ objects: [...PODS, ...objects] });
      assert.deepEqual(sizes(found), [2, 1]);
    });
});

describe('what istiod itself makes for proxies', () => {
  const pages = ({ pages: all }: { pages: readonly string[] }) => all.filter((each) => each.includes('config_dump'));
  const replicas = [['cart-1.shop'], ['cart-2.shop', 'bank-1.pay', 'xbank-1.pay']];

  it('is asked of the replica that a proxy is connected to, one for each class', async () => {
    const found = await gathered({ objects: PODS, replicas });
    assert.deepEqual(pages(found), ['istiod-0 /debug/config_dump?proxyID=cart-1.shop']);
    assert.deepEqual(found.made[0]?.made, {
      got: {
        inbound: { http: { chains: 1, filters: [[[]]] }, tcp: { chains: 1, filters: [[[]]] } },
        outbound: { http: { chains: 1, filters: [[['request_bytes']]] }, tcp: { chains: 1, filters: [[[]]] } },
      },
    });
  });

  it('is asked for the suspects first, and for no more than the sample', async () => {
    const off = telemetryObject('pay/off', { metrics: [{ overrides: [{ disabled: true }] }] });
    const connected = [['cart-1.shop', 'bank-1.pay']];
    const found = await gathered({ objects: [...PODS, off], replicas: connected, asked: { sample: 1 } });
    assert.deepEqual(pages(found), ['istiod-0 /debug/config_dump?proxyID=bank-1.pay']);
  });

  it('is not known where the page is none, or another replica has the proxy', async () => {
    for (const [body, status] of [
      ['<html>', 200],
      ['{"configs": 7}', 200],
      ['null', 200],
      ['Proxy not connected to this Pilot instance.', 404],
    ] as const) {
      const found = await gathered({ objects: PODS, replicas, page: () => ({ status, body }) });
      assert.ok(found.made.length > 0 && found.made.every(({ made }) => 'missing' in made), body);
    }
  });

  it('keeps an EnvoyFilter’s drops', async () => {
    const object = envoyFilterObject('istio-system/x', {
      configPatches: [statsPatch({ metrics: [{ name: 'request_bytes', drop: true }] })],
    });
    const { told } = await gathered({ objects: [...PODS, object], meshes: { istio: 'rootNamespace: istio-system' } });
    assert.deepEqual(told.classes[0]?.stats?.inbound?.http[0]?.dropped, ['request_bytes']);
  });
});
