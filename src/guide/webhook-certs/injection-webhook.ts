import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { allWebhooks, type Webhook, webhooks } from '../../evidence/istio/webhooks.ts';
import { allNamespaces, type Namespace } from '../../evidence/kubernetes/lists.ts';
import { isNo, isYes } from '../../istio/asking.ts';
import { wantsAmbient } from '../../istio/enrolment.ts';
import { INJECTION, isAsking, isCalledIn, isEnabled, REVISION, revisionsIn } from '../../istio/injection.ts';

type Labels = Namespace['labels'];

const labelled = ({ name, labels }: Namespace): string =>
  `${name} (${labels[INJECTION] === undefined ? `${REVISION}=${labels[REVISION]}` : `${INJECTION}=${labels[INJECTION]}`})`;

const calledIn = (labels: Labels, all: readonly Webhook[]): readonly Webhook[] =>
  all.filter((webhook) => isCalledIn(webhook, labels));

/** Whether the revision that a namespace names is not the one whose proxies it gets, as istio-injection has the word. */
function isRevisionIgnored({ labels }: Namespace, all: readonly Webhook[]): boolean {
  const revision = labels[REVISION];
  if (!isEnabled(labels) || revision === undefined || wantsAmbient(labels)) return false;
  const got = calledIn(labels, all).map((webhook) => webhook.revision);
  const wanted = calledIn({ [REVISION]: revision }, all).map((webhook) => webhook.revision);
  return !got.some((each) => wanted.includes(each));
}

/** What makes a webhook select a namespace that asks in vain. */
export function serve({ name, labels }: Namespace, all: readonly Webhook[]): string {
  const known = revisionsIn(all);
  const [revision = 'REVISION'] = all.flatMap((webhook) => webhook.revision ?? []);
  if (known.includes(labels[REVISION] ?? '')) return shellLine('kubectl', 'label', 'namespace', name, `${INJECTION}-`);
  if (isEnabled(labels))
    return `${shellLine('istioctl', 'tag', 'set', 'default', '--revision', revision)}   # or label the namespace with a revision: kubectl get mutatingwebhookconfigurations -L ${REVISION}`;
  const [first] = known;
  if (first === undefined) return shellLine('kubectl', 'get', 'namespace', name, '--show-labels');
  return `${shellLine('kubectl', 'label', '--overwrite', 'namespace', name, `${REVISION}=${first}`)}   # there is ${some(known)}`;
}

export const injectionWebhookExists = defineCheck({
  id: 'injection-webhook-exists',
  title: 'a webhook injects the sidecars of this control plane',
  explains:
    'Looks for the MutatingWebhookConfiguration of this control plane, where a namespace is labelled for injection, and whether the selectors of any of Istio’s take that namespace: a revision or a tag that is gone takes its webhook along. A mesh whose pods are injected by hand, or that is ambient only, needs none.',
  reasons: {
    InjectionWebhookMissing: 'A namespace asks for injection and no webhook of this control plane answers it.',
    LabelMeansNothing:
      'A namespace’s label istio-injection is neither enabled nor disabled: nothing is injected there.',
    NamespaceUnserved: 'A namespace asks for injection by a label that no webhook of Istio’s selects.',
    RevisionIgnored:
      'A namespace has istio-injection beside istio.io/rev: the first wins, and the revision that is named injects nothing.',
  },
  needs: { webhooks, all: allWebhooks, namespaces: attempt(allNamespaces) },
  judge({ webhooks, all, namespaces }, { plane }) {
    const known = 'got' in namespaces ? namespaces.got.items : [];
    const mutating = all.filter(({ kind }) => kind === 'mutating');
    const isServed = (labels: Labels): boolean => calledIn(labels, mutating).length > 0;
    const isOdd = (word = ''): boolean => word !== '' && word !== 'enabled' && !isNo(word);
    const odd = known.filter(({ labels }) => isOdd(labels[INJECTION]) && !isServed(labels));
    const meant = odd.find(({ labels }) => isYes(labels[INJECTION] ?? ''));
    const [first] = odd;
    const meansNothing = {
      reason: 'LabelMeansNothing',
      message: some(
        odd.map(({ name, labels }) => `${name} has ${INJECTION}=${labels[INJECTION]}, which no webhook knows`),
      ),
      hint: shellLine(
        'kubectl',
        'label',
        '--overwrite',
        'namespace',
        (meant ?? first)?.name ?? '',
        `${INJECTION}=enabled`,
      ),
    };
    if (meant) return { status: 'fail', ...meansNothing };
    const injecting = webhooks.filter(({ kind }) => kind === 'mutating');
    const unserved = known.filter(
      (namespace) => isAsking(namespace.labels) && !wantsAmbient(namespace.labels) && !isServed(namespace.labels),
    );
    const [forgotten] = unserved;
    if (injecting.length > 0 && forgotten)
      return {
        status: 'fail',
        reason: 'NamespaceUnserved',
        message: `no injection webhook selects ${some(unserved.map(labelled))}`,
        hint: serve(forgotten, mutating),
      };
    if (first) return { status: 'warn', ...meansNothing };
    const ignored = known.filter((namespace) => isRevisionIgnored(namespace, mutating));
    const [deaf] = ignored;
    if (injecting.length > 0 && deaf)
      return {
        status: 'warn',
        reason: 'RevisionIgnored',
        message: `${INJECTION}=enabled wins over ${some(ignored.map(({ name, labels }) => `${REVISION}=${labels[REVISION]} of ${name}`))}`,
        hint: `${shellLine('kubectl', 'label', 'namespace', deaf.name, `${INJECTION}-`)}   # or ${REVISION}-, if the default control plane is right`,
      };
    if ('missing' in namespaces)
      return unknown([namespaces.missing], 'which namespaces ask for injection is not known');
    if (injecting.length > 0)
      return {
        status: 'pass',
        message: `${count(injecting.length, 'injection webhook')}: ${some([...new Set(injecting.map(({ configuration }) => configuration))])}`,
      };
    const asking = known.filter((namespace) => isAsking(namespace.labels, plane.revision));
    const [asks] = asking;
    if (!asks) {
      if (namespaces.got.refusal) return unknown([namespaces.got.refusal]);
      return skip('no namespace asks for injection, and there is no injection webhook');
    }
    return {
      status: 'fail',
      reason: 'InjectionWebhookMissing',
      message: `no injection webhook leads to this control plane; ${some(asking.map(({ name }) => name))} ${asking.length === 1 ? 'asks' : 'ask'} for injection`,
      hint: shellLine('kubectl', 'get', 'mutatingwebhookconfigurations', '--show-labels'),
    };
  },
});
