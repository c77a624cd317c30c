import type { AnyCheck, Attempt, Step } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { skip, unknown } from '../../../diagnosis/verdict.ts';
import { type Population, population } from '../../../evidence/istio/population.ts';

interface Among {
  walked: Attempt<Population>;
}

/** A step is about proxies: where none is looked at, what it could say is of others, and nothing is all right here. */
export const ofProxies = (step: Step): Step => ({ ...step, checks: step.checks.map(amongProxies) });

/** Callers have proxies of their own. */
function amongProxies(check: AnyCheck): AnyCheck {
  if (check.about === 'callers') return check;
  return {
    ...check,
    needs: { ...check.needs, walked: attempt(population) },
    judge(evidence, context) {
      const { walked } = evidence as Partial<Among>;
      const isEmpty = walked && 'got' in walked && walked.got.proxies.length === 0;
      if (!isEmpty) return check.judge(evidence, context);
      const { refusal } = walked.got;
      return refusal ? unknown([refusal], 'the proxies could not be listed') : skip('no proxy to be judged');
    },
  };
}
