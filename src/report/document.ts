import type { ControlPlane, Generation, Loss, Scope, Shares } from '../diagnosis/check.ts';
import type { Finding, Status } from '../diagnosis/finding.ts';
import type { Comparison } from './compare.ts';
import type { VerdictWord } from './exit.ts';
import type { HintKind } from './hint.ts';
import type { Plan } from './plan.ts';

/** A finding as documents show it. What its sources missed is in the report's `unchecked`. */
export interface CheckReport extends Omit<Finding, 'check' | 'missing' | 'about' | 'effect'> {
  id: string;
  /** Whether the hint changes something, or only shows; null without one. */
  hintKind: HintKind | null;
}

export interface StepReport {
  id: string;
  order: number;
  generation: Generation;
  namespace: string | null;
  revision: string | null;
  title: string;
  hop: string | null;
  status: Status;
  causedBy: string | null;
  /** The message of the check that decides the status. */
  message: string;
  docs: string;
  checks: readonly CheckReport[];
}

export interface FlowReport {
  generation: Generation;
  namespace: string | null;
  revision: string | null;
  hop: string;
  /** What `in` and `out` are called: Envoy and Mixer, workloads and in mesh. */
  from: string;
  to: string;
  /** The steps whose failure is a loss here. */
  steps: readonly string[];
  status: Status;
  in: number | null;
  out: number | null;
  unit: string;
}

/** A question without an answer: the right or the request that was missing. */
export interface Unchecked {
  step: string;
  reason: string;
  verb: string;
  resource: string;
  namespace: string | null;
  command: string;
  words: string;
  triedInstead: readonly string[];
}

/** The one document of a run: report.schema.ts is its JSON Schema. */
export interface Report {
  apiVersion: 'istio-diag/v1alpha1';
  kind: 'DiagnosisReport';
  topic: string;
  tool: { name: string; version: string };
  run: {
    startedAt: string;
    durationMs: number;
    context: string | null;
    source: 'live' | 'bundle';
    /** What was asked for; null is all of it. */
    scope: Pick<Scope, 'workload' | 'namespace' | 'selector'>;
    interrupted: boolean;
  };
  mesh: {
    found: boolean;
    generations: readonly Generation[];
    controlPlanes: readonly ControlPlane[];
    /** How many running pods each data plane carries; null where not every pod could be listed. */
    pods: Shares | null;
  };
  verdict: VerdictWord;
  exitCode: number;
  coverage: { checked: number; total: number };
  summary: Readonly<Record<Status, number>> & { causes: number };
  lostAt: Loss | null;
  losses: readonly Loss[];
  flow: readonly FlowReport[];
  steps: readonly StepReport[];
  unchecked: readonly Unchecked[];
  /** What differs from the report or bundle that --baseline names; null without. */
  baseline: Comparison | null;
  /** What each fix would change, where --plan asks for it; null without. */
  plan: readonly Plan[] | null;
  warnings: readonly string[];
}
