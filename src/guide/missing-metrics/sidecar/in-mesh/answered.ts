import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import type { Bare } from '../../../../evidence/istio/bare.ts';
import { type Injection, injection } from '../../../../evidence/istio/injection.ts';
import { population } from '../../../../evidence/istio/population.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { INJECTION, isEnabled, REVISION, revisionsIn } from '../../../../istio/injection.ts';
import { CURE, HOW, type Unserved, unservedBecause } from '../../../webhook-certs/asking-pods.ts';
import { serve } from '../../../webhook-certs/injection-webhook.ts';
import { analyzed, NOBODY, sizeOf } from './injected.ts';

/** Why no webhook takes a pod that should have a proxy: by what it says itself, or by its namespace. */
type Unheard = Unserved | 'NoWebhook' | 'RevisionIgnored' | 'DefaultUnserved' | 'LabelMeansNothing';

function unheardBecause(bare: Bare, seen: Injection): Unheard {
  if (seen.webhooks.length === 0) return 'NoWebhook';
  const own = unservedBecause(bare, seen);
  if (own !== null) return own;
  const { namespace } = bare;
  if (!isEnabled(namespace)) return namespace[INJECTION] === undefined ? 'RevisionUnserved' : 'LabelMeansNothing';
  return revisionsIn(seen.webhooks).includes(namespace[REVISION] ?? '') ? 'RevisionIgnored' : 'DefaultUnserved';
}

const isOwnWord = (reason: Unheard): reason is Unserved => Object.hasOwn(HOW, reason);

/** What the wish is, and why it is not heard. */
function how(reason: Unheard, bare: Bare, seen: Injection): string {
  const { namespace, asked } = bare;
  if (isOwnWord(reason) && asked !== 'namespace' && unservedBecause(bare, seen) !== null) return HOW[reason](bare);
  switch (reason) {
    case 'NoWebhook':
      return 'there is no injection webhook';
    case 'RevisionIgnored':
      return `${INJECTION}=enabled beside ${REVISION}=${namespace[REVISION]} of the namespace wins, and there is no default revision`;
    case 'DefaultUnserved':
      return `${INJECTION}=enabled of the namespace, and there is no default revision`;
    case 'LabelMeansNothing':
      return `${INJECTION}=${namespace[INJECTION]} of the namespace, which means nothing`;
    default:
      return `${REVISION}=${namespace[REVISION]} of the namespace, which no webhook is of`;
  }
}

function cure(reason: Unheard, bare: Bare, seen: Injection): string {
  const { pod, namespace } = bare;
  if (reason === 'NoWebhook')
    return `${shellLine('kubectl', 'get', 'mutatingwebhookconfigurations', '--show-labels')}   # with none of Istio’s, install istiod’s chart again: it brings them`;
  if (isOwnWord(reason) && unservedBecause(bare, seen) !== null) return CURE[reason](bare, seen);
  const label =
    reason === 'LabelMeansNothing'
      ? shellLine('kubectl', 'label', '--overwrite', 'namespace', pod.namespace, `${INJECTION}=enabled`)
      : serve({ name: pod.namespace, labels: namespace }, seen.webhooks);
  return `${label}${label.includes('#') ? ',' : '   #'} then restart its pods`;
}

export const wishesAreAnswered = defineCheck({
  id: 'wishes-are-answered',
  title: 'a webhook answers each pod that should have a proxy',
  explains:
    'Of the running pods without a proxy, those that ask for one, or whose namespace does, and for which no injection webhook is called: a revision or tag that is gone, istio-injection=enabled without a default revision, or a word that nobody reads.',
  reasons: {
    NoWebhook: 'Pods should have a proxy, and there is no injection webhook at all.',
    RevisionIgnored:
      'The namespace has istio-injection=enabled beside the label of a revision that there is: the first wins, and no default revision answers it.',
    DefaultUnserved: 'The namespace has istio-injection=enabled, which only a default revision or tag answers.',
    LabelMeansNothing: 'The namespace’s label istio-injection has another value than enabled.',
    RevisionUnserved: 'The label istio.io/rev names a revision or a tag that no webhook is of.',
    AnnotationOnly: 'sidecar.istio.io/inject is an annotation of the pod: the webhooks look at labels.',
    WordMeansNothing: 'The value of the label sidecar.istio.io/inject is not true, the only one that asks for a proxy.',
    PodUnserved: 'The pod’s label is right, and no webhook looks at it: there is none of a default revision.',
    NamespaceRefuses: 'The pod asks for a proxy, and its namespace’s istio-injection decides against it.',
  },
  needs: { population, injection: attempt(injection) },
  judge({ population: all, injection }) {
    if ('missing' in all.outsiders) return unknown([all.outsiders.missing], 'which pods should have a proxy');
    if ('missing' in injection) return unknown([injection.missing], 'which pods should have a proxy');
    const seen = injection.got;
    const groups = new Map<Unheard, Bare[]>();
    for (const bare of all.outsiders.got) {
      if (bare.called.length > 0) continue;
      const reason = unheardBecause(bare, seen);
      const group = groups.get(reason);
      if (group) group.push(bare);
      else groups.set(reason, [bare]);
    }
    // A namespace that says no to a pod that says yes may be right.
    const rank = ([reason, pods]: readonly [Unheard, readonly Bare[]]): number =>
      reason === 'NamespaceRefuses' ? -1 : pods.length;
    const [worst, ...others] = [...groups].sort((a, b) => rank(b) - rank(a));
    const [reason, pods] = worst ?? [];
    const first = pods?.[0];
    if (reason && pods && first) {
      const subjects = subjectsOf(pods.map(({ pod }) => pod));
      return {
        status: reason === 'NamespaceRefuses' ? 'warn' : 'fail',
        reason,
        message: `${pods.length} of ${count(sizeOf(all), 'pod')} ${pods.length === 1 ? 'asks' : 'ask'} for a proxy in vain, ${how(reason, first, seen)}: ${some(subjects.map(({ namespace, name }) => `${namespace}/${name}`))}`,
        evidence: [
          ...linesOf(subjects),
          ...others.flatMap(([other, [one, ...rest]]) =>
            one ? [`${count(rest.length + 1, 'pod')} more, ${how(other, one, seen)}`] : [],
          ),
          ...(reason === 'RevisionIgnored' ? ['istioctl analyze: IST0123 (NamespaceMultipleInjectionLabels)'] : []),
          ...analyzed(pods),
        ],
        subjects: subjectsOf([...groups.values()].flat().map(({ pod }) => pod)),
        hint: cure(reason, first, seen),
      };
    }
    if (all.refusal) return unknown([all.refusal], 'not every pod could be looked at');
    if (sizeOf(all) === 0) return skip(NOBODY);
    return { status: 'pass', message: 'no pod asks for a proxy in vain' };
  },
});
