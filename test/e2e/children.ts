import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Programs of a test, each with a log in its folder; ended by their own ids. */
export interface Children {
  start(program: string, args: readonly string[], options?: { env?: NodeJS.ProcessEnv; cwd?: string }): ChildProcess;
  /** The last words of a program's log. */
  words(name: string): string;
  /** Whether one of them has ended by itself. */
  lost(): boolean;
  /** Ends all, the last one first. */
  end(): Promise<void>;
}

/** A file that a runner of several has started: `exit` handlers end what its tests have started. */
if (process.env.NODE_TEST_CONTEXT !== undefined)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export function childrenIn(folder: string): Children {
  const children: ChildProcess[] = [];
  // A test run that is ended itself runs no `after`: then at once, and with the folder.
  const kill = (): void => {
    for (const child of children) child.kill('SIGKILL');
    if (children.length > 0) rmSync(folder, { recursive: true, force: true });
  };
  const logOf = (program: string): string => join(folder, `${program.split('/').at(-1)}.log`);
  return {
    start(program, args, options = {}) {
      if (children.length === 0) process.once('exit', kill);
      const log = openSync(logOf(program), 'w');
      const child = spawn(program, args, { ...options, stdio: ['ignore', log, log] });
      closeSync(log);
      child.on('error', (error) => writeFileSync(logOf(program), String(error)));
      children.push(child);
      return child;
    },
    words: (name) => readFileSync(logOf(name), 'utf8').slice(-1000),
    lost: () => children.some(isOver),
    async end() {
      for (const child of children.splice(0).reverse()) {
        const ended = new Promise((resolve) => (isOver(child) ? resolve(null) : child.once('exit', resolve)));
        child.kill('SIGTERM');
        const forced = setTimeout(() => child.kill('SIGKILL'), 5000);
        await ended;
        clearTimeout(forced);
      }
      process.off('exit', kill);
    },
  };
}

/** Ended, by itself or by a signal. */
const isOver = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** Waits until `done`, asked again and again; throws what `late` says after `seconds`. */
export async function until(done: () => Promise<boolean>, seconds: number, late: () => string): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !(await done()); ) {
    if (Date.now() > end) throw new Error(late());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
