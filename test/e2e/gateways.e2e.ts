import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { type GatewayProxies, gatewayProxies } from '../../src/evidence/istio/gateways.ts';
import type { GatewayView } from '../../src/istio/gateway-view.ts';
import { kindOf, sniHostsOf } from '../../src/istio/gateways.ts';
import type { MergedVirtualService } from '../../src/istio/virtual-services.ts';
import { type CasePorts, EDGE, gatewayBatchOf, MADE_GATEWAY } from '../support/gateways.ts';
import { podObject } from '../support/modern.ts';
import { askOf } from './asking.ts';
import { until } from './children.ts';
import { chainLine, type EnvoyGateway, gatewayAt } from './gateway-envoy.ts';
import { type Istio, istioctl, startIstio } from './istio.ts';
import { checksOf, report } from './user.ts';

/** `GATEWAY_SEED=7 GATEWAY_BATCHES=50 npm run e2e -- gateways` tries others, and more of them. */
const SEED = Number(process.env.GATEWAY_SEED ?? 1);
const BATCHES = Number(process.env.GATEWAY_BATCHES ?? 5);
const SIZE = 20;

/** `GATEWAY_SCOPED=true` tries an istiod that keeps Gateways to the pods of their own namespace. */
const { GATEWAY_SCOPED: SCOPED } = process.env;

/** Below those that a system gives away by itself, and others for each process. */
const FIRST = 18_000 + (process.pid % 250) * 50;
const MARKER = FIRST + 2 * SIZE;
const PORTS = Array.from({ length: SIZE }, (_, at): CasePorts => ({ plain: FIRST + 2 * at, service: 1001 + at }));

const POD = 'edge-1';
const edge = podObject(POD, {
  namespace: 'istio-system',
  labels: EDGE,
  containers: [{ name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.31.0', args: ['proxy', 'router'] }],
  ip: '10.244.0.9',
});
const edgeService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'edge', namespace: 'istio-system' },
  spec: {
    selector: EDGE,
    ports: PORTS.map(({ plain, service }) => ({ name: `p-${service}`, port: service, targetPort: plain + 1 })),
  },
};

describe(`gateways, seed ${SEED}, on a real istiod with a real Envoy`, () => {
  let istio: Istio;
  before(async () => {
    istio = await startIstio({
      proxied: {
        kind: 'router',
        pod: POD,
        namespace: 'istio-system',
        labels: EDGE,
        workload: 'edge',
        ip: '10.244.0.9',
      },
      objects: [edge],
      ...(SCOPED && { features: { PILOT_SCOPE_GATEWAY_TO_NAMESPACE: SCOPED } }),
    });
    istio.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, edgeService);
    await istio.synced((syncz) => syncz.includes(POD));
  });
  after(() => istio?.close());

  /** The model, by the product's own sources: asked of the API server's objects. */
  async function modelled(): Promise<readonly GatewayProxies[]> {
    const kinds = 'services,pods,gateways.networking.istio.io,virtualservices,destinationrules,serviceentries';
    const { items } = JSON.parse(istio.kubectl('get', kinds, '-A', '-o', 'json')) as { items: KubernetesObject[] };
    return (await askOf(items).from(gatewayProxies)).items;
  }

  /** Objects of every kind that are seen when all before them are. */
  const marker = (batch: number): readonly object[] => {
    const host = `marker${batch}.example.org`;
    const metadata = { name: `marker${batch}`, namespace: 'istio-system', labels: MADE_GATEWAY };
    const apiVersion = 'networking.istio.io/v1';
    const servers = [{ port: { number: MARKER, name: 'http', protocol: 'HTTP' }, hosts: [host] }];
    const http = [{ route: [{ destination: { host } }] }];
    return [
      { apiVersion, kind: 'Gateway', metadata, spec: { selector: EDGE, servers } },
      { apiVersion, kind: 'VirtualService', metadata, spec: { hosts: [host], gateways: [metadata.name], http } },
    ];
  };

  /** Until the marker is there, and nothing changes any more. */
  async function settled(batch: number): Promise<EnvoyGateway> {
    let before = '';
    for (let attempt = 0; attempt < 40; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      const told = await gatewayAt(istio.ports.admin);
      const now = JSON.stringify([[...told.listeners], [...told.routes].map(([name, hosts]) => [name, [...hosts]])]);
      if (told.routes.get(`http.${MARKER}`)?.has(`marker${batch}.example.org`) && now === before) return told;
      before = now;
    }
    throw new Error(`batch ${batch} did not arrive in the Envoy: ${before.slice(0, 2000)}\n${istio.words()}`);
  }

  const compared = { listeners: 0, chains: 0, refused: 0, hosts: 0, routes: 0, rules: 0, served: 0 };

  for (let batch = 0; batch < BATCHES; batch++) {
    it(`batch ${batch}: ${SIZE} configurations`, async () => {
      istio.apply(...gatewayBatchOf(SEED, batch, PORTS));
      istio.apply(...marker(batch));
      const told = await settled(batch);
      const all = await modelled();
      const proxies = all.find(({ pods }) => pods.some(({ name }) => name === POD));
      assert.ok(proxies);
      const wrong = PORTS.flatMap(({ plain }) =>
        [plain, plain + 1].flatMap((port) => comparePort(proxies.view, told, port)),
      );
      for (const name of new Set([...proxies.view.hosts.keys(), ...told.routes.keys()]))
        wrong.push(...compareHosts(proxies.view, told, name));
      for (const rule of proxies.view.rules) wrong.push(...comparePlaces(proxies.view, told, rule));
      istio.kubectl(
        'delete',
        'virtualservices,gateways.networking.istio.io',
        '-A',
        '-l',
        'made=gateways',
        '--wait=false',
      );
      assert.deepEqual(wrong, []);
    });
  }

  function comparePort(view: GatewayView, told: EnvoyGateway, port: number): readonly string[] {
    const open = view.servers.filter((each) => each.listens === port && each.leftOut === null);
    const isWhole = (names: readonly string[]): readonly string[] => (names.includes('*') ? [] : names);
    const lines = new Set(
      open.flatMap(({ server, routes }) => {
        if (kindOf(server) !== 'http') return [];
        const names = server.protocol === 'HTTPS' ? isWhole(sniHostsOf(server)) : [];
        return [chainLine(names, `routes ${routes}`)];
      }),
    );
    for (const { server, part, names } of view.chains)
      if (server.listens === port)
        lines.add(chainLine(isWhole(names), part.destinations.map((each) => `outbound|80||${each.host}`).join(',')));
    const expected = [...lines].sort();
    const now = told.listeners.get(port) ?? [];
    // What it refused while objects came and went it tells until the next change of a listener.
    const found = expected.length === 0 ? now.filter((line) => line !== 'refused') : now;
    compared.listeners++;
    compared.chains += found.length;
    const isRefused = view.clashes.some(({ listens }) => listens === port);
    if (isRefused) compared.refused++;
    if (isRefused ? found[0] === 'refused' : JSON.stringify(found) === JSON.stringify(expected)) return [];
    return [
      `port ${port}: Envoy ${JSON.stringify(found)}, we ${isRefused ? 'refused ' : ''}${JSON.stringify(expected)}`,
    ];
  }

  function compareHosts(view: GatewayView, told: EnvoyGateway, name: string): readonly string[] {
    const expected = view.hosts.get(name);
    const found = told.routes.get(name);
    const port = view.servers.find(({ routes, leftOut }) => routes === name && leftOut === null)?.listens ?? 0;
    // Of a listener that it refused it asks for no routes; what is drained is asked for no more.
    if (!expected || told.listeners.get(port)?.[0] === 'refused') return [];
    if (!found) return [`${name}: Envoy has it not`];
    return [...new Set([...expected.keys(), ...found.keys()])].flatMap((host) => {
      const theirs = found.get(host) ?? [];
      const ours = (expected.get(host) ?? []).map(({ rule }) => `${rule.namespace}/${rule.name}`);
      compared.hosts++;
      compared.routes += theirs.length;
      if (JSON.stringify(theirs) === JSON.stringify(ours)) return [];
      return [`${name} ${host}: Envoy ${JSON.stringify(theirs)}, we ${JSON.stringify(ours)}`];
    });
  }

  /** Whether what is said of a rule's host at a gateway is so: a route of the rule that is reached, or a chain. */
  function comparePlaces(view: GatewayView, told: EnvoyGateway, rule: MergedVirtualService): readonly string[] {
    const title = `${rule.namespace}/${rule.name}`;
    const refused = new Set([...told.listeners].flatMap(([port, [first]]) => (first === 'refused' ? [port] : [])));
    const clusters = rule.other.flatMap(({ destinations }) => destinations.map(({ host }) => `outbound|80||${host}`));
    const places = rule.hosts.map((host) => ({
      host,
      places: view.placesOf(rule, host).filter(({ server }) => !refused.has(server.listens)),
    }));
    const servedAt = (kind: 'http' | 'stream') => (host: (typeof places)[number]) =>
      host.places.some(
        ({ fate, server }) => fate === 'served' && (kindOf(server.server) === 'http') === (kind === 'http'),
      );
    const names = new Set(view.servers.filter(({ listens }) => !refused.has(listens)).map(({ routes }) => routes));
    const isThere = [...told.routes].some(
      ([name, hosts]) =>
        names.has(name) && [...hosts].some(([domain, rules]) => isReached(view, name, domain, rules, title)),
    );
    compared.rules++;
    if (isThere) compared.served++;
    const wrong: string[] = [];
    if (isThere !== places.some(servedAt('http')))
      wrong.push(
        `${title}: Envoy ${isThere}, we ${JSON.stringify(places.map((each) => each.places.map(({ fate }) => fate)))}`,
      );
    const hasChain = [...told.listeners.values()].flat().some((line) => clusters.some((each) => line.includes(each)));
    if (hasChain !== places.some(servedAt('stream'))) wrong.push(`${title}, chains: Envoy ${hasChain}`);
    return wrong;
  }

  /** Behind the first route that takes every request none is reached: how many stand before it Envoy's own order tells. */
  function isReached(
    view: GatewayView,
    name: string,
    domain: string,
    rules: readonly string[],
    title: string,
  ): boolean {
    const all = view.hosts.get(name)?.get(domain) ?? [];
    const end = all.findIndex(({ route }) => route.match === null || route.match.uri?.prefix === '/');
    return (end < 0 ? rules : rules.slice(0, end + 1)).includes(title);
  }

  const seen = (...args: string[]) => report(istio.cluster.kubeconfig, ['route-rules', ...args]);
  const analyzed = (): string => istioctl(istio.cluster.kubeconfig, 'analyze', '-A');
  const gateway = (name: string, servers: readonly object[], namespace = 'istio-system', selector: object = EDGE) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name, namespace },
    spec: { selector, servers },
  });
  const server = (port: number, hosts: readonly string[], change: object = {}, protocol = 'HTTP') => ({
    port: { number: port, name: protocol.toLowerCase(), protocol },
    hosts,
    ...change,
  });
  const rule = (name: string, gateways: readonly string[], change: object = {}) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace: 'bookinfo' },
    spec: {
      hosts: ['site.example.com'],
      gateways,
      http: [{ route: [{ destination: { host: 'productpage', port: { number: 9080 } } }] }],
      ...change,
    },
  });
  const cleared = (): void =>
    void istio.kubectl('delete', 'virtualservices,gateways.networking.istio.io', '-A', '--all', '--wait=true');
  const SECURE = { tls: { mode: 'SIMPLE', credentialName: 'edge' } };
  const PORT = MARKER + 1;

  /** What we say of objects, and what istioctl says of them. */
  async function judged(check: string, ...objects: readonly object[]) {
    cleared();
    istio.apply(...objects);
    const { report: found } = await seen();
    return { check: checksOf(found).get(check), analyzed: analyzed() };
  }

  it('IST0101: a Gateway that is not there, and one whose selector takes no pod', async () => {
    const gone = await judged('gateways-exist', rule('site', ['gone']));
    assert.match(gone.analyzed, /IST0101.*bookinfo\/site.*gateway not found: "gone"/);
    assert.equal(gone.check?.reason, 'GatewayMissing', gone.check?.message);
    const idle = await judged(
      'gateways-exist',
      gateway('edge', [server(PORT, ['*'])], 'bookinfo', { istio: 'nobody' }),
      rule('site', ['edge']),
    );
    assert.match(idle.analyzed, /IST0101.*bookinfo\/edge.*selector not found: "istio=nobody"/);
    assert.equal(idle.check?.reason, 'GatewayWithoutPods', idle.check?.message);
  });

  it('IST0130: a rule behind one that takes all, and one whose match is there before', async () => {
    const edge = gateway('edge', [server(PORT, ['*'])], 'bookinfo');
    const route = [{ destination: { host: 'productpage', port: { number: 9080 } } }];
    const match = [{ uri: { prefix: '/a' } }];
    const behind = await judged(
      'rules-are-reached',
      edge,
      rule('site', ['edge'], { http: [{ route }, { match, route }] }),
    );
    assert.match(behind.analyzed, /IST0130.*bookinfo\/site/);
    assert.equal(behind.check?.reason, 'RuleUnreached', behind.check?.message);
    const again = await judged(
      'rules-are-reached',
      edge,
      rule('site', ['edge'], {
        http: [
          { match, route },
          { match, route },
        ],
      }),
    );
    assert.match(again.analyzed, /IST0130.*bookinfo\/site/);
    assert.equal(again.check?.reason, 'RuleRepeated', again.check?.message);
    const tcp = await judged(
      'rules-are-reached',
      edge,
      rule('site', ['edge'], { http: undefined, tcp: [{ route }, { route }] }),
    );
    assert.match(tcp.analyzed, /IST0130.*bookinfo\/site/);
    assert.equal(tcp.check?.reason, 'RuleUnreached', tcp.check?.message);
  });

  it('IST0132: a Gateway that serves no host of its rule, also beside one that does', async () => {
    const objects = [
      gateway('edge', [server(PORT, ['site.example.com'])], 'bookinfo'),
      gateway('other', [server(PORT, ['other.example.com'])], 'bookinfo'),
    ];
    const both = await judged('gateways-serve-hosts', ...objects, rule('site', ['edge', 'other']));
    assert.match(both.analyzed, /IST0132.*site\.example\.com.*not found in Gateway bookinfo\/other/);
    assert.equal(both.check?.reason, 'HostNotServed', both.check?.message);
    assert.match(both.check?.message ?? '', /^bookinfo\/other does not serve site\.example\.com/);
  });

  it('two Gateways for one host and port: the oldest has it for TLS, plain HTTP is merged', async () => {
    const first = gateway('b-first', [server(PORT, ['site.example.com'], SECURE, 'HTTPS')]);
    cleared();
    istio.apply(first);
    // Objects of one second are taken by their names.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    istio.apply(
      gateway('a-second', [server(PORT, ['site.example.com'], SECURE, 'HTTPS')]),
      rule('site', ['istio-system/a-second']),
    );
    const { report: found } = await seen();
    const check = checksOf(found).get('gateway-hosts-apart');
    assert.equal(check?.reason, 'ServerLeftOut', check?.message);
    assert.match(
      check?.message ?? '',
      /\(https, HTTPS\) of Gateway istio-system\/a-second is left out: Gateway istio-system\/b-first has a host of it there/,
    );
    assert.match(analyzed(), /IST0145.*istio-system\/a-second/);
    await until(
      async () =>
        (await gatewayAt(istio.ports.admin)).listeners.get(PORT)?.join() ===
        `site.example.com > routes https.${PORT}.https.b-first.istio-system`,
      30,
      () => 'Envoy has another listener',
    );
    const plain = await judged(
      'gateway-hosts-apart',
      gateway('one', [server(PORT, ['site.example.com'])]),
      gateway('two', [server(PORT, ['site.example.com'])]),
      rule('site', ['istio-system/two']),
    );
    assert.match(plain.analyzed, /IST0145/);
    assert.equal(plain.check?.status, 'pass', plain.check?.message);
  });

  it('compared what is there and what is not', () => {
    process.stdout.write(`# ${JSON.stringify({ configurations: BATCHES * SIZE, ...compared })}\n`);
    assert.ok(BATCHES * SIZE >= 60 || process.env.GATEWAY_BATCHES !== undefined);
    assert.ok(compared.chains > 30 && compared.routes > 30);
    assert.ok(compared.served > 20 && compared.served < compared.rules);
  });
});
