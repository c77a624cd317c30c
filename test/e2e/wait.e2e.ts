import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import type { Report } from '../../src/report/document.ts';
import { loadScraped } from '../bench/scraped.ts';
import { override, telemetry } from '../support/mesh/causes/cause.ts';
import { built } from '../support/mesh/scenario.ts';
import { shop } from '../support/mesh/spec.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { BINARY, report, started } from './user.ts';

/** A mesh whose metrics somebody has switched off a moment ago: what was counted is still there, and istiod does not tell. */
function switchedOff() {
  const mesh = built('wait', shop());
  mesh.recording.objects.push(telemetry('istio-system', 'off', [override(true)]));
  for (const page of mesh.recording.pages.keys()) if (/config_dump/.test(page)) mesh.recording.pages.delete(page);
  return mesh;
}

describe('--wait, on a real cluster', () => {
  let cluster: TestCluster;
  let unload = (): Promise<void> => Promise.resolve();
  before(async () => {
    cluster = await startCluster();
    unload = await loadScraped(cluster, switchedOff());
  });
  after(async () => {
    try {
      await unload();
    } finally {
      await cluster.close();
    }
  });

  it('sees that the fix heals which the report itself has printed', async () => {
    const { kubeconfig } = cluster;
    const broken = (await report(kubeconfig, ['missing-metrics'])).report;
    assert.deepEqual([broken.verdict, broken.lostAt?.reason], ['broken', 'MetricsDisabled']);
    const [fix] = broken.steps.flatMap(({ checks }) =>
      checks.flatMap(({ status, causedBy, hint }) => (status === 'fail' && causedBy === null && hint ? [hint] : [])),
    );
    assert.ok(fix);

    const waiting = spawn(BINARY, ['missing-metrics', '--wait=60s', '--every=1s', '-o', 'json'], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    const told = new Promise<void>((resolve) => {
      waiting.stderr.on('data', (chunk: Buffer) => {
        said.stderr += chunk.toString();
        if (said.stderr.includes('broken')) resolve();
      });
    });
    waiting.stdout.on('data', (chunk: Buffer) => {
      said.stdout += chunk.toString();
    });
    const ended = new Promise<number | null>((resolve) => waiting.once('close', resolve));
    await Promise.race([told, ended]);
    // What a person does in the editor that the line opens, by its own words.
    assert.match(fix, /^kubectl -n istio-system edit telemetries\S* off {3}# take out disabled: true of metrics$/);
    const applied = await started('bash', ['-c', fix], {
      KUBECONFIG: kubeconfig,
      KUBE_EDITOR: "sed -i '/disabled: true/d'",
    });
    assert.equal(applied.code, 0, `${fix}: ${applied.stderr}`);
    assert.equal(await ended, 0, said.stderr);
    const healed = JSON.parse(said.stdout) as Report;
    assert.deepEqual([healed.verdict, healed.exitCode], ['healthy', 0]);
    assert.match(said.stderr, /telemetry-config: fail -> pass: .*\n.*Z {2}healthy\n$/);
  });
});
