import { NoAnswer } from '../errors.ts';
import type { AnyCheck, ControlPlane, Meter, Scope, Source, Step, Topic, Verdict } from './check.ts';
import type { Finding, Section, StepFindings } from './finding.ts';
import type { Gatherer } from './gather.ts';
import { settle } from './source.ts';
import { unknown } from './verdict.ts';

/**
 * Walks a topic's steps for one control plane. Every source that a check needs starts at once; the judging follows
 * in the guide's order as the evidence arrives. `onStep` hears the title of the step that is waited for.
 */
export async function walk(
  topic: Topic,
  plane: ControlPlane,
  gatherer: Gatherer,
  scope: Scope,
  onStep: (title: string) => void,
): Promise<Section> {
  const { steps: all, meter } = topic.walks[plane.generation];
  const steps = scope.workload === null ? all.map(withoutCallers) : all;
  const needed = new Set<Source<unknown>>([
    ...steps.flatMap(({ checks }) => checks.flatMap(({ needs }) => Object.values(needs))),
    ...Object.values(meter?.needs ?? {}),
  ]);
  for (const source of needed) gatherer.gather(source, plane).catch(() => undefined);

  const walked: StepFindings[] = [];
  for (const step of steps) {
    onStep(step.title);
    const findings = await Promise.all(step.checks.map((check) => examine(check, plane, gatherer, scope)));
    walked.push({ step, plane, findings });
  }
  return { plane, steps: walked, flow: meter ? await settle(measure(meter, plane, gatherer)) : { got: [] } };
}

/** Where no workload was named there are no callers to be judged. */
const withoutCallers = (step: Step): Step => ({
  ...step,
  checks: step.checks.filter(({ about }) => about !== 'callers'),
});

/** Evidence that cannot be had costs its own check an `unknown`, never the rest of the diagnosis. */
async function examine(check: AnyCheck, plane: ControlPlane, gatherer: Gatherer, scope: Scope): Promise<Finding> {
  const { verdict, commands, durationMs } = await judged(check, plane, gatherer, scope);
  // A pass that stands on part of a list stays one, and the right that was missing is reported with it.
  const limits = Object.values(check.needs).flatMap((source) => gatherer.limits(source, plane));
  return {
    check: check.id,
    title: check.title,
    status: verdict.status,
    reason: 'reason' in verdict ? verdict.reason : null,
    meaning: 'reason' in verdict ? (check.reasons[verdict.reason] ?? null) : null,
    message: verdict.message,
    hint: ('hint' in verdict ? verdict.hint : undefined) ?? null,
    evidence: verdict.evidence ?? [],
    subjects: verdict.subjects ?? [],
    effect: verdict.status === 'fail' || verdict.status === 'warn' ? (verdict.effect ?? 'missing') : null,
    commands,
    causedBy: null,
    ignoredBy: null,
    durationMs,
    missing: [
      ...new Set([...('missing' in verdict ? verdict.missing : []), ...(verdict.status === 'skip' ? [] : limits)]),
    ],
    ...(check.about && { about: check.about }),
    ...causes(verdict),
  };
}

/** A finding that may turn out to follow from another: cause.ts settles it. */
export interface OpenFinding extends Finding {
  mayFollowFrom?: readonly string[];
  withoutCause?: 'unknown';
}

const causes = (verdict: Verdict): Pick<OpenFinding, 'mayFollowFrom' | 'withoutCause'> => ({
  ...('mayFollowFrom' in verdict && { mayFollowFrom: verdict.mayFollowFrom }),
  ...('withoutCause' in verdict && { withoutCause: verdict.withoutCause }),
});

async function judged(
  check: AnyCheck,
  plane: ControlPlane,
  gatherer: Gatherer,
  scope: Scope,
): Promise<{ verdict: Verdict; commands: readonly string[]; durationMs: number }> {
  const needs = Object.entries(check.needs);
  const commands = (): readonly string[] => [
    ...new Set(needs.flatMap(([, source]) => gatherer.commands(source, plane))),
  ];
  try {
    const gathered = await Promise.all(
      needs.map(async ([name, source]) => [name, await gatherer.gather(source, plane)] as const),
    );
    const evidence = Object.fromEntries(gathered.map(([name, each]) => [name, each.evidence]));
    return {
      verdict: check.judge(evidence, { plane, scope, now: gatherer.now }),
      commands: commands(),
      durationMs: Math.max(0, ...gathered.map(([, each]) => each.durationMs)),
    };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { verdict: unknown([error.unanswered]), commands: commands(), durationMs: 0 };
  }
}

async function measure(meter: Meter<Record<string, unknown>>, plane: ControlPlane, gatherer: Gatherer) {
  const evidence: Record<string, unknown> = {};
  for (const [name, source] of Object.entries(meter.needs))
    evidence[name] = (await gatherer.gather(source, plane)).evidence;
  return meter.measure(evidence);
}
