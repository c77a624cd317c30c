import { shellLine } from '../../cluster/shell.ts';
import { type ControlPlane, defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { hasProxy, type Injection, injection, settingsName } from '../../evidence/injection.ts';
import { INJECT, isAmbient, isAsking, type Refusal, wishOf } from '../../istio/injection.ts';
import { allWell, type Bare, bareIn, grouped, isServed, NAMED, nameOf, startAgain } from './asking.ts';
import { askingPodsTaken } from './asking-pods.ts';
import { docs, WEBHOOK_SELECTION } from './steps.ts';

export const takenPodsInjected = defineCheck({
  id: 'taken-pods-injected',
  title: 'each pod that a webhook takes has a proxy',
  explains:
    'Of the living pods without a proxy, those for which a webhook would be called now, and the injector behind it would inject: they were created before the label, or while the webhook could not be called and failed open.',
  reasons: {
    CreatedBefore: 'Pods would get a proxy now and have none: they are older than the label. Their successors get one.',
  },
  needs: { injection },
  judge({ injection }, { plane }) {
    const bare = bareIn(injection, plane).filter(
      ({ called, refusal, asked, namespace, pod }) =>
        called.length > 0 &&
        refusal === null &&
        (asked !== null ||
          (pod.labels[INJECT] === undefined &&
            !isAsking(namespace) &&
            !isAmbient(namespace) &&
            !isAmbient(pod.labels))),
    );
    const [first, ...rest] = bare;
    if (first) {
      const unread = bare.flatMap(({ called }) => called.flatMap(({ missing }) => missing ?? []));
      return {
        status: 'warn',
        reason: 'CreatedBefore',
        message: `${count(bare.length, 'pod')} would get a proxy now and ${bare.length === 1 ? 'has' : 'have'} none: ${some(bare.map(nameOf))}`,
        evidence: [
          ...bare.slice(0, NAMED).map((each) => `${nameOf(each)}: ${each.called.map(({ name }) => name).join(', ')}`),
          ...[...new Set(unread)].map(
            ({ words }) => `whether the injector’s settings except them is not known: ${words}`,
          ),
        ],
        hint: startAgain([first, ...rest]),
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

type Excepted = 'OptedOut' | 'NeverSelected' | 'PolicyDisabled' | 'LeftOut' | 'HostNetwork';
const EXCEPTED: readonly Excepted[] = ['PolicyDisabled', 'OptedOut', 'NeverSelected', 'LeftOut', 'HostNetwork'];
const OF_REFUSAL: Partial<Record<Refusal, Excepted>> = {
  'opted-out': 'OptedOut',
  'never-selected': 'NeverSelected',
  policy: 'PolicyDisabled',
  'host-network': 'HostNetwork',
};

const EXCEPTIONS: Record<Excepted, string> = {
  OptedOut: `by ${INJECT}=false of their own`,
  NeverSelected: 'by the injector’s neverInjectSelector',
  PolicyDisabled: 'by the injector’s policy, which injects those only that ask themselves',
  LeftOut: 'by the webhooks’ objectSelector',
  HostNetwork: 'by hostNetwork',
};

const settings = ({ called: [injector] }: Bare): string =>
  shellLine(
    'kubectl',
    '-n',
    injector?.service?.namespace ?? 'istio-system',
    'get',
    'configmap',
    injector ? settingsName(injector) : '',
    '-o',
    'jsonpath={.data.config}',
  );

const CURES: Record<Excepted, (pod: Bare) => string> = {
  OptedOut: ({ pod }) =>
    `${shellLine('kubectl', '-n', pod.namespace, 'get', 'pods', '-L', INJECT)}   # right where it is meant; else take false from the pods’ template`,
  NeverSelected: settings,
  PolicyDisabled: (bare) => `${settings(bare)}   # policy; or label the pods that should have one ${INJECT}=true`,
  LeftOut: () => shellLine('kubectl', 'get', 'mutatingwebhookconfigurations', '-o', 'yaml'),
  HostNetwork: ({ pod }) =>
    `${shellLine('kubectl', '-n', pod.namespace, 'get', 'pod', pod.name, '-o', 'jsonpath={.spec.hostNetwork}')}   # right where it is meant: no proxy can be injected there`,
};

/** Why a pod has no proxy though it or its namespace asks, and is heard; null where that is not so. */
function exceptedBecause(
  { namespace, pod, asked, called, refusal }: Bare,
  seen: Injection,
  { version }: ControlPlane,
): Excepted | null {
  if (isAmbient(namespace) || isAmbient(pod.labels)) return null;
  if (refusal !== null && (asked !== null || isServed(namespace, seen))) return OF_REFUSAL[refusal] ?? null;
  if (called.length > 0 || !isServed(namespace, seen)) return null;
  if (wishOf(pod, version) === false) return 'OptedOut';
  return asked === 'namespace' ? 'LeftOut' : null;
}

export const podsNotExcepted = defineCheck({
  id: 'pods-not-excepted',
  title: 'no pod is left without a proxy where one is asked for',
  explains:
    'Of the living pods without a proxy that ask for one, or whose namespace does, and for which a webhook is called, those that are excepted: by their own word, by the injector’s settings, or by hostNetwork. Often that is meant, of jobs and databases for example.',
  reasons: {
    OptedOut:
      'Pods say sidecar.istio.io/inject=false, as a label or an annotation, in a namespace that asks for proxies.',
    HostNetwork: 'Pods use their node’s network: the injector leaves them as they are, whatever they ask.',
    NeverSelected: 'The injector’s neverInjectSelector fits the pods’ labels.',
    PolicyDisabled:
      'The injector’s policy is not enabled: the webhook is called, and pods that do not ask themselves are left as they are.',
    LeftOut: 'The webhooks of the namespace look at pods’ labels too, and none of them takes these pods.',
  },
  needs: { injection },
  judge({ injection }, { plane }) {
    const [worst, ...others] = grouped(bareIn(injection, plane), EXCEPTED, (each) =>
      exceptedBecause(each, injection, plane),
    );
    if (worst) {
      const [first] = worst.pods;
      return {
        status: 'warn',
        reason: worst.reason,
        message: `${count(worst.pods.length, 'pod')} without a proxy ${EXCEPTIONS[worst.reason]}, where one is asked for: ${some(worst.pods.map(nameOf))}`,
        evidence: [worst, ...others]
          .flatMap(({ reason, pods }) => pods.map((each) => `${nameOf(each)}: ${EXCEPTIONS[reason]}`))
          .slice(0, NAMED),
        hint: CURES[worst.reason](first),
      };
    }
    const served = [...injection.namespaces].filter(([, labels]) => isAsking(labels) && isServed(labels, injection));
    return allWell(
      injection,
      served.length === 0
        ? skip('no webhook is called for a namespace that asks for proxies')
        : {
            status: 'pass',
            message: `no pod is excepted in ${some(served.map(([name]) => name))}`,
          },
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
