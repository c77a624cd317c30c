import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { tool } from '../../src/version.ts';

const root = join(import.meta.dirname, '../..');

describe('npm install --global, from the packed tarball', () => {
  const folder = mkdtempSync(join(tmpdir(), 'npm-'));
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  const run = (command: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(command, args, { env, cwd: root, timeout: 120_000 });
    return { status, stdout: stdout.toString(), stderr: stderr.toString() };
  };
  after(() => rmSync(folder, { recursive: true }));

  it('gives both names, and completion', () => {
    const packed = run('npm', 'pack', '--json', '--loglevel=error', '--pack-destination', folder);
    const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
    const names = files.map(({ path }) => path);
    assert.ok(!names.some((name) => /^(src|test\/(?!bundles))/.test(name)), names.join());
    for (const name of [
      'dist/main.cjs',
      'dist/program/cli.cjs',
      'LICENSE',
      'README.md',
      'dist/THIRD-PARTY-LICENSES',
      'plugin.yaml',
    ])
      assert.ok(names.includes(name), name);
    const installed = run('npm', 'install', '--global', '--prefix', folder, '--loglevel=error', join(folder, filename));
    assert.equal(installed.status, 0, installed.stderr);
    for (const name of ['kubectl-istio_diag', 'kubectl-istio-diag']) {
      assert.equal(run(name, 'version').stdout, `${tool.name} v${tool.version}\n`);
    }
    assert.equal(run('kubectl', 'istio-diag', 'version').stdout, `${tool.name} v${tool.version}\n`);
    assert.equal(run('kubectl', 'istio', 'diag', 'version').stdout, `${tool.name} v${tool.version}\n`);
    assert.match(run('kubectl', '__complete', 'istio-diag', 'miss').stdout, /^missing-metrics\t/);
  });

  it('is undone by npm uninstall', () => {
    assert.equal(run('npm', 'uninstall', '--global', '--prefix', folder, '--loglevel=error', tool.name).status, 0);
    assert.notEqual(run('kubectl', 'istio-diag', 'version').status, 0);
  });
});
