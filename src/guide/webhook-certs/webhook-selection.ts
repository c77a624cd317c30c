import { shellLine } from '../../cluster/question/shell.ts';
import { type ControlPlane, defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { type Bare, bareIn, isUnread } from '../../evidence/istio/bare.ts';
import { hasProxy, injection } from '../../evidence/istio/injection.ts';
import { isNo } from '../../istio/asking.ts';
import { wantsAmbient } from '../../istio/enrolment.ts';
import { INJECT } from '../../istio/injection.ts';
import { isAtLeast } from '../../istio/release.ts';
import { allWell, grouped, labelTemplate, NAMED, nameOf, startAgain } from './asking.ts';
import { askingPodsTaken } from './asking-pods.ts';
import { podsNotExcepted } from './excepted-pods.ts';
import { docs, WEBHOOK_SELECTION } from './steps.ts';

type Without = 'NoMeansNothing' | 'CreatedBefore';
const WITHOUT: readonly Without[] = ['NoMeansNothing', 'CreatedBefore'];

/** The word by which a pod that nobody asks for wants no proxy; null where it says none. */
const noOf = ({ asked, pod }: Bare): string | null =>
  asked === null ? ([pod.labels[INJECT], pod.annotations[INJECT]].find((word = '') => isNo(word)) ?? null) : null;

/** Why a pod that a webhook would take has no proxy; null where none is to have one, or none would be injected. */
function withoutBecause(bare: Bare): Without | null {
  const { namespace, pod, asked, called, refusal } = bare;
  if (called.length === 0 || refusal !== null) return null;
  if (asked === null && (wantsAmbient(namespace) || wantsAmbient(pod.labels))) return null;
  return noOf(bare) === null ? 'CreatedBefore' : 'NoMeansNothing';
}

const MESSAGES: Record<Without, (pods: readonly [Bare, ...Bare[]]) => string> = {
  NoMeansNothing: (pods) =>
    `${count(pods.length, 'pod')} ${pods.length === 1 ? 'says' : 'say'} no to a proxy in a word that is not heard (${INJECT}=${noOf(pods[0])}), and would get one now: ${some(pods.map(nameOf))}`,
  CreatedBefore: (pods) =>
    `${count(pods.length, 'pod')} would get a proxy now${pods.some(isUnread) ? ', as far as the injector’s settings are known,' : ''} and ${pods.length === 1 ? 'has' : 'have'} none: ${some(pods.map(nameOf))}`,
};

/** The label is heard from 1.10 on. */
const CURES: Record<Without, (pods: readonly [Bare, ...Bare[]], plane: ControlPlane) => string> = {
  NoMeansNothing: ([{ pod }], { version }) =>
    version === null || isAtLeast(version, '1.10')
      ? labelTemplate(pod, INJECT, 'false')
      : `${shellLine('kubectl', '-n', pod.namespace, 'get', 'pod', pod.name, '-o', 'yaml')}   # give its template the annotation ${INJECT}: "false"`,
  CreatedBefore: startAgain,
};

export const takenPodsInjected = defineCheck({
  id: 'taken-pods-injected',
  title: 'each pod that a webhook takes has a proxy',
  explains:
    'Of the living pods without a proxy, those for which a webhook would be called now, and the injector behind it would inject: they were created before the label, or while the webhook could not be called and failed open. Or they say no in a word that the release does not know: from 1.27 on false is the only one.',
  reasons: {
    NoMeansNothing:
      'Pods say that they want no proxy, in another word than the one that the release knows: their successors get one.',
    CreatedBefore: 'Pods would get a proxy now and have none: they are older than the label. Their successors get one.',
  },
  needs: { injection },
  judge({ injection }, { plane }) {
    const [worst, ...others] = grouped(bareIn(injection, plane), WITHOUT, withoutBecause);
    if (worst) {
      const pods = [worst, ...others].flatMap((each) => each.pods);
      const unread = pods.flatMap(({ called }) => called.flatMap(({ missing }) => missing ?? []));
      return {
        status: 'warn',
        reason: worst.reason,
        message: MESSAGES[worst.reason](worst.pods),
        evidence: [
          ...pods.slice(0, NAMED).map((each) => `${nameOf(each)}: ${each.called.map(({ name }) => name).join(', ')}`),
          ...[...new Set(unread)].map(
            ({ words }) => `whether the injector’s settings except them is not known: ${words}`,
          ),
        ],
        hint: CURES[worst.reason](worst.pods, plane),
      };
    }
    const injected = injection.pods.filter(hasProxy);
    return allWell(
      injection,
      injected.length === 0
        ? skip('no pod has a proxy, and a webhook takes none')
        : { status: 'pass', message: `${count(injected.length, 'pod')} with a proxy, and no other would get one` },
    );
  },
});

export const webhookSelection: Step = {
  id: WEBHOOK_SELECTION,
  title: 'Verify the webhooks take the pods that should have a proxy',
  hop: null,
  docs,
  checks: [askingPodsTaken, takenPodsInjected, podsNotExcepted],
  headline: 'taken-pods-injected',
};
