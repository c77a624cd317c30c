import type { OpenFinding } from './diagnose.ts';
import type { Finding, Section, StepFindings } from './finding.ts';

/** Whether two failures of a step are one: a reason alone may be that of another object to mend. */
const isOne = (one: Pick<Finding, 'status' | 'reason' | 'hint'>, other: typeof one): boolean =>
  [one, other].every(({ status }) => status === 'fail') && one.reason === other.reason && one.hint === other.hint;

/**
 * Tells causes from consequences: a failure that names a step it may follow from, and that step has a failure of its
 * own, is caused by it. Steps come in the guide's order, so a cause is settled before what follows from it. A finding
 * that would be a failure only with a cause becomes `unknown` without one. What a caller loses costs the workload that it
 * calls nothing of its own, nor the other way round; what both lose for one reason, with one cure, has one cause.
 */
export function withCauses(section: Section): Section {
  const own = new Set<string>();
  const callers = new Set<string>();
  const steps = section.steps.map((walked): StepFindings => {
    const findings: Finding[] = [];
    for (const open of walked.findings as readonly OpenFinding[]) {
      const { mayFollowFrom = [], withoutCause, ...finding } = open;
      const causal = finding.about === 'callers' ? callers : own;
      const shared = causal === callers ? findings.find((other) => isOne(other, finding)) : undefined;
      const cause = mayFollowFrom.find((step) => causal.has(step)) ?? (shared && (shared.causedBy ?? walked.step.id));
      const causedBy = finding.status === 'fail' ? (cause ?? null) : null;
      const status = causedBy === null && withoutCause ? withoutCause : finding.status;
      if (status === 'fail' && (causedBy === null || shared)) causal.add(walked.step.id);
      findings.push({ ...finding, status, causedBy });
    }
    return { ...walked, findings };
  });
  return { ...section, steps };
}
