import { shellLine } from '../../cluster/question/shell.ts';
import type { Verdict } from '../../diagnosis/check.ts';
import { unknown } from '../../diagnosis/verdict.ts';
import type { Bare } from '../../evidence/istio/bare.ts';
import type { Injection } from '../../evidence/istio/injection.ts';
import { isRolledOut, ownerOf } from '../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../evidence/kubernetes/pod.ts';
import { isCalledIn } from '../../istio/injection.ts';
import { restartOf } from '../templates.ts';

type Labels = Readonly<Record<string, string>>;

/** Whether a webhook is called for plain pods of a namespace. */
export const isServed = (namespace: Labels, { webhooks }: Injection): boolean =>
  webhooks.some((webhook) => isCalledIn(webhook, namespace));

export const nameOf = ({ pod }: Bare): string => `${pod.namespace}/${pod.name}`;

/** What gives the pods of the first's namespace new ones in their place. */
export function startAgain(pods: readonly [Bare, ...Bare[]]): string {
  const [{ pod: first }, ...rest] = pods;
  const line = restartOf([first, ...rest.map(({ pod }) => pod)]);
  const isRestarted = pods.some(({ pod }) => pod.namespace === first.namespace && isRolledOut(ownerOf(pod)));
  return isRestarted ? line : `${line}   # and create again what no controller does`;
}

/** What labels the template of a pod, so that its successors are labelled; new pods start at once. */
export function labelTemplate(pod: Pod, label: string, value: string): string {
  const owner = ownerOf(pod);
  if (!isRolledOut(owner))
    return `${shellLine('kubectl', '-n', pod.namespace, 'get', 'pod', pod.name, '-o', 'yaml')}   # create it again with the label ${shellLine(`${label}=${value}`)}`;
  const patch = JSON.stringify({ spec: { template: { metadata: { labels: { [label]: value } } } } });
  return shellLine('kubectl', '-n', pod.namespace, 'patch', `${owner.kind.toLowerCase()}/${owner.name}`, '-p', patch);
}

/** So many pods are named one by one. */
export const NAMED = 20;

/** Pods by why, in the order in which they are told. */
export function grouped<Reason extends string>(
  bare: readonly Bare[],
  order: readonly Reason[],
  reasonOf: (each: Bare) => Reason | null,
): readonly { reason: Reason; pods: readonly [Bare, ...Bare[]] }[] {
  return order.flatMap((reason) => {
    const [first, ...rest] = bare.filter((each) => reasonOf(each) === reason);
    return first ? [{ reason, pods: [first, ...rest] }] : [];
  });
}

/** Absence is a finding only where every pod was listed. */
export const allWell = ({ refusal }: Injection, verdict: Verdict): Verdict =>
  refusal ? unknown([refusal], 'not every pod could be looked at') : verdict;
