import { shellLine } from '../../cluster/question/shell.ts';
import { type ControlPlane, defineCheck } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type Bare, bareIn } from '../../evidence/istio/bare.ts';
import { type Injection, injection, settingsName } from '../../evidence/istio/injection.ts';
import { wantsAmbient } from '../../istio/enrolment.ts';
import { INJECT, isAsking, isCalledIn, type Refusal, wishOf } from '../../istio/injection.ts';
import { allWell, grouped, isServed, NAMED, nameOf } from './asking.ts';

type Excepted = 'PolicyDisabled' | 'SystemNamespace' | 'OptedOut' | 'NeverSelected' | 'LeftOut' | 'HostNetwork';
const EXCEPTED: readonly Excepted[] = [
  'PolicyDisabled',
  'SystemNamespace',
  'OptedOut',
  'NeverSelected',
  'LeftOut',
  'HostNetwork',
];
const OF_REFUSAL: Record<Refusal, Excepted> = {
  'opted-out': 'OptedOut',
  'never-selected': 'NeverSelected',
  policy: 'PolicyDisabled',
  'host-network': 'HostNetwork',
  'system-namespace': 'SystemNamespace',
};

const EXCEPTIONS: Record<Excepted, string> = {
  OptedOut: `by ${INJECT}=false of their own`,
  NeverSelected: 'by the injector’s neverInjectSelector',
  PolicyDisabled: 'by the injector’s policy, which injects those only that ask themselves',
  SystemNamespace: 'as the injector leaves Kubernetes’ own namespaces alone',
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
  SystemNamespace: ({ pod }) =>
    `${shellLine('kubectl', '-n', pod.namespace, 'get', 'pods', '-L', INJECT)}   # what should have a proxy belongs in another namespace`,
  LeftOut: () => shellLine('kubectl', 'get', 'mutatingwebhookconfigurations', '-o', 'yaml'),
  HostNetwork: ({ pod }) =>
    `${shellLine('kubectl', '-n', pod.namespace, 'get', 'pod', pod.name, '-o', 'jsonpath={.spec.hostNetwork}')}   # right where it is meant: no proxy can be injected there`,
};

/** Whether somebody asks for a proxy: the pod, or its namespace, whatever the pod itself says. */
const isWanted = ({ asked, namespace, pod }: Bare): boolean =>
  (asked !== null || isAsking(namespace)) && !wantsAmbient(namespace) && !wantsAmbient(pod.labels);

/** Whether the mesh gives plain pods of a namespace a proxy: what such a mesh leaves out was told to. */
const isGivenTo = ({ namespace }: Bare, { webhooks }: Injection): boolean =>
  webhooks.some((webhook) => webhook.settings.policy === 'enabled' && isCalledIn(webhook, namespace)) &&
  !wantsAmbient(namespace);

/** Why a pod has no proxy though one is asked for, and that is heard; null where that is not so. */
function exceptedBecause(bare: Bare, seen: Injection, { version }: ControlPlane): Excepted | null {
  const { namespace, pod, asked, called, refusal } = bare;
  if (isWanted(bare) && refusal !== null) return OF_REFUSAL[refusal];
  const saysNo = refusal === 'opted-out' || (called.length === 0 && wishOf(pod, version) === false);
  if (saysNo && isServed(namespace, seen) && (isWanted(bare) || isGivenTo(bare, seen))) return 'OptedOut';
  return called.length === 0 && asked === 'namespace' && isServed(namespace, seen) ? 'LeftOut' : null;
}

export const podsNotExcepted = defineCheck({
  id: 'pods-not-excepted',
  title: 'no pod is left without a proxy where one is asked for',
  explains:
    'Of the living pods without a proxy that ask for one, or whose namespace does, and for which a webhook is called, those that are excepted: by their own word, by the injector’s settings, by hostNetwork, or since they live in a namespace of Kubernetes’ own. Often that is meant, of jobs and databases for example. In a mesh whose injector’s policy takes only pods that ask, silent pods of namespaces that do not ask are none of them.',
  reasons: {
    OptedOut:
      'Pods say sidecar.istio.io/inject=false, as a label or an annotation, in a namespace that asks for proxies.',
    HostNetwork: 'Pods use their node’s network: the injector leaves them as they are, whatever they ask.',
    SystemNamespace:
      'Pods of kube-system, kube-public, kube-node-lease and local-path-storage get no proxy, whatever they or their namespace ask.',
    NeverSelected: 'The injector’s neverInjectSelector fits the pods’ labels.',
    PolicyDisabled:
      'The injector’s policy is not enabled: the webhook is called, and pods that do not ask themselves are left as they are.',
    LeftOut: 'The webhooks of the namespace look at pods’ labels too, and none of them takes these pods.',
  },
  needs: { injection },
  judge({ injection }, { plane }) {
    const bare = bareIn(injection, plane);
    const [worst, ...others] = grouped(bare, EXCEPTED, (each) => exceptedBecause(each, injection, plane));
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
    const unread = bare
      .filter((each) => isWanted(each) && each.refusal === null)
      .flatMap(({ called }) => called.flatMap(({ missing }) => missing ?? []));
    if (isSome(unread)) return unknown(unread, 'whether the injector’s settings except pods');
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
