import type { OpenFinding } from './diagnose.ts';
import type { Finding, Section, StepFindings } from './finding.ts';
import { explains, type Ignore, ignoredBy } from './ignore.ts';

/** Whether two failures of a step are one: a reason alone may be that of another object to mend. */
const isOne = (one: Pick<Finding, 'status' | 'reason' | 'hint'>, other: typeof one): boolean =>
  [one, other].every(({ status }) => status === 'fail') && one.reason === other.reason && one.hint === other.hint;

/** What a step's failures may follow from: failures before it, and those among them that are ignored. */
interface Before {
  failed: Set<string>;
  ignored: Map<string, Finding[]>;
}

/**
 * Tells causes from consequences: a failure that names a step it may follow from, and that step has a failure of its
 * own, is caused by it. Steps come in the guide's order, so a cause is settled before what follows from it. A finding
 * that would be a failure only with a cause becomes `unknown` without one. What a caller loses costs the workload that it
 * calls nothing of its own, nor the other way round; what both lose for one reason, with one cure, has one cause.
 *
 * What follows from an ignored failure is ignored as far as that explains it: all the pods that it is about. What is not
 * explained is a cause by itself.
 */
export function withCauses(section: Section, ignores: readonly Ignore[] = []): Section {
  const own: Before = { failed: new Set(), ignored: new Map() };
  const callers: Before = { failed: new Set(), ignored: new Map() };
  const steps = section.steps.map((walked): StepFindings => {
    const step = walked.step.id;
    const findings: Finding[] = [];
    for (const open of walked.findings as readonly OpenFinding[]) {
      const before = open.about === 'callers' ? callers : own;
      const shared = before === callers ? findings.find((other) => isOne(other, open)) : undefined;
      const finding = settled(open, before, shared && (shared.causedBy ?? step));
      const by = finding.ignoredBy ?? ignoredBy(finding, ignores);
      findings.push(by === null ? finding : { ...finding, status: 'ignored', ignoredBy: by });
      if (by !== null && open.status === 'fail')
        before.ignored.set(step, [...(before.ignored.get(step) ?? []), { ...finding, ignoredBy: by }]);
      else if (finding.status === 'fail' && (finding.causedBy === null || shared)) before.failed.add(step);
    }
    return { ...walked, findings };
  });
  return { ...section, steps };
}

/** A finding with its cause: the first of the steps that it may follow from with a failure, or with one that is ignored. */
function settled(
  { mayFollowFrom = [], withoutCause, ...finding }: OpenFinding,
  { failed, ignored }: Before,
  shared: string | undefined,
): Finding {
  const alone = { ...finding, status: withoutCause ?? finding.status };
  if (finding.status !== 'fail') return alone;
  const cause = mayFollowFrom.find((step) => failed.has(step)) ?? shared;
  if (cause !== undefined) return { ...finding, causedBy: cause };
  for (const step of mayFollowFrom) {
    const known = ignored.get(step);
    if (known && explains(known, finding))
      return { ...finding, causedBy: step, ignoredBy: known[0]?.ignoredBy ?? null };
  }
  return alone;
}
