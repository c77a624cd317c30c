import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Report } from '../src/report/document.ts';
import { ambientShop } from './support/mesh/ambient/shop.ts';
import { changedAmbient, onPage, serving } from './support/mesh/causes/ambient/changed.ts';
import { built } from './support/mesh/scenario.ts';
import { app, workload } from './support/mesh/spec.ts';
import { withStanding } from './support/mesh/standing.ts';
import { it } from './support/programs.ts';

process.setMaxListeners(200);

const checkOf = ({ steps }: Report, id: string) =>
  steps.flatMap(({ checks }) => checks).find((check) => check.id === id);

const NAMESPACES = /^GET \/api\/v1\/namespaces(\?|$)/;

/** What a mesh, of which one pod is not redirected, says without one right. */
const CASES: readonly (readonly [right: string, match: RegExp, unknown: readonly string[]])[] = [
  ['namespaces', NAMESPACES, ['pods-are-redirected', 'modes-are-known', 'waypoints-bound']],
  [
    'the agents’ ConfigMap',
    /^GET \/api\/v1\/namespaces\/istio-system\/configmaps\/istio-cni-config(\?|$)/,
    ['pods-are-redirected'],
  ],
];

describe('a mesh of ambient, without the right to', () => {
  it('look at what says who is in ambient', async () => {
    const spec = ambientShop();
    workload(spec, 'prices-v1').redirection = null;
    await withStanding(built('ambient-rights', spec), async (mesh) => {
      const { report: whole } = await mesh.look();
      assert.equal(checkOf(whole, 'pods-are-redirected')?.reason, 'NotRedirected');
      for (const [right, match, unknown] of CASES) {
        const { report } = await mesh.look({ options: { faults: [{ match, fault: 'forbid' }] } });
        assert.notEqual(report.verdict, 'healthy', right);
        for (const id of unknown) {
          const found = checkOf(report, id);
          assert.equal(found?.status, 'unknown', `${right}: ${id} is ${found?.status}: ${found?.message}`);
        }
        const known = new Set(whole.losses.map(({ reason }) => reason));
        assert.deepEqual(
          report.losses.filter(({ reason }) => !known.has(reason)),
          [],
          right,
        );
      }
    });
  });

  it('tell what one that was named, or a ztunnel, lacks', async () => {
    const spec = changedAmbient((spec, ambient) => {
      onPage(ambient, 'node-2', { rewrite: serving(0) });
      spec.workloads.push(
        app('watch', { proxy: 'none', hostNetwork: true, labels: { 'istio.io/dataplane-mode': 'ambient' } }),
      );
    });
    workload(spec, 'prices-v1').redirection = null;
    await withStanding(built('ambient-named-rights', spec), async (mesh) => {
      const saying = async (id: string, argv: readonly string[], match?: RegExp): Promise<string> => {
        const faults = match ? [{ match, fault: 'forbid' as const }] : [];
        const { report } = await mesh.look({ argv: ['missing-metrics', ...argv], options: { faults } });
        const found = checkOf(report, id);
        return `${found?.status} ${found?.reason}`;
      };
      const [namespaces, settings] = CASES.map(([, match]) => match);
      assert.equal(await saying('pods-are-served', []), 'fail MarkedNotServed');
      assert.equal(await saying('pods-are-served', [], /\/pods\/[^/]*ztunnel-/), 'unknown Forbidden');
      assert.equal(await saying('pods-are-served', ['--sample', '0']), 'unknown NotLookedAt');
      const prices = ['deployment/prices-v1', '-n', 'shop'];
      assert.equal(await saying('workload-enrolled', prices, namespaces), 'unknown Forbidden');
      assert.equal(await saying('workload-enrolled', prices, settings), 'unknown Forbidden');
      const watch = ['deployment/watch-v1', '-n', 'shop'];
      assert.equal(await saying('pods-are-redirected', watch, settings), 'unknown Forbidden');
      assert.equal(await saying('workload-enrolled', watch, settings), 'fail HostNetwork');
    });
  });

  it('look at what may ask for a waypoint', async () => {
    const spec = ambientShop();
    spec.namespaces.shop = { ...spec.namespaces.shop, 'istio.io/use-waypoint': 'waypoint' };
    for (const each of spec.services) each.labels = {};
    await withStanding(built('ambient-waypoint-rights', spec), async (mesh) => {
      const argv = ['missing-metrics', 'deployment/cart-v1', '-n', 'shop'];
      const { report: whole } = await mesh.look({ argv });
      assert.equal(checkOf(whole, 'workload-has-waypoint')?.status, 'pass');
      const { report } = await mesh.look({ argv, options: { faults: [{ match: NAMESPACES, fault: 'forbid' }] } });
      const found = checkOf(report, 'workload-has-waypoint');
      assert.equal(found?.status, 'unknown', found?.message);
    });
  });
});
