/** A label selector as Kubernetes' objects hold it. */
export interface LabelSelector {
  matchLabels?: Readonly<Record<string, string>> | null;
  matchExpressions?: readonly { key?: string; operator?: string; values?: readonly string[] | null }[] | null;
}

/** Whether labels fit a selector; one that says nothing fits all. */
export function isSelected(selector: LabelSelector | null, labels: Readonly<Record<string, string>>): boolean {
  const exact = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return exact && (selector?.matchExpressions ?? []).every((each) => fits(each, labels));
}

function fits(
  { key = '', operator, values }: NonNullable<NonNullable<LabelSelector['matchExpressions']>[number]>,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  const isAmong = value !== undefined && (values ?? []).includes(value);
  if (operator === 'In') return isAmong;
  if (operator === 'NotIn') return !isAmong;
  return operator === 'Exists' ? value !== undefined : value === undefined;
}

/** Whether a selector says nothing. */
export const isEmpty = ({ matchLabels, matchExpressions }: LabelSelector): boolean =>
  Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0;
