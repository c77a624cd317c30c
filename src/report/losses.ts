import type { Effect, Generation } from '../diagnosis/check.ts';
import type { Finding, Section, StepFindings } from '../diagnosis/finding.ts';

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

type About = Finding['about'];

/** Of the workload that was asked for first, then what is wrong with the whole mesh, then what its callers lose of it. */
const ORDER: readonly About[] = ['workload', undefined, 'callers'];

/** Every loss, in the flow's order for each of those that it is about. */
export function lossesOf(sections: readonly Section[]): readonly Loss[] {
  const found = sections.flatMap(({ steps }) => steps.flatMap(lossesOfStep));
  return ORDER.flatMap((about) => found.filter((each) => each.about === about)).map(({ loss }) => loss);
}

/** A step's losses, and the first of those that each is about. */
function lossesOfStep({ step, plane, findings }: StepFindings): readonly { loss: Loss; about: About }[] {
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
    about: ORDER.find((about) => causes.some((cause) => cause.reason === reason && cause.about === about)),
  }));
}
