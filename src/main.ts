import { guessedKubectl } from './commands/guess.ts';
import type { Output } from './commands/io.ts';
import { stdoutOf } from './commands/stdout.ts';
import { loadProgram } from './program.ts';
import type { Signal } from './report/exit.ts';

const interrupt = new AbortController();
let signal: Signal | null = null;
let signalledAt = 0;

/** A second signal this soon is the same impatience (ms): to end every kubectl may take as long. */
const SAME_SIGNAL = 2000;

/** First of all: from here on a run that is ended still prints what it found, and leaves nothing behind. */
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // The second time somebody really means it; `exit` handlers still clean up.
    if (signal !== null) {
      if (Date.now() - signalledAt < SAME_SIGNAL) return;
      process.exit(name === 'SIGINT' ? 130 : 143);
    }
    signalledAt = Date.now();
    signal = name === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
    interrupt.abort('Interrupted');
  });
}

/** The streams that were written to: Node opens one when it is first asked for, and that costs 2 ms. */
const opened = new Set<NodeJS.WriteStream>();

/** Whoever writes to it is told of its errors by the call itself (print); here they must not end the process. */
function heeded(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (opened.has(stream)) return stream;
  opened.add(stream);
  return stream.on('error', () => undefined);
}

let stdout: Output | null = null;

async function main(): Promise<number> {
  const argv = process.argv.slice(2);
  const kubectl = guessedKubectl(argv, process.env);
  const headStart = kubectl && (await import('./cluster/ways/head-start.ts')).takeHeadStart(kubectl);
  try {
    const { run } = await loadProgram();
    return await run(argv, {
      get stdout() {
        stdout ??= stdoutOf(() => heeded(process.stdout));
        return stdout;
      },
      get stderr() {
        return heeded(process.stderr);
      },
      env: process.env,
      now: Date.now,
      interrupt: interrupt.signal,
      headStart,
      signal: () => signal,
    });
  } finally {
    await headStart?.end();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
    // It would cut off what is still being written to a pipe. Otherwise there is nothing left to do, and Node takes 8 ms
    // to put all its pieces away.
    if ([...opened].every(({ writableLength }) => writableLength === 0)) process.exit();
  },
  (error: unknown) => {
    process.exitCode = 2;
    heeded(process.stderr).write(
      `bug in kubectl-istio-diag, please report it: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
  },
);
