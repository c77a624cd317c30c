import type { LabelSelector } from '../../istio/selector.ts';
import { list, object, text, textMap, texts } from '../text/json.ts';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

const NOTHING: LabelSelector = { matchExpressions: [{ key: '', operator: 'In', values: [] }] };

/** Null where it is left out. One with an operator that nobody knows is no selector: it selects nothing. */
export function selectorIn(value: unknown): LabelSelector | null {
  if (typeof value !== 'object' || value === null) return null;
  const { matchLabels, matchExpressions } = object(value);
  const expressions = list(matchExpressions).map(({ key, operator, values }) => ({
    key: text(key),
    operator: text(operator),
    values: texts(values),
  }));
  if (!expressions.every(({ operator }) => OPERATORS.includes(operator))) return NOTHING;
  return { matchLabels: textMap(matchLabels), matchExpressions: expressions };
}
