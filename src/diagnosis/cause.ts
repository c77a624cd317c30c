import type { OpenFinding } from './diagnose.ts';
import type { Finding, Section, StepFindings } from './finding.ts';

const isCause = ({ status, causedBy }: Finding): boolean => status === 'fail' && causedBy === null;

/**
 * Tells causes from consequences: a failure that names a step it may follow from, and that step has a failure of its
 * own, is caused by it. Steps come in the guide's order, so a cause is settled before what follows from it. A finding
 * that would be a failure only with a cause becomes `unknown` without one. What a caller loses costs the workload that it
 * calls nothing of its own, nor the other way round; what both lose for one reason has one cause.
 */
export function withCauses(section: Section): Section {
  const own = new Set<string>();
  const callers = new Set<string>();
  const steps = section.steps.map((walked): StepFindings => {
    const findings: Finding[] = [];
    for (const open of walked.findings as readonly OpenFinding[]) {
      const { mayFollowFrom = [], withoutCause, ...finding } = open;
      const causal = finding.about === 'callers' ? callers : own;
      const isShared =
        causal === callers && findings.some((other) => isCause(other) && other.reason === finding.reason);
      const cause = mayFollowFrom.find((step) => causal.has(step)) ?? (isShared ? walked.step.id : null);
      const causedBy = finding.status === 'fail' ? cause : null;
      const status = causedBy === null && withoutCause ? withoutCause : finding.status;
      if (status === 'fail' && (causedBy === null || isShared)) causal.add(walked.step.id);
      findings.push({ ...finding, status, causedBy });
    }
    return { ...walked, findings };
  });
  return { ...section, steps };
}
