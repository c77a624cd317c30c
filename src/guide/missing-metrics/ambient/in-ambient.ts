import type { AnyCheck, Attempt, Step } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { skip, unknown } from '../../../diagnosis/verdict.ts';
import { type Enrolled, enrolled } from '../../../evidence/ambient/enrolled.ts';

interface Among {
  walked: Attempt<Enrolled>;
}

/** Why there is nothing to look at where nobody is in ambient: nobody should be, or whoever asks is kept out. */
export const nobodyIn = ({ kept }: Pick<Enrolled, 'kept'>): string =>
  kept.some(({ by }) => by !== 'opted-out')
    ? 'no pod is in ambient: those that ask for it are kept out'
    : 'no pod is in ambient, and none asks for it';

/** Whether there is nothing of ambient among what is looked at. */
const isEmpty = ({ members, waypoints, ztunnels }: Enrolled): boolean =>
  members.length + waypoints.length + ztunnels.length === 0;

/** A step is about what carries pods in ambient: where nobody is, nothing is all right here. */
export const inAmbient = (step: Step): Step => ({ ...step, checks: step.checks.map(amongMembers) });

const amongMembers = (check: AnyCheck): AnyCheck => ({
  ...check,
  needs: { ...check.needs, walked: attempt(enrolled) },
  judge(evidence, context) {
    const { walked } = evidence as Partial<Among>;
    if (!(walked && 'got' in walked && isEmpty(walked.got))) return check.judge(evidence, context);
    const { refusal, unasked } = walked.got;
    const [first, ...more] = [...(refusal ? [refusal] : []), ...unasked];
    return first ? unknown([first, ...more], 'who is in ambient is not known') : skip(nobodyIn(walked.got));
  },
});
