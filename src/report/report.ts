import type { ControlPlane, Loss, Shares } from '../diagnosis/check.ts';
import { type Finding, type Section, type Status, type StepFindings, worst } from '../diagnosis/finding.ts';
import { lossesOf } from '../diagnosis/losses.ts';
import type { Unanswered } from '../errors.ts';
import { compared, freshIn } from './compare.ts';
import { API_VERSION } from './data.ts';
import type { FlowReport, Report, StepReport, Unchecked } from './document.ts';
import { escapeAll } from './escape.ts';
import { exitCodeOf, type FailOn, type Grounds, NO_GROUNDS, type Signal, type VerdictWord } from './exit.ts';
import { kindOfHint, saidHint } from './hint.ts';
import type { Past } from './past.ts';

/** All that a report is made of. */
export interface Facts {
  topic: string;
  tool: { name: string; version: string };
  run: Omit<Report['run'], 'interrupted'>;
  planes: readonly ControlPlane[];
  /** Null where it is not known. */
  shares: Shares | null;
  sections: readonly Section[];
  /** Searches for control planes that got no answer. */
  unsearched: readonly Unanswered[];
  warnings: readonly string[];
  /** What this run is compared with; null of nothing. */
  baseline: Past | null;
  failOn: FailOn;
  signal: Signal | null;
}

/** The report of a run: pure, and every string in it safe to print. */
export function reportOf(facts: Facts): Report {
  const steps = facts.sections.flatMap((section) =>
    section.steps.map((walked, index) => stepReport(walked, index + 1)),
  );
  const verdict = verdictOf(facts, steps);
  const losses = lossesOf(facts.sections);
  const number = (status: Status): number => steps.filter((step) => step.status === status).length;
  const report = escapeAll<Report>({
    apiVersion: API_VERSION,
    kind: 'DiagnosisReport',
    topic: facts.topic,
    tool: facts.tool,
    run: { ...facts.run, interrupted: facts.signal !== null },
    mesh: {
      found: facts.planes.length > 0,
      generations: [...new Set(facts.planes.map(({ generation }) => generation))],
      controlPlanes: facts.planes,
      pods: facts.shares,
    },
    verdict,
    exitCode: 0,
    coverage: {
      checked: steps.filter(({ status }) => status !== 'skip' && status !== 'unknown').length,
      total: steps.filter(({ status }) => status !== 'skip').length,
    },
    summary: {
      pass: number('pass'),
      warn: number('warn'),
      fail: number('fail'),
      unknown: number('unknown'),
      skip: number('skip'),
      ignored: number('ignored'),
      causes: losses.length,
    },
    lostAt: losses[0] ?? null,
    losses,
    flow: facts.sections.flatMap((section) => flowReports(section, steps)),
    steps,
    unchecked: uncheckedOf(facts),
    baseline: null,
    plan: null,
    warnings: verdict === 'not-applicable' ? [...nothingJudged(facts, steps), ...facts.warnings] : facts.warnings,
  });
  const baseline = facts.baseline && escapeAll(compared(report, facts.baseline));
  const whole = { ...report, baseline };
  return { ...whole, exitCode: exitCodeOf(verdict, groundsOf(whole), facts.failOn, facts.signal) };
}

/** What a report's exit code stands on. Without a baseline all is new. */
export function groundsOf({ verdict, steps, baseline }: Pick<Report, 'verdict' | 'steps' | 'baseline'>): Grounds {
  const all = verdict === 'broken' ? 'fail' : verdict === 'inconclusive' ? 'unknown' : null;
  return {
    warns: steps.some(({ checks }) => checks.some(({ status }) => status === 'warn')),
    fresh: baseline ? freshIn(baseline) : all,
  };
}

/** A report of a run that came to no diagnosis: a usage error, an unreadable bundle, a bug. */
export const errorReport = (facts: Facts): Report => ({
  ...reportOf(facts),
  verdict: 'error',
  exitCode: exitCodeOf('error', NO_GROUNDS, facts.failOn, facts.signal),
});

const NO_CONNECTION: ReadonlySet<string> = new Set(['Unreachable', 'Unauthorized', 'NoKubectl']);

/** Nothing at all could be asked of the API server. A stall counts: whoever never answers is not reached. */
const isUnreachable = ({ planes, unsearched, signal }: Facts): boolean =>
  planes.length === 0 &&
  unsearched.length > 0 &&
  signal === null &&
  (unsearched.some(({ hindrance }) => NO_CONNECTION.has(hindrance)) ||
    unsearched.every(({ hindrance }) => hindrance === 'TimedOut'));

/** Precedence: unreachable, broken, inconclusive, not applicable, healthy. Nothing judged is never healthy. */
function verdictOf(facts: Facts, steps: readonly StepReport[]): VerdictWord {
  if (isUnreachable(facts)) return 'unreachable';
  if (steps.some(({ status }) => status === 'fail')) return 'broken';
  const gaps = uncheckedOf(facts).length > 0 || facts.signal !== null;
  if (gaps || steps.some(({ status }) => status === 'unknown')) return 'inconclusive';
  return steps.every(({ status }) => status === 'skip') ? 'not-applicable' : 'healthy';
}

/** How the warning begins that says why a report is not applicable. */
export const NOTHING = 'nothing to judge: ';

/** What was looked for, of a topic whose every step was skipped; whoever walked none has said it already. */
function nothingJudged({ run }: Facts, steps: readonly StepReport[]): readonly string[] {
  if (steps.length === 0) return [];
  const { namespace, selector } = run.scope;
  const where = [
    ...(selector === null ? [] : [`of pods with the labels ${selector}`]),
    ...(namespace === null ? [] : [`in namespace ${namespace}`]),
  ];
  const said = [...new Set(steps.map(({ message }) => message))].join('; ');
  return [`${NOTHING}${where.length > 0 ? `${where.join(' ')}, ` : ''}${said}`];
}

/** The finding that stands for a step: the worst, a cause before what follows from it; the headline when all is well. */
function headlineOf({ step, findings }: StepFindings): Finding | undefined {
  const status = worst(findings.map((finding) => finding.status));
  const decisive = findings.filter((finding) => finding.status === status);
  if (status === 'pass' || status === 'skip')
    return decisive.find(({ check }) => check === (step.headline ?? step.checks[0]?.id)) ?? decisive[0];
  const causes = decisive.filter(({ causedBy }) => causedBy === null);
  return causes.find(({ about }) => about === 'workload') ?? causes[0] ?? decisive[0];
}

function stepReport(walked: StepFindings, order: number): StepReport {
  const { step, plane, findings } = walked;
  const headline = headlineOf(walked);
  return {
    id: step.id,
    order,
    generation: plane.generation,
    namespace: plane.namespace,
    revision: plane.revision,
    title: step.title,
    hop: step.hop,
    status: headline?.status ?? 'skip',
    causedBy: headline?.causedBy ?? null,
    message: headline?.message ?? '',
    docs: step.docs(plane.version),
    checks: findings.map(({ check, ...finding }) => ({
      id: check,
      title: finding.title,
      status: finding.status,
      reason: finding.reason,
      meaning: finding.meaning,
      message: finding.message,
      hint: finding.hint === null ? null : saidHint(finding.hint),
      hintKind: finding.hint === null ? null : kindOfHint(finding.hint),
      evidence: finding.evidence,
      subjects: finding.subjects,
      commands: finding.commands,
      causedBy: finding.causedBy,
      ignoredBy: finding.ignoredBy,
      durationMs: finding.durationMs,
    })),
  };
}

/** Whether a part of a report is about this control plane. */
export const isOf =
  (plane: ControlPlane) =>
  ({ generation, namespace, revision }: Pick<Loss, 'generation' | 'namespace' | 'revision'>): boolean =>
    generation === plane.generation && namespace === plane.namespace && revision === plane.revision;

function flowReports({ plane, flow }: Section, steps: readonly StepReport[]): readonly FlowReport[] {
  if (!('got' in flow)) return [];
  const { generation, namespace, revision } = plane;
  return flow.got.map(({ hop, between, steps: named, in: before, out, unit }) => {
    const [from, to] = between ?? endsOf(hop);
    const own = steps.filter((step) => isOf(plane)(step) && (named ? named.includes(step.id) : step.hop === hop));
    return {
      generation,
      namespace,
      revision,
      hop,
      from,
      to,
      steps: own.map(({ id }) => id),
      status: worst(own.map(({ status }) => status)),
      in: before,
      out,
      unit,
    };
  });
}

/** `envoy->mixer` as its two ends, as a reader names them. */
function endsOf(hop: string): readonly [string, string] {
  const [from = '', to = ''] = hop.split('->');
  const named = (word: string): string => (word === 'adapter' ? word : word.charAt(0).toUpperCase() + word.slice(1));
  return [named(from), named(to)];
}

function uncheckedOf({ sections, unsearched }: Facts): readonly Unchecked[] {
  const entry = (step: string, { hindrance, right, command, words, triedInstead }: Unanswered): Unchecked => ({
    step,
    reason: hindrance,
    ...right,
    command,
    words,
    triedInstead,
  });
  const ofSteps = sections.flatMap(({ steps }) =>
    steps.flatMap(({ step, findings }) =>
      findings.flatMap(({ missing }) => missing.map((each) => entry(step.id, each))),
    ),
  );
  const all = [...unsearched.map((each) => entry('detection', each)), ...ofSteps];
  const distinct = new Map<string, Unchecked>();
  for (const each of all) {
    const key = JSON.stringify([each.step, each.reason, each.verb, each.resource, each.namespace]);
    // Of several that are alike, the one that tells most of what was tried.
    if ((distinct.get(key)?.triedInstead.length ?? 0) <= each.triedInstead.length) distinct.set(key, each);
  }
  return [...distinct.values()];
}
