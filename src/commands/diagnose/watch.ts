import type { Status } from '../../diagnosis/finding.ts';
import { UsageError } from '../../errors.ts';
import type { Report } from '../../report/document.ts';
import { type Arguments, text } from '../arguments.ts';
import { durationOf } from '../options.ts';
import { sleepWithin } from '../session.ts';

/** That a run looks again, and until when. */
export interface Watching {
  /** Between the end of a look and the next one (ms). */
  every: number;
  /** How long in all (ms); null without end. */
  longest: number | null;
  /** Whether it ends when all is well. */
  untilHealthy: boolean;
}

/** How long --wait waits where it does not say. */
const WAIT = '5m';

const EVERY = '5s';

/** Shorter would be a load on what it looks at (ms). */
const SHORTEST = 1000;

/** Null of a run that looks once. */
export function watchingOf(args: Arguments): Watching | null {
  const waits = args.wait !== undefined;
  const every = text(args.every);
  if (!waits && args.watch !== true) {
    if (every !== null) throw new UsageError('--every says how often --wait or --watch looks again: give one of them');
    return null;
  }
  if (waits && args.watch === true) throw new UsageError('give --wait or --watch, not both');
  const flag = waits ? '--wait' : '--watch';
  const once = ['bundle', 'save-bundle'].find((name) => args[name] !== undefined);
  if (once !== undefined)
    throw new UsageError(`${flag} looks again and again, and --${once} is one look: give one of them`);
  const between = durationOf(every ?? EVERY, 'every');
  if (between < SHORTEST) throw new UsageError(`--every takes 1s or more, not ${JSON.stringify(every)}`);
  return {
    every: between,
    longest: waits ? durationOf(text(args.wait) ?? WAIT, 'wait') : null,
    untilHealthy: waits,
  };
}

/** Whether all that could be judged is well. */
const isHealthy = (reports: readonly Report[]): boolean =>
  reports.some(({ verdict }) => verdict === 'healthy') &&
  reports.every(({ verdict }) => verdict === 'healthy' || verdict === 'not-applicable');

/** A look, as far as it decides whether there is another. */
interface Look {
  reports: readonly Report[];
}

/**
 * Looks again until all is well, time is up or the run is interrupted, and resolves to the last look that is whole. `onLook`
 * hears of each, and of the one before.
 */
export async function watch<T extends Look>(
  { every, longest, untilHealthy }: Watching,
  first: T,
  look: (before: T) => Promise<T>,
  onLook: (now: T, before: T | null) => Promise<void>,
  interrupt: AbortSignal,
): Promise<T> {
  const began = performance.now();
  const left = (): number => (longest === null ? Number.POSITIVE_INFINITY : longest - (performance.now() - began));
  let last = first;
  await onLook(first, null);
  while (!(untilHealthy && isHealthy(last.reports)) && left() > 0) {
    await sleepWithin(interrupt, Math.min(every, left()));
    if (interrupt.aborted) break;
    const next = await look(last);
    // What was interrupted is not whole: the last one stands.
    if (interrupt.aborted) break;
    await onLook(next, last);
    last = next;
  }
  return last;
}

/** What tells a report's steps apart. */
const keyOf = ({ id, generation, namespace, revision }: Report['steps'][number]): string =>
  JSON.stringify([id, generation, namespace, revision]);

/** A status of which the first look tells nothing: there is nothing to wait for. */
const isQuiet = (status: Status): boolean => status === 'pass' || status === 'skip';

/** What differs between two looks, a line each: steps whose status changed, and the verdict. Of the first look what is not well. */
export function changesBetween(now: readonly Report[], before: readonly Report[]): readonly string[] {
  return now.flatMap((report, index) => {
    const old = before[index];
    const of = now.length > 1 ? `${report.topic} ` : '';
    const known = new Map((old?.steps ?? []).map((step) => [keyOf(step), step.status]));
    const steps = report.steps.flatMap((step) => {
      if (!old) return isQuiet(step.status) ? [] : [`${of}${step.id}: ${step.status}: ${step.message}`];
      const was = known.get(keyOf(step));
      return was === step.status ? [] : [`${of}${step.id}: ${was ?? 'new'} -> ${step.status}: ${step.message}`];
    });
    return [...steps, ...(old?.verdict === report.verdict ? [] : [`${of}${report.verdict}`])];
  });
}
