// `node src/build/compile.ts SOURCE COMPILED whole|start`, on the Node that ships: writes what Node compiles of the
// source, all of it or what the offline words call. Deterministic: a run that waits for a cluster would not be.
import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { Io } from '../commands/io.ts';
import { programOf, scriptOf } from '../program.ts';

const CALLED = [['version'], ['--help'], ['missing-metrics', '--help']];

const [, , source = '', compiled = '', what] = process.argv;
if (what === 'whole') setFlagsFromString('--no-lazy');
const script = scriptOf(readFileSync(source), undefined);
// The flags are written too, and Node refuses code of others than its own.
setFlagsFromString('--lazy');
if (what === 'start') {
  const output: Io['stdout'] = {
    write(_, done) {
      done?.();
      return true;
    },
  };
  const { run } = programOf(script);
  for (const argv of CALLED) {
    const interrupt = new AbortController().signal;
    const code = await run(argv, {
      stdout: output,
      stderr: output,
      env: {},
      now: () => 0,
      interrupt,
      signal: () => null,
    });
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}`);
  }
}
writeFileSync(compiled, script.createCachedData());
