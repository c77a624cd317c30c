import { wantsAmbient } from './enrolment.ts';
import { INJECT, INJECTION, type Injectable, isAsking, REVISION } from './injection.ts';

type Labels = Readonly<Record<string, string>>;

/** Words that somebody wrote to have proxies, and to have none; Istio knows one of each. */
export const isYes = (word: string): boolean => /^(true|yes|y|on|1|enabled?|inject(ed)?)$/i.test(word);
export const isNo = (word: string): boolean => /^(false|no|n|off|0|disabled?|none|never)$/i.test(word);

/** Who asks for a pod's proxy, the most particular first. */
export type Asking = 'label' | 'revision' | 'annotation' | 'namespace';

/** Who asks, in whatever words; null where nobody does, or somebody says no. */
export function askedFor({ labels, annotations }: Injectable, namespace: Labels): Asking | null {
  if (labels[INJECT] !== undefined) {
    if (isYes(labels[INJECT])) return 'label';
    if (isNo(labels[INJECT])) return null;
  }
  if (wantsAmbient(namespace) || wantsAmbient(labels)) return null;
  const says = annotations[INJECT] ?? '';
  if (isNo(says)) return null;
  if (namespace[INJECTION] === undefined && namespace[REVISION] === undefined && labels[REVISION] !== undefined)
    return 'revision';
  if (labels[INJECT] === undefined && isYes(says)) return 'annotation';
  return isAsking(namespace) ? 'namespace' : null;
}
