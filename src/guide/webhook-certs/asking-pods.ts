import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { type Bare, bareIn } from '../../evidence/istio/bare.ts';
import { type Injection, injection } from '../../evidence/istio/injection.ts';
import { INJECT, INJECTION, isAsking, isCalledFor, REVISION } from '../../istio/injection.ts';
import { allWell, grouped, isServed, labelTemplate, NAMED, nameOf } from './asking.ts';
import { WEBHOOK_CONFIGURATION } from './steps.ts';

export type Unserved = 'AnnotationOnly' | 'WordMeansNothing' | 'RevisionUnserved' | 'PodUnserved' | 'NamespaceRefuses';
const UNSERVED: readonly Unserved[] = [
  'AnnotationOnly',
  'WordMeansNothing',
  'RevisionUnserved',
  'PodUnserved',
  'NamespaceRefuses',
];

/** Why a pod that asks for a proxy itself is one that no webhook takes; null where its namespace’s labels are judged instead. */
export function unservedBecause({ pod, namespace, asked, called }: Bare, seen: Injection): Unserved | null {
  if (called.length > 0 || asked === null || asked === 'namespace') return null;
  if (isAsking(namespace) && !isServed(namespace, seen)) return null;
  if (namespace[INJECTION] !== undefined && namespace[INJECTION] !== 'enabled') return 'NamespaceRefuses';
  if (asked === 'annotation') return 'AnnotationOnly';
  if (asked === 'label' && pod.labels[INJECT] !== 'true') return 'WordMeansNothing';
  return pod.labels[REVISION] === undefined ? 'PodUnserved' : 'RevisionUnserved';
}

/** How it asks, or what keeps it from being heard. */
export const HOW: Record<Unserved, (pod: Bare) => string> = {
  AnnotationOnly: () => 'by an annotation only',
  WordMeansNothing: ({ pod }) => `by ${INJECT}=${pod.labels[INJECT]}`,
  RevisionUnserved: ({ pod }) => `by ${REVISION}=${pod.labels[REVISION]}, which no webhook is of`,
  PodUnserved: () => 'by a label that no webhook looks at',
  NamespaceRefuses: ({ namespace }) => `against ${INJECTION}=${namespace[INJECTION]} of the namespace`,
};

const REVISIONS = shellLine('kubectl', 'get', 'mutatingwebhookconfigurations', '-L', 'istio.io/rev,istio.io/tag');

/** A label of the pod’s own, or its namespace’s where no webhook looks at pods: before 1.10, or with useLegacySelectors. */
function ask({ pod, namespace }: Bare, { webhooks }: Injection): string {
  const labels = { ...pod.labels, [INJECT]: 'true' };
  if (webhooks.some((webhook) => isCalledFor(webhook, labels, namespace))) return labelTemplate(pod, INJECT, 'true');
  if (webhooks.some((webhook) => isCalledFor(webhook, labels, { [INJECTION]: 'enabled' })))
    return `${shellLine('kubectl', 'label', 'namespace', pod.namespace, `${INJECTION}=enabled`)}   # then start its pods again`;
  return `${REVISIONS}   # without a default one: istioctl tag set default --revision REVISION`;
}

export const CURE: Record<Unserved, (pod: Bare, seen: Injection) => string> = {
  AnnotationOnly: ask,
  WordMeansNothing: ask,
  RevisionUnserved: () => `${REVISIONS}   # the revisions and tags that there are`,
  PodUnserved: ask,
  NamespaceRefuses: ({ pod }) =>
    `${shellLine('kubectl', 'label', 'namespace', pod.namespace, `${INJECTION}-`)}   # or take the label from the pod, if the namespace is right`,
};

export const askingPodsTaken = defineCheck({
  id: 'asking-pods-taken',
  title: 'a webhook takes each pod that asks for a proxy itself',
  explains:
    'Of the living pods without a proxy, those that ask for one by sidecar.istio.io/inject or istio.io/rev, held against the selectors of Istio’s webhooks as the API server reads them: objectSelectors look at a pod’s labels, never at its annotations, and a namespace’s istio-injection comes first.',
  reasons: {
    AnnotationOnly:
      'sidecar.istio.io/inject is an annotation of the pod: the webhook looks at labels, and in a namespace that asks for no proxies it is never called.',
    WordMeansNothing: 'The value of the label sidecar.istio.io/inject is not true, the only one that asks for a proxy.',
    RevisionUnserved: 'The pod’s label istio.io/rev names a revision or a tag that no webhook is of.',
    PodUnserved:
      'The pod’s label is right, and no webhook looks at it: there is none of a default revision, or it selects namespaces only, as before 1.10.',
    NamespaceRefuses:
      'The pod asks for a proxy, and its namespace’s istio-injection, whatever it is, decides: none is injected.',
  },
  needs: { injection },
  judge({ injection }, { plane }) {
    const [worst, ...others] = grouped(bareIn(injection, plane), UNSERVED, (each) => unservedBecause(each, injection));
    if (worst) {
      const [first] = worst.pods;
      return {
        status: worst.reason === 'NamespaceRefuses' ? 'warn' : 'fail',
        reason: worst.reason,
        message: `${count(worst.pods.length, 'pod')} ${worst.pods.length === 1 ? 'asks' : 'ask'} for a proxy in vain, ${HOW[worst.reason](first)}: ${some(worst.pods.map(nameOf))}`,
        evidence: [worst, ...others]
          .flatMap(({ reason, pods }) => pods.map((each) => `${nameOf(each)}: ${HOW[reason](each)}`))
          .slice(0, NAMED),
        hint: CURE[worst.reason](first, injection),
        ...(injection.webhooks.length === 0 && { mayFollowFrom: [WEBHOOK_CONFIGURATION] }),
      };
    }
    const asking = injection.pods.filter(({ labels }) => labels[INJECT] === 'true');
    return allWell(
      injection,
      asking.length === 0
        ? skip('no pod asks for a proxy itself')
        : { status: 'pass', message: `a webhook takes ${count(asking.length, 'pod')} with ${INJECT}=true` },
    );
  },
});
