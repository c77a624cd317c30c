import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Report } from '../../src/report/document.ts';
import { assertSchema } from '../support/schema.ts';
import { type FaultProxy, type Faults, startFaultProxy } from './fault-proxy.ts';
import { withMesh } from './mesh.ts';
import { checksOf, leavingNothing, plugin, report, started } from './user.ts';

// It stands between kubectl and the API server's own certificate.
const ours = !process.env.KUBECONFIG_E2E;

describe('a run that is ended', () => {
  const cluster = withMesh('istio-1.0.6/handler-missing');
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    let interrupted = 0;
    for (const delay of [10, 60, 110, 160, 220, 280, 350, 450]) {
      it(`by ${signal} after ${delay} ms prints one document and leaves nothing`, async () => {
        const ended = await leavingNothing((env) =>
          plugin(
            cluster().kubeconfig,
            ['missing-metrics', '-o', 'json'],
            (child) => void setTimeout(() => child.kill(signal), delay),
            env,
          ),
        );
        // Before the handlers stand, and once Node has taken them down, a signal ends the process as it ends any.
        if (ended.code === null) assert.equal(ended.signal, signal);
        if (ended.code === null && ended.stdout === '') return;
        const found = JSON.parse(ended.stdout) as Report;
        assertSchema(found);
        if (ended.code === null) return assert.deepEqual([found.run.interrupted, found.exitCode], [false, 1]);
        assert.equal(found.exitCode, ended.code);
        // It may have been done a moment before.
        if (found.run.interrupted) assert.equal(ended.code, exit);
        else assert.equal(ended.code, 1);
        if (found.run.interrupted) interrupted++;
      });
    }
    it(`by ${signal} was interrupted in its middle at least once`, () => assert.ok(interrupted > 0));
  }

  it('because nobody reads on ends quietly, with its own exit code', async () => {
    await leavingNothing(async (env) => {
      const line = 'kubectl istio-diag missing-metrics -o wide | head -1; echo "$PIPESTATUS"';
      const { stdout, stderr } = await started('bash', ['-c', line], { KUBECONFIG: cluster().kubeconfig, ...env });
      assert.deepEqual([/^Context .*\n1\n$/.test(stdout), stderr], [true, '']);
    });
  });

  it('by --timeout says so of everything it had not seen', async () => {
    await leavingNothing(async (env) => {
      const { report: found } = await report(cluster().kubeconfig, ['missing-metrics', '--timeout', '60ms'], env);
      assert.ok(['broken', 'inconclusive', 'unreachable'].includes(found.verdict));
      assert.ok(found.unchecked.some(({ reason }) => reason === 'TimedOut'));
    });
  });
});

describe('an API server with faults', { skip: ours ? false : 'it needs the API server’s own certificate' }, () => {
  const cluster = withMesh('istio-1.0.6/healthy');
  let proxy: FaultProxy;
  before(async () => {
    proxy = await startFaultProxy(cluster());
  });
  after(() => proxy?.close());

  const seen = (faults: Faults[], ...flags: string[]): Promise<Report> => {
    proxy.faults = faults;
    const args = ['missing-metrics', '--timeout', '8s', '--request-timeout', '2s', ...flags];
    return leavingNothing(async (env) => {
      const { report: found } = await report(proxy.kubeconfig, args, env);
      assertSchema(found);
      return found;
    });
  };
  const RULES = /^GET \/apis\/config\.istio\.io\/v1alpha2\/rules/;
  const FORWARD = /^(GET|POST) .*\/portforward/;

  it('that has none is healthy through the proxy', async () => {
    const found = await seen([]);
    assert.deepEqual([found.verdict, found.unchecked], ['healthy', []]);
  });

  it('that throttles twice is asked again', async () => {
    const throttled = { match: RULES, fault: 429, times: 2 } as const;
    assert.equal((await seen([{ ...throttled }])).verdict, 'healthy');
    assert.equal(proxy.faults[0]?.times, 0);
  });

  for (const [fault, reason] of [
    ['stall', 'TimedOut'],
    ['reset', /BadAnswer|Unreachable/],
    [429, 'BadAnswer'],
    [500, 'BadAnswer'],
    [{ cutAfter: 300 }, 'BadAnswer'],
  ] as const) {
    it(`costs only the checks that need the rules, when their list meets ${JSON.stringify(fault)}`, async () => {
      const found = await seen([{ match: RULES, fault }]);
      assert.deepEqual([found.verdict, found.exitCode, found.mesh.found], ['inconclusive', 3, true]);
      assert.equal(checksOf(found).get('reports-received')?.status, 'pass');
      const [first] = found.unchecked;
      assert.match(first?.reason ?? '', new RegExp(reason));
    });
  }

  for (const fault of ['stall', 'reset', 429, 500] as const) {
    it(`is never called healthy, when everything meets ${fault}`, async () => {
      const found = await seen([{ match: /./, fault }]);
      assert.ok(['unreachable', 'inconclusive'].includes(found.verdict), found.verdict);
      assert.equal(found.mesh.found, false);
    });
  }

  for (const fault of ['stall', 'reset', 500, { cutAfter: 2000 }] as const) {
    it(`costs the pages, when port-forwards meet ${JSON.stringify(fault)}`, async () => {
      const found = await seen([{ match: FORWARD, fault }]);
      assert.deepEqual([found.verdict, found.mesh.found], ['inconclusive', true]);
      assert.equal(checksOf(found).get('reports-received')?.status, 'unknown');
      assert.equal(checksOf(found).get('prometheus-handler-exists')?.status, 'pass');
      assert.ok(found.unchecked.some(({ resource }) => resource === 'pods/portforward'));
    });
  }
});
