import type { Unanswered } from '../errors.ts';
import type { AnyCheck, Attempt, ControlPlane, Effect, Flow, Step, Subject, Verdict } from './check.ts';
import type { History } from './history.ts';

/** A verdict's, or `ignored`: a failure or a warning that is known and accepted. */
export type Status = Verdict['status'] | 'ignored';

/** All of them, as a person lists them. */
export const STATUSES = ['pass', 'warn', 'fail', 'unknown', 'skip', 'ignored'] as const satisfies readonly Status[];

/** A verdict with all that a report needs to stand on its own. */
export interface Finding {
  check: string;
  title: string;
  status: Status;
  /** null when the check passed or does not apply. */
  reason: string | null;
  /** What the reason means, in a sentence. */
  meaning: string | null;
  message: string;
  hint: string | null;
  evidence: readonly string[];
  subjects: readonly Subject[];
  /** Of a failure or a warning; null of any other. */
  effect: Effect | null;
  /** What was asked of the cluster, as a reader would type it. */
  commands: readonly string[];
  /** The step whose failure this one follows from; null for a cause. */
  causedBy: string | null;
  /** What was written to ignore it, or what it follows from (ignore.ts); null unless it is ignored. */
  ignoredBy: string | null;
  durationMs: number;
  missing: readonly Unanswered[];
  about?: AnyCheck['about'];
}

/** A step that was walked. */
export interface StepFindings {
  step: Step;
  plane: ControlPlane;
  findings: readonly Finding[];
}

/** All steps of one control plane, and what was measured on the way. */
export interface Section {
  plane: ControlPlane;
  steps: readonly StepFindings[];
  flow: Attempt<readonly Flow[]>;
  /** Since when each of its losses is there, by their keys (losses.ts); absent where nobody has looked. */
  history?: ReadonlyMap<string, History>;
}

/** The statuses, the worst first: a step is as bad as its worst check. */
const WORST_FIRST: readonly Status[] = ['fail', 'unknown', 'warn', 'ignored', 'pass', 'skip'];

export const worst = (statuses: readonly Status[]): Status =>
  WORST_FIRST.find((status) => statuses.includes(status)) ?? 'skip';
