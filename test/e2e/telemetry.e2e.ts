import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { type MadeFilters, type MadeStats, madeStatsIn } from '../../src/evidence/istio/config-dump.ts';
import type { MeshProxy } from '../../src/istio/attachment.ts';
import { type SideStats, type StatsConfig, statsOf } from '../../src/istio/stats.ts';
import type { StatsFilter } from '../../src/istio/stats-filters.ts';
import { KINDS, MADE_STATS, roundOf, spacesOf } from '../support/stats-cases.ts';
import { configOf, envoyFilterObject, statsPatch, telemetryObject } from '../support/telemetry.ts';
import { type AdsProxy, connectProxies, type Proxies } from './ads.ts';
import { istioModule } from './build.ts';
import { childrenIn, until } from './children.ts';
import { freePorts, kubectlAt, startCluster, type TestCluster } from './cluster.ts';
import { startIstiod, textAt } from './istiod.ts';

/** `TELEMETRY_SEED=7 TELEMETRY_ROUNDS=30 npm run e2e -- telemetry` tries others, and more of them. */
const SEED = Number(process.env.TELEMETRY_SEED ?? 1);
const ROUNDS = Number(process.env.TELEMETRY_ROUNDS ?? 3);
const SPACES = spacesOf(20);

const KIND = { sidecar: 'sidecar', router: 'gateway', waypoint: 'waypoint' } as const;

interface Connected extends AdsProxy {
  model: MeshProxy;
}

const connectedIn = (namespace: string, at: number): readonly Connected[] =>
  KINDS.map(({ name, kind, version, labels }, index) => ({
    kind,
    pod: name,
    namespace,
    labels,
    version,
    ip: `10.244.${at}.${index + 1}`,
    model: { namespace, labels, kind: KIND[kind], version },
  }));

const MARKER: AdsProxy = {
  kind: 'sidecar',
  pod: 'marker',
  namespace: 'marker',
  labels: {},
  version: '1.31.0',
  ip: '10.244.255.1',
};

const sorted = (filters: readonly (readonly string[])[]): string =>
  JSON.stringify(filters.map((dropped) => [...dropped].sort().join()).sort());

describe(`what Istio tells proxies about metrics, seed ${SEED}, by a real istiod`, () => {
  let cluster: TestCluster;
  let proxies: Proxies;
  let end = (): Promise<void> => Promise.resolve();
  let http = 0;
  let folder = '';
  const connected = SPACES.flatMap(connectedIn);

  const kubectl = (args: readonly string[], input?: string): string => kubectlAt(cluster.kubeconfig, args, input);
  const apply = (objects: readonly object[]): void =>
    void kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

  before(async () => {
    cluster = await startCluster();
    folder = join(cluster.folder, 'istiod');
    mkdirSync(folder);
    const children = childrenIn(folder);
    end = () => children.end();
    kubectl(['create', '-f', join(istioModule(), 'manifests/charts/base/files/crd-all.gen.yaml')]);
    const named = ['istio-system', 'marker', ...SPACES];
    apply(named.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
    apply([
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'marker' },
        spec: {
          ports: [
            { name: 'http', port: 80 },
            { name: 'tcp', port: 9000 },
          ],
        },
      },
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'Gateway',
        metadata: { name: 'edge', namespace: 'istio-system' },
        spec: {
          selector: { gateway: 'yes' },
          servers: [{ port: { number: 8080, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
        },
      },
    ]);
    const [own = 0, grpc = 0, secure = 0, https = 0, debug = 0] = await freePorts(5);
    http = own;
    await startIstiod({
      kubeconfig: cluster.kubeconfig,
      folder,
      children,
      ports: { http, grpc, secure, https, debug },
      env: {
        INJECT_ENABLED: 'false',
        INJECTION_WEBHOOK_CONFIG_NAME: '',
        PILOT_ENABLE_AMBIENT: 'true',
        // As many as like may connect at once.
        PILOT_MAX_REQUESTS_PER_SECOND: '10000',
      },
    });
    proxies = await connectProxies(grpc);
    for (const each of [MARKER, ...connected]) proxies.add(each);
    await until(
      async () => (JSON.parse(await textAt(http, '/debug/syncz')) ?? []).length > connected.length,
      30,
      () => `not every proxy is connected: ${children.words('pilot-discovery')}`,
    );
  });
  after(async () => {
    proxies?.close();
    await end();
    await cluster?.close();
  });

  const madeFor = async ({ pod, namespace }: AdsProxy): Promise<MadeStats> => {
    const page = await textAt(http, `/debug/config_dump?proxyID=${pod}.${namespace}-`);
    const made = madeStatsIn(page);
    assert.ok(made, `${pod}.${namespace}: ${page.slice(0, 200)}`);
    return made;
  };

  /** Changes MeshConfig, whose file istiod watches, and waits until that and all objects before the markers are there. */
  async function begin(round: number): Promise<StatsConfig> {
    const { mesh, waves } = roundOf(SEED, round, SPACES);
    kubectl(['delete', 'telemetries,envoyfilters', '-A', '-l', `made=${MADE_STATS.made}`]);
    const own = mesh as {
      extensionProviders: readonly { name: string }[];
      defaultProviders: { metrics?: readonly string[] };
    };
    writeFileSync(
      join(folder, 'mesh.yaml'),
      JSON.stringify({
        ...own,
        rootNamespace: 'istio-system',
        trustDomain: 'cluster.local',
        extensionProviders: [...own.extensionProviders, { name: `marker-${round}`, prometheus: {} }],
      }),
    );
    for (const wave of waves) {
      if (wave.length > 0) apply(wave);
      // Ages count in whole seconds.
      await new Promise((resolve) => setTimeout(resolve, 1100));
    }
    apply([
      telemetryObject(
        'marker/marker',
        {
          selector: { matchLabels: {} },
          metrics: [
            {
              providers: [{ name: `marker-${round}` }],
              overrides: [{ match: { customMetric: `m${round}` }, disabled: true }],
            },
          ],
        },
        MADE_STATS,
      ),
      envoyFilterObject(
        'marker/marker',
        { configPatches: [statsPatch({ metrics: [{ name: `e${round}`, drop: true }] })] },
        MADE_STATS,
      ),
    ]);
    await until(
      async () => {
        const { outbound } = await madeFor(MARKER);
        const seen = JSON.stringify(outbound.http.filters);
        return seen.includes(`"m${round}"`) && seen.includes(`"e${round}"`);
      },
      30,
      () => `the markers of round ${round} did not arrive`,
    );
    const { items } = JSON.parse(kubectl(['get', 'telemetries,envoyfilters', '-A', '-o', 'json'])) as {
      items: (KubernetesObject & { kind: string })[];
    };
    const providers = own.extensionProviders.map(({ name, ...types }) => ({ name, type: Object.keys(types)[0] ?? '' }));
    return configOf(items, { mesh: { defaults: own.defaultProviders.metrics ?? [], providers } });
  }

  const compared = { proxies: 0, sides: 0, none: 0, several: 0, dropped: 0, byEnvoyFilter: 0 };

  function differences(config: StatsConfig, made: ReadonlyMap<Connected, MadeStats>): readonly string[] {
    const counted = { ...compared };
    const wrong: string[] = [];
    for (const [proxy, theirs] of made) {
      counted.proxies++;
      const ours = statsOf(config, proxy.model);
      const compare = (what: string, own: readonly StatsFilter[], { chains, filters }: MadeFilters): void => {
        const expected = sorted(own.map(({ dropped }) => dropped));
        assert.ok(own.every(({ isCertain }) => isCertain));
        counted.sides++;
        if (own.length === 0) counted.none++;
        if (own.length > 1) counted.several++;
        if (own.some(({ dropped }) => dropped.length > 0)) counted.dropped++;
        if (own.some(({ from }) => 'envoyFilter' in from)) counted.byEnvoyFilter++;
        const found = new Set(filters.map(sorted));
        const isSame = own.length === 0 ? filters.length === 0 : chains > 0 && found.size === 1 && found.has(expected);
        if (!isSame)
          wrong.push(
            `${proxy.pod}.${proxy.namespace} ${what}: istiod ${[...found].join(' or ') || 'none'} on ${filters.length} of ${chains}, we ${expected} (${ours.chain.map(({ namespace, name }) => `${namespace}/${name}`).join()})`,
          );
      };
      for (const [side, own] of [
        ['inbound', ours.inbound],
        ['outbound', ours.outbound],
      ] as ['inbound' | 'outbound', SideStats | null][]) {
        if (!own) continue;
        compare(`${side} http`, own.http, theirs[side].http);
        // A gateway's one server is HTTP.
        if (proxy.kind !== 'router') compare(`${side} tcp`, own.tcp, theirs[side].tcp);
      }
    }
    if (wrong.length === 0) Object.assign(compared, counted);
    return wrong;
  }

  for (let round = 0; round < ROUNDS; round++) {
    it(`round ${round}: ${connected.length} proxies in ${SPACES.length} namespaces`, async () => {
      const config = await begin(round);
      let wrong: readonly string[] = [];
      // What is pushed late on a busy machine is no difference.
      for (let attempt = 0; attempt < 5; attempt++) {
        const made = new Map<Connected, MadeStats>();
        for (const namespace of SPACES) {
          const own = connected.filter((each) => each.namespace === namespace);
          const all = await Promise.all(own.map(async (each) => [each, await madeFor(each)] as const));
          for (const [each, stats] of all) made.set(each, stats);
        }
        wrong = differences(config, made);
        if (wrong.length === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      assert.deepEqual(wrong, []);
    });
  }

  it('compared what is there and what is not', () => {
    process.stdout.write(`# ${JSON.stringify(compared)}\n`);
    if (process.env.TELEMETRY_ROUNDS !== undefined) return;
    assert.ok(compared.proxies >= 300);
    for (const number of [compared.none, compared.several, compared.dropped, compared.byEnvoyFilter])
      assert.ok(number > 30);
  });
});
