import type { HeadStart } from '../cluster/head-start.ts';
import type { Signal } from '../report/exit.ts';

/** A stream that is written to: a process's own, or a test's. */
export interface Output {
  write(text: string, done?: (error?: Error | null) => void): boolean;
  isTTY?: boolean;
  columns?: number;
}

/** All of the world that a command may use beside the cluster. */
export interface Io {
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Aborted with 'Interrupted' when the user or the system ends the run. */
  interrupt: AbortSignal;
  /** A kubectl that was started on a guess. Whoever gave it ends it. */
  headStart?: HeadStart | null;
  /** Which signal that was; null while there was none. */
  readonly signal: () => Signal | null;
}

/** Writes all of `text`, and resolves when it is out or nobody reads any more. */
export const print = (output: Output, text: string): Promise<void> =>
  new Promise((resolve) => {
    output.write(text, () => resolve());
  });
