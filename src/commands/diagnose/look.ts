import type { Topic } from '../../diagnosis/check.ts';
import type { Ignore } from '../../diagnosis/ignore.ts';
import type { Report } from '../../report/document.ts';
import type { FailOn } from '../../report/exit.ts';
import { type Past, unlike } from '../../report/past.ts';
import { type Facts, reportOf } from '../../report/report.ts';
import { tool } from '../../version.ts';
import type { Arguments } from '../arguments.ts';
import type { Io } from '../io.ts';
import type { Session } from '../session.ts';
import { unusedIn } from './ignores.ts';
import { type Found, type Histories, investigate } from './investigate.ts';
import type { Spinner } from './spinner.ts';

/** What every look of a run has in common. */
export interface Looking {
  topics: readonly Topic[];
  args: Arguments;
  io: Io;
  failOn: FailOn;
  ignores: readonly Ignore[];
  /** What each topic is compared with. */
  baselines: readonly Past[];
}

/** One look at all that was asked for. */
export interface Look {
  found: readonly Found[];
  run: Omit<Facts['run'], 'scope'>;
}

/** Looks at the cluster or bundle of a session, at a time in milliseconds since 1970. */
export async function look(
  { topics, args, io, ignores }: Looking,
  session: Session,
  startedAt: number,
  spinner: Spinner,
  histories: Histories,
): Promise<Look> {
  const started = io.now();
  const found = await investigate(
    topics,
    args,
    { ...session, startedAt },
    { spinner, clock: io.now, histories, ignores },
  );
  const { context } = await session.identity;
  const run = {
    startedAt: new Date(startedAt).toISOString(),
    durationMs: Math.max(0, io.now() - started),
    context,
    source: session.source,
  };
  return { found, run };
}

/** A report of each topic, with more to be told in each. */
export const reportsOf = (
  { topics, io, failOn, ignores, baselines }: Looking,
  { found, run }: Look,
  more: readonly string[] = [],
): readonly Report[] =>
  found.map(({ warnings, scope, ...rest }) => {
    const topic = topics.find(({ id }) => id === rest.topic);
    const unused = topic ? unusedIn(ignores, topic, rest.sections) : [];
    const baseline = baselines.find((past) => past.topic === rest.topic) ?? null;
    const apart = baseline ? unlike(baseline, { ...baseline, run: { ...run, scope } }) : [];
    return reportOf({
      tool,
      run: { ...run, scope },
      ...rest,
      warnings: [...warnings, ...unused, ...apart.map((words) => `--baseline: ${words}`), ...more],
      baseline,
      failOn,
      signal: io.signal(),
    });
  });
