import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { guide } from '../../src/guide/index.ts';
import type { ReportList } from '../../src/report/list.ts';
import { assertSchema } from '../support/schema.ts';
import { type Istio, startIstio } from './istio.ts';
import { plugin, started } from './user.ts';

describe('every topic at once, on a real istiod with a real Envoy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
  const calls = join(folder, 'calls');
  let istio: Istio;
  before(async () => {
    istio = await startIstio();
    await istio.synced((syncz) => syncz.includes('productpage'));
    // A kubectl that notes how it is called.
    const wrapper = join(folder, 'kubectl');
    const real = (await started('bash', ['-c', 'command -v kubectl'], {})).stdout.trim();
    writeFileSync(wrapper, `#!/bin/sh\nprintf '%s\\n' "$*" >>'${calls}'\nexec '${real}' "$@"\n`);
    chmodSync(wrapper, 0o755);
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await istio?.close();
  });

  it('is one document, one exit code, and three kubectls: one of them only tells the context', async () => {
    const env = { KUBECTL_PATH: join(folder, 'kubectl') };
    const { stdout, code, stderr } = await plugin(istio.cluster.kubeconfig, ['all', '-o', 'json'], undefined, env);
    const list = JSON.parse(stdout) as ReportList;
    assertSchema(list);
    assert.deepEqual([list.kind, list.exitCode], ['DiagnosisReportList', code], stderr);
    assert.deepEqual(
      list.items.map(({ topic }) => topic),
      guide.map(({ id }) => id),
    );
    const verdicts = Object.fromEntries(list.items.map(({ topic, verdict }) => [topic, verdict]));
    // Telemetry v2 is not diagnosed yet, the test cluster hides its API server, and it has no webhook.
    for (const topic of ['route-rules', 'pilot-connectivity', 'envoy-cpu', 'zipkin-clock', 'grafana-clock'])
      assert.equal(verdicts[topic], 'healthy', topic);
    // No Service of it is headless.
    assert.equal(verdicts['headless-tcp'], 'not-applicable');
    assert.equal(verdicts['webhook-certs'], 'broken');
    assert.equal(code, 1);
    const kubectls = readFileSync(calls, 'utf8')
      .trim()
      .split('\n')
      .map((line) => String(line.split(' ')[0]))
      .sort();
    assert.deepEqual(kubectls, ['config', 'proxy', 'proxy']);
  });

  it('never asks the same twice', async () => {
    const { stderr } = await plugin(istio.cluster.kubeconfig, ['all', '-v', '-o', 'json']);
    const questions = stderr.split('\n').flatMap((line) => /^ *\d+ ms {2}(.*?): /.exec(line)?.[1] ?? []);
    assert.ok(questions.length > 10, stderr);
    assert.deepEqual(
      questions.filter((each, at) => questions.indexOf(each) !== at),
      [],
    );
  });

  it('is a summary for a person, within 100 columns', async () => {
    const { stdout, code } = await plugin(istio.cluster.kubeconfig, ['all']);
    assert.equal(code, 1);
    assert.match(stdout, /^TOPIC +STATUS +WHAT WAS SEEN$/m);
    for (const { id } of guide) assert.match(stdout, new RegExp(`^${id} +(PASS|WARN|FAIL|UNKNOWN|SKIP)`, 'm'));
    assert.match(stdout, /^webhook-certs\nCAUSE {2}InjectionWebhookMissing: /m);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 100 || /kubectl|https:/.test(line), line);
  });

  it('takes the rights that `rbac all` prints, and no more', async () => {
    const { cluster } = istio;
    const line = 'set -o pipefail; kubectl istio-diag rbac all | kubectl apply -f -';
    assert.equal((await started('bash', ['-c', line], { KUBECONFIG: cluster.kubeconfig })).code, 0);
    await cluster.api('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'istio-diag-all-e2e' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'istio-diag-all' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'sre' }],
    });
    const { stdout } = await plugin(cluster.kubeconfigOfUser, ['all', '-o', 'json']);
    const { items } = JSON.parse(stdout) as ReportList;
    const refused = items.flatMap(({ unchecked }) => unchecked.filter(({ reason }) => reason === 'Forbidden'));
    assert.deepEqual(refused, []);
    assert.equal(items.find(({ topic }) => topic === 'pilot-connectivity')?.verdict, 'healthy');
  });

  it('that cannot be reached is exit 5, in one document', async () => {
    const { stdout, code } = await plugin('/nonexistent', ['all', '-o', 'json']);
    assert.equal((JSON.parse(stdout) as ReportList).exitCode, code);
    assert.equal(code, 5);
  });
});
