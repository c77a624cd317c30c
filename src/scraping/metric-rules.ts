import { type Rule, relabel } from './relabel.ts';

/** What becomes of a metric before it is stored, whatever its labels; 'untold' where they decide. */
export type MetricFate = { is: 'kept' | 'untold' } | { is: 'dropped' | 'renamed'; by: Rule; to: string };

/** The label that holds a metric's name. */
const NAME = '__name__';

/** What a job's `metric_relabel_configs` make of a metric, as far as its name alone decides. */
export function fateOf(metric: string, rules: readonly Rule[]): MetricFate {
  const fate = relabel(new Map([[NAME, metric]]), (label) => label === NAME, rules);
  if ('droppedBy' in fate) return { is: 'dropped', by: fate.droppedBy, to: '' };
  if ('undecidedBy' in fate) return { is: 'untold' };
  const name = fate.kept.get(NAME);
  const by = fate.kept.changedBy(NAME);
  return by === null || name === metric ? { is: 'kept' } : { is: 'renamed', by, to: name };
}

/** `action: drop, source_labels: [__name__], regex: istio_.+`: a rule as a configuration has it. */
export const wordsOf = ({ action, sources, regex, target, replacement }: Rule): string =>
  action === 'keep' || action === 'drop'
    ? `action: ${action}, source_labels: [${sources.join(', ')}], regex: ${regex}`
    : `action: ${action}, regex: ${regex}, target_label: ${target}, replacement: ${replacement}`;
