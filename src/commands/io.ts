import type { HeadStart } from '../cluster/ways/head-start.ts';
import { OutputError } from '../errors.ts';
import type { Signal } from '../report/exit.ts';

/** A stream that is written to: a process's own, or a test's. */
export interface Output {
  write(text: string, done?: (error?: Error | null) => void): boolean;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/** How wide a terminal is: undefined of what is none, and of one that does not say, which is 0 where there is no window. */
export const columnsOf = ({ isTTY, columns }: Output): number | undefined => (isTTY && columns ? columns : undefined);

/** Whether lines can be drawn over: a terminal, and not one that only writes. */
export const isDrawable = ({ isTTY }: Output, { env }: Pick<Io, 'env'>): boolean =>
  isTTY === true && env.TERM !== 'dumb';

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

/** What a program hears when nobody reads its output any more: `| head` is no fault. */
const NOBODY_READS: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED']);

/** Writes all of `text`, and resolves when it is out or nobody reads any more. Rejects when it could not be written. */
export const print = (output: Output, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    output.write(text, (error) => {
      const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
      if (!error || NOBODY_READS.has(code)) resolve();
      else reject(new OutputError(`the output could not be written: ${message}`, { cause: error }));
    });
  });

/** Writes what is said beside the output. Where stderr cannot be written, nobody is told, and the run goes on. */
export const aside = (output: Output, text: string): Promise<void> => print(output, text).catch(() => undefined);
