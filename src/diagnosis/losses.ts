import type { Loss, Lost, Subject } from './check.ts';
import type { Finding, Section, StepFindings } from './finding.ts';
import { UNDATED } from './history.ts';

/** Of the workload that was asked for first, then what is wrong with the whole mesh, then what its callers lose of it. */
const ORDER = ['workload', null, 'callers'] as const;

/** Every loss, in the flow's order for each of those that it is about. */
export function lossesOf(sections: readonly Section[]): readonly Loss[] {
  const found = sections.flatMap((section) =>
    lostIn(section).map(({ loss }): Loss => ({ ...loss, ...(section.history?.get(keyOf(loss)) ?? UNDATED) })),
  );
  return ORDER.flatMap((about) => found.filter((loss) => loss.about === about));
}

/** What a section loses, in the flow's order. */
export const lostIn = ({ steps }: Section): readonly Lost[] => steps.flatMap(lostInStep);

/** What tells a section's losses apart. */
export const keyOf = ({ step, reason }: Pick<Loss, 'step' | 'reason'>): string => `${step} ${reason}`;

function lostInStep({ step, plane, findings }: StepFindings): readonly Lost[] {
  const causes = findings.filter(({ status, causedBy }) => status === 'fail' && causedBy === null);
  const reasons = [...new Set(causes.map(({ reason }) => reason ?? ''))];
  return reasons.map((reason) => {
    const same = causes.filter((cause) => cause.reason === reason);
    const about = ORDER.find((each) => same.some((cause) => (cause.about ?? null) === each)) ?? null;
    return {
      loss: {
        generation: plane.generation,
        namespace: plane.namespace,
        revision: plane.revision,
        hop: step.hop,
        step: step.id,
        reason,
        effect: same.some(({ effect }) => effect === 'missing') ? 'missing' : 'wrong',
        about,
      },
      subjects: subjectsOf(same),
    };
  });
}

/** Each once: several checks may find the same. */
function subjectsOf(findings: readonly Finding[]): readonly Subject[] {
  const subjects = new Map<string, Subject>();
  for (const { subjects: own } of findings)
    for (const each of own) subjects.set(`${each.kind} ${each.namespace}/${each.name}`, each);
  return [...subjects.values()];
}
