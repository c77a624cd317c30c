import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compiledOf, PARAMETERS, PROGRAM } from '../program.ts';
import { strip } from './elf.ts';
import { assertSigned, sign } from './mach-o.ts';
import { unsign } from './pe.ts';
import { runtimeFor } from './runtime.ts';
import { hostTarget, programOf, type Target } from './targets.ts';

/** With a fixed seed: without it the compiled code differs from build to build. */
const run = (node: string, args: readonly string[]): void =>
  void execFileSync(node, ['--random-seed=1', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });

/**
 * MB. From Node's own small start, --help collects garbage once and a diagnosis seven times; from this one, never and once.
 * And no more than this: of a large mesh most text is garbage at once, and Node would let three times as much of it lie.
 */
export const EXEC_ARGV = ['--min-semi-space-size=8', '--max-semi-space-size=8'];

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
    const assets = writeAssets(folder, target === host ? node : null);
    const config = join(folder, 'sea.json');
    writeFileSync(
      config,
      JSON.stringify({
        main: 'dist/main.cjs',
        assets,
        output,
        executable,
        disableExperimentalSEAWarning: true,
        // Of one processor only too: elsewhere Node would warn of it in every run (packaging.md 1.2).
        useCodeCache: target === host,
        // A NODE_OPTIONS of the user's is meant for other programs, and a bad one would stop this one.
        execArgvExtension: 'none',
        execArgv: EXEC_ARGV,
      }),
    );
    run(node, ['--build-sea', config]);
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

/** Writes what program.ts reads, and returns its files by their names. Compiled code is of one processor only. */
export function writeAssets(folder: string, node: string | null): Record<string, string> {
  const bundle = join('dist', PROGRAM);
  const files = readdirSync(bundle);
  for (const file of files) {
    // On the first line: the lines of a stack trace are those of the bundle.
    const source = `(function (${PARAMETERS}) { ${readFileSync(join(bundle, file), 'latin1')}\n})`;
    // esbuild escapes all but regular expressions, and the program reads a byte as a character: it takes half the time.
    const [beyond] = /[\u0080-\uffff].*/.exec(source) ?? [];
    if (beyond !== undefined) throw new Error(`${file} is not ASCII: ${beyond.slice(0, 80)}`);
    writeFileSync(join(folder, file), source, 'latin1');
    if (node === null) writeFileSync(join(folder, compiledOf(file)), '');
  }
  if (node !== null) run(node, ['src/build/compile.ts', folder, ...files]);
  const names = files.flatMap((file) => [file, compiledOf(file)]);
  return Object.fromEntries(names.map((name) => [name, join(folder, name)]));
}

/** Node as it goes in: smaller, and without a signature that would be wrong. */
function prepared(target: Target, program: Buffer): Buffer {
  if (target.os === 'linux') return strip(program);
  return target.os === 'windows' ? unsign(program) : program;
}
