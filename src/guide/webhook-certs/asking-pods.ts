import { shellLine } from '../../cluster/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { type Injection, injection } from '../../evidence/injection.ts';
import { INJECT, INJECTION, isAsking, REVISION } from '../../istio/injection.ts';
import { allWell, type Bare, bareIn, grouped, isServed, labelTemplate, NAMED, nameOf } from './asking.ts';
import { WEBHOOK_CONFIGURATION } from './steps.ts';

type Unserved = 'AnnotationOnly' | 'WordMeansNothing' | 'RevisionUnserved' | 'PodUnserved' | 'NamespaceRefuses';
const UNSERVED: readonly Unserved[] = [
  'AnnotationOnly',
  'WordMeansNothing',
  'RevisionUnserved',
  'PodUnserved',
  'NamespaceRefuses',
];

/** Why a pod that asks for a proxy itself is one that no webhook takes; null where its namespace’s labels are judged instead. */
function unservedBecause({ pod, namespace, asked, called }: Bare, seen: Injection): Unserved | null {
  if (called.length > 0 || asked === null || asked === 'namespace') return null;
  if (isAsking(namespace) && !isServed(namespace, seen)) return null;
  if (namespace[INJECTION] !== undefined && namespace[INJECTION] !== 'enabled') return 'NamespaceRefuses';
  if (asked === 'annotation') return 'AnnotationOnly';
  if (asked === 'label' && pod.labels[INJECT] !== 'true') return 'WordMeansNothing';
  return pod.labels[REVISION] === undefined ? 'PodUnserved' : 'RevisionUnserved';
}

const WHY: Record<Unserved, (pod: Bare) => string> = {
  AnnotationOnly: () =>
    `${INJECT} is an annotation there, which no webhook looks at, in a namespace that asks for none`,
  WordMeansNothing: ({ pod }) => `${INJECT}=${pod.labels[INJECT]} means nothing; true does`,
  RevisionUnserved: ({ pod }) => `no webhook is of ${REVISION}=${pod.labels[REVISION]}`,
  PodUnserved: () => 'no webhook is called for a pod’s own label',
  NamespaceRefuses: ({ namespace }) => `the namespace’s ${INJECTION}=${namespace[INJECTION]} wins over what a pod asks`,
};

const CURE: Record<Unserved, (pod: Bare) => string> = {
  AnnotationOnly: ({ pod }) => labelTemplate(pod, INJECT, 'true'),
  WordMeansNothing: ({ pod }) => labelTemplate(pod, INJECT, 'true'),
  RevisionUnserved: () =>
    `${shellLine('kubectl', 'get', 'mutatingwebhookconfigurations', '-L', 'istio.io/rev,istio.io/tag')}   # the revisions and tags that there are`,
  PodUnserved: () =>
    `${shellLine('kubectl', 'get', 'mutatingwebhookconfigurations', '-L', 'istio.io/rev,istio.io/tag')}   # without a default one: istioctl tag set default --revision REVISION`,
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
        message: `${count(worst.pods.length, 'pod')} ${worst.pods.length === 1 ? 'asks' : 'ask'} for a proxy in vain: ${some(worst.pods.map(nameOf))}: ${WHY[worst.reason](first)}`,
        evidence: [worst, ...others]
          .flatMap(({ reason, pods }) => pods.map((each) => `${nameOf(each)}: ${WHY[reason](each)}`))
          .slice(0, NAMED),
        hint: CURE[worst.reason](first),
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
