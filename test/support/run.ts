import { run } from '../../src/cli.ts';
import type { Io } from '../../src/commands/io.ts';
import type { Report } from '../../src/report/document.ts';
import { NOW } from './judging.ts';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** What a test may change of the world: environment, terminal, interruption. */
export interface World {
  env?: Record<string, string | undefined>;
  isTTY?: boolean;
  columns?: number;
  interrupt?: AbortSignal;
  signal?: Io['signal'];
  headStart?: Io['headStart'];
  /** The clock, in milliseconds since 1970; that of the tests by default, which stands still. */
  now?: () => number;
  /** Hears what is written to stderr, as it is written. */
  hears?: (text: string) => void;
}

/** Runs the command line in this process. Every report of a test is from the same moment, unless it says otherwise. */
export async function ran(argv: readonly string[], world: World = {}): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const terminal = {
    ...(world.isTTY !== undefined && { isTTY: world.isTTY }),
    ...(world.columns !== undefined && { columns: world.columns }),
  };
  const capturing = (name: keyof typeof said): Io['stdout'] => ({
    ...terminal,
    write(text, done) {
      said[name] += text;
      if (name === 'stderr') world.hears?.(text);
      done?.();
      return true;
    },
  });
  const code = await run(argv, {
    stdout: capturing('stdout'),
    stderr: capturing('stderr'),
    // kubectl is a child of this process; no more of its environment is anybody's.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...world.env },
    now: world.now ?? (() => NOW),
    interrupt: world.interrupt ?? new AbortController().signal,
    headStart: world.headStart ?? null,
    signal: world.signal ?? (() => null),
  });
  return { code, ...said };
}

/** Runs a topic with -o json and parses its report. */
export async function reported(argv: readonly string[], world: World = {}): Promise<Ran & { report: Report }> {
  const result = await ran([...argv, '-o', 'json'], world);
  return { ...result, report: JSON.parse(result.stdout) as Report };
}

/** What a report says of a check, wherever it is. */
export const checkOf = ({ steps }: Report, id: string): Report['steps'][number]['checks'][number] | undefined =>
  steps.flatMap(({ checks }) => checks).find((check) => check.id === id);
