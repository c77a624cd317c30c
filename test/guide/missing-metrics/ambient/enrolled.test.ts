import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServedBy } from '../../../../src/evidence/ambient/served-now.ts';
import type { Detection } from '../../../../src/evidence/istio/detection.ts';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import { namespacesAreDiscovered } from '../../../../src/guide/missing-metrics/ambient/enrolled/discovered.ts';
import { namespacesAreTaken, sidecarsGiveWay } from '../../../../src/guide/missing-metrics/ambient/enrolled/kept.ts';
import { modesAreKnown } from '../../../../src/guide/missing-metrics/ambient/enrolled/modes.ts';
import { nodesServeAmbient } from '../../../../src/guide/missing-metrics/ambient/enrolled/nodes.ts';
import { podsAreRedirected } from '../../../../src/guide/missing-metrics/ambient/enrolled/redirected.ts';
import { podsAreServed } from '../../../../src/guide/missing-metrics/ambient/enrolled/served.ts';
import { workloadEnrolled } from '../../../../src/guide/missing-metrics/ambient/enrolled/workload.ts';
import type { LabelSelector } from '../../../../src/istio/selector.ts';
import {
  agentPod,
  ambientNode,
  carriedPod,
  enrolledOf,
  member,
  settingsOf,
  ztunnelPod,
} from '../../../support/enrolled.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { listed, meshOf, missing } from '../../../support/mixer.ts';
import { answer, partly, unanswered } from '../../../support/stores.ts';

const HOSTILE = '$(reboot)';
const lately = { startedAt: NOW - 5000 };

judging(nodesServeAmbient, [
  {
    when: 'both run on each node',
    given: { enrolled: enrolledOf([member('web'), member('cart', { pod: { node: 'node-2' } })]) },
    status: 'pass',
    says: /^2 nodes with 2 pods/,
  },
  {
    when: 'a node’s agent is gone, and its pods are redirected already',
    given: { enrolled: enrolledOf([member('web', { node: ambientNode({ agent: null }) })]) },
    status: 'pass',
    says: /^1 node with 1 pod/,
  },
  {
    when: 'two nodes lack different things, the more costly first',
    given: {
      enrolled: enrolledOf([
        member('web', { node: ambientNode({ ztunnel: ztunnelPod({ ready: false }) }) }),
        member('cart', { node: ambientNode({ ztunnel: null }), pod: { node: 'node-2' } }),
        member('pay', { node: ambientNode({ ztunnel: null }), pod: { node: 'node-2' } }),
      ]),
    },
    status: 'fail',
    reason: 'NoZtunnel',
    says: /^no ztunnel runs on 1 of 2 nodes, which costs 2 pods: node-2$/,
  },
  {
    when: 'a ztunnel is not ready for long',
    given: {
      enrolled: enrolledOf([
        member('web', { node: ambientNode({ ztunnel: ztunnelPod({ ready: false, startedAt: NOW - 3_600_000 }) }) }),
      ]),
    },
    status: 'fail',
    reason: 'ZtunnelNotReady',
    says: /^ztunnel is not ready on 1 of 1 node/,
  },
  {
    when: 'a ztunnel is rolled out',
    given: {
      enrolled: enrolledOf([
        member('web'),
        member('cart', {
          node: ambientNode({ ztunnel: ztunnelPod({ ready: false, ...lately }) }),
          pod: { node: 'node-2' },
        }),
      ]),
    },
    status: 'pass',
    says: /^1 node with 1 pod/,
  },
  {
    when: 'every ztunnel is rolled out',
    given: {
      enrolled: enrolledOf([
        member('web', { node: ambientNode({ ztunnel: ztunnelPod({ ready: false, ...lately }) }) }),
      ]),
    },
    status: 'skip',
    says: /^every ztunnel of these pods has only just started$/,
  },
  {
    when: 'an agent is rolled out beside no ztunnel',
    given: { enrolled: enrolledOf([member('web', { node: ambientNode({ ztunnel: null, agent: agentPod(lately) }) })]) },
    status: 'fail',
    reason: 'NoZtunnel',
    says: /^no ztunnel runs/,
  },
  {
    when: 'every pod is young',
    given: { enrolled: enrolledOf([member('web', { isYoung: true, node: ambientNode({ ztunnel: null }) })]) },
    status: 'skip',
    says: /^every pod in ambient has only just started$/,
  },
  {
    when: 'a pod has no node yet',
    given: {
      enrolled: enrolledOf([
        member('web'),
        member('cart', { node: { ztunnel: null, agent: null }, pod: { node: null } }),
      ]),
    },
    status: 'pass',
    says: /^1 node with 1 pod/,
  },
  {
    when: 'not every pod could be listed',
    given: { enrolled: enrolledOf([member('web', { node: ambientNode({ ztunnel: null }) })], { refusal: missing() }) },
    status: 'unknown',
    reason: 'Forbidden',
    says: /whether ztunnel runs/,
  },
  {
    when: 'those that ask are kept out',
    given: { enrolled: enrolledOf([], { kept: [{ pod: carriedPod('web'), by: 'sidecar' }] }) },
    status: 'skip',
    says: /those that ask for it are kept out$/,
  },
  {
    when: 'it is not known who asks',
    given: { enrolled: enrolledOf([], { unasked: [missing()] }) },
    status: 'unknown',
    reason: 'Forbidden',
    says: /^who is in ambient is not known/,
  },
  { when: 'nobody is in ambient', given: { enrolled: enrolledOf([]) }, status: 'skip', says: /no pod is in ambient/ },
]);

judging(podsAreRedirected, [
  {
    when: 'all are, and one is too young',
    given: { enrolled: enrolledOf([member('web'), member('cart', { redirection: null, isYoung: true })]) },
    status: 'pass',
    says: /^1 pod in shop; 1 too young to be judged$/,
  },
  {
    when: 'one is not, and another waits',
    given: { enrolled: enrolledOf([member('web', { redirection: null }), member('cart', { redirection: 'pending' })]) },
    status: 'fail',
    reason: 'NotRedirected',
    says: /^1 of 2 pods ask for ambient and are not redirected: shop\/web$/,
  },
  {
    when: 'one with a hostile name waits',
    given: { enrolled: enrolledOf([member('web', { redirection: 'pending', pod: { name: HOSTILE, owner: null } })]) },
    status: 'fail',
    reason: 'RedirectionPending',
    says: /^1 of 1 pod wait for their ztunnel/,
  },
  {
    when: 'namespaces may not be listed',
    given: { enrolled: enrolledOf([member('web')], { unasked: [missing()] }) },
    status: 'unknown',
    reason: 'Forbidden',
    says: /^1 pod redirected; who else asks for ambient/,
  },
  {
    when: 'namespaces may not be listed, and one that is known waits',
    given: { enrolled: enrolledOf([member('web', { redirection: 'pending' })], { unasked: [missing()] }) },
    status: 'fail',
    reason: 'RedirectionPending',
    says: /^1 of 1 pod/,
  },
  {
    when: 'every pod is young',
    given: { enrolled: enrolledOf([member('web', { redirection: null, isYoung: true })]) },
    status: 'skip',
    says: /^every pod in ambient has only just started$/,
  },
  { when: 'nobody asks', given: { enrolled: enrolledOf([]) }, status: 'skip', says: /none asks for it/ },
]);

const carried = member('web');
const counts = (active: number, marked: number, unconfirmed: ServedBy['unconfirmed'] = null) => ({
  enrolled: enrolledOf([carried]),
  served: { got: answer() },
  now: { got: { got: [{ ztunnel: carried.node.ztunnel ?? ztunnelPod(), active, marked, unconfirmed }] } },
});

judging(podsAreServed, [
  { when: 'as many are served', given: counts(3, 3), status: 'pass', says: /^1 ztunnel: as many/ },
  { when: 'more are served', given: counts(4, 3), status: 'pass', says: /or more$/ },
  {
    when: 'fewer are served',
    given: counts(1, 3),
    status: 'fail',
    reason: 'MarkedNotServed',
    says: /^2 pods of 1 node are marked enabled and not served: istio-system\/ztunnel-x1 on node-1 serves 1 of 3$/,
  },
  {
    when: 'fewer are served by the store, and the page may not be read',
    given: counts(1, 3, missing()),
    status: 'unknown',
    reason: 'Forbidden',
    says: /^1 ztunnel serves fewer pods by the store than are marked, as istio-system\/ztunnel-x1; the page/,
  },
  {
    when: 'fewer are served by the store, and the page was not asked for',
    given: counts(1, 3, 'not-asked'),
    status: 'unknown',
    reason: 'NotLookedAt',
    says: /none was asked for its page$/,
  },
  {
    when: 'fewer are served of pods that nobody asked for',
    given: { ...counts(1, 3), enrolled: enrolledOf([member('cart')]) },
    status: 'pass',
    says: /^1 ztunnel/,
  },
  {
    when: 'fewer are served, and what is looked at waits',
    given: { ...counts(1, 3), enrolled: enrolledOf([{ ...carried, redirection: 'pending' }]) },
    status: 'pass',
    says: /^1 ztunnel/,
  },
  {
    when: 'a release does not count',
    given: { ...counts(0, 0), now: { got: { got: [] } } },
    status: 'skip',
    says: /no ztunnel’s count/,
  },
  {
    when: 'a store is down, and no count is there',
    given: { ...counts(0, 0), served: { got: partly() }, now: { got: { got: [] } } },
    status: 'unknown',
    reason: 'PartialAnswer',
    says: /a store is down/,
  },
  {
    when: 'no store answers',
    given: { ...counts(0, 0), served: { got: unanswered } },
    status: 'unknown',
    reason: 'TimedOut',
    says: /./,
  },
  { when: 'there is no store', given: { ...counts(0, 0), served: { got: null } }, status: 'skip', says: /no store/ },
  {
    when: 'the store may not be asked',
    given: { ...counts(0, 0), served: { missing: missing() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /how many pods/,
  },
]);

const keptOf = (
  ...kept: readonly (readonly [app: string, by: 'sidecar' | 'opted-out' | 'host-network' | 'excluded-namespace'])[]
) => kept.map(([app, by]) => ({ pod: carriedPod(app), by }));

judging(
  namespacesAreTaken,
  [
    {
      when: 'nobody is left out',
      given: { enrolled: enrolledOf([member('web')]) },
      status: 'pass',
      says: /^1 namespace that asks is taken$/,
    },
    {
      when: 'some are outside as they were meant to be',
      given: {
        enrolled: enrolledOf([member('web')], { kept: keptOf(['batch', 'opted-out'], ['watch', 'host-network']) }),
      },
      status: 'pass',
      says: /^1 namespace that asks is taken; 2 pods on the node’s network, or opted out/,
    },
    {
      when: 'the namespace is excluded',
      given: { enrolled: enrolledOf([], { kept: keptOf(['web', 'excluded-namespace']) }) },
      status: 'warn',
      reason: 'NamespaceExcluded',
      says: /^1 pod of shop ask for ambient, and the agents exclude/,
    },
    {
      when: 'the namespace is excluded, and has no pod that is looked at',
      given: { enrolled: enrolledOf([]), settings: { got: settingsOf({ excluded: ['shop'] }) } },
      status: 'warn',
      reason: 'NamespaceExcluded',
      says: /^shop asks for ambient, and the agents exclude it$/,
    },
    {
      when: 'the agents enrol nobody',
      given: { enrolled: enrolledOf([]), settings: { got: settingsOf({ isAmbient: false }) } },
      status: 'fail',
      reason: 'AmbientOff',
      says: /^shop asks for ambient, and istio-cni says/,
    },
    {
      when: 'the agents enrol nobody, and another namespace is looked at',
      given: { enrolled: enrolledOf([]), settings: { got: settingsOf({ isAmbient: false }) } },
      scope: { namespace: 'bank' },
      status: 'skip',
      says: /^nobody is left out$/,
    },
    {
      when: 'the agents enrol nobody, and a workload of another namespace is looked at',
      given: { enrolled: enrolledOf([]), settings: { got: settingsOf({ isAmbient: false }) } },
      scope: { workload: { kind: 'deployment', name: 'web', namespace: 'bank' } },
      status: 'skip',
      says: /^nobody is left out$/,
    },
    {
      when: 'the agents go by another label',
      given: {
        enrolled: enrolledOf([]),
        settings: { got: settingsOf({ selectors: [{ pods: null, namespaces: { matchLabels: { mesh: 'yes' } } }] }) },
      },
      status: 'warn',
      reason: 'NamespaceNotSelected',
      says: /^shop asks for ambient by a label that the agents do not go by$/,
    },
    {
      when: 'the agents go by another label, which the namespace’s pods have',
      given: {
        enrolled: enrolledOf([member('web')]),
        settings: { got: settingsOf({ selectors: [{ pods: { matchLabels: { app: 'web' } }, namespaces: null }] }) },
      },
      status: 'pass',
      says: /^1 namespace that asks is taken$/,
    },
    {
      when: 'what the agents are told may not be read',
      given: { enrolled: enrolledOf([member('web')]), settings: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^whether the agents take what asks for ambient/,
    },
  ],
  { settings: { got: settingsOf() } },
);

judging(sidecarsGiveWay, [
  { when: 'nobody asks', given: { enrolled: enrolledOf([]) }, status: 'skip', says: /^no pod asks/ },
  {
    when: 'none has one',
    given: { enrolled: enrolledOf([member('web')]) },
    status: 'pass',
    says: /^1 pod, none with a sidecar/,
  },
  {
    when: 'a migration is half done',
    given: { enrolled: enrolledOf([], { kept: keptOf(['web', 'sidecar'], ['cart', 'sidecar']) }) },
    status: 'warn',
    reason: 'MigrationHalfDone',
    says: /^2 pods that ask for ambient still have sidecars, which count for them: shop\/cart and shop\/web$/,
  },
  {
    when: 'a namespace asks for both',
    given: {
      enrolled: enrolledOf([], {
        kept: keptOf(['web', 'sidecar']),
        namespaces: new Map([['shop', { 'istio.io/dataplane-mode': 'ambient', 'istio.io/rev': '1-31' }]]),
      }),
    },
    status: 'warn',
    reason: 'AsksForBoth',
    says: /^1 pod of namespaces that ask for both/,
  },
]);

const namespaced = (labels: Record<string, string>, name = 'shop') => ({
  namespaces: { got: listed({ name, labels } as never) },
});
const MODE = 'istio.io/dataplane-mode';

judging(
  modesAreKnown,
  [
    { when: 'a namespace asks', given: namespaced({ [MODE]: 'ambient' }), status: 'pass', says: /^1 namespace asks/ },
    {
      when: 'a namespace says none',
      given: namespaced({ [MODE]: 'none' }),
      status: 'skip',
      says: /^no namespace asks/,
    },
    {
      when: 'a namespace means to ask',
      given: namespaced({ [MODE]: 'Ambient' }),
      status: 'warn',
      reason: 'ModeUnknown',
      says: /dataplane-mode=Ambient asks for nothing: namespace shop$/,
    },
    {
      when: 'another namespace means to ask',
      given: namespaced({ [MODE]: 'Ambient' }),
      scope: { namespace: 'bank' },
      status: 'skip',
      says: /^no namespace asks/,
    },
    {
      when: 'another namespace than that of the named workload means to ask',
      given: namespaced({ [MODE]: 'Ambient' }),
      scope: { workload: { kind: 'deployment', name: 'web', namespace: 'bank' } },
      status: 'skip',
      says: /^no namespace asks/,
    },
    {
      when: 'a pod means to ask',
      given: { ...namespaced({}), pods: listed(carriedPod('web', { labels: { [MODE]: 'enabled' } })) },
      status: 'warn',
      reason: 'ModeUnknown',
      says: /=enabled asks for nothing: pod shop\/web-5d4-x1$/,
    },
    {
      when: 'namespaces may not be listed',
      given: { namespaces: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /how namespaces/,
    },
  ],
  { pods: listed() },
);

const named = (...pods: readonly ReturnType<typeof carriedPod>[]) => ({
  narrowed: { workload: { kind: 'deployment', name: 'web', namespace: 'shop' }, pods, services: [] } as never,
});
const web = carriedPod('web');
const inside = member('web');
const COREDNS = { kind: 'deployment', name: 'coredns', namespace: 'kube-system' };
const shared = ztunnelPod();
const unready = ztunnelPod({ ready: false });
const starting = ztunnelPod({ ready: false, ...lately });
const outside = { namespaces: new Map([['shop', {}]]) };
const mixed = { shares: { got: { sidecars: 3, ambient: 3 } } };

judging(
  workloadEnrolled,
  [
    {
      when: 'none was named',
      given: { narrowed: null, enrolled: enrolledOf([]) },
      status: 'skip',
      says: /no single workload/,
    },
    {
      when: 'it is',
      given: { ...named(inside.pod), enrolled: enrolledOf([inside]) },
      status: 'pass',
      says: /^1 of 1 pod of deployment\/web in ambient$/,
    },
    {
      when: 'it asks, and is not redirected',
      given: { ...named(inside.pod), enrolled: enrolledOf([{ ...inside, redirection: null }]) },
      status: 'skip',
      says: /^no pod of deployment\/web is redirected: as above$/,
    },
    {
      when: 'a part of it asks',
      given: { ...named(inside.pod, web), enrolled: enrolledOf([inside], outside) },
      status: 'warn',
      reason: 'NotAsked',
      says: /^1 of 2 pods of deployment\/web: nobody asks for ambient$/,
    },
    {
      when: 'nobody asks, and it wants none',
      given: { ...named({ ...web, labels: { ...web.labels, [MODE]: 'none' } }), enrolled: enrolledOf([], outside) },
      status: 'fail',
      reason: 'OptedOut',
      says: /wants none/,
    },
    {
      when: 'nobody asks, and it uses its node’s network',
      given: { ...named({ ...web, hostNetwork: true }), enrolled: enrolledOf([], outside) },
      status: 'fail',
      reason: 'HostNetwork',
      says: /cannot be enrolled/,
    },
    {
      when: 'it carries others',
      given: { ...named(shared), enrolled: enrolledOf([], { ztunnels: [shared] }), ...mixed },
      status: 'pass',
      says: /^deployment\/web carries the traffic of others: 1 pod$/,
    },
    {
      when: 'it is a ztunnel that is not ready',
      given: { ...named(unready), enrolled: enrolledOf([], { ztunnels: [unready] }) },
      status: 'fail',
      reason: 'ZtunnelNotReady',
      says: /^1 ztunnel of deployment\/web is not ready: istio-system\/ztunnel-x1$/,
    },
    {
      when: 'it is a ztunnel that has only just started',
      given: { ...named(starting), enrolled: enrolledOf([], { ztunnels: [starting] }) },
      status: 'pass',
      says: /carries the traffic of others/,
    },
    {
      when: 'it is istio-cni’s agents',
      given: { ...named(agentPod()), enrolled: enrolledOf([]) },
      status: 'skip',
      says: /runs the mesh/,
    },
    {
      when: 'it is of Kubernetes itself',
      given: {
        narrowed: { workload: COREDNS, pods: [carriedPod('dns', { namespace: 'kube-system' })], services: [] } as never,
        enrolled: enrolledOf([]),
      },
      status: 'skip',
      says: /^deployment\/coredns is of Kubernetes itself/,
    },
    { when: 'it has no pods', given: { ...named(), enrolled: enrolledOf([]) }, status: 'skip', says: /no running pod/ },
    {
      when: 'nobody asks',
      given: { ...named(web), enrolled: enrolledOf([], outside) },
      status: 'fail',
      reason: 'NotAsked',
      says: /nobody asks for ambient$/,
    },
    {
      when: 'namespaces may not be listed',
      given: { ...named(web), enrolled: enrolledOf([], { namespaces: new Map(), unasked: [missing()] }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^whether deployment\/web is meant to be in ambient/,
    },
    {
      when: 'namespaces may not be listed, and others have sidecars',
      given: { ...named(web), enrolled: enrolledOf([], { namespaces: new Map(), unasked: [missing()] }), ...mixed },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^whether deployment\/web is meant to be in ambient/,
    },
    {
      when: 'its namespace asks, and what the agents are told may not be read',
      given: { ...named(web), enrolled: enrolledOf([], { unasked: [missing()] }), settings: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^whether deployment\/web is meant to be in ambient/,
    },
    {
      when: 'it asks itself and uses its node’s network, and what the agents are told may not be read',
      given: {
        ...named(web),
        enrolled: enrolledOf([], { kept: [{ pod: web, by: 'host-network' }], unasked: [missing()] }),
        settings: { missing: missing() },
      },
      status: 'fail',
      reason: 'HostNetwork',
      says: /cannot be enrolled/,
    },
    {
      when: 'it has no pods, and not every pod could be listed',
      given: { ...named(), enrolled: enrolledOf([], { refusal: missing() }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^the pods of deployment\/web/,
    },
    {
      when: 'nobody asks, and others have sidecars',
      given: { ...named(web), enrolled: enrolledOf([], outside), ...mixed },
      status: 'skip',
      says: /as above/,
    },
    {
      when: 'its namespace asks and is excluded, and others have sidecars',
      given: { ...named(web), enrolled: enrolledOf([], { kept: [{ pod: web, by: 'excluded-namespace' }] }), ...mixed },
      status: 'fail',
      reason: 'NamespaceExcluded',
      says: /leave out$/,
    },
    {
      when: 'a selector passes over its labels',
      given: { ...named(web), enrolled: enrolledOf([], { kept: [{ pod: web, by: 'opted-out' }] }) },
      status: 'fail',
      reason: 'NotSelected',
      says: /do not go by the labels/,
    },
    {
      when: 'it opts out',
      given: {
        ...named({ ...web, labels: { ...web.labels, [MODE]: 'none' } }),
        enrolled: enrolledOf([], { kept: [{ pod: web, by: 'opted-out' }] }),
      },
      status: 'fail',
      reason: 'OptedOut',
      says: /wants none/,
    },
    {
      when: 'it uses its node’s network',
      given: { ...named(web), enrolled: enrolledOf([], { kept: [{ pod: web, by: 'host-network' }] }) },
      status: 'fail',
      reason: 'HostNetwork',
      says: /cannot be enrolled/,
    },
    {
      when: 'the agents enrol nobody',
      given: { ...named(web), enrolled: enrolledOf([]), settings: { got: settingsOf({ isAmbient: false }) } },
      status: 'skip',
      says: /enrol nobody: as above/,
    },
  ],
  { shares: { got: { sidecars: 0, ambient: 3 } }, settings: { got: settingsOf() } },
);

const hintOf = (verdict: object): string => ('hint' in verdict ? String(verdict.hint) : '');

describe('what takes a sidecar away that keeps a pod out of ambient', () => {
  const giveWay = (labels: Record<string, string>, change: Partial<Pod> = {}) =>
    sidecarsGiveWay.judge(
      {
        enrolled: enrolledOf([], {
          kept: [{ pod: carriedPod('web', change), by: 'sidecar' }],
          namespaces: new Map([['shop', labels]]),
        }),
      },
      { plane, scope, now: NOW },
    );
  const asking = { labels: { app: 'web', 'pod-template-hash': '5d4', [MODE]: 'ambient' } };
  const TEMPLATE = `kubectl -n shop patch deployment web --type merge -p '{"spec":{"template":{"metadata":{"labels":{"sidecar.istio.io/inject":"false"}}}}}'`;

  it('is its template, where the pod alone asks for ambient', () => {
    const verdict = giveWay({ 'istio-injection': 'enabled' }, asking);
    assert.equal(hintOf(verdict), TEMPLATE);
    assert.match(verdict.message, /^1 pod for which both are asked has a sidecar/);
    assert.doesNotMatch(JSON.stringify(verdict), /IST0123/);
  });

  it('is its template, where the pod alone asks for a sidecar', () =>
    assert.equal(
      hintOf(
        giveWay(
          { [MODE]: 'ambient', 'istio-injection': 'disabled' },
          { labels: { ...asking.labels, 'sidecar.istio.io/inject': 'true' } },
        ),
      ),
      TEMPLATE,
    ));

  it('is each label of its namespace that asks for one', () => {
    const verdict = giveWay({ [MODE]: 'ambient', 'istio-injection': 'enabled', 'istio.io/rev': '1-31' });
    assert.equal(
      hintOf(verdict),
      'kubectl label namespace shop istio-injection- istio.io/rev- && kubectl -n shop rollout restart deployment/web',
    );
    assert.match(JSON.stringify(verdict), /IST0123/);
  });

  it('is the pod’s maker, where nothing rolls it out', () =>
    assert.match(
      hintOf(giveWay({ 'istio-injection': 'enabled' }, { ...asking, owner: null })),
      /^kubectl -n shop edit pod web-5d4-x1 /,
    ));
});

it('brings a pod back that nothing rolls out, by its own label', () => {
  const bare = carriedPod('web', { owner: null, labels: { app: 'web', [MODE]: 'none' } });
  const verdict = workloadEnrolled.judge(
    {
      ...named(bare),
      enrolled: enrolledOf([], { kept: [{ pod: bare, by: 'opted-out' }] }),
      shares: { got: null },
      settings: { got: settingsOf() },
    },
    { plane, scope, now: NOW },
  );
  assert.equal(hintOf(verdict), `kubectl -n shop label --overwrite pod web-5d4-x1 ${MODE}-`);
});

const selecting = (...discoverySelectors: readonly LabelSelector[]) => ({
  mesh: { got: meshOf({ discoverySelectors }) },
});
const on = { matchLabels: { mesh: 'on' } };
const seen = enrolledOf([member('web')], {
  namespaces: new Map([
    ['shop', { 'istio.io/dataplane-mode': 'ambient' }],
    ['istio-system', { mesh: 'on' }],
  ]),
});

judging(
  namespacesAreDiscovered,
  [
    { when: 'istiod looks at all', given: selecting(), status: 'skip', says: /every namespace/ },
    { when: 'there is no MeshConfig', given: { mesh: { got: null } }, status: 'skip', says: /every namespace/ },
    {
      when: 'the namespace is selected by its own label',
      given: selecting(on, { matchLabels: { 'istio.io/dataplane-mode': 'ambient' } }),
      status: 'pass',
      says: /^istio-system and shop by discoverySelectors$/,
    },
    {
      when: 'no selector takes the namespace',
      given: selecting(on),
      status: 'fail',
      reason: 'NamespaceNotDiscovered',
      says: /^1 pod of shop: no discoverySelector of MeshConfig selects the namespace/,
    },
    {
      when: 'no selector takes that of the ztunnels',
      given: selecting({ matchLabels: { 'istio.io/dataplane-mode': 'ambient' } }),
      status: 'fail',
      reason: 'ZtunnelNotDiscovered',
      says: /^1 ztunnel of istio-system/,
    },
    {
      when: 'ztunnels ask the istiod of another revision',
      given: {
        ...selecting(on),
        enrolled: enrolledOf([
          member('web', {
            node: ambientNode({ ztunnel: ztunnelPod({ annotations: { 'istio.io/rev': 'canary' } }) }),
          }),
        ]),
        detection: {
          all: [{ generation: 'telemetry-v2', namespace: 'istio-system', revision: 'canary', version: '1.31.0' }],
        } as unknown as Detection,
      },
      plane: { namespace: 'istio-system', revision: 'default' },
      status: 'skip',
      says: /^ztunnels ask the istiod of revision canary, whose MeshConfig decides$/,
    },
    {
      when: 'nobody is in ambient',
      given: { ...selecting(on), enrolled: enrolledOf([]) },
      status: 'skip',
      says: /no pod is in ambient/,
    },
    {
      when: 'MeshConfig may not be read',
      given: { mesh: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which namespaces istiod looks at/,
    },
    {
      when: 'namespaces may not be listed',
      given: {
        ...selecting(on),
        enrolled: enrolledOf([member('web')], { namespaces: new Map(), unasked: [missing()] }),
      },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which namespaces istiod looks at/,
    },
  ],
  { enrolled: seen, detection: { all: [] } as unknown as Detection },
);
