import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attempt, Workload } from '../../../../src/diagnosis/check.ts';
import { bareIn } from '../../../../src/evidence/istio/bare.ts';
import type { Injection, InjectionWebhook } from '../../../../src/evidence/istio/injection.ts';
import type { Population, ProxyKind } from '../../../../src/evidence/istio/population.ts';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import type { Narrowed } from '../../../../src/evidence/kubernetes/workload.ts';
import type { StoreAnswer } from '../../../../src/evidence/prometheus/store.ts';
import { wishesAreAnswered } from '../../../../src/guide/missing-metrics/sidecar/in-mesh/answered.ts';
import { trafficIsCaptured } from '../../../../src/guide/missing-metrics/sidecar/in-mesh/captured.ts';
import { podsAreInjected, proxiesRunEnvoy } from '../../../../src/guide/missing-metrics/sidecar/in-mesh/injected.ts';
import { workloadInMesh } from '../../../../src/guide/missing-metrics/sidecar/in-mesh/workload.ts';
import { inMeshOf, workloadsOf } from '../../../../src/guide/missing-metrics/sidecar/in-mesh.ts';
import type { Sidecar } from '../../../../src/istio/sidecars.ts';
import { injecting } from '../../../support/injection.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { container, listed, meshOf, missing, partly, pod, port, service } from '../../../support/mixer.ts';

type Labels = Record<string, string>;
const modern = { generation: 'telemetry-v2', version: '1.31.0', revision: 'default' } as const;
const enabled = { 'istio-injection': 'enabled' };

const web = (change: Partial<Pod> = {}): Pod =>
  pod({
    name: 'web-5d4-x',
    namespace: 'shop',
    labels: { app: 'web', 'pod-template-hash': '5d4' },
    owner: { kind: 'ReplicaSet', name: 'web-5d4' },
    containers: [container('web', 'web:1', { ports: [{ name: null, port: 8080 }] })],
    startedAt: NOW - 3_600_000,
    ...change,
  });
const proxy = container('istio-proxy', 'proxyv2:1.31.0', { args: ['proxy', 'sidecar'] });
const proxied = (change: Partial<Pod> = {}): Pod =>
  web({ name: 'in-5d4-x', ...change, containers: [...web().containers, change.containers?.[0] ?? proxy] });

const injectionOf = (namespace: Labels, pods: readonly Pod[], change: Partial<Injection> = {}): Injection => ({
  webhooks: injecting(),
  namespaces: new Map([['shop', namespace]]),
  pods,
  answersForOthers: true,
  refusal: null,
  ...change,
});

/** The population that these pods are; those without a proxy are outsiders, as the source would find them. */
function populationOf(pods: readonly Pod[], seen: Injection, change: Partial<Population> = {}): Population {
  const proxies = pods.flatMap((each) => {
    const own = each.containers.find(({ name }) => name === 'istio-proxy');
    const kind: ProxyKind = own?.args.includes('router') ? 'gateway' : 'sidecar';
    return own ? [{ pod: each, kind, container: own }] : [];
  });
  return { proxies, envoyless: [], outsiders: { got: bareIn(seen, modern) }, refusal: null, ...change };
}

const given = (
  namespace: Labels,
  pods: readonly Pod[],
  change: Partial<Injection> = {},
  population: Partial<Population> = {},
): { population: Population; injection: Attempt<Injection> } => {
  const seen = injectionOf(namespace, pods, change);
  return { population: populationOf(pods, seen, population), injection: { got: seen } };
};
const made = (createdAt: number): readonly InjectionWebhook[] => injecting().map((each) => ({ ...each, createdAt }));
const unread = injecting().map((each) => ({ ...each, missing: missing() }));

judging(podsAreInjected, [
  {
    when: 'each that should have a proxy has one',
    given: given(enabled, [proxied()]),
    status: 'pass',
    says: /^1 sidecar; a webhook would take no other pod$/,
    plane: modern,
  },
  {
    when: 'a pod was created before the label',
    given: given(enabled, [proxied(), web(), web({ name: 'web-5d4-y' })]),
    status: 'fail',
    reason: 'CreatedBefore',
    says: /^2 of 3 pods without a proxy that they would get now, created before the label.*: shop\/web$/,
    plane: modern,
  },
  {
    when: 'a pod is older than the webhook',
    given: given(enabled, [proxied(), web()], { webhooks: made(NOW) }),
    status: 'fail',
    reason: 'OlderThanWebhook',
    says: /^1 of 2 pods without a proxy that it would get now, older than the webhook: shop\/web$/,
    plane: modern,
  },
  {
    when: 'only one of two is older than the webhook',
    given: given(enabled, [web(), web({ name: 'web-5d4-y', startedAt: NOW })], { webhooks: made(NOW - 60_000) }),
    status: 'fail',
    reason: 'CreatedBefore',
    says: /^2 of 2 pods/,
    plane: modern,
  },
  {
    when: 'what the injector is told could not be read',
    given: given(enabled, [proxied(), web()], { webhooks: unread }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /whether the injector’s settings except 1 pod/,
    plane: modern,
  },
  {
    when: 'webhooks could not be read',
    given: given(enabled, [proxied()], {}, { outsiders: { missing: missing() } }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /which pods should have a proxy/,
  },
  {
    when: 'not every pod could be listed',
    given: given(enabled, [proxied()], {}, { refusal: missing() }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every pod/,
  },
  { when: 'nothing is in this mesh', given: given({}, []), status: 'skip', says: /none should have one/ },
]);

const beside = { webhooks: injecting('canary') };
judging(wishesAreAnswered, [
  { when: 'each wish is heard', given: given(enabled, [proxied()]), status: 'pass', says: /^no pod asks .* in vain$/ },
  {
    when: 'the namespace asks the default revision, and there is none',
    given: given(enabled, [web()], beside),
    status: 'fail',
    reason: 'DefaultUnserved',
    says: /^1 of 1 pod asks for a proxy in vain, istio-injection=enabled of the namespace, and there is no default revision: shop\/web$/,
    plane: modern,
  },
  {
    when: 'the namespace names a revision that is gone',
    given: given({ 'istio.io/rev': 'old' }, [proxied(), web(), web({ name: 'web-5d4-y' })], beside),
    status: 'fail',
    reason: 'RevisionUnserved',
    says: /^2 of 3 pods ask for a proxy in vain, istio\.io\/rev=old of the namespace, which no webhook is of/,
    plane: modern,
  },
  {
    when: 'istio-injection keeps the namespace from the revision that it names',
    given: given({ ...enabled, 'istio.io/rev': 'canary' }, [web()], beside),
    status: 'fail',
    reason: 'RevisionIgnored',
    says: /beside istio\.io\/rev=canary of the namespace wins/,
    plane: modern,
  },
  {
    when: 'the namespace’s label has another value',
    given: given({ 'istio-injection': 'true' }, [web()]),
    status: 'fail',
    reason: 'LabelMeansNothing',
    says: /istio-injection=true of the namespace, which means nothing/,
    plane: modern,
  },
  {
    when: 'a pod names a revision that is gone',
    given: given({}, [web({ labels: { 'istio.io/rev': 'old' } })]),
    status: 'fail',
    reason: 'RevisionUnserved',
    says: /by istio\.io\/rev=old, which no webhook is of/,
    plane: modern,
  },
  {
    when: 'a pod asks by an annotation',
    given: given({}, [web({ annotations: { 'sidecar.istio.io/inject': 'true' } })]),
    status: 'fail',
    reason: 'AnnotationOnly',
    says: /by an annotation only/,
    plane: modern,
  },
  {
    when: 'the namespace decides against a pod that asks',
    given: given({ 'istio-injection': 'disabled' }, [web({ labels: { 'sidecar.istio.io/inject': 'true' } })]),
    status: 'warn',
    reason: 'NamespaceRefuses',
    says: /against istio-injection=disabled of the namespace/,
    plane: modern,
  },
  {
    // istio#32388: an annotation of the pod against its namespace, which is heard first.
    when: 'the namespace decides against a pod that asks by an annotation',
    given: given({ 'istio-injection': 'disabled' }, [web({ annotations: { 'sidecar.istio.io/inject': 'true' } })]),
    status: 'warn',
    reason: 'NamespaceRefuses',
    says: /against istio-injection=disabled/,
    plane: modern,
  },
  {
    // banzaicloud/istio-operator#843: a control plane with a revision, and a namespace that asks the default one.
    when: 'a pod asks by annotations for the only revision, in a namespace that asks the default one',
    given: given(
      enabled,
      [web({ annotations: { 'istio.io/rev': 'main.istio-system', 'sidecar.istio.io/inject': 'true' } })],
      { webhooks: injecting('main.istio-system') },
    ),
    status: 'fail',
    reason: 'DefaultUnserved',
    says: /there is no default revision/,
    plane: modern,
  },
  {
    when: 'no webhook is there at all',
    given: given(enabled, [web()], { webhooks: [] }),
    status: 'fail',
    reason: 'NoWebhook',
    says: /there is no injection webhook/,
    plane: modern,
  },
  {
    when: 'webhooks could not be read',
    given: given({}, [], {}, { outsiders: { missing: missing() } }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /which pods/,
  },
  { when: 'nothing is in this mesh', given: given({}, []), status: 'skip', says: /none should have one/ },
]);

describe('what a finding of in-mesh says', () => {
  const judged = (check: typeof wishesAreAnswered | typeof podsAreInjected, of: ReturnType<typeof given>) =>
    check.judge(of, { plane: { ...plane, ...modern }, scope, now: NOW });
  it('names both of istioctl’s codes for a namespace with two labels', () => {
    const verdict = judged(wishesAreAnswered, given({ ...enabled, 'istio.io/rev': 'canary' }, [web()], beside));
    assert.deepEqual(verdict.evidence, [
      'Deployment shop/web: 1 pod',
      'istioctl analyze: IST0123 (NamespaceMultipleInjectionLabels)',
      'istioctl analyze: IST0103 (PodMissingProxy)',
    ]);
  });

  it('names the owner once, all its pods, istioctl’s code, and a line to paste', () => {
    const verdict = judged(podsAreInjected, given(enabled, [web(), web({ name: 'web-5d4-y' })]));
    assert.deepEqual(verdict.evidence, ['Deployment shop/web: 2 pods', 'istioctl analyze: IST0103 (PodMissingProxy)']);
    assert.deepEqual(verdict.subjects, [
      { kind: 'Deployment', namespace: 'shop', name: 'web', pods: ['web-5d4-x', 'web-5d4-y'] },
    ]);
    assert.equal('hint' in verdict && verdict.hint, 'kubectl -n shop rollout restart deployment/web');
  });
  for (const [namespace, change, hint] of [
    [
      { 'istio.io/rev': 'old' },
      beside,
      'kubectl label --overwrite namespace shop istio.io/rev=canary   # there is canary, then restart its pods',
    ],
    [
      { ...enabled, 'istio.io/rev': 'canary' },
      beside,
      'kubectl label namespace shop istio-injection-   # then restart its pods',
    ],
    [
      { 'istio-injection': 'true' },
      {},
      'kubectl label --overwrite namespace shop istio-injection=enabled   # then restart its pods',
    ],
  ] as const) {
    it(`labels ${JSON.stringify(namespace)} anew`, () => {
      const verdict = judged(wishesAreAnswered, given(namespace, [web()], change));
      assert.equal('hint' in verdict && verdict.hint, hint);
    });
  }
  it('tells the other causes beside the one with most pods', () => {
    const verdict = judged(
      wishesAreAnswered,
      given({ 'istio.io/rev': 'old' }, [
        web(),
        web({ name: 'web-5d4-y' }),
        web({ name: 'one', owner: null, labels: { 'sidecar.istio.io/inject': 'yes' } }),
      ]),
    );
    assert.equal('reason' in verdict && verdict.reason, 'RevisionUnserved');
    assert.equal(verdict.subjects?.flatMap(({ pods }) => pods).length, 3);
  });
});

describe('the funnel', () => {
  it('counts proxies among workloads, and says what it does not know', () => {
    const seen = injectionOf(enabled, [proxied(), web()]);
    const all = populationOf([proxied(), web()], seen);
    assert.deepEqual([workloadsOf(all)?.size, inMeshOf(all)?.size], [2, 1]);
    assert.equal(workloadsOf({ ...all, outsiders: { missing: missing() } }), null);
    assert.equal(inMeshOf({ ...all, refusal: missing() }), null);
    const unsure = injectionOf(enabled, [web()], { webhooks: unread });
    assert.equal(workloadsOf(populationOf([], unsure)), null);
  });
});

judging(proxiesRunEnvoy, [
  { when: 'each does', given: given(enabled, [proxied()]), status: 'pass', says: /1 proxy, each with an Envoy/ },
  {
    when: 'one runs the agent alone',
    given: given(enabled, [proxied()], {}, { envoyless: [web()] }),
    status: 'skip',
    says: /^1 pod without an Envoy can make none of Istio’s metrics: shop\/web$/,
  },
  { when: 'there is none', given: given({}, []), status: 'skip', says: /no pod has a proxy/ },
]);

const narrowedTo = (
  pods: readonly Pod[],
  workload: Partial<Workload> = {},
): { narrowed: Narrowed; shares: { got: null } } => ({
  shares: { got: null },
  narrowed: {
    workload: { kind: 'deployment', name: 'web', namespace: 'shop', ...workload },
    found: true,
    pods,
    services: [service('web', { namespace: 'shop' })],
    named: 'web',
  },
});
/** Nobody is an outsider: what is named is not meant to be in the mesh. */
const outside = (namespace: Labels, pods: readonly Pod[], change: Partial<Injection> = {}) => ({
  ...given(namespace, pods, change, { outsiders: { got: [] } }),
  ...narrowedTo(pods),
});
judging(workloadInMesh, [
  { when: 'none was named', given: { narrowed: null }, status: 'skip', says: /no single workload/ },
  {
    when: 'its pods have a proxy',
    given: outside(enabled, [proxied()]),
    status: 'pass',
    says: /^1 of 1 pod of deployment\/web has a proxy$/,
  },
  {
    when: 'nobody asks for one',
    given: outside({}, [web()]),
    status: 'fail',
    reason: 'NotAsked',
    says: /^1 of 1 pod of deployment\/web has no proxy: nobody asks for one$/,
    plane: modern,
  },
  {
    when: 'its template says no',
    given: outside(enabled, [web({ labels: { 'sidecar.istio.io/inject': 'false' } })]),
    status: 'fail',
    reason: 'OptedOut',
    says: /its template says/,
    plane: modern,
  },
  {
    when: 'it uses its node’s network',
    given: outside(enabled, [web({ hostNetwork: true })]),
    status: 'fail',
    reason: 'HostNetwork',
    says: /node’s network/,
    plane: modern,
  },
  {
    when: 'the injector excepts it',
    given: outside(enabled, [web()], {
      webhooks: injecting().map((each) => ({ ...each, settings: { ...each.settings, policy: 'disabled' } })),
    }),
    status: 'fail',
    reason: 'Excepted',
    says: /settings except it/,
    plane: modern,
  },
  {
    when: 'it has no pod',
    given: { ...given({}, []), ...narrowedTo([]) },
    status: 'fail',
    reason: 'NoPods',
    says: /no running pod belongs to deployment\/web in shop/,
  },
  {
    when: 'it is a job that has finished',
    given: { ...given({}, []), ...narrowedTo([], { kind: 'job' }) },
    status: 'skip',
    says: /job\/web runs no more/,
  },
  {
    when: 'it is told already that it should have one',
    given: { ...given(enabled, [web()]), ...narrowedTo([web()]) },
    status: 'skip',
    says: /1 of 1 pod of deployment\/web should have a proxy/,
    plane: modern,
  },
  {
    when: 'ztunnel carries its traffic',
    given: outside({}, [web({ annotations: { 'ambient.istio.io/redirection': 'enabled' } })]),
    status: 'skip',
    says: /ztunnel carries/,
  },
  {
    when: 'no Envoy is in it',
    given: { ...given(enabled, [], {}, { envoyless: [proxied()] }), ...narrowedTo([proxied()]) },
    status: 'skip',
    says: /no Envoy runs/,
  },
  {
    when: 'webhooks may not be read, and a part has a proxy',
    given: {
      ...given({}, [proxied()], {}, { outsiders: { missing: missing() } }),
      ...narrowedTo([proxied(), web()]),
      injection: { missing: missing() },
    },
    status: 'unknown',
    reason: 'Forbidden',
    says: /whether 1 of 2 pods/,
  },
]);

describe('the label that brings a workload in', () => {
  const hintFor = (change: Partial<Injection>) => {
    const verdict = workloadInMesh.judge(outside({}, [web()], change), {
      plane: { ...plane, ...modern },
      scope,
      now: NOW,
    });
    assert.ok('hint' in verdict);
    assert.ok(verdict.evidence?.includes('istioctl analyze: IST0102 (NamespaceNotInjected)'));
    return verdict.hint;
  };
  it('is the default revision’s where there is one, else that of a revision', () => {
    const again =
      ' && kubectl -n shop rollout restart deployment/web   # or label the template of this one: sidecar.istio.io/inject=true';
    assert.equal(hintFor({}), `kubectl label --overwrite namespace shop istio-injection=enabled${again}`);
    assert.equal(hintFor(beside), `kubectl label --overwrite namespace shop istio.io/rev=canary${again}`);
  });
});

const annotated = (name: string, value: string): Partial<Pod> => ({
  annotations: { [`traffic.sidecar.istio.io/${name}`]: value },
});
const cart = service('cart', {
  namespace: 'shop',
  selector: { app: 'web' },
  ports: [port('http', 80, { targetPort: 8080 })],
});
const counts = (...reporters: readonly string[]): { got: readonly StoreAnswer[] } => ({
  got: [
    {
      where: 'prometheus',
      partial: [],
      series: {
        got: reporters.map((reporter) => ({
          labels: new Map([
            ['reporter', reporter],
            ['destination_service', 'cart.shop.svc.cluster.local'],
          ]),
          value: 3,
          at: NOW,
        })),
      },
    },
  ],
});
const none = { got: [{ where: 'prometheus', partial: [], series: { got: [] } }] };
const capturing = (change: Partial<Pod>) => ({
  ...given(enabled, [proxied(change)]),
  services: { got: listed(cart) },
  sidecars: { got: listed() },
  mesh: { got: meshOf() },
  requests: none,
  connections: none,
});
const excluded = annotated('excludeInboundPorts', '8080');
const limiting = (title: string, change: Partial<Sidecar> = {}): Sidecar => {
  const [namespace = '', name = ''] = title.split('/');
  const uncaptured = { outbound: false, inbound: [8080] };
  return { name, namespace, createdAt: 0, selector: null, egress: null, uncaptured, ...change };
};
it('edits the Sidecar that is a pod’s, its namespace’s before the mesh’s', () => {
  const hintOf = (...sidecars: readonly Sidecar[]) => {
    const given = { ...capturing({}), sidecars: { got: listed(...sidecars) } };
    const verdict = trafficIsCaptured.judge(given, { plane, scope, now: NOW });
    return 'hint' in verdict ? verdict.hint : verdict.status;
  };
  const edit = (namespace: string, name: string): string =>
    `kubectl -n ${namespace} edit sidecars.networking.istio.io ${name}   # captureMode`;
  const mesh = limiting('istio-system/default');
  assert.equal(hintOf(limiting('pay/default'), mesh), edit('istio-system', 'default'));
  assert.equal(hintOf(mesh, limiting('shop/own', { createdAt: 1 })), edit('shop', 'own'));
  // One that says nothing of it is the pod's all the same.
  const { uncaptured: _, ...silent } = limiting('shop/own');
  assert.equal(hintOf(mesh, silent), 'pass');
  assert.equal(hintOf(limiting('pay/default')), 'pass');
});
const serving = (name: string) => ({
  got: listed(service('cart', { namespace: 'shop', selector: { app: 'web' }, ports: [port(name, 8080)] })),
});
judging(trafficIsCaptured, [
  { when: 'all is', given: capturing({}), status: 'pass', says: /^1 sidecar, and no Service’s port goes past them$/ },
  {
    when: 'a Service’s port is excluded, and nobody counts traffic',
    given: capturing(excluded),
    status: 'warn',
    reason: 'InboundNotCaptured',
    says: /^sidecars do not see: shop\/cart port 80 to 8080, by traffic\.sidecar\.istio\.io\/excludeInboundPorts: "8080"$/,
  },
  {
    when: 'callers count what the sidecar does not see',
    given: { ...capturing(excluded), requests: counts('source') },
    status: 'fail',
    reason: 'InboundNotCounted',
    says: /^callers count traffic that the sidecars do not see: shop\/cart port 80 to 8080/,
  },
  {
    when: 'callers count it, and the store’s answer is not whole',
    given: {
      ...capturing(excluded),
      requests: { got: counts('source').got.map((each) => ({ ...each, partial: ['a store timed out'] })) },
    },
    status: 'warn',
    reason: 'InboundNotCaptured',
    says: /shop\/cart/,
  },
  {
    when: 'other ports of the Service are counted',
    given: { ...capturing(excluded), requests: counts('source', 'destination') },
    status: 'warn',
    reason: 'InboundNotCaptured',
    says: /shop\/cart/,
  },
  {
    when: 'the ports that are included do not have it, whatever is excluded beside',
    given: capturing({
      annotations: {
        'traffic.sidecar.istio.io/includeInboundPorts': '9090',
        'traffic.sidecar.istio.io/excludeInboundPorts': '',
      },
    }),
    status: 'warn',
    reason: 'InboundNotCaptured',
    says: /includeInboundPorts: "9090"$/,
  },
  {
    when: 'no port is included',
    given: capturing(annotated('includeInboundPorts', '')),
    status: 'warn',
    reason: 'InboundNotCaptured',
    says: /includeInboundPorts: ""$/,
  },
  {
    when: 'a port that no Service has is excluded',
    given: capturing(annotated('excludeInboundPorts', '15014,9090')),
    status: 'pass',
    says: /1 sidecar/,
  },
  ...['http-metrics', 'http-envoy-prom', 'metrics2', 'prometheus', 'healthz', 'readyz', 'livez'].map((name) => ({
    when: `a port for metrics or probes is excluded, which a Service has for them: ${name}`,
    given: { ...capturing(excluded), services: serving(name) },
    status: 'pass' as const,
    says: /1 sidecar/,
  })),
  ...['http-delivery', 'http-promo', 'alreadypaid', 'http-healthcare'].map((name) => ({
    when: `the name of a port that is excluded holds such a word within another: ${name}`,
    given: { ...capturing(excluded), services: serving(name) },
    status: 'warn' as const,
    reason: 'InboundNotCaptured',
    says: /^sidecars do not see: shop\/cart port 8080/,
  })),
  {
    when: 'nothing is intercepted',
    given: capturing({ containers: [{ ...proxy, variables: { ISTIO_META_INTERCEPTION_MODE: 'NONE' } }] }),
    status: 'warn',
    reason: 'InboundNotCaptured',
    says: /interceptionMode: NONE$/,
  },
  {
    // istio#21458: the value is in the arguments of istio-init, and in no annotation.
    when: 'the mesh’s values include no port',
    given: capturing({ redirection: ['istio-iptables', '-i', '*', '-x', '', '-b', '', '-d', '15090,15021,15020'] }),
    status: 'warn',
    reason: 'InboundNotCaptured',
    says: /by global\.proxy\.includeInboundPorts: ""$/,
  },
  {
    when: 'the mesh’s values keep all that is sent from sidecars',
    given: capturing({ redirection: ['istio-iptables', '-i', '', '-x', '', '-b', '*', '-d', '15090,15021,15020'] }),
    status: 'warn',
    reason: 'OutboundNotCaptured',
    says: /by global\.proxy\.includeIPRanges: "": shop\/web$/,
  },
  {
    // istio#11660: what is excluded is looked at only where every port is included.
    when: 'a port that is included by its number is excluded beside',
    given: capturing({
      annotations: {
        'traffic.sidecar.istio.io/includeInboundPorts': '8080, 9090',
        'traffic.sidecar.istio.io/excludeInboundPorts': '8080',
      },
    }),
    status: 'pass',
    says: /1 sidecar/,
  },
  {
    when: 'a Sidecar keeps the port from it',
    given: {
      ...capturing({}),
      sidecars: { got: listed(limiting('shop/web', { selector: { app: 'web' } })) },
    },
    status: 'warn',
    reason: 'InboundNotCaptured',
    says: /captureMode NONE of Sidecar shop\/web$/,
  },
  ...(
    [
      [annotated('excludeOutboundIPRanges', '10.0.0.0/8,0.0.0.0/0'), /excludeOutboundIPRanges/],
      [annotated('includeOutboundIPRanges', ''), /includeOutboundIPRanges: ""/],
      [{ labels: { app: 'vm', 'kubevirt.io': 'virt-launcher' } }, /istio\.io\/reroute-virtual-interfaces/],
    ] as const
  ).map(([change, says]) => ({
    when: `nothing that is sent goes through: ${JSON.stringify(change)}`,
    given: capturing(change),
    status: 'warn' as const,
    reason: 'OutboundNotCaptured',
    says,
  })),
  {
    when: 'some of what is sent is spared',
    given: capturing(annotated('excludeOutboundIPRanges', '10.0.0.0/8')),
    status: 'pass',
    says: /1 sidecar/,
  },
  {
    when: 'a Prometheus has a sidecar for its certificates',
    given: {
      ...capturing({}),
      population: (() => {
        const prometheus = web({
          ...annotated('includeOutboundIPRanges', ''),
          containers: [container('prometheus', 'prom/prometheus:v3'), proxy],
        });
        return populationOf([prometheus], injectionOf({}, []));
      })(),
    },
    status: 'pass',
    says: /1 sidecar/,
  },
  {
    when: 'Services may not be listed',
    given: { ...capturing({}), services: { missing: missing() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not everything/,
  },
  {
    when: 'Sidecars were listed in part',
    given: { ...capturing({}), sidecars: { got: partly() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not everything/,
  },
  {
    when: 'there is no sidecar',
    given: { ...capturing({}), ...given({}, []) },
    status: 'skip',
    says: /no pod has a sidecar/,
  },
]);
