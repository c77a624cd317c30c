import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { type Binding, bindings } from '../../src/evidence/ambient/bindings.ts';
import { drawing } from '../support/lookup.ts';
import type { RecordedObject } from '../support/recordings.ts';
import { ALONE, type Ambient, startAmbient } from './ambient.ts';
import { ambientNamespace, serviceOf, waypointGateway, workloadPod } from './ambient-objects.ts';
import { askOf } from './asking.ts';
import { istioctl } from './istio.ts';

/** `BINDINGS_SEED=7 BINDINGS=200 npm run e2e -- waypoint-bindings` tries others, and more of them. */
const SEED = Number(process.env.BINDINGS_SEED ?? 1);
const NUMBER = Number(process.env.BINDINGS ?? 120);

const USE = 'istio.io/use-waypoint';
const USE_NAMESPACE = 'istio.io/use-waypoint-namespace';
const FOR = 'istio.io/waypoint-for';

const NAMESPACES = [
  ambientNamespace('shop'),
  ambientNamespace('other', { team: 'a' }),
  ambientNamespace('whole', { [USE]: 'main' }),
  ambientNamespace('across', { [USE]: 'open', [USE_NAMESPACE]: 'shop' }),
  ambientNamespace('both', { [USE]: 'all', [USE_NAMESPACE]: 'shop' }),
  ambientNamespace('agents', { [USE]: 'agent' }),
  ambientNamespace('away', { [USE]: 'none', team: 'a' }),
];

/** A class that says for whom its waypoints are. */
const CLASS = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GatewayClass',
  metadata: { name: 'for-all', labels: { [FOR]: 'all' } },
  spec: { controllerName: 'istio.io/mesh-controller' },
};

/** Those that get a pod, and two that do not. */
const RUN: readonly RecordedObject[] = [
  waypointGateway('main', 'shop'),
  waypointGateway('main', 'whole'),
  waypointGateway('open', 'shop', { from: 'All' }),
  waypointGateway('chosen', 'shop', { from: { matchLabels: { team: 'a' } } }),
  waypointGateway('pods', 'shop', { labels: { [FOR]: 'workload' }, from: 'All' }),
  waypointGateway('all', 'shop', { labels: { [FOR]: 'all' }, from: 'All' }),
  waypointGateway('nobody', 'shop', { labels: { [FOR]: 'none' }, from: 'All' }),
  waypointGateway('by-class', 'shop', { gatewayClassName: 'for-all', from: 'All' }),
  waypointGateway('unlike-class', 'shop', { gatewayClassName: 'for-all', labels: { [FOR]: 'service' }, from: 'All' }),
  waypointGateway('agent', 'agents', { gatewayClassName: 'istio-agentgateway-waypoint' }),
];
const LEFT = [
  waypointGateway('pending', 'shop'),
  waypointGateway('foreign', 'shop', { gatewayClassName: 'acme-waypoint' }),
];

/** Services, ServiceEntries and pods that ask for waypoints in every way. */
function asking(): readonly RecordedObject[] {
  const draw = drawing(SEED);
  return Array.from({ length: NUMBER }, (_, at) => {
    const namespace = draw.any(NAMESPACES).metadata.name;
    const { name, namespace: where } = draw.any([...RUN, ...LEFT]).metadata;
    const labels = {
      ...(draw.chance(0.7) && { [USE]: draw.chance(0.9) ? name : draw.any(['none', 'gone']) }),
      ...(draw.chance(where === namespace ? 0.3 : 0.8) && { [USE_NAMESPACE]: where ?? '' }),
      ...(draw.chance(0.2) && { 'istio.io/ingress-use-waypoint': draw.any(['true', 'false']) }),
    };
    const kind = draw.any(['Service', 'Service', 'ServiceEntry', 'Pod']);
    if (kind === 'Service') return serviceOf(`service-${at}`, namespace, labels);
    if (kind === 'Pod')
      return workloadPod(`pod-${at}`, namespace, `app-${at}`, {
        labels,
        redirection: 'enabled',
        ip: `10.245.${at >> 8}.${at & 255}`,
      });
    return {
      apiVersion: 'networking.istio.io/v1',
      kind,
      metadata: { name: `entry-${at}`, namespace, labels },
      spec: {
        hosts: [`entry-${at}.example.com`],
        ports: [{ name: 'http', number: 80, protocol: 'HTTP' }],
        resolution: 'DNS',
      },
    };
  });
}

/** What istiod's own reason is for what is found here. */
const REASONS: Readonly<Record<string, string>> = {
  missing: 'WaypointIsNotReady',
  'not-ready': 'WaypointIsNotReady',
  'namespace-denied': 'AttachmentDenied',
  'serves-others': 'UnsupportedTrafficType',
};

/** What istiod tells ztunnels of a pod, of a Service or of a host of a ServiceEntry. */
interface Told {
  name: string;
  namespace: string;
  hostname?: string;
  waypoint?: { hostname: { namespace: string; hostname: string } };
}

interface Ambientz {
  workloads: readonly Told[];
  services: readonly Told[];
}

/** What ztunnel's own page `config_dump` makes of it, as far as waypoints go (ztunnel's src/state). */
const dumped = ({ waypoint, ...rest }: Told): object => ({
  ...rest,
  ...(waypoint && { waypoint: { destination: `${waypoint.hostname.namespace}/${waypoint.hostname.hostname}` } }),
});

/** The columns of a table of istioctl's, row by row. A head may have a space in it, and one alone before the next. */
function columnsOf(table: string, ...heads: readonly string[]): readonly (readonly string[])[] {
  const [first = '', ...lines] = table.trimEnd().split('\n');
  return lines.map((line) => heads.map((head) => line.slice(first.indexOf(head)).split(' ', 1)[0] ?? ''));
}

describe(`which waypoint serves what, seed ${SEED}, as a real istiod decides`, ALONE, () => {
  let ambient: Ambient;
  const made = asking();
  before(async () => {
    ambient = await startAmbient({ features: { PILOT_ENABLE_AGENTGATEWAY: 'true' }, objects: NAMESPACES });
    ambient.apply(CLASS, ...RUN, ...LEFT);
    for (const { metadata } of RUN) await ambient.runWaypoint(metadata.name, metadata.namespace ?? '');
    ambient.apply(...made.filter(({ kind }) => kind !== 'Pod'));
    await ambient.addPods(...made.filter(({ kind }) => kind === 'Pod'));
  });
  after(() => ambient?.close());

  const listed = (): readonly KubernetesObject[] => {
    const kinds = 'services,pods,namespaces,serviceentries,gateways.gateway.networking.k8s.io,gatewayclasses';
    return (JSON.parse(ambient.kubectl('get', kinds, '-A', '-o', 'json')) as { items: KubernetesObject[] }).items;
  };

  const oursOf = (binding: Binding | undefined): string => {
    if (binding === undefined) return 'nothing';
    if ('missing' in binding.unbound) return 'unknown';
    return binding.unbound.got === null ? 'WaypointAccepted' : (REASONS[binding.unbound.got] ?? '');
  };

  /** Of pods it writes no reason: it tells ztunnels of their waypoint, or of none. */
  const theirsOf = ({ kind, metadata, status }: KubernetesObject, workloads: readonly Told[]): string => {
    if (kind === 'Pod') {
      const { name, namespace } = metadata;
      return workloads.some((each) => each.name === name && each.namespace === namespace && each.waypoint)
        ? 'WaypointAccepted'
        : 'nothing';
    }
    const { conditions = [] } = (status ?? {}) as { conditions?: readonly { type: string; reason: string }[] };
    return conditions.find(({ type }) => type === 'istio.io/WaypointBound')?.reason ?? 'nothing';
  };

  it('of Services, ServiceEntries and pods', async () => {
    let wrong: readonly string[] = [];
    const reasons = new Map<string, number>();
    await ambient.until(
      async () => {
        const items = listed();
        const found = (await askOf(items).from(bindings)).bindings;
        const { workloads } = await ambient.debug<Ambientz>('ambientz');
        reasons.clear();
        wrong = items.flatMap((item) => {
          const { kind = '', metadata } = item;
          const { name, namespace, labels = {} } = metadata;
          // Of a pod that asks by its namespace nothing is said.
          if (!/^(?:Service|ServiceEntry|Pod)$/.test(kind) || (kind === 'Pod' && labels[USE] === undefined)) return [];
          const theirs = theirsOf(item, workloads);
          const said = oursOf(
            found.find(({ of }) => of.kind === kind && of.name === name && of.namespace === namespace),
          );
          const ours = kind === 'Pod' && said !== 'WaypointAccepted' ? 'nothing' : said;
          reasons.set(`${kind} ${theirs}`, (reasons.get(`${kind} ${theirs}`) ?? 0) + 1);
          return ours === theirs
            ? []
            : [`${kind} ${namespace}/${name} ${JSON.stringify(labels)}: istiod ${theirs}, we ${ours}`];
        });
        return wrong.length === 0;
      },
      () => wrong.join('\n'),
    );
    process.stdout.write(`# ${JSON.stringify(Object.fromEntries(reasons))}\n`);
    assert.ok(NUMBER < 120 || reasons.size >= 12, 'not every outcome was compared');
  });

  it('and `istioctl ztunnel-config` shows the same waypoints', async () => {
    const { workloads, services } = await ambient.debug<Ambientz>('ambientz');
    const file = join(ambient.cluster.folder, 'config_dump.json');
    writeFileSync(
      file,
      JSON.stringify({
        workloads: workloads.map(dumped),
        services: services.map((each) => ({ ...dumped(each), vips: [], ports: {} })),
      }),
    );
    const shown = (kind: 'service' | 'workload', name: string): readonly string[] =>
      columnsOf(
        istioctl(ambient.cluster.kubeconfig, 'ztunnel-config', kind, '-f', file),
        'NAMESPACE',
        name,
        'WAYPOINT',
      ).map(([namespace, of, waypoint]) => `${kind} ${namespace}/${of} ${waypoint}`);
    const theirs = new Set([...shown('service', 'SERVICE NAME'), ...shown('workload', 'POD NAME')]);
    const found = (await askOf(listed()).from(bindings)).bindings;
    const isAccepted = (binding: Binding): boolean => oursOf(binding) === 'WaypointAccepted';
    const ours = found.map(
      (binding) =>
        `${binding.of.kind === 'Pod' ? 'workload' : 'service'} ${binding.of.namespace}/${binding.of.name} ${isAccepted(binding) ? binding.wish.name : 'None'}`,
    );
    assert.deepEqual(
      ours.filter((each) => !theirs.has(each)),
      [],
    );
    assert.ok(found.filter(isAccepted).length > found.length / 5, 'too few are bound to be worth comparing');
    // Pods whose namespace asks for them are no bindings here: they are served through their Services.
    const asks = new Set(ours.map((each) => each.slice(0, each.lastIndexOf(' '))));
    const wrong = [...theirs].filter(
      (each) =>
        each.startsWith('service ') && !each.endsWith(' None') && !asks.has(each.slice(0, each.lastIndexOf(' '))),
    );
    assert.deepEqual(wrong, []);
  });
});
