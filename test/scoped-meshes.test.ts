import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Report } from '../src/report/document.ts';
import { statsFilters } from './support/mesh/causes/stats-filters.ts';
import { controlPlane } from './support/mesh/control-plane.ts';
import { built } from './support/mesh/scenario.ts';
import { app, call, type Spec, service, shop, workload } from './support/mesh/spec.ts';
import { type Bad, keepOnly, type Seen, sharedMesh, withStanding } from './support/mesh/standing.ts';
import { it } from './support/programs.ts';
import { loadRecording, type Recording } from './support/recordings.ts';

process.setMaxListeners(200);

const lookAt = (spec: Spec, ...looks: readonly Bad[]): Promise<readonly Seen[]> =>
  withStanding(built('scoped', spec), async (mesh) => {
    const seen: Seen[] = [];
    for (const bad of looks) seen.push(await mesh.look(bad));
    return seen;
  });

const sectionOf = ({ steps }: Report, generation: string, revision: string | null = null) =>
  steps.filter((step) => step.generation === generation && (revision === null || step.revision === revision));
const said = (steps: Report['steps']): string =>
  steps.map(({ generation, id, status, message }) => `${generation} ${id}: ${status}: ${message}`).join('\n');
const podsIn = ({ flow }: Report, revision: string): readonly (number | null)[] =>
  flow.filter((line) => line.unit === 'pods' && line.revision === revision).map(({ out }) => out);

/** Puts a recorded mesh beside another: objects of the same name stay the latter's. */
function beside(name: string, namespace: string | null): (mesh: Recording) => void {
  return (mesh) => {
    const old = loadRecording(name);
    const moved = <T>(value: T): T =>
      namespace === null ? value : (JSON.parse(JSON.stringify(value).replaceAll('istio-system', namespace)) as T);
    const keyOf = ({ kind, metadata }: Recording['objects'][number]): string =>
      `${kind} ${metadata.namespace}/${metadata.name}`;
    const known = new Set(mesh.objects.map(keyOf));
    mesh.objects.push(...moved(old.objects).filter((each) => !known.has(keyOf(each))));
    for (const [key, page] of old.pages) mesh.pages.set(moved(key), page);
    for (const [key, log] of old.logs) mesh.logs.set(moved(key), log);
    mesh.queries = old.queries;
  };
}

describe('in one cluster', { concurrency: 3 }, () => {
  describe('two generations', { concurrency: 4 }, () => {
    it('are both diagnosed in one run, each by its own proxies', async () => {
      const [both, broken] = await lookAt(
        shop(),
        { change: beside('istio-1.0.6/healthy', 'istio-old') },
        { change: beside('istio-1.0.6/handler-missing', 'istio-old') },
      );
      assert.ok(both && broken);
      assert.deepEqual(
        both.report.mesh.controlPlanes.map(({ generation, namespace }) => [generation, namespace]),
        [
          ['mixer', 'istio-old'],
          ['telemetry-v2', 'istio-system'],
        ],
      );
      assert.deepEqual([both.code, both.report.verdict], [0, 'healthy'], said(both.report.steps));
      assert.deepEqual(
        podsIn(both.report, 'default'),
        podsIn(both.report, 'default').map(() => 6),
      );
      assert.deepEqual(
        [broken.code, broken.report.lostAt?.generation, broken.report.lostAt?.reason],
        [1, 'mixer', 'HandlerMissing'],
      );
      const today = sectionOf(broken.report, 'telemetry-v2');
      assert.ok(
        today.every(({ status }) => status === 'pass' || status === 'skip' || status === 'warn'),
        said(today),
      );
    });
    it('are each broken for its own reason', async () => {
      const spec = shop();
      spec.prometheus.by = 'nothing';
      const [seen] = await lookAt(spec, { change: beside('istio-1.0.6/rules-missing', 'istio-old') });
      assert.ok(seen);
      const broken = new Set(seen.report.losses.map(({ generation }) => generation));
      assert.deepEqual([...broken].sort(), ['mixer', 'telemetry-v2']);
    });
    for (const [what, hasFilters, generations] of [
      ['with its stats filters', true, ['mixer', 'telemetry-v2']],
      ['without stats filters', false, ['mixer']],
    ] as const) {
      it(`Mixer beside an istiod of 1.6 ${what}`, async () => {
        const spec = shop('1.6.8');
        spec.mesh.defaultProviders = {};
        if (hasFilters) spec.objects.push(...statsFilters('istio-system', '1.6'));
        spec.prometheus.by = 'envoy-stats';
        const [seen] = await lookAt(spec, {
          change: (mesh) => {
            beside('istio-1.3.8/healthy', null)(mesh);
            // Istiod took its Pilot's place.
            keepOnly(mesh.objects, ({ metadata }) => !metadata.name.startsWith('istio-pilot'));
          },
        });
        assert.ok(seen);
        assert.deepEqual(seen.report.mesh.generations, generations);
        const today = sectionOf(seen.report, 'telemetry-v2');
        assert.equal(today.length > 0, hasFilters);
        assert.ok(
          today.every(({ status }) => status !== 'fail'),
          said(today),
        );
        if (hasFilters) assert.deepEqual(podsIn(seen.report, 'default')[0], 6);
      });
    }
  });

  describe('two revisions', () => {
    const spec = shop();
    spec.namespaces.other = { 'istio.io/rev': 'canary' };
    spec.workloads.push(app('books', { namespace: 'other' }), app('pens', { namespace: 'other' }));
    spec.services.push(service('books', { namespace: 'other' }));
    spec.calls.push(call('pens-v1', 'books-v1', { service: { name: 'books', namespace: 'other' } }));

    /** A second istiod, to which the proxies of `other` are connected. */
    const canary = ({ objects, pages }: Recording): void => {
      const made = controlPlane({ ...spec, revision: 'canary' }, '10.244.9.9');
      const known = new Set(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
      objects.push(...made.filter(({ kind, metadata }) => !known.has(`${kind} ${metadata.name}`)));
      for (const { kind, metadata } of objects) {
        if (kind !== 'Pod' || metadata.namespace !== 'other') continue;
        const { annotations = {} } = metadata;
        const status = annotations['sidecar.istio.io/status']?.replace('"default"', '"canary"') ?? '';
        metadata.annotations = { ...annotations, 'istio.io/rev': 'canary', 'sidecar.istio.io/status': status };
      }
      const istiods = objects.filter(({ kind, metadata }) => kind === 'Pod' && metadata.labels?.app === 'istiod');
      const [first = '', second = ''] = istiods.map(({ metadata }) => `istio-system/${metadata.name}`);
      for (const [key, page] of pages) {
        if (!key.startsWith(`${first}:`)) continue;
        if (!key.includes('/debug/syncz')) {
          pages.set(key.replace(first, second), page);
          continue;
        }
        const proxies = JSON.parse(String(page.body)) as { proxy: string }[];
        const isCanarys = ({ proxy }: { proxy: string }): boolean => proxy.endsWith('.other');
        pages.set(key, { ...page, body: JSON.stringify(proxies.filter((each) => !isCanarys(each))) });
        pages.set(key.replace(first, second), { ...page, body: JSON.stringify(proxies.filter(isCanarys)) });
      }
    };
    const withoutCanarysPages = (mesh: Recording): void => {
      canary(mesh);
      for (const key of mesh.pages.keys()) if (key.includes('/istiod-canary')) mesh.pages.delete(key);
    };

    it('count each pod once, for its own istiod, and one that is silent costs the other nothing', async () => {
      const [both, silent, only] = await lookAt(
        spec,
        { change: canary },
        { change: withoutCanarysPages },
        { change: canary, argv: ['missing-metrics', '--revision', 'canary'] },
      );
      assert.ok(both && silent && only);
      assert.deepEqual([both.code, both.report.verdict], [0, 'healthy'], said(both.report.steps));
      for (const [revision, pods] of [
        ['canary', 2],
        ['default', 6],
      ] as const)
        assert.deepEqual(new Set(podsIn(both.report, revision)), new Set([pods]), revision);
      const delivery = (revision: string) =>
        sectionOf(silent.report, 'telemetry-v2', revision).find(({ id }) => id === 'config-delivery')?.status;
      assert.deepEqual([delivery('canary'), delivery('default')], ['unknown', 'pass'], said(silent.report.steps));
      assert.equal(silent.code, 3);
      assert.deepEqual([only.code, only.report.mesh.controlPlanes.map(({ revision }) => revision)], [0, ['canary']]);
      assert.deepEqual(new Set(podsIn(only.report, 'canary')), new Set([2]));
    });

    it('may lie between a workload and its callers: each is judged with its own', async () => {
      const unscraped = { annotations: { 'prometheus.io/scrape': 'false' } };
      const crossing: Spec = {
        ...spec,
        workloads: spec.workloads.map((each) => (each.name === 'cart-v1' ? { ...each, ...unscraped } : each)),
        calls: [...spec.calls, call('cart-v1', 'books-v1', { service: { name: 'books', namespace: 'other' } })],
      };
      const argv = ['missing-metrics', 'deploy/books-v1', '-n', 'other'];
      const [seen] = await lookAt(crossing, { change: canary, argv });
      assert.ok(seen);
      const { report } = seen;
      assert.deepEqual(
        report.losses.map(({ revision, step, reason }) => [revision, step, reason]),
        [['default', 'scrape', 'ScrapeSaysFalse']],
        said(report.steps),
      );
      assert.ok(
        sectionOf(report, 'telemetry-v2', 'canary').every(({ status }) => status === 'pass' || status === 'skip'),
        said(report.steps),
      );
      assert.deepEqual(new Set(podsIn(report, 'canary')), new Set([1]));
    });
  });

  describe('a part of a mesh', { concurrency: 1 }, () => {
    const spec = shop();
    spec.namespaces.plain = {};
    spec.workloads.push(app('bare', { namespace: 'plain', proxy: 'none' }), app('naked', { proxy: 'none' }));
    // One of the shop's workloads is lost, and one is outside.
    workload(spec, 'cart-v1').annotations['prometheus.io/scrape'] = 'false';
    const mesh = sharedMesh(() => built('scoped', spec));
    const look = async (argv: string): Promise<Seen> =>
      (await mesh()).look({ argv: ['missing-metrics', ...argv.split(' ')] });

    const subjectsIn = ({ steps }: Report): ReadonlySet<string> =>
      new Set(steps.flatMap(({ checks }) => checks.flatMap(({ subjects }) => subjects.map(({ name }) => name))));

    it('that is broken is told of alone', async () => {
      for (const argv of ['deploy/cart-v1 -n shop', 'service/cart -n shop', '-l app=cart', '-n shop -l app=cart']) {
        const { report, code } = await look(argv);
        assert.deepEqual(
          [code, report.verdict, report.flow[0]?.in],
          [1, 'broken', 1],
          `${argv}\n${said(report.steps)}`,
        );
        assert.deepEqual([...subjectsIn(report)], ['cart-v1'], argv);
      }
    });
    it('that is well is not blamed for the rest', async () => {
      for (const [argv, pods] of [
        ['deploy/web-v1 -n shop', 2],
        ['service/web -n shop', 2],
        ['-l app=prices', 1],
        ['deploy/istio-ingressgateway -n istio-system', 1],
        ['-n istio-system', 1],
      ] as const) {
        const { report, code } = await look(argv);
        assert.deepEqual(
          [code, report.verdict, report.flow[0]?.in],
          [0, 'healthy', pods],
          `${argv}\n${said(report.steps)}`,
        );
      }
    });
    it('that is one pod is that pod', async () => {
      const pods = await (await mesh()).use({}, ({ recording }) =>
        Promise.resolve(
          recording.objects.filter(({ kind, metadata }) => kind === 'Pod' && metadata.labels?.app === 'web'),
        ),
      );
      assert.ok(pods[0]);
      const { report } = await look(`pod/${pods[0].metadata.name} -n shop`);
      assert.deepEqual([report.verdict, report.flow[0]?.in], ['healthy', 1], said(report.steps));
    });
    it('that is outside of the mesh fails where it was named, and is nothing to judge elsewhere', async () => {
      const named = await look('deploy/bare-v1 -n plain');
      assert.deepEqual([named.code, named.report.lostAt?.step], [1, 'in-mesh'], said(named.report.steps));
      const namespace = await look('-n plain');
      assert.deepEqual([namespace.code, namespace.report.verdict], [4, 'not-applicable'], said(namespace.report.steps));
      assert.match(namespace.report.warnings.join(), /nothing to judge: in namespace plain, no pod has a proxy/);
      for (const { report } of [named, namespace])
        assert.ok(
          report.steps.every(({ status }) => status !== 'pass'),
          said(report.steps),
        );
    });
    it('that should be in the mesh and is not fails in-mesh alone', async () => {
      const { report, code } = await look('deploy/naked-v1 -n shop');
      assert.deepEqual([code, report.lostAt?.step, report.losses.length], [1, 'in-mesh', 1], said(report.steps));
    });
    it('that is not there is not applicable, in the words of what was looked for', async () => {
      for (const argv of [
        'deploy/nobody -n shop',
        'service/nobody -n shop',
        'pod/nobody -n shop',
        'statefulset/nobody -n shop',
        '-n nowhere',
        '-l app=nobody',
      ]) {
        const { report, code } = await look(argv);
        assert.deepEqual([code, report.verdict], [4, 'not-applicable'], argv);
        assert.match(report.warnings.join(), /^nothing to judge: (there is no|no running pod)/, argv);
      }
    });
  });
});
