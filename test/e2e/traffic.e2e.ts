import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withMesh } from './mesh.ts';
import { checksOf, report } from './user.ts';

const NEWEST = 'istio-1.3.8/healthy';
const OLDEST = 'istio-0.8.0/healthy';

describe('counters that rise, and a real Prometheus that scrapes them', () => {
  const cluster = withMesh(NEWEST, {
    movement: () => 'rise',
    scrapes: [
      {
        name: 'istio-mesh',
        target: 'istio-telemetry.istio-system:42422',
        pod: 'istio-system/istio-telemetry-gb257cd5hf-43880',
      },
    ],
  });
  it('are healthy, with the increase in the window', async () => {
    const { report: found } = await report(cluster().kubeconfig, ['missing-metrics', '--window', '2s']);
    const checks = checksOf(found);
    assert.deepEqual([found.verdict, found.unchecked], ['healthy', []]);
    for (const id of ['reports-received', 'dispatches-to-prometheus'])
      assert.match(checks.get(id)?.message ?? '', /, [1-9]\d* in 2 s$/);
    assert.match(checks.get('series-stored')?.message ?? '', /^\d+ series of istio_requests_total/);
  });
});

describe('Reports that rise while dispatches stand still', () => {
  const cluster = withMesh(NEWEST, { movement: (family) => (/grpc/.test(family) ? 'rise' : 'still') });
  it('are lost between Mixer and its adapter', async () => {
    const { report: found } = await report(cluster().kubeconfig, ['missing-metrics', '--window', '1s']);
    assert.deepEqual([found.verdict, found.lostAt?.reason], ['broken', 'DispatchesStandStill']);
  });
});

describe('counters that stand still', () => {
  const cluster = withMesh(OLDEST, { movement: () => 'still' });
  it('are no traffic, and no failure', async () => {
    const { report: found } = await report(cluster().kubeconfig, ['missing-metrics', '--window', '1s']);
    assert.equal(found.verdict, 'healthy');
    assert.match(checksOf(found).get('reports-received')?.message ?? '', /, 0 in 1 s$/);
  });
});

describe('counters of a Mixer that is restarted between the readings', () => {
  const cluster = withMesh(OLDEST, { movement: () => 'reset' });
  it('count from the start, and never backwards', async () => {
    const { report: found } = await report(cluster().kubeconfig, ['missing-metrics', '--window', '1s']);
    assert.equal(found.verdict, 'healthy');
    assert.match(checksOf(found).get('reports-received')?.message ?? '', /, [1-9]\d* in 1 s$/);
  });
});
