import { API_VERSION } from './data.ts';
import type { Report } from './document.ts';
import { exitCodeOf, type FailOn, type Signal, type VerdictWord } from './exit.ts';
import { groundsOf } from './report.ts';

/** The one document of a run of several topics. */
export interface ReportList {
  apiVersion: 'istio-diag/v1alpha1';
  kind: 'DiagnosisReportList';
  items: readonly Report[];
  exitCode: number;
}

/** The worst first: what decides the exit code of all. A topic that judged nothing counts when no other did. */
const PRECEDENCE: readonly VerdictWord[] = [
  'error',
  'unreachable',
  'broken',
  'inconclusive',
  'healthy',
  'not-applicable',
];

/** The reports of one run, in the guide's order, and the one exit code. */
export function listOf(items: readonly Report[], failOn: FailOn, signal: Signal | null): ReportList {
  const verdict = PRECEDENCE.find((each) => items.some((report) => report.verdict === each)) ?? 'error';
  const grounds = items.map(groundsOf);
  const fresh = (['fail', 'unknown'] as const).find((each) => grounds.some((own) => own.fresh === each)) ?? null;
  const exitCode = exitCodeOf(verdict, { warns: grounds.some(({ warns }) => warns), fresh }, failOn, signal);
  return { apiVersion: API_VERSION, kind: 'DiagnosisReportList', items, exitCode };
}
