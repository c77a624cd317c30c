import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { calls } from '../../src/evidence/istio/calls.ts';
import { destinationsOf } from '../../src/evidence/istio/rules.ts';
import type { Route } from '../../src/istio/http-rules.ts';
import { type View, viewOf } from '../../src/istio/view.ts';
import { batchOf, MADE, NAMESPACES, PORTS, SUBSETS } from '../support/lookup.ts';
import { PRODUCTPAGE } from '../support/modern.ts';
import { askOf } from './asking.ts';
import { type Istio, startIstio } from './istio.ts';

/** `LOOKUP_SEED=7 LOOKUP_BATCHES=50 npm run e2e -- lookup` tries others, and more of them. */
const SEED = Number(process.env.LOOKUP_SEED ?? 1);
const BATCHES = Number(process.env.LOOKUP_BATCHES ?? 10);
const SIZE = 25;

/** How much was compared, and of how much there was something. */
const NOTHING = { clusters: 0, present: 0, routes: 0, decided: 0 };

interface RouteConfig {
  name: string;
  virtual_hosts?: { domains: string[]; routes?: EnvoyRoute[] }[];
}
interface EnvoyRoute {
  route?: { cluster?: string; weighted_clusters?: { clusters: { name: string }[] } };
  metadata?: { filter_metadata?: { istio?: { config?: string } } };
}

/** What Envoy has: its clusters by name, its routes by port. */
interface Told {
  clusters: ReadonlySet<string>;
  routes: ReadonlyMap<string, RouteConfig>;
}

async function toldBy(port: number): Promise<Told> {
  const answer = await fetch(`http://127.0.0.1:${port}/config_dump`, { signal: AbortSignal.timeout(10_000) });
  const { configs } = (await answer.json()) as {
    configs: {
      dynamic_active_clusters?: { cluster: { name: string } }[];
      dynamic_route_configs?: { route_config: RouteConfig }[];
    }[];
  };
  return {
    clusters: new Set(
      configs.flatMap((each) => (each.dynamic_active_clusters ?? []).map(({ cluster }) => cluster.name)),
    ),
    routes: new Map(
      configs.flatMap((each) =>
        (each.dynamic_route_configs ?? []).map(({ route_config }) => [route_config.name, route_config] as const),
      ),
    ),
  };
}

describe(`Istio’s look-up of rules, seed ${SEED}, on a real istiod with a real Envoy`, () => {
  let istio: Istio;
  before(async () => {
    istio = await startIstio();
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
    istio.apply(...['shop', 'store'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
  });
  after(() => istio?.close());

  /** The model, by the product's own sources: asked of the API server's objects. */
  async function modelled(): Promise<View> {
    const kinds =
      'services,virtualservices,destinationrules,serviceentries,sidecars.networking.istio.io,pods,configmaps';
    const { items } = JSON.parse(istio.kubectl('get', kinds, '-A', '-o', 'json')) as { items: KubernetesObject[] };
    const { routing } = await askOf(items).from(calls);
    return viewOf(routing, { namespace: 'bookinfo', labels: { app: 'productpage', version: 'v1' } });
  }

  /** Objects of every kind that are seen when all before them are. */
  function marker(batch: number): readonly object[] {
    const host = `marker${batch}.bookinfo.svc.cluster.local`;
    const metadata = { name: `marker${batch}`, namespace: 'bookinfo', labels: MADE };
    const apiVersion = 'networking.istio.io/v1';
    return [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { ports: PORTS.map((port) => ({ name: `http-${port}`, port })) },
      },
      { apiVersion, kind: 'DestinationRule', metadata, spec: { host, subsets: [{ name: 'v1' }] } },
      {
        apiVersion,
        kind: 'VirtualService',
        metadata,
        spec: { hosts: [host], http: [{ route: [{ destination: { host, subset: 'v1' } }] }] },
      },
    ];
  }

  const isTold = ({ clusters, routes }: Told, batch: number): boolean => {
    const host = `marker${batch}.bookinfo.svc.cluster.local`;
    const all = routes.get('9080')?.virtual_hosts ?? [];
    const rule = all.find(({ domains }) => domains.includes(host))?.routes?.[0]?.metadata?.filter_metadata?.istio
      ?.config;
    return clusters.has(`outbound|9080|v1|${host}`) && rule !== undefined;
  };

  /** Until the markers are there, and nothing changes any more. */
  async function settled(batch: number): Promise<Told> {
    let before = '';
    for (let attempt = 0; attempt < 100; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      const told = await toldBy(istio.ports.admin);
      const now = JSON.stringify([[...told.clusters].sort(), [...told.routes]]);
      if (isTold(told, batch) && now === before) return told;
      before = now;
    }
    throw new Error(`batch ${batch} did not arrive in the Envoy`);
  }

  const clustersOf = ({ route }: EnvoyRoute): readonly string[] =>
    (route?.weighted_clusters?.clusters.map(({ name }) => name) ?? [route?.cluster ?? '']).sort();

  const expectedOf = ({ rule }: Route, port: number): readonly string[] =>
    rule.destinations.map((each) => `outbound|${each.port ?? port}|${each.subset ?? ''}|${each.host}`).sort();

  /** What Envoy has and the model says, where they are not the same. */
  function differences(told: Told, view: View): { wrong: readonly string[]; compared: typeof NOTHING } {
    const compared = { ...NOTHING };
    const wrong: string[] = [];
    const hosts = new Set([
      ...view.services.keys(),
      ...[...told.clusters].map((name) => name.split('|')[3] ?? '').filter((host) => /[abx]\d+\./.test(host)),
    ]);
    for (const host of hosts) {
      for (const port of PORTS) {
        for (const subset of [null, ...SUBSETS]) {
          const has = told.clusters.has(`outbound|${port}|${subset ?? ''}|${host}`);
          compared.clusters++;
          if (has) compared.present++;
          if ((view.lackOf({ host, port, subset }) === null) !== has)
            wrong.push(`cluster ${host}:${port} ${subset}: ${has ? 'Envoy has it' : 'Envoy has it not'}`);
        }
      }
    }
    const named = new Set([
      ...hosts,
      ...view.rules.flatMap((rule) => [...rule.hosts, ...destinationsOf(rule).map(({ host }) => host)]),
    ]);
    for (const host of [...named].filter((each) => !each.includes('*'))) {
      for (const port of PORTS) {
        const config = told.routes.get(String(port));
        if (!config) continue;
        const found = (config.virtual_hosts ?? []).find(({ domains }) => domains.includes(host));
        const [first] = found?.routes ?? [];
        const path = first?.metadata?.filter_metadata?.istio?.config?.split('/');
        const rule = path ? `${path[5]}/${path[7]}` : null;
        const model = view.ruleFor(host, port);
        const ours = model ? `${model.rule.namespace}/${model.rule.name}` : null;
        compared.routes++;
        if (rule) compared.decided++;
        if (ours !== rule) {
          wrong.push(`rule of ${host}:${port}: Envoy has ${rule}, we say ${ours}`);
          continue;
        }
        if (!model || !found) continue;
        const theirs = (found.routes ?? []).map(clustersOf);
        const expected = model.routes.routes.map((each) => expectedOf(each, port));
        if (JSON.stringify(theirs) !== JSON.stringify(expected))
          wrong.push(
            `routes of ${rule} for ${host}:${port}: Envoy ${JSON.stringify(theirs)}, we ${JSON.stringify(expected)}`,
          );
      }
    }
    return { wrong, compared };
  }

  /** The Sidecar of a batch, with one more host that nobody has: istiod pushes all that the proxy has. */
  const widened = (objects: readonly object[], again: number): readonly object[] =>
    (objects as readonly { kind: string; spec: { egress: readonly { hosts: readonly string[] }[] } }[])
      .filter(({ kind }) => kind === 'Sidecar')
      .map((each) => ({
        ...each,
        spec: {
          ...each.spec,
          egress: each.spec.egress.map((listener) => ({
            ...listener,
            hosts: [...listener.hosts, `bookinfo/again${again}.bookinfo.svc.cluster.local`],
          })),
        },
      }));

  const all = { ...NOTHING };
  for (let batch = 0; batch < BATCHES; batch++) {
    it(`batch ${batch}: ${SIZE} configurations`, async () => {
      const objects = batchOf(SEED, batch, SIZE);
      istio.apply(...objects);
      istio.apply(...marker(batch));
      const view = await settled(batch).then(modelled);
      let found = differences(await settled(batch), view);
      // What is pushed late on a busy machine is no difference: one that stays when all is pushed anew is.
      for (let again = 0; found.wrong.length > 0 && again < 10; again++) {
        istio.apply(...widened(objects, again));
        found = differences(await settled(batch), view);
      }
      for (const each of ['clusters', 'present', 'routes', 'decided'] as const) all[each] += found.compared[each];
      istio.kubectl(
        'delete',
        'services,virtualservices,destinationrules,serviceentries,sidecars.networking.istio.io',
        '--all-namespaces',
        '-l',
        'made=lookup',
        '--wait=false',
      );
      assert.deepEqual(found.wrong, []);
    });
  }

  it('compared what is there and what is not', () => {
    process.stdout.write(`# ${JSON.stringify({ configurations: BATCHES * SIZE, ...all })}\n`);
    assert.ok(BATCHES * SIZE >= 200 || process.env.LOOKUP_BATCHES !== undefined);
    assert.ok(all.present > 100 && all.present < all.clusters);
    assert.ok(all.decided > 100 && all.decided < all.routes);
    assert.ok(NAMESPACES.length > 1);
  });
});
