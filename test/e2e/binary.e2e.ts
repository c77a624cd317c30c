import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { load as parse } from 'js-yaml';
import { binaryPath, buildBinary, EXEC_ARGV, writeAssets } from '../../src/build/binary.ts';
import { strip } from '../../src/build/elf.ts';
import { assertSigned } from '../../src/build/mach-o.ts';
import { certificate, unsign } from '../../src/build/pe.ts';
import { runtimeFor } from '../../src/build/runtime.ts';
import { hostTarget, programOf, TARGETS, type Target } from '../../src/build/targets.ts';
import { ENTRY } from '../../src/program.ts';
import { BINARY } from './user.ts';

const root = join(import.meta.dirname, '../..');
const DEMO = join(root, 'test/bundles/demo.tar.gz');
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const programIn = (target: Target): Buffer => readFileSync(join(root, binaryPath(target)));
const called = (name: string): Target => TARGETS.find((target) => target.name === name) as Target;

interface Manifest {
  spec: {
    platforms: { selector: { matchLabels: Record<string, string> }; uri: string; sha256: string; bin: string }[];
  };
}
const manifest = parse(readFileSync(join(root, 'dist/krew-manifest.yaml'), 'utf8')) as Manifest;

describe('the archives', () => {
  it('are those that the krew manifest names, with their sums', () => {
    assert.equal(manifest.spec.platforms.length, TARGETS.length);
    for (const [index, { uri, sha256: sum, bin, selector }] of manifest.spec.platforms.entries()) {
      const target = TARGETS[index] as Target;
      assert.deepEqual(selector.matchLabels, { os: target.os, arch: target.arch });
      assert.equal(bin, programOf(target));
      assert.equal(sha256(join(root, 'dist', uri.split('/').at(-1) ?? '')), sum);
    }
  });

  for (const [index, target] of TARGETS.entries()) {
    it(`for ${target.name} holds the program and the licences`, () => {
      const archive = join(root, 'dist', manifest.spec.platforms[index]?.uri.split('/').at(-1) ?? '');
      const list = spawnSync('tar', ['-tzvf', archive]).stdout.toString().trimEnd().split('\n');
      assert.deepEqual(
        list.map((line) => [line.split(/\s+/)[0], line.split(' ').at(-1)]),
        [
          ['-rwxr-xr-x', programOf(target)],
          ['-rw-r--r--', 'LICENSE'],
          ['-rw-r--r--', 'THIRD-PARTY-LICENSES'],
        ],
      );
      const read = (file: string) => spawnSync('tar', ['-xzOf', archive, file], { maxBuffer: 2 ** 28 }).stdout;
      assert.ok(read(programOf(target)).equals(programIn(target)));
      const others = read('THIRD-PARTY-LICENSES').toString();
      for (const name of ['yargs 18', 'execa 9', 'cli-table3 0', 'Node.js', 'OpenSSL'])
        assert.ok(others.includes(name), name);
    });
  }
});

describe('the program of this machine', () => {
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(BINARY, args, { env, cwd: tmpdir(), timeout: 30_000 });

  it('starts without Node on the PATH, from another folder', () => {
    const { status, stdout, stderr } = run(['version']);
    assert.deepEqual([status, /^kubectl-istio-diag v\d/.test(stdout.toString()), stderr.toString()], [0, true, '']);
  });

  it('diagnoses the embedded mesh as the bundle does', () => {
    const args = ['missing-metrics', '--bundle', DEMO];
    const plain = spawnSync(process.execPath, [join(root, 'bin/kubectl-istio-diag'), ...args]);
    const { status, stdout } = run(args);
    const timeless = (text: Buffer): string => text.toString().replace(/[\d.]+ m?s,/, '');
    assert.match(stdout.toString(), /CAUSE {2}HandlerMissing/);
    assert.deepEqual([status, timeless(stdout)], [1, timeless(plain.stdout)]);
  });

  it('prints in ASCII what the bundle prints', () => {
    const args = ['zipkin-clock', '--bundle', DEMO, '--ascii', '-o', 'wide', '--fail-on', 'never'];
    const plain = spawnSync(process.execPath, [join(root, 'bin/kubectl-istio-diag'), ...args]);
    const timeless = (text: Buffer): string => text.toString().replace(/[\d.]+ m?s,/, '');
    const { stdout } = run(args);
    assert.match(stdout.toString(), /this machine's clock is the nodes'/);
    assert.doesNotMatch(stdout.toString(), /[\u0080-\uffff]/);
    assert.equal(timeless(stdout), timeless(plain.stdout));
  });

  it('is not led astray by NODE_OPTIONS', () => {
    for (const NODE_OPTIONS of ['--require /nonexistent.js', '--no-such-flag']) {
      assert.equal(run(['version'], { NODE_OPTIONS }).status, 0);
    }
  });

  it('reads no file beside itself', () => {
    const folder = mkdtempSync(join(tmpdir(), 'strace-'));
    const log = join(folder, 'log');
    spawnSync('strace', ['-f', '-e', 'trace=openat', '-o', log, BINARY, '--help']);
    const opened = [...readFileSync(log, 'utf8').matchAll(/openat\(\w+, "([^"]+)"/g)].map(([, file = '']) => file);
    rmSync(folder, { recursive: true });
    assert.ok(opened.length > 5);
    assert.deepEqual(
      opened.filter((file) => !/^\/(etc|lib|lib64|usr|proc|sys|dev)\//.test(file) && file !== BINARY),
      [],
    );
  });

  it('carries compiled code that its Node takes, of every file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'compiled-'));
    try {
      const { program: node } = await runtimeFor(hostTarget());
      const files = Object.keys(writeAssets(folder, node)).filter((name) => name.endsWith('.cjs'));
      assert.ok(files.length > 50 && files.includes(ENTRY));
      const program = `const { Script } = require('node:vm'), { readFileSync } = require('node:fs');
        const [folder, ...files] = process.argv.slice(1);
        for (const file of files) {
          const cachedData = readFileSync(folder + '/' + file + '.cache');
          const source = readFileSync(folder + '/' + file, 'latin1');
          const script = new Script(source, { filename: 'dist/program/' + file, cachedData });
          console.log(script.cachedDataRejected);
        }`;
      // A process for each set of flags: Node knows a source that it has met before.
      const rejected = (flags: readonly string[]): string[] =>
        spawnSync(node, [...flags, '-e', program, folder, ...files])
          .stdout.toString()
          .trim()
          .split('\n');
      assert.deepEqual(
        rejected(EXEC_ARGV),
        files.map(() => 'false'),
      );
      // With other flags it is: so the question is a real one.
      assert.deepEqual(
        rejected(['--no-opt']),
        files.map(() => 'true'),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has the same bytes when it is built again', async () => {
    const was = sha256(BINARY);
    await buildBinary(hostTarget());
    assert.equal(sha256(BINARY), was);
  });
});

describe('the programs of other machines', () => {
  it('for linux-arm64 runs, under emulation', () => {
    const program = join(root, binaryPath(called('linux-arm64')));
    const env = { QEMU_LD_PREFIX: '/usr/aarch64-linux-gnu', PATH: process.env.PATH };
    const arm = process.arch === 'arm64' ? [program] : ['qemu-aarch64-static', program];
    const [command, ...args] = [...arm, 'missing-metrics', '--bundle', DEMO, '-o', 'json'];
    const { status, stdout, stderr } = spawnSync(command, args, { env, timeout: 60_000 });
    assert.deepEqual([status, stderr?.toString()], [1, '']);
    assert.equal((JSON.parse(stdout.toString()) as { lostAt: { reason: string } }).lostAt.reason, 'HandlerMissing');
  });

  for (const name of ['darwin-x64', 'darwin-arm64']) {
    it(`for ${name} is signed ad hoc, and true to its signature`, async () => {
      const program = programIn(called(name));
      assert.equal(program.readUInt32LE(4), name === 'darwin-arm64' ? 0x100000c : 0x1000007);
      assertSigned(program);
      const changed = Buffer.from(program);
      changed.writeUInt8(changed.readUInt8(5_000_000) ^ 1, 5_000_000);
      assert.throws(() => assertSigned(changed), /1 pages are not as they were signed/);
      assert.throws(
        () => assertSigned(Buffer.concat([program, Buffer.alloc(1)])),
        /does not end where the program ends/,
      );
      const { program: node } = await runtimeFor(called(name));
      assert.throws(() => assertSigned(readFileSync(node)), /not ad hoc/);
    });
  }

  it('for windows-x64 has no signature that would be wrong', async () => {
    const program = programIn(called('windows-x64'));
    assert.equal(program.toString('latin1', 0, 2), 'MZ');
    assert.deepEqual(certificate(program), { at: 0, size: 0 });
    const { program: node } = await runtimeFor(called('windows-x64'));
    assert.ok(certificate(readFileSync(node)).size > 0);
    assert.throws(() => unsign(programIn(called('linux-x64'))), /not a Windows program/);
  });

  it('for linux are stripped of symbols, as binutils says', () => {
    for (const name of ['linux-x64', 'linux-arm64']) {
      const { stdout } = spawnSync('readelf', ['-SW', join(root, binaryPath(called(name)))]);
      assert.match(stdout.toString(), /\.dynsym/);
      assert.doesNotMatch(stdout.toString(), /\.symtab|\.debug_info/);
    }
    assert.throws(() => strip(programIn(called('windows-x64'))), /not a little-endian ELF-64/);
  });
});

describe('npm run build', () => {
  const build = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'src/build/release.ts', ...args], { cwd: root, timeout: 60_000 });

  it('says in one line that there is no such target', () => {
    const { status, stderr } = build('--target', 'solaris-sparc');
    assert.equal(status, 1);
    assert.match(stderr.toString(), /^error: there is no target solaris-sparc: linux-x64, .*\n$/);
  });

  it('refuses a Node that is not the pinned one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pinned-'));
    const was = process.cwd();
    process.chdir(folder);
    try {
      const linux = called('linux-x64');
      const other = { ...linux, runtime: { ...linux.runtime, integrity: 'sha512-AAAA' } };
      await assert.rejects(runtimeFor(other), /is not what it was: sha512-.* instead of sha512-AAAA/);
    } finally {
      process.chdir(was);
      rmSync(folder, { recursive: true });
    }
  });
});
