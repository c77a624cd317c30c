import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { it as nodesIt, type TestContext } from 'node:test';

/** A program that a test needs is not on this machine. */
class NotHere extends Error {
  readonly program: string;
  /** Whether this run is told to do without it. */
  readonly isWaived: boolean;
  constructor(program: string, isWaived: boolean) {
    super(`${program} ${isWaived ? 'is left out' : 'is not on this machine'}`);
    this.program = program;
    this.isWaived = isWaived;
  }
}

/** Programs that a run does without, in CI too: another run there has them. */
const WAIVED = (process.env.LEAVE_OUT ?? '').split(',');

/** The path of a program on the PATH, or null. */
function found(program: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // The next one may hold it.
    }
  }
  return null;
}

/** The program's path. Where it is missing, the test that `it` runs is left out; in CI it fails. */
export function needed(program: string): string {
  if (WAIVED.includes(program)) throw new NotHere(program, true);
  const file = found(program);
  if (file === null) throw new NotHere(program, false);
  return file;
}

/** How many tests were left out for want of which program. */
const leftOut = new Map<string, number>();

/** Whether every test has run so far. */
export const isWhole = (): boolean => leftOut.size === 0;

process.on('exit', () => {
  const counts = [...leftOut].map(([program, count]) => `${count} for want of ${program}`);
  if (counts.length > 0) process.stderr.write(`tests left out: ${counts.join(', ')}\n`);
});

/** A test that takes longer than this hangs (ms). */
const HANG = 120_000;

/** As `it` of node:test, for a test that uses programs which a machine with Node and npm may lack. */
export function it(name: string, run: (context: TestContext) => unknown): void {
  void nodesIt(name, { timeout: HANG }, async (context) => {
    try {
      await run(context);
    } catch (error) {
      if (!(error instanceof NotHere) || (process.env.CI && !error.isWaived)) throw error;
      leftOut.set(error.program, (leftOut.get(error.program) ?? 0) + 1);
      context.skip(error.message);
    }
  });
}

/** Resolves when `holds`. Rejects after 20 s: a test that waits for what never comes fails, and does not hang. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); ) {
    if (Date.now() > end) throw new Error(`waited 20 s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
