import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { load as parse } from 'js-yaml';
import { hostTarget, TARGETS } from '../../src/build/targets.ts';
import type { Report } from '../../src/report/document.ts';
import { tool } from '../../src/version.ts';
import { BIN } from './build.ts';
import { withMesh } from './mesh.ts';

const root = join(import.meta.dirname, '../..');
const MANIFEST = join(root, 'dist/krew-manifest.yaml');
const archiveOf = (name: string): string => join(root, `dist/kubectl-istio-diag-v${tool.version}-${name}.tar.gz`);

describe('krew', () => {
  const cluster = withMesh('istio-1.0.6/handler-missing');
  let folder = '';
  let KREW_ROOT = '';
  let env: NodeJS.ProcessEnv = {};

  const run = (command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = spawnSync(command, args, { env: { ...env, ...more }, timeout: 60_000 });
    return { status, stdout: stdout.toString(), stderr: stderr.toString() };
  };
  const krew = (...args: string[]) => run(join(BIN, 'krew'), args);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'krew-'));
    KREW_ROOT = join(folder, 'root');
    // krew wants an index for `list` and `uninstall`: a local one, with nothing in it.
    const index = join(folder, 'index');
    mkdirSync(join(index, 'plugins'), { recursive: true });
    writeFileSync(join(index, 'plugins/.gitkeep'), '');
    const git = ['-c', 'user.name=x', '-c', 'user.email=x@example.invalid', '-C', index];
    for (const args of [
      ['init', '-q'],
      ['add', '.'],
      ['commit', '-qm', 'empty'],
    ]) {
      assert.equal(spawnSync('git', [...git, ...args]).status, 0);
    }
    env = {
      HOME: folder,
      GIT_CONFIG_GLOBAL: '/dev/null',
      PATH: `${join(KREW_ROOT, 'bin')}:${process.env.PATH}`,
      KREW_ROOT,
      KREW_NO_UPGRADE_CHECK: '1',
      KREW_DEFAULT_INDEX_URI: `file://${index}`,
      KUBECONFIG: cluster().kubeconfig,
    };
    assert.equal(krew('update').status, 0);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('finds the manifest valid, by its own rules and those of its index', () => {
    const named = join(folder, 'istio-diag.yaml');
    copyFileSync(MANIFEST, named);
    const { status, stderr } = run(join(BIN, 'validate-krew-manifest'), ['-manifest', named, '-skip-install']);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /no overlapping spec\.platform/);
    const { metadata, spec } = parse(readFileSync(MANIFEST, 'utf8')) as {
      metadata: { name: string };
      spec: { version: string; shortDescription: string; description: string; homepage: string };
    };
    assert.equal(metadata.name, 'istio-diag');
    assert.equal(spec.version, `v${tool.version}`);
    assert.ok(spec.shortDescription.length <= 50 && !spec.shortDescription.endsWith('.'));
    assert.match(spec.homepage, /^https:\/\//);
    for (const line of spec.description.split('\n')) assert.ok(line.length <= 80, line);
  });

  it('refuses the manifest when a sum is wrong', () => {
    const wrong = join(folder, 'wrong.yaml');
    const sums = /sha256: '?\w{64}/g;
    writeFileSync(
      wrong,
      readFileSync(MANIFEST, 'utf8').replace(sums, (sum) => `${sum.slice(0, -64)}${'ab'.repeat(32)}`),
    );
    const { status, stderr } = krew('install', `--manifest=${wrong}`, `--archive=${archiveOf(hostTarget().name)}`);
    assert.notEqual(status, 0);
    assert.match(stderr, /checksum/i);
  });

  it('installs the archive, and kubectl runs it by its link', () => {
    const { status, stderr } = krew('install', `--manifest=${MANIFEST}`, `--archive=${archiveOf(hostTarget().name)}`);
    assert.equal(status, 0, stderr);
    const link = readlinkSync(join(KREW_ROOT, 'bin/kubectl-istio_diag'));
    assert.match(link, /store\/istio-diag\/v[\d.]+\/kubectl-istio-diag$/);
    assert.match(krew('list').stdout, /^detached\/istio-diag$/m);
    assert.equal(run('kubectl', ['istio-diag', 'version']).stdout, `${tool.name} v${tool.version}\n`);
    const { stdout, status: code } = run('kubectl', ['istio-diag', 'missing-metrics', '-o', 'json']);
    assert.equal(code, 1);
    assert.equal((JSON.parse(stdout) as Report).lostAt?.reason, 'HandlerMissing');
    assert.match(run('kubectl', ['plugin', 'list']).stdout, /kubectl-istio_diag/);
  });

  it('has completion installed beside the link, and taken away', () => {
    const script = join(KREW_ROOT, 'bin/kubectl_complete-istio_diag');
    assert.equal(run('kubectl', ['istio-diag', 'completion', 'install']).stdout.split('\n')[0], `wrote ${script}`);
    assert.match(run('kubectl', ['__complete', 'istio-diag', 'miss']).stdout, /^missing-metrics\tFind the hop.*\n:4\n/);
    assert.equal(run('kubectl', ['istio-diag', 'completion', 'uninstall']).stdout, `deleted ${script}\n`);
    assert.ok(!existsSync(script));
  });

  it('uninstalls it, and nothing is left', () => {
    const { status, stderr } = krew('uninstall', 'istio-diag');
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(join(KREW_ROOT, 'bin')), []);
    assert.deepEqual(readdirSync(join(KREW_ROOT, 'store')), []);
    assert.notEqual(run('kubectl', ['istio-diag', 'version']).status, 0);
  });

  for (const { name, os, arch } of TARGETS) {
    it(`unpacks the archive for ${name}`, () => {
      const KREW = { KREW_OS: os, KREW_ARCH: arch, KREW_ROOT: join(folder, name) };
      mkdirSync(KREW.KREW_ROOT);
      const args = ['install', `--manifest=${MANIFEST}`, `--archive=${archiveOf(name)}`];
      const { status, stderr } = run(join(BIN, 'krew'), args, KREW);
      assert.equal(status, 0, stderr);
      const files = readdirSync(join(KREW.KREW_ROOT, 'store/istio-diag', `v${tool.version}`)).sort();
      assert.deepEqual(files, [
        'LICENSE',
        'THIRD-PARTY-LICENSES',
        os === 'windows' ? 'kubectl-istio-diag.exe' : 'kubectl-istio-diag',
      ]);
    });
  }
});
