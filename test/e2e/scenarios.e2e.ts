import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { CheckReport, Report } from '../../src/report/document.ts';
import { type RecordedObject, recordingNames } from '../support/recordings.ts';
import { assertSchema } from '../support/schema.ts';
import { withMesh } from './mesh.ts';
import { BINARY, checksOf, report, started } from './user.ts';

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

/** All that a bundle's replay may differ in: where it is from, and how long it took. */
const replayable = ({ run, steps, ...rest }: Report): unknown => ({
  ...rest,
  run: { ...run, source: null, durationMs: null },
  steps: steps.map((step) => ({
    ...step,
    checks: step.checks.map((check) => ({ ...check, durationMs: null })),
  })),
});

/** What is not healed by the objects that a line changes, and what it takes. */
const TAKES_MORE: Readonly<Record<string, string>> = {
  LabelMismatch: 'a person, who decides in the editor',
  HandlerInvalid: 'a person, who decides in the editor',
  MatchErrors: 'a person, who decides in the editor',
  TargetDown: 'a person, who decides in the editor',
  NoProxies: 'pods that are made anew',
};

for (const name of recordingNames()) {
  describe(`${name} on a real API server`, () => {
    const cluster = withMesh(name);
    it('is diagnosed as on the stand-in, and from its bundle alike', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
      try {
        const bundle = join(folder, 'mesh.tgz');
        const live = await report(cluster().kubeconfig, ['missing-metrics', '--save-bundle', bundle]);
        const golden = readFileSync(new URL(`../golden/${name.replace('/', '-')}.json`, import.meta.url), 'utf8');
        assertSchema(live.report);
        assert.deepEqual(essence(live.report), essence(JSON.parse(golden) as Report));
        const replayed = await report('/nonexistent', ['missing-metrics', '--bundle', bundle]);
        assert.deepEqual(replayable(replayed.report), replayable(live.report));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('runs what it prints to heal, and what the objects alone can heal is healed', async () => {
      const { kubeconfig } = cluster();
      const isToHeal = ({ status, causedBy, hintKind }: CheckReport): boolean =>
        status === 'fail' && causedBy === null && hintKind === 'fix';
      const { report: broken } = await report(kubeconfig, ['missing-metrics', '--plan']);
      const found = [...checksOf(broken).values()].filter(isToHeal);
      for (const { id, reason, hint } of found) {
        const planned = broken.plan?.find((plan) => plan.hint === hint);
        assert.ok(planned, hint ?? '');
        // What it prints itself is foreseen, object by object.
        if (/istio-diag shipped/.test(hint ?? ''))
          assert.deepEqual([planned.diff.length > 0, planned.unforeseen], [true, []]);
        const { code, stdout, stderr } = await started('bash', ['-c', `set -e -o pipefail; ${hint}`], {
          KUBECONFIG: kubeconfig,
          KUBE_EDITOR: 'true',
        });
        assert.equal(code, 0, `${hint}\n${stdout}${stderr}`);
        const after = checksOf((await report(kubeconfig, ['missing-metrics'])).report).get(id);
        assert.equal(after?.reason === reason, reason !== null && reason in TAKES_MORE, `${id} ${after?.reason}`);
      }
    });
  });
}

describe('a run of the built program', () => {
  const cluster = withMesh('istio-1.0.6/healthy');
  it('starts one kubectl, which tells the context too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'strace-'));
    try {
      const log = join(folder, 'log');
      const args = ['-f', '-qq', '-e', 'trace=execve', '-o', log, BINARY, 'missing-metrics', '-o', 'json'];
      const env = { ...process.env, KUBECONFIG: cluster().kubeconfig };
      const { stdout } = spawnSync('strace', args, { env, timeout: 60_000 });
      assert.equal((JSON.parse(stdout.toString()) as Report).run.context, 'e2e');
      const kubectls = [
        ...readFileSync(log, 'utf8').matchAll(/execve\("[^"]*\/kubectl", \["[^"]*", "([^"]*)".*= 0$/gm),
      ];
      assert.deepEqual(
        kubectls.map(([, command]) => command),
        ['proxy'],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const MIXER = 'istio-telemetry';
const isMixer = ({ kind, metadata }: RecordedObject): boolean => kind === 'Pod' && metadata.name.startsWith(MIXER);

/** A copy of an object under another name or in another namespace; the API server gives it what is its own. */
function copyOf(object: RecordedObject, metadata: Partial<RecordedObject['metadata']>): RecordedObject {
  return { ...structuredClone(object), metadata: { ...object.metadata, ...metadata } };
}

describe('three Mixer replicas of which one refuses', () => {
  const cluster = withMesh('istio-1.0.6/healthy', {
    change: ({ objects, pages, logs }) => {
      const mixer = objects.find(isMixer);
      assert.ok(mixer);
      for (const name of ['b', 'c'].map((each) => `${MIXER}-${each}`)) {
        objects.push(copyOf(mixer, { name }));
        for (const [key, page] of Array.from(pages)) {
          // The last one's adapter does not listen.
          const [of = '', port = ''] = key.split(/:|\/(?=metrics)/);
          if (of.endsWith(mixer.metadata.name) && !(name.endsWith('c') && port === '42422'))
            pages.set(key.replace(mixer.metadata.name, name), page);
        }
        for (const [key, text] of Array.from(logs)) logs.set(key.replace(mixer.metadata.name, name), text);
      }
    },
  });
  it('is broken on that one, by name', async () => {
    const { report: found } = await report(cluster().kubeconfig, ['missing-metrics']);
    const check = checksOf(found).get('adapter-listens');
    assert.deepEqual([found.verdict, check?.status], ['broken', 'fail']);
    assert.match(check?.message ?? '', /1 of 3 Mixer pods/);
    assert.match(JSON.stringify(check), /istio-telemetry-c/);
    assert.equal(checksOf(found).get('reports-received')?.status, 'pass');
  });
});

describe('a second control plane that nothing scrapes', () => {
  const cluster = withMesh('istio-1.0.6/healthy', {
    scrapes: [
      {
        name: 'istio-mesh',
        target: 'istio-telemetry.istio-system:42422',
        pod: 'istio-system/istio-telemetry-gb257cd5hf-43880',
      },
    ],
    change: ({ objects, pages }) => {
      objects.push({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-b' } });
      for (const object of objects.slice()) {
        if (isMixer(object) || (object.kind === 'Service' && object.metadata.name === MIXER))
          objects.push(copyOf(object, { namespace: 'istio-b' }));
      }
      for (const [key, page] of Array.from(pages))
        if (key.includes(`/${MIXER}`)) pages.set(key.replace('istio-system/', 'istio-b/'), page);
    },
  });
  it('has a section of its own, and no green from the first', async () => {
    const { report: found } = await report(cluster().kubeconfig, ['missing-metrics']);
    assert.deepEqual(
      found.mesh.controlPlanes.map(({ namespace }) => namespace),
      ['istio-b', 'istio-system'],
    );
    assert.equal(found.steps.length, 16);
    assert.notEqual(found.verdict, 'healthy');
    const first = found.steps.filter(({ namespace }) => namespace === 'istio-system');
    assert.equal(first.length, 8);
    assert.ok(first.every(({ status }) => ['pass', 'warn', 'skip'].includes(status)));
  });
  it('is left out with --istio-namespace', async () => {
    const { report: found } = await report(cluster().kubeconfig, ['missing-metrics', '-i', 'istio-system']);
    assert.deepEqual([found.verdict, found.mesh.controlPlanes.length], ['healthy', 1]);
  });
});

describe('workloads', () => {
  const cluster = withMesh('istio-1.0.6/no-reports');
  it('without a sidecar are told so', async () => {
    const { report: found } = await report(cluster().kubeconfig, ['missing-metrics', 'deploy/details-v1']);
    const check = checksOf(found).get('workload-injected');
    assert.deepEqual([check?.status, check?.reason, found.exitCode], ['fail', 'NotInjected', 1]);
  });
});
