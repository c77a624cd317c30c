import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Injection, InjectionWebhook } from '../../src/evidence/istio/injection.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import { labelTemplate, startAgain } from '../../src/guide/webhook-certs/asking.ts';
import { askingPodsTaken } from '../../src/guide/webhook-certs/asking-pods.ts';
import { podsNotExcepted } from '../../src/guide/webhook-certs/excepted-pods.ts';
import { takenPodsInjected } from '../../src/guide/webhook-certs/webhook-selection.ts';
import { DEFAULT_SETTINGS } from '../../src/istio/injection.ts';
import { injecting, inside } from '../support/injection.ts';
import { judging, NOW, plane, scope } from '../support/judging.ts';
import { container, missing, pod } from '../support/mixer.ts';

type Labels = Record<string, string>;

const web = (labels: Labels = {}, change: Partial<Pod> = {}): Pod =>
  pod({ name: 'web-1', namespace: 'shop', labels, containers: [container('web', 'web:1')], ...change });
const proxied = (change: Partial<Pod> = {}): Pod =>
  web({}, { name: 'web-2', containers: [container('istio-proxy', 'proxyv2:1.31.0')], ...change });
const asks = { 'sidecar.istio.io/inject': 'true' };
const marked = (status: string): Pod => web({}, { annotations: { 'sidecar.istio.io/status': status } });
const annotated = (word: string): Partial<Pod> => ({ annotations: { 'sidecar.istio.io/inject': word } });

/** One namespace `shop` with these labels, and these pods. */
const given = (namespace: Labels, pods: readonly Pod[], change: Partial<Injection> = {}): { injection: Injection } => ({
  injection: {
    webhooks: injecting(),
    namespaces: new Map([['shop', namespace]]),
    pods,
    answersForOthers: true,
    refusal: null,
    ...change,
  },
});
/** A webhook for every namespace that does not refuse, as enableNamespacesByDefault and Istio before 1.10 may have it. */
const everywhere = (change: Partial<InjectionWebhook> = {}): readonly InjectionWebhook[] => {
  const namespaces = { matchExpressions: [{ key: 'istio-injection', operator: 'NotIn', values: ['disabled'] }] };
  return injecting('default', { namespaces, objects: null, ...change }).slice(0, 1);
};
const modern = { version: '1.31.0' };

judging(askingPodsTaken, [
  {
    when: 'a pod asks and is taken',
    given: given({}, [proxied({ labels: asks })]),
    status: 'pass',
    says: /^a webhook takes 1 pod with sidecar\.istio\.io\/inject=true$/,
  },
  { when: 'none asks', given: given({}, [web()]), status: 'skip', says: /no pod asks/ },
  {
    when: 'a pod asks by annotation in a namespace that does not',
    given: given({}, [web({}, annotated('true'))]),
    status: 'fail',
    reason: 'AnnotationOnly',
    says: /^1 pod asks for a proxy in vain, by an annotation only: shop\/web-1$/,
    plane: modern,
  },
  {
    when: 'the annotation’s namespace is ambient',
    given: given({ 'istio.io/dataplane-mode': 'ambient' }, [web({}, annotated('true'))]),
    status: 'skip',
    says: /no pod asks/,
  },
  {
    when: 'the label has another word than true',
    given: given({}, [web({ 'sidecar.istio.io/inject': 'enabled' })]),
    status: 'fail',
    reason: 'WordMeansNothing',
    says: /in vain, by sidecar\.istio\.io\/inject=enabled: shop\/web-1$/,
    plane: modern,
  },
  {
    when: 'a pod names a revision that is gone',
    given: given({}, [web({ 'istio.io/rev': 'old' })]),
    status: 'fail',
    reason: 'RevisionUnserved',
    says: /by istio\.io\/rev=old, which no webhook is of: shop\/web-1$/,
    plane: modern,
  },
  {
    when: 'a pod names a revision that is there',
    given: given({}, [proxied({ labels: { ...asks, 'istio.io/rev': 'canary' } })], { webhooks: injecting('canary') }),
    status: 'pass',
    says: /takes 1 pod/,
  },
  {
    when: 'only revisions are installed, and a pod names none',
    given: given({}, [web(asks), web(asks, { name: 'web-3' })], { webhooks: injecting('canary') }),
    status: 'fail',
    reason: 'PodUnserved',
    says: /^2 pods ask for a proxy in vain, by a label that no webhook looks at: shop\/web-1 and shop\/web-3$/,
    plane: modern,
  },
  {
    when: 'the namespace is disabled',
    given: given({ 'istio-injection': 'disabled' }, [web(asks)]),
    status: 'warn',
    reason: 'NamespaceRefuses',
    says: /in vain, against istio-injection=disabled of the namespace: shop\/web-1$/,
    plane: modern,
  },
  {
    when: 'the namespace is disabled, whatever revision it names beside',
    given: given({ 'istio-injection': 'disabled', 'istio.io/rev': 'old' }, [web(asks)]),
    status: 'warn',
    reason: 'NamespaceRefuses',
    says: /in vain, against istio-injection=disabled of the namespace: shop\/web-1$/,
    plane: modern,
  },
  {
    when: 'the namespace itself asks in vain: that is said of the namespace',
    given: given({ 'istio.io/rev': 'old' }, [web(asks)]),
    status: 'pass',
    says: /1 pod/,
  },
  {
    when: 'the pod is to be an image that the injector fills in, and waits for it',
    given: given({}, [
      web({ 'sidecar.istio.io/inject': 'yes' }, { phase: 'Pending', containers: [container('istio-proxy', 'auto')] }),
    ]),
    status: 'fail',
    reason: 'WordMeansNothing',
    says: /shop\/web-1/,
    plane: modern,
  },
  {
    when: 'another control plane has to answer for it',
    given: given({}, [web({}, annotated('true'))], { answersForOthers: false }),
    status: 'skip',
    says: /no pod asks/,
  },
  {
    when: 'not every pod could be listed',
    given: given({}, [proxied({ labels: asks })], { refusal: missing() }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every pod/,
  },
]);

const enabled = { 'istio-injection': 'enabled' };

judging(takenPodsInjected, [
  {
    when: 'all have one',
    given: given(enabled, [proxied()]),
    status: 'pass',
    says: /^1 pod with a proxy, and no other would get one$/,
  },
  { when: 'none has, and none is taken', given: given({}, [web()]), status: 'skip', says: /no pod has a proxy/ },
  {
    when: 'a pod is older than its namespace’s label',
    given: given(enabled, [proxied(), web()]),
    status: 'warn',
    reason: 'CreatedBefore',
    says: /^1 pod would get a proxy now and has none: shop\/web-1$/,
  },
  {
    when: 'a pod asks itself, and is older than the webhook',
    given: given({}, [web(asks)]),
    status: 'warn',
    reason: 'CreatedBefore',
    says: /shop\/web-1/,
    plane: modern,
  },
  {
    when: 'an injector gave it what another template has, without a container of that name',
    given: given(enabled, [marked('{"initContainers":["grpc-bootstrap-init"],"containers":["web"]}')]),
    status: 'pass',
    says: /1 pod with a proxy/,
  },
  ...['{"initContainers":["istio-init"],"containers":["istio-proxy"]}', '{}', 'injected'].map((mark) => ({
    when: `its template has the mark of an injector, ${mark}, and it has no proxy`,
    given: given(enabled, [marked(mark)]),
    status: 'warn' as const,
    reason: 'CreatedBefore',
    says: /^1 pod would get a proxy now and has none: shop\/web-1$/,
  })),
  ...[web({}, annotated('False')), web({ 'sidecar.istio.io/inject': 'off' })].map((each) => ({
    when: `a pod says no in a word that 1.27 does not know, ${JSON.stringify([each.labels, each.annotations])}`,
    given: given(enabled, [proxied(), each, web({}, { name: 'web-3' })]),
    status: 'warn' as const,
    reason: 'NoMeansNothing',
    says: /^1 pod says no to a proxy in a word that is not heard \(.*=(False|off)\), and would get one now: shop\/web-1$/,
    plane: modern,
  })),
  {
    when: 'a pod says no by a label to a release that reads annotations only',
    given: given(enabled, [web({ 'sidecar.istio.io/inject': 'false' })], {
      webhooks: injecting().map((each) => ({ ...each, objects: null })),
    }),
    status: 'warn',
    reason: 'NoMeansNothing',
    says: /shop\/web-1$/,
    plane: { version: '1.9.0' },
  },
  {
    when: 'a pod says no in a word that 1.26 knows',
    given: given(enabled, [proxied(), web({}, annotated('False'))]),
    status: 'pass',
    says: /no other would get one/,
    plane: { version: '1.26.0' },
  },
  {
    when: 'the namespace is ambient beside its revision',
    given: given({ 'istio.io/rev': 'default', 'istio.io/dataplane-mode': 'ambient' }, [web()]),
    status: 'skip',
    says: /takes none/,
  },
  {
    when: 'the injector’s settings except it',
    given: given(enabled, [proxied(), web({ app: 'job' })], {
      webhooks: injecting('default', { settings: { ...DEFAULT_SETTINGS, never: [inside('app', 'job')] } }),
    }),
    status: 'pass',
    says: /1 pod with a proxy/,
  },
  {
    when: 'not every pod could be listed',
    given: given(enabled, [proxied()], { refusal: missing() }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every pod/,
  },
]);

judging(podsNotExcepted, [
  { when: 'none is', given: given(enabled, [proxied()]), status: 'pass', says: /^no pod is excepted in shop$/ },
  { when: 'no namespace asks', given: given({}, [web()]), status: 'skip', says: /no webhook is called/ },
  {
    when: 'the namespace is disabled',
    given: given({ 'istio-injection': 'disabled' }, [web()]),
    status: 'skip',
    says: /no webhook is called/,
  },
  {
    when: 'pods opt out by label or annotation',
    given: given(enabled, [
      web({ 'sidecar.istio.io/inject': 'false' }),
      web({}, { name: 'db-0', ...annotated('false') }),
    ]),
    status: 'warn',
    reason: 'OptedOut',
    says: /^2 pods without a proxy by sidecar\.istio\.io\/inject=false of their own, where one is asked for: shop\/web-1 and shop\/db-0$/,
    plane: modern,
  },
  {
    when: 'a pod uses the node’s network',
    given: given(enabled, [web({}, { hostNetwork: true })]),
    status: 'warn',
    reason: 'HostNetwork',
    says: /by hostNetwork/,
  },
  {
    when: 'such a pod asks itself',
    given: given({}, [web(asks, { hostNetwork: true })]),
    status: 'warn',
    reason: 'HostNetwork',
    says: /by hostNetwork/,
    plane: modern,
  },
  {
    when: 'the injector never takes it',
    given: given(enabled, [web({ app: 'job' })], {
      webhooks: injecting('default', { settings: { ...DEFAULT_SETTINGS, never: [inside('app', 'job')] } }),
    }),
    status: 'warn',
    reason: 'NeverSelected',
    says: /neverInjectSelector/,
  },
  {
    when: 'the injector’s policy is disabled',
    given: given(enabled, [web()], {
      webhooks: injecting('default', { settings: { ...DEFAULT_SETTINGS, policy: 'disabled' } }),
    }),
    status: 'warn',
    reason: 'PolicyDisabled',
    says: /policy/,
  },
  {
    when: 'it is, and neither the namespace nor the pod asks',
    given: given({}, [web(), web({}, { hostNetwork: true }), web({}, annotated('false'))], {
      webhooks: everywhere({ settings: { ...DEFAULT_SETTINGS, policy: 'disabled' } }),
    }),
    status: 'skip',
    says: /no webhook is called for a namespace that asks/,
  },
  {
    when: 'it is not, nobody asks, and neverInjectSelector and hostNetwork except',
    given: given({}, [web({ app: 'job' }), web({}, { hostNetwork: true })], {
      webhooks: everywhere({ settings: { ...DEFAULT_SETTINGS, never: [inside('app', 'job')] } }),
    }),
    status: 'skip',
    says: /no webhook is called for a namespace that asks/,
  },
  {
    when: 'a pod opts out of what the mesh gives to every namespace',
    given: given({}, [web({}, annotated('false'))], { webhooks: everywhere() }),
    status: 'warn',
    reason: 'OptedOut',
    says: /of their own/,
  },
  {
    when: 'a pod asks in a namespace of Kubernetes’ own',
    given: {
      injection: {
        ...given({}, [web(asks, { namespace: 'kube-system' })]).injection,
        namespaces: new Map([['kube-system', {}]]),
      },
    },
    status: 'warn',
    reason: 'SystemNamespace',
    says: /^1 pod without a proxy as the injector leaves Kubernetes’ own namespaces alone, .*: kube-system\/web-1$/,
    plane: modern,
  },
  {
    when: 'a pod there does not ask',
    given: {
      injection: {
        ...given({}, [web({}, { namespace: 'kube-system' })], { webhooks: everywhere() }).injection,
        namespaces: new Map([['kube-system', {}]]),
      },
    },
    status: 'skip',
    says: /no webhook is called/,
  },
  {
    when: 'the settings of an injector that takes a pod are not known',
    given: given(enabled, [web()], { webhooks: injecting('default', { missing: missing() }) }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /^whether the injector’s settings except pods: /,
  },
  {
    when: 'they are not, and every pod has a proxy',
    given: given(enabled, [proxied()], { webhooks: injecting('default', { missing: missing() }) }),
    status: 'pass',
    says: /no pod is excepted/,
  },
  {
    when: 'the webhook looks at other labels of pods',
    given: given(enabled, [web()], {
      webhooks: injecting().flatMap((each) => [
        { ...each, name: 'none', objects: { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] } },
      ]),
      pods: [web({ team: 'a' })],
    }),
    status: 'warn',
    reason: 'LeftOut',
    says: /objectSelector/,
  },
  {
    when: 'not every pod could be listed',
    given: given(enabled, [proxied()], { refusal: missing() }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every pod/,
  },
]);

describe('an injector whose settings cannot be read', () => {
  it('costs no finding, and is named with it', () => {
    const webhooks = injecting('default', { missing: missing() });
    const verdict = takenPodsInjected.judge(given(enabled, [web()], { webhooks }), { plane, scope, now: NOW });
    assert.equal(verdict.status, 'warn');
    assert.match(verdict.message, /now, as far as the injector’s settings are known, and has none/);
    assert.match(verdict.evidence?.at(-1) ?? '', /^whether the injector’s settings except them is not known: /);
  });
});

describe('the cure of a pod without a proxy', () => {
  const hintOf = (change: Partial<Injection>, ...pods: readonly Pod[]): string => {
    const context = { plane: { ...plane, ...modern }, scope, now: NOW };
    const verdict = askingPodsTaken.judge(given({}, pods, change), context);
    return 'hint' in verdict ? (verdict.hint ?? '') : '';
  };
  it('is a label of its own where a webhook looks at it', () => {
    assert.match(
      hintOf({}, web({}, annotated('true'))),
      /create it again with the label sidecar\.istio\.io\/inject=true$/,
    );
  });
  it('is its namespace’s where webhooks look at namespaces only, as before 1.10', () => {
    const webhooks = injecting()
      .slice(2, 3)
      .map((each) => ({ ...each, objects: null }));
    assert.match(
      hintOf({ webhooks }, web({}, annotated('true'))),
      /^kubectl label namespace shop istio-injection=enabled /,
    );
  });
  it('is a default where there are only revisions', () => {
    assert.match(hintOf({ webhooks: injecting('canary') }, web(asks)), /istioctl tag set default --revision REVISION$/);
  });
  const bare = (change: Partial<Pod>) => ({
    pod: web({ 'pod-template-hash': '5d8f' }, change),
    namespace: {},
    asked: null,
    called: [],
    refusal: null,
  });
  it('starts its Deployment again', () => {
    const owner = { kind: 'ReplicaSet', name: 'web-v1-5d8f' };
    assert.equal(startAgain([bare({ owner })]), 'kubectl -n shop rollout restart deployment/web-v1');
  });
  it('starts its StatefulSet again', () => {
    const owner = { kind: 'StatefulSet', name: 'db' };
    assert.equal(startAgain([bare({ owner })]), 'kubectl -n shop rollout restart statefulset/db');
  });
  it('deletes a pod of nobody’s', () => {
    assert.match(startAgain([bare({ owner: null })]), /^kubectl -n shop delete pod web-1 {3}# and create again/);
  });
  it('labels the template, as a shell takes it', () => {
    const owner = { kind: 'DaemonSet', name: 'agent' };
    assert.equal(
      labelTemplate(bare({ owner }).pod, 'sidecar.istio.io/inject', 'true'),
      `kubectl -n shop patch daemonset/agent -p '{"spec":{"template":{"metadata":{"labels":{"sidecar.istio.io/inject":"true"}}}}}'`,
    );
  });
});
