import type { ControlPlane } from '../../diagnosis/check.ts';
import { type Asking, askedFor } from '../../istio/asking.ts';
import { type Outcome, outcomeOf } from '../../istio/injection.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { hasProxy, type Injection, type InjectionWebhook } from './injection.ts';

/** A pod without a proxy, and what would become of it now. */
export interface Bare extends Outcome<InjectionWebhook> {
  pod: Pod;
  /** The labels of its namespace. */
  namespace: Readonly<Record<string, string>>;
  /** Null where nobody asks. */
  asked: Asking | null;
}

/** The pods of this control plane's that have no proxy; of those that no webhook takes, where it answers for them. */
export function bareIn(
  { pods, namespaces, webhooks, answersForOthers }: Injection,
  { version }: Pick<ControlPlane, 'version'>,
): readonly Bare[] {
  return pods.flatMap((pod): readonly Bare[] => {
    const namespace = namespaces.get(pod.namespace);
    // A namespace that is not among those listed was made, or removed, meanwhile.
    if (hasProxy(pod) || !namespace) return [];
    const outcome = outcomeOf(pod, namespace, webhooks, version);
    const isOwn = outcome.called.length > 0 ? outcome.called.some((webhook) => webhook.isOwn) : answersForOthers;
    return isOwn ? [{ ...outcome, pod, namespace, asked: askedFor(pod, namespace) }] : [];
  });
}

/** Whether the settings of an injector that is called could not be read: it may except the pod. */
export const isUnread = ({ called }: Bare): boolean => called.some(({ missing }) => missing !== null);
