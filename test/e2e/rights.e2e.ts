import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { load as parse } from 'js-yaml';
import { withMesh } from './mesh.ts';
import { checksOf, plugin, report, started } from './user.ts';

interface Role {
  metadata: { name: string };
  rules: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
}

const ROLES = '/apis/rbac.authorization.k8s.io/v1';

/** Groups of kinds that the walk of today's meshes takes alone. */
const OF_TODAY =
  /^(networking\.istio\.io|gateway\.networking\.k8s\.io|telemetry\.istio\.io|networking\.k8s\.io|admissionregistration\.k8s\.io|monitoring\.coreos\.com)$/;

describe('a user whom the real API server gives', () => {
  const cluster = withMesh('istio-1.0.6/healthy');
  let role: Role;

  const seen = () => report(cluster().kubeconfigOfUser, ['missing-metrics']);
  /** The role as it is from now on. */
  const grant = async (rules: Role['rules']): Promise<void> => {
    await cluster().api('PUT', `${ROLES}/clusterroles/${role.metadata.name}`, { ...role, rules });
  };

  before(async () => {
    const { kubeconfig } = cluster();
    // Somebody's own role shall not be overwritten.
    await cluster().api('GET', `${ROLES}/clusterroles/istio-diag-missing-metrics`, undefined, [404]);
    role = parse((await plugin(kubeconfig, ['rbac'])).stdout) as Role;
    // As the README says.
    const line = 'set -o pipefail; kubectl istio-diag rbac | kubectl apply -f -';
    const { code, stdout } = await started('bash', ['-c', line], { KUBECONFIG: kubeconfig });
    assert.deepEqual([code, stdout], [0, 'clusterrole.rbac.authorization.k8s.io/istio-diag-missing-metrics created\n']);
  });

  it('no right: nothing is called healthy, and every right is named', async () => {
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.verdict, found.mesh.found], [3, 'inconclusive', false]);
    assert.ok(
      found.unchecked.some(
        ({ verb, resource, namespace, reason }) =>
          verb === 'list' && resource === 'pods' && namespace === null && reason === 'Forbidden',
      ),
    );
  });

  it('the rights that `rbac` prints: they are enough', async () => {
    await cluster().api('POST', `${ROLES}/clusterrolebindings`, {
      metadata: { name: 'istio-diag-e2e' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role.metadata.name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'sre' }],
    });
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.verdict, found.unchecked], [0, 'healthy', []]);
  });

  it('those without any one of them: something is not checked', async () => {
    for (const rule of role.rules) {
      // Kinds that a mesh of Mixer has not, or is not asked for: test/mesh-rights.test.ts takes those from one that has.
      if (rule.apiGroups.some((group) => OF_TODAY.test(group))) continue;
      for (const resource of rule.resources) {
        // 1.0 has one of the two kinds of handlers and instances.
        if (/^(handlers|instances)$/.test(resource)) continue;
        // What tells what was changed where something is lost: no verdict stands on it.
        if (/^(events|replicasets)$/.test(resource)) continue;
        // For `kubectl port-forward`, which this API server's tunnels make needless.
        if (resource === 'pods' && rule.verbs.includes('get')) continue;
        const left = role.rules.map((each) =>
          each === rule ? { ...each, resources: each.resources.filter((name) => name !== resource) } : each,
        );
        await grant(left.filter(({ resources }) => resources.length > 0));
        const { report: found } = await seen();
        const what = `${rule.verbs.join()} ${resource}`;
        assert.notEqual(found.verdict, 'broken', what);
        assert.ok(
          found.unchecked.some(({ reason }) => reason === 'Forbidden'),
          `${what}: ${found.verdict}`,
        );
      }
    }
  });

  it('lists, and nothing else: the pages and logs are unknown, the objects are judged', async () => {
    await grant(role.rules.filter(({ verbs }) => verbs.includes('list')));
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.verdict], [3, 'inconclusive']);
    const checks = checksOf(found);
    assert.equal(checks.get('reports-received')?.status, 'unknown');
    assert.equal(checks.get('prometheus-handler-exists')?.status, 'pass');
    // kubectl port-forward looks at the pod first: that is the right it misses first.
    assert.ok(found.unchecked.some(({ verb, resource }) => verb === 'get' && resource === 'pods'));
    assert.ok(found.unchecked.every(({ reason }) => reason === 'Forbidden'));
  });

  it('all but one kind: only what needs it is unknown', async () => {
    await grant(
      role.rules.map((rule) => ({ ...rule, resources: rule.resources.filter((name) => name !== 'prometheuses') })),
    );
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.verdict], [3, 'inconclusive']);
    assert.equal(checksOf(found).get('reports-received')?.status, 'pass');
    assert.equal(checksOf(found).get('prometheus-handler-exists')?.status, 'unknown');
    assert.ok(found.unchecked.every(({ resource }) => resource === 'prometheuses.config.istio.io'));
  });

  it('no role any more: kubectl delete takes it away', async () => {
    const line = 'kubectl istio-diag rbac | kubectl delete -f -';
    assert.equal((await started('bash', ['-c', line], { KUBECONFIG: cluster().kubeconfig })).code, 0);
    assert.equal((await seen()).code, 3);
  });
});
