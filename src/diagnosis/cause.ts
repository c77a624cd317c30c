import type { OpenFinding } from './diagnose.ts';
import type { Finding, Section, StepFindings } from './finding.ts';

/**
 * Tells causes from consequences: a failure that names a step it may follow from, and that step has a failure of its
 * own, is caused by it. Steps come in the guide's order, so a cause is settled before what follows from it. A finding
 * that would be a failure only with a cause becomes `unknown` without one.
 */
export function withCauses(section: Section): Section {
  const causal = new Set<string>();
  const steps = section.steps.map((walked): StepFindings => {
    const findings: Finding[] = [];
    for (const open of walked.findings as readonly OpenFinding[]) {
      const { mayFollowFrom = [], withoutCause, ...finding } = open;
      const causedBy = finding.status === 'fail' ? (mayFollowFrom.find((step) => causal.has(step)) ?? null) : null;
      const status = causedBy === null && withoutCause ? withoutCause : finding.status;
      if (status === 'fail' && causedBy === null) causal.add(walked.step.id);
      findings.push({ ...finding, status, causedBy });
    }
    return { ...walked, findings };
  });
  return { ...section, steps };
}
