import type { Effect, Generation } from '../diagnosis/check.ts';
import type { Section, StepFindings } from '../diagnosis/finding.ts';

/** A hop where metrics are lost, by a failure that follows from no other. */
export interface Loss {
  generation: Generation;
  namespace: string | null;
  revision: string | null;
  hop: string | null;
  step: string;
  reason: string;
  effect: Effect;
  /** Whether it is the named workload's own, or its callers' of it; null of what is wrong with the whole mesh. */
  about: 'workload' | 'callers' | null;
}

/** Of the workload that was asked for first, then what is wrong with the whole mesh, then what its callers lose of it. */
const ORDER = ['workload', null, 'callers'] as const;

/** Every loss, in the flow's order for each of those that it is about. */
export function lossesOf(sections: readonly Section[]): readonly Loss[] {
  const found = sections.flatMap(({ steps }) => steps.flatMap(lossesOfStep));
  return ORDER.flatMap((about) => found.filter((loss) => loss.about === about));
}

/** A step's losses. */
function lossesOfStep({ step, plane, findings }: StepFindings): readonly Loss[] {
  const causes = findings.filter(({ status, causedBy }) => status === 'fail' && causedBy === null);
  const reasons = [...new Set(causes.map(({ reason }) => reason ?? ''))];
  return reasons.map((reason) => {
    const same = causes.filter((cause) => cause.reason === reason);
    const about = ORDER.find((each) => same.some((cause) => (cause.about ?? null) === each)) ?? null;
    return {
      generation: plane.generation,
      namespace: plane.namespace,
      revision: plane.revision,
      hop: step.hop,
      step: step.id,
      reason,
      effect: same.some(({ effect }) => effect === 'missing') ? 'missing' : 'wrong',
      about,
    };
  });
}
