import type { Verdict } from '../../../diagnosis/check.ts';
import { some } from '../../../diagnosis/verdict.ts';

/** What PartialAnswer means, for `explain`. */
export const PARTIAL_ANSWER =
  'Prometheus, or a Thanos before several, warned that its answer may not be whole: what it lacks may be there all the same.';

/** Something is not in an answer that may not be whole, so that nothing is proven by it. */
export const partlyAnswered = (partial: readonly string[], message: string): Verdict => ({
  status: 'unknown',
  reason: 'PartialAnswer',
  message: `${message}, in an answer that may not be whole: ${some([...new Set(partial)], 1)}`,
  evidence: [...new Set(partial)].slice(0, 10),
  missing: [],
});
