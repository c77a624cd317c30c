import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDiscovered } from '../../src/istio/discovery.ts';
import type { LabelSelector } from '../../src/istio/selector.ts';
import type { CheckReport, Report } from '../../src/report/document.ts';
import { drawing } from '../support/lookup.ts';
import { comparable } from '../support/mesh/examined.ts';
import { reported } from '../support/run.ts';
import { ALONE, type Ambient, podBehind, startAmbient } from './ambient.ts';
import { ambientNamespace, namespaceOf, serviceOf, waypointGateway, workloadPod } from './ambient-objects.ts';

/** `DISCOVERY_SEED=7 DISCOVERY=40 npm run e2e -- ambient-walk` tries others, and more of them. */
const SEED = Number(process.env.DISCOVERY_SEED ?? 1);
const NUMBER = Number(process.env.DISCOVERY ?? 16);

const USE = 'istio.io/use-waypoint';

/** Each with one pod. */
const NAMESPACES = {
  plain: {},
  on: { mesh: 'on' },
  off: { mesh: 'off' },
  'team-a': { team: 'a' },
  'team-b': { team: 'b', mesh: 'on' },
  'on-a': { mesh: 'on', team: 'a' },
} as const;

/** Selectors in every way, and lists of them. */
function selectorsOf(): readonly (readonly LabelSelector[])[] {
  const draw = drawing(SEED);
  const expression = () => {
    const operator = draw.any(['In', 'NotIn', 'Exists', 'DoesNotExist']);
    const key = draw.any(['mesh', 'team', 'kubernetes.io/metadata.name']);
    const values = draw.some(['on', 'off', 'a', 'b', 'plain', 'team-a'], 3);
    return { key, operator, ...(operator.endsWith('In') && { values }) };
  };
  const selector = (): LabelSelector => ({
    ...(draw.chance(0.6) && { matchLabels: draw.any([{ mesh: 'on' }, { team: 'a' }, { mesh: 'on', team: 'a' }]) }),
    ...(draw.chance(0.6) && { matchExpressions: Array.from({ length: draw.chance(0.3) ? 2 : 1 }, expression) }),
  });
  return Array.from({ length: NUMBER }, () => Array.from({ length: draw.any([1, 1, 2, 3]) }, selector));
}

/** Null where istiod knows none. */
interface Ambientz {
  workloads: readonly { name: string; namespace: string }[] | null;
}

describe('a mesh in ambient whose control plane is a real istiod', ALONE, () => {
  let ambient: Ambient;
  before(async () => {
    ambient = await startAmbient({
      objects: [
        ambientNamespace('shop', { [USE]: 'waypoint' }),
        ...Object.entries(NAMESPACES).map(([name, labels]) => namespaceOf(name, labels)),
      ],
    });
    ambient.apply(waypointGateway('waypoint', 'shop'), serviceOf('cart', 'shop'));
    await ambient.runWaypoint('waypoint', 'shop');
    await ambient.addPods(
      workloadPod('cart', 'shop', 'cart', { redirection: 'enabled', ip: '10.245.1.1' }),
      ...Object.keys(NAMESPACES).map((name, at) => workloadPod('probe', name, 'probe', { ip: `10.245.2.${at}` })),
    );
  });
  after(() => ambient?.close());

  const workloads = async () => (await ambient.debug<Ambientz>('ambientz')).workloads ?? [];

  /** The whole command, live and from the bundle of that run. */
  async function seen(): Promise<{ report: Report; check: (id: string) => CheckReport }> {
    const bundle = join(ambient.cluster.folder, 'ambient.tgz');
    const { report } = await reported(['missing-metrics', '--save-bundle', bundle], {
      env: { KUBECONFIG: ambient.cluster.kubeconfig },
    });
    const replayed = await reported(['missing-metrics', '--bundle', bundle]);
    assert.deepEqual(comparable(replayed.report), comparable(report));
    const checks = report.steps.filter(({ generation }) => generation === 'ambient').flatMap(({ checks }) => checks);
    return { report, check: (id) => checks.find((each) => each.id === id) ?? assert.fail(`there is no check ${id}`) };
  }
  const statusOf = ({ status, reason }: CheckReport) => (status === 'pass' || status === 'skip' ? status : reason);

  it('is found well as far as Prometheus, which there is not', async () => {
    ambient.connectZtunnel('node-1');
    ambient.connectWaypoint('waypoint', 'shop');
    await ambient.until(
      async () =>
        (await ambient.debug<readonly { proxy: string }[]>('syncz')).length === 2 &&
        JSON.stringify(ambient.get('service', 'cart', 'shop').status).includes('WaypointBound'),
      () => 'istiod has not taken them',
    );
    const { check } = await seen();
    assert.deepEqual(
      [
        'nodes-serve-ambient',
        'namespaces-are-taken',
        'namespaces-are-discovered',
        'pods-are-redirected',
        'ztunnels-connected',
        'waypoints-programmed',
        'waypoints-bound',
        'waypoints-told',
      ].map((id) => `${id} ${statusOf(check(id))}`),
      [
        'nodes-serve-ambient pass',
        'namespaces-are-taken pass',
        'namespaces-are-discovered skip',
        'pods-are-redirected pass',
        'ztunnels-connected pass',
        'waypoints-programmed pass',
        'waypoints-bound pass',
        'waypoints-told pass',
      ],
      ambient.words(),
    );
  });

  it(`looks at the namespaces that discoverySelectors select, seed ${SEED}`, async () => {
    const differences: string[] = [];
    const sizes = new Set<number>();
    for (const selectors of selectorsOf()) {
      const expected = Object.entries(NAMESPACES)
        .filter(([name, labels]) => isDiscovered(selectors, { 'kubernetes.io/metadata.name': name, ...labels }))
        .map(([name]) => name)
        .sort();
      ambient.configure({ discoverySelectors: selectors });
      let found: readonly string[] = [];
      const isSame = async (): Promise<boolean> => {
        found = (await workloads())
          .filter(({ name }) => name === 'probe')
          .map(({ namespace }) => namespace)
          .sort();
        return JSON.stringify(found) === JSON.stringify(expected);
      };
      await ambient
        .until(isSame, () => 'istiod looks at others')
        .catch(() => differences.push(`${JSON.stringify(selectors)}: ${found.join()}, and not ${expected.join()}`));
      sizes.add(expected.length);
    }
    assert.deepEqual(differences, []);
    assert.ok(sizes.size >= 4, `only ${[...sizes].join()} namespaces at a time were selected`);
  });

  it('reads no Telemetry of a namespace that is not selected, its own not excepted', async () => {
    const proxy = `${podBehind('waypoint')}.shop`;
    const counts = async (): Promise<boolean> =>
      JSON.stringify(await ambient.debug(`config_dump?proxyID=${proxy}`)).includes('istio.stats');
    ambient.configure({});
    await ambient.until(counts, () => 'the waypoint is not told to count');
    ambient.apply({
      apiVersion: 'telemetry.istio.io/v1',
      kind: 'Telemetry',
      metadata: { name: 'off', namespace: 'istio-system' },
      spec: { metrics: [{ overrides: [{ match: { metric: 'ALL_METRICS' }, disabled: true }] }] },
    });
    await ambient.until(
      async () => !(await counts()),
      () => 'the waypoint is still told to count',
    );
    assert.equal(statusOf((await seen()).check('waypoints-told')), 'MetricsDisabled');
    ambient.configure({ discoverySelectors: [{ matchLabels: { 'istio.io/dataplane-mode': 'ambient' } }] });
    await ambient.until(counts, () => 'istiod still reads what is in its own namespace');
    assert.equal(statusOf((await seen()).check('waypoints-told')), 'pass');
    ambient.kubectl('-n', 'istio-system', 'delete', 'telemetry', 'off');
  });

  it('is told where istiod does not look at a namespace in ambient', async () => {
    ambient.configure({ discoverySelectors: [{ matchLabels: { mesh: 'on' } }] });
    ambient.kubectl('label', 'namespace', 'istio-system', 'mesh=on');
    await ambient.until(
      async () => !(await workloads()).some(({ name }) => name === 'cart'),
      () => 'istiod still tells ztunnels of the shop',
    );
    const { check } = await seen();
    const found = check('namespaces-are-discovered');
    assert.deepEqual([found.status, found.reason], ['fail', 'NamespaceNotDiscovered']);
    assert.equal(found.hint, 'kubectl label namespace shop mesh=on');
    ambient.kubectl('label', 'namespace', 'shop', 'mesh=on');
    await ambient.until(
      async () => (await workloads()).some(({ name }) => name === 'cart'),
      () => 'istiod tells ztunnels nothing of the shop',
    );
    assert.equal((await seen()).check('namespaces-are-discovered').status, 'pass');
  });
});
