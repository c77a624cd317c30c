import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strip } from './elf.ts';
import { assertSigned, sign } from './mach-o.ts';
import { unsign } from './pe.ts';
import { runtimeFor } from './runtime.ts';
import { hostTarget, programOf, type Target } from './targets.ts';

/** Where a target's binary is written. */
export const binaryPath = (target: Target): string => join('dist', target.name, programOf(target));

/** Writes Node and the bundle as one program for `target`: a "single executable application" of Node's. */
export async function buildBinary(target: Target): Promise<void> {
  const host = hostTarget();
  const [{ program }, { program: node }] = await Promise.all([runtimeFor(target), runtimeFor(host)]);
  const output = binaryPath(target);
  mkdirSync(dirname(output), { recursive: true });
  rmSync(output, { force: true });
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  try {
    const executable = join(folder, programOf(target));
    writeFileSync(executable, prepared(target, readFileSync(program)), { mode: 0o755 });
    const config = join(folder, 'sea.json');
    writeFileSync(
      config,
      JSON.stringify({
        main: 'dist/cli.cjs',
        output,
        executable,
        disableExperimentalSEAWarning: true,
        // Compiled code is of one processor only: elsewhere Node would warn of it in every run (packaging.md 1.2).
        useCodeCache: target === host,
        // A NODE_OPTIONS of the user's is meant for other programs, and a bad one would stop this one.
        execArgvExtension: 'none',
        // MB. From Node's own small start, --help collects garbage four times and a diagnosis ten: a tenth of the time.
        execArgv: ['--min-semi-space-size=16'],
      }),
    );
    // A fixed seed: without it the compiled code differs from build to build.
    execFileSync(node, ['--random-seed=1', '--build-sea', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (target.os === 'darwin') {
    const signed = sign(readFileSync(output), 'kubectl-istio-diag');
    assertSigned(signed);
    writeFileSync(output, signed);
  }
  chmodSync(output, 0o755);
}

/** Node as it goes in: smaller, and without a signature that would be wrong. */
function prepared(target: Target, program: Buffer): Buffer {
  if (target.os === 'linux') return strip(program);
  return target.os === 'windows' ? unsign(program) : program;
}
