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
}

/** Every loss, in the flow's order: of the workload that was asked for first, then what is wrong with the whole mesh. */
export function lossesOf(sections: readonly Section[]): readonly Loss[] {
  const found = sections.flatMap(({ steps }) => steps.flatMap(lossesOfStep));
  return [...found.filter(({ isOwn }) => isOwn), ...found.filter(({ isOwn }) => !isOwn)].map(({ loss }) => loss);
}

/** A step's losses, and whether each is the own one of the workload that was asked for. */
function lossesOfStep({ step, plane, findings }: StepFindings): readonly { loss: Loss; isOwn: boolean }[] {
  const causes = findings.filter(({ status, causedBy }) => status === 'fail' && causedBy === null);
  const reasons = [...new Set(causes.map(({ reason }) => reason ?? ''))];
  return reasons.map((reason) => ({
    loss: {
      generation: plane.generation,
      namespace: plane.namespace,
      revision: plane.revision,
      hop: step.hop,
      step: step.id,
      reason,
      effect: causes.some((cause) => cause.reason === reason && cause.effect === 'missing') ? 'missing' : 'wrong',
    },
    isOwn: causes.some((cause) => cause.reason === reason && cause.about === 'workload'),
  }));
}
