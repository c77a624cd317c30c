import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { roleText } from '../../src/commands/rbac.ts';
import { guide } from '../../src/guide/index.ts';
import type { Report } from '../../src/report/report.ts';
import { loadRecording, recordingNames } from '../support/recordings.ts';
import { reported } from '../support/run.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { load } from './load.ts';

/** A cluster that holds a recording, for the tests of one `describe`. */
function withMesh(name: string): () => TestCluster {
  let cluster: TestCluster | undefined;
  let unload = (): Promise<void> => Promise.resolve();
  before(async () => {
    cluster = await startCluster();
    unload = await load(cluster, loadRecording(name));
  });
  after(async () => {
    await unload();
    await cluster?.close();
  });
  return () => cluster as TestCluster;
}

/** What the real cluster may tell otherwise than the stand-in: names of contexts, and the error texts of programs. */
const essence = ({ verdict, exitCode, lostAt, losses, steps, summary }: Report): unknown => ({
  verdict,
  exitCode,
  lostAt,
  losses,
  summary,
  steps: steps.map(({ id, status, causedBy, checks }) => ({
    id,
    status,
    causedBy,
    checks: checks.map((check) => [check.id, check.status, check.reason]),
  })),
});

for (const name of recordingNames()) {
  describe(`${name} on a real API server`, () => {
    const cluster = withMesh(name);
    it('is diagnosed as on the stand-in', async () => {
      const { report } = await reported(['missing-metrics'], { env: { KUBECONFIG: cluster().kubeconfig } });
      const golden = JSON.parse(
        readFileSync(new URL(`../golden/${name.replace('/', '-')}.json`, import.meta.url), 'utf8'),
      ) as Report;
      assert.deepEqual(essence(report), essence(golden));
    });
  });
}

describe('rights of a real API server', () => {
  const cluster = withMesh('istio-1.0.6/healthy');
  const [topic] = guide;
  const as = () => reported(['missing-metrics'], { env: { KUBECONFIG: cluster().kubeconfigOfUser } });
  const ROLES = '/apis/rbac.authorization.k8s.io/v1';
  type Role = { metadata: { name: string }; rules: { resources: string[]; verbs: string[] }[] };
  let role: Role;

  before(async () => {
    const { parse } = await import('yaml');
    assert.ok(topic);
    role = parse(await roleText(await topic.load())) as Role;
    await cluster().api('POST', `${ROLES}/clusterroles`, role);
  });

  it('none: nothing is called healthy, and every right is named', async () => {
    const { report, code } = await as();
    assert.deepEqual([code, report.verdict, report.mesh.found], [3, 'inconclusive', false]);
    assert.ok(
      report.unchecked.some(
        ({ verb, resource, namespace }) => verb === 'list' && resource === 'pods' && namespace === null,
      ),
    );
  });

  it('those that `rbac` prints are enough', async () => {
    await cluster().api('POST', `${ROLES}/clusterrolebindings`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'istio-diag' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role.metadata.name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'sre' }],
    });
    const { report, code } = await as();
    assert.deepEqual([code, report.verdict, report.unchecked], [0, 'healthy', []]);
  });

  it('and none of them is too many: without any one rule something is not checked', async () => {
    for (const [index, rule] of role.rules.entries()) {
      // Asked for only where Mixer runs beside istiod.
      if (rule.resources.includes('envoyfilters')) continue;
      await cluster().api('PUT', `${ROLES}/clusterroles/${role.metadata.name}`, {
        ...role,
        rules: role.rules.filter((_, at) => at !== index),
      });
      const { report } = await as();
      assert.equal(report.verdict, 'inconclusive', `${rule.verbs.join()} ${rule.resources.join()}`);
      assert.ok(report.unchecked.length > 0, `${rule.verbs.join()} ${rule.resources.join()}`);
    }
  });
});
