import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trim } from '../../../../src/cluster/bundle/trim.ts';
import type { Binding } from '../../../../src/evidence/ambient/bindings.ts';
import { attachmentOf, isBound } from '../../../../src/evidence/ambient/bindings.ts';
import type { Emission } from '../../../../src/evidence/envoy/emission.ts';
import type { Detection } from '../../../../src/evidence/istio/detection.ts';
import { isManual } from '../../../../src/evidence/istio/gateway-api.ts';
import { type MetricsTold, NOTHING_LEFT, type ToldClass } from '../../../../src/evidence/istio/told.ts';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import type { Narrowed } from '../../../../src/evidence/kubernetes/workload.ts';
import type { Series } from '../../../../src/evidence/prometheus/query.ts';
import { object } from '../../../../src/evidence/text/json.ts';
import { waypointsBound } from '../../../../src/guide/missing-metrics/ambient/waypoint/bound.ts';
import { callersIn } from '../../../../src/guide/missing-metrics/ambient/waypoint/callers.ts';
import {
  waypointsCountForIstio,
  waypointsEmit,
} from '../../../../src/guide/missing-metrics/ambient/waypoint/emitting.ts';
import { envoysPassWaypoints } from '../../../../src/guide/missing-metrics/ambient/waypoint/envoys.ts';
import { trafficPasses } from '../../../../src/guide/missing-metrics/ambient/waypoint/passed.ts';
import { waypointsProgrammed } from '../../../../src/guide/missing-metrics/ambient/waypoint/programmed.ts';
import { waypointsTold } from '../../../../src/guide/missing-metrics/ambient/waypoint/told.ts';
import { workloadHasWaypoint } from '../../../../src/guide/missing-metrics/ambient/waypoint/workload.ts';
import { statsOf } from '../../../../src/istio/stats.ts';
import {
  ambientPod,
  binding,
  bindingsOf,
  condition,
  enrolledOf,
  gateway,
  waypointPod,
} from '../../../support/ambient.ts';
import { judging, NOW, scope } from '../../../support/judging.ts';
import { container, listed, missing, partly as partlyListed, pod, port, service } from '../../../support/mixer.ts';
import { answer, partly, series, unanswered } from '../../../support/stores.ts';
import { allOf, configOf, envoyFilterObject, statsPatch, telemetryObject } from '../../../support/telemetry.ts';

const PLANE = { namespace: 'istio-system', generation: 'ambient', version: '1.31.0', revision: 'default' } as const;
const OLD = { version: '1.21.6' };
const settings = {
  got: {
    isDns: true,
    isAnnotationOptOut: false,
    namespace: 'istio-system',
    isAmbient: true,
    selectors: [],
    excluded: [],
  },
};
const WAYPOINT = gateway();
const gone: Partial<Binding> = { gateway: null, unbound: { got: 'missing' } };
const said = (bound: boolean, since: number | null = null) => ({ bound, message: 'in istiod’s words', since });
const http = (name: string, change: Parameters<typeof service>[1] = {}) =>
  service(name, { namespace: 'shop', ports: [port('http', 80)], ...change });
const headless = (change: Partial<Binding> = {}) =>
  binding({ service: http('cart', { headless: true }), address: null, ...change });
const entry = (address: Binding['address']) =>
  binding({ of: { kind: 'ServiceEntry', name: 'bank', namespace: 'shop' }, service: null, address });

describe('isBound', () => {
  it('believes istiod, unless the waypoint is gone', () => {
    assert.equal(isBound(binding()), true);
    assert.equal(isBound(binding(gone)), false);
    assert.equal(isBound(binding({ ...gone, said: said(true) })), false);
    assert.equal(isBound(binding({ unbound: { got: 'not-ready' }, said: said(true) })), true);
    assert.equal(isBound(binding({ said: said(false) })), false);
    assert.equal(isBound(binding({ unbound: { missing: missing() } })), null);
    assert.equal(isBound(binding({ unbound: { missing: missing() }, said: said(true) })), true);
  });
});

describe('attachmentOf', () => {
  const object = { namespace: 'office', kind: 'service' } as const;
  const listener = {
    name: 'mesh',
    port: 15008,
    protocol: 'HBONE',
    hostname: null,
    passesOn: false,
    from: 'Selector' as string,
    selector: { matchLabels: { team: 'a' } },
    kinds: [],
    conditions: [],
  };
  const selecting = gateway({ listeners: [listener] });
  const open = gateway({ listeners: [{ ...listener, from: 'All' }] });
  const [refused, other] = [missing(), missing('TimedOut')];

  it('knows nothing of Gateways that were not listed', () => {
    assert.deepEqual(attachmentOf(null, object, {}, {}), { got: 'missing' });
    assert.deepEqual(attachmentOf(null, object, {}, { gateways: refused }), { missing: refused });
  });

  it('knows nothing of a namespace whose labels decide, and were not seen', () => {
    assert.deepEqual(attachmentOf(selecting, object, { team: 'b' }, { namespaces: refused }), {
      got: 'namespace-denied',
    });
    assert.deepEqual(attachmentOf(selecting, object, undefined, { namespaces: refused }), { missing: refused });
    assert.deepEqual(attachmentOf(open, object, undefined, { namespaces: refused }), { got: null });
    const cold = { ...selecting, hasAddress: false };
    assert.deepEqual(attachmentOf(cold, object, undefined, { namespaces: refused }), { got: 'not-ready' });
  });

  it('knows nothing of whom a waypoint serves whose class decides, and was not seen', () => {
    const classless = { ...open, unsaid: other };
    assert.deepEqual(attachmentOf(classless, object, {}, {}), { missing: other });
    assert.deepEqual(attachmentOf(classless, { ...object, kind: 'workload' }, {}, {}), { missing: other });
    const closed = gateway({ unsaid: other });
    assert.deepEqual(attachmentOf(closed, object, {}, {}), { got: 'namespace-denied' });
  });
});

judging(
  waypointsBound,
  [
    { when: 'nothing asks by a label yet', given: {}, plane: OLD, status: 'skip', says: /^before 1\.22/ },
    { when: 'nobody asks', given: { own: [] }, status: 'skip', says: /^nobody asks for a waypoint/ },
    {
      when: 'it is not known who asks',
      given: { own: [], bindings: bindingsOf([], { missing: [missing()] }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /who asks for a waypoint/,
    },
    {
      when: 'nothing could be listed',
      given: { bindings: { missing: missing('TimedOut') } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /who asks for a waypoint/,
    },
    { when: 'all is bound', given: {}, status: 'pass', says: /^1 bound to 1 waypoint: shop\/cart$/ },
    {
      when: 'all is bound that is known to ask, and namespaces could not be listed',
      given: { bindings: bindingsOf([binding()], { missing: [missing()] }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /who else asks for a waypoint/,
    },
    {
      when: 'Gateways could not be listed, and istiod says nothing',
      given: { own: [binding({ gateway: null, unbound: { missing: missing() } })] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether 1 Services? (is|are) bound/,
    },
    {
      when: 'Gateways could not be listed, and istiod says that it is bound',
      given: { own: [binding({ gateway: null, unbound: { missing: missing() }, said: said(true) })] },
      status: 'pass',
      says: /1 bound/,
    },
    {
      when: 'one of two is lost',
      given: {
        own: [binding(), binding({ ...gone, of: { kind: 'Service', name: 'x\u001b[31m', namespace: 'shop' } })],
      },
      status: 'fail',
      reason: 'WaypointMissing',
      says: /^1 of 2 that ask for a waypoint is not bound, there is no Gateway shop\/waypoint/,
    },
    {
      when: 'istiod alone says that it is not bound',
      given: { own: [binding({ said: said(false) })] },
      status: 'fail',
      reason: 'NotBound',
      says: /istiod says: in istiod’s words/,
    },
    {
      when: 'the waypoint takes nobody of the namespace',
      given: { own: [binding({ unbound: { got: 'namespace-denied' } })] },
      status: 'fail',
      reason: 'WaypointDenies',
      says: /takes nobody of namespace shop/,
    },
    {
      when: 'a pod asks for a waypoint that is for Services',
      given: {
        own: [binding({ of: { kind: 'Pod', name: 'p', namespace: 'shop' }, unbound: { got: 'serves-others' } })],
      },
      status: 'fail',
      reason: 'WaypointServesOthers',
      says: /is for service, not for workloads/,
    },
    {
      when: 'the canary waypoint beside it is not there',
      given: {
        own: [
          binding({
            said: {
              ...said(true),
              message:
                'Successfully attached to waypoint shop/waypoint. Canary waypoint not attached: waypoint "shop/canary" is not ready',
            },
          }),
        ],
      },
      status: 'warn',
      reason: 'CanaryNotBound',
      says: /^shop\/cart is bound, and not to the canary waypoint beside it: waypoint "shop\/canary" is not ready$/,
    },
    {
      when: 'a Service has no address',
      given: { own: [headless()] },
      status: 'warn',
      reason: 'HeadlessBound',
      says: /^shop\/cart has no address of its own/,
    },
    {
      when: 'a Service without an address speaks TCP only',
      given: { own: [headless({ service: http('cart', { headless: true, ports: [port('tcp-db', 5432)] }) })] },
      status: 'pass',
      says: /1 bound/,
    },
    {
      when: 'a namespace’s Service without an address lies beside one that has one',
      given: {
        own: [
          binding(),
          headless({
            of: { kind: 'Service', name: 'cart-pods', namespace: 'shop' },
            wish: { namespace: 'shop', name: 'waypoint', by: 'namespace' },
          }),
        ],
      },
      status: 'pass',
      says: /2 bound/,
    },
    {
      when: 'a Service without an address asks by its own label, whatever lies beside it',
      given: { own: [binding(), headless({ of: { kind: 'Service', name: 'cart-pods', namespace: 'shop' } })] },
      status: 'warn',
      reason: 'HeadlessBound',
      says: /shop\/cart-pods has no address/,
    },
    {
      when: 'the pods of a Service without an address have the waypoint too',
      given: {
        own: [headless({ gateway: gateway({ serves: 'all' }) })],
        pods: listed(ambientPod('cart', { labels: { app: 'cart', 'istio.io/use-waypoint': 'waypoint' } })),
      },
      status: 'pass',
      says: /1 bound/,
    },
    {
      when: 'one of the pods of a Service without an address wants no waypoint',
      given: {
        own: [
          headless({
            gateway: gateway({ serves: 'all' }),
            wish: { namespace: 'shop', name: 'waypoint', by: 'namespace' },
          }),
        ],
        pods: listed(
          ambientPod('cart'),
          ambientPod('cart', { labels: { app: 'cart', 'istio.io/use-waypoint': 'none' } }),
        ),
      },
      status: 'warn',
      reason: 'HeadlessBound',
      says: /shop\/cart/,
    },
    {
      when: 'a ServiceEntry has no address',
      given: { own: [entry(null)] },
      status: 'warn',
      reason: 'NoAddress',
      says: /^shop\/bank is bound, and without an address/,
    },
    {
      when: 'istiod gave a ServiceEntry an address',
      given: { own: [entry('given')] },
      status: 'pass',
      says: /1 bound/,
    },
    {
      when: 'ztunnel tells nobody the address of a ServiceEntry',
      given: { own: [entry('given')], settings: { got: { ...settings.got, isDns: false } } },
      status: 'warn',
      reason: 'NoAddress',
      says: /ztunnel tells nobody/,
    },
    {
      when: 'a ServiceEntry has its own address, whoever is asked for names',
      given: { own: [entry('own')], settings: { got: { ...settings.got, isDns: false, isAnnotationOptOut: false } } },
      status: 'pass',
      says: /1 bound/,
    },
  ],
  { own: [binding()], bindings: bindingsOf([binding()]), pods: listed(), settings },
  PLANE,
);

it('names the code of istioctl analyze, and a command that can be pasted', () => {
  const verdict = waypointsBound.judge(
    {
      own: [
        binding({
          ...gone,
          said: said(false),
          of: { kind: 'Service', name: 'a b', namespace: 'shop' },
          wish: { namespace: 'shop', name: "w'; rm -rf /", by: 'own' },
        }),
      ],
      bindings: bindingsOf([]),
      pods: listed(),
      settings: { missing: missing() },
    },
    { plane: PLANE, scope, now: NOW },
  );
  assert.equal(verdict.status, 'fail');
  const { evidence = [], hint } = verdict as { evidence?: readonly string[]; hint: string };
  assert.ok(evidence.includes('istioctl analyze: IST0171 (NegativeConditionStatus)'), evidence.join('\n'));
  assert.match(hint, /--name 'w'\\''; rm -rf \/'/);
  assert.match(hint, /label service 'a b' istio\.io\/use-waypoint-/);
});

it('knows a Gateway that somebody else deploys, by what a bundle keeps of it', () => {
  const found = (...addresses: readonly object[]) =>
    isManual(object(trim('gateways', { spec: { gatewayClassName: 'istio-waypoint', addresses } }).spec));
  assert.equal(found(), false);
  assert.equal(found({ value: '10.0.0.1' }), false);
  assert.equal(found({ type: 'IPAddress', value: '10.0.0.1' }), false);
  assert.equal(found({ type: 'Hostname', value: 'own.shop.svc.cluster.local' }), true);
  assert.equal(found({ value: '10.0.0.1' }, { value: '10.0.0.2' }), true);
});

it('describes what there is of a waypoint', () => {
  const hintFor = (change: Parameters<typeof gateway>[0], pods = listed()): string => {
    const verdict = waypointsProgrammed.judge({ ...withGateway(change), pods, detection } as never, {
      plane: PLANE,
      scope,
      now: NOW,
    });
    return 'hint' in verdict ? String(verdict.hint) : '';
  };
  assert.equal(
    hintFor({ name: 'own' }),
    'kubectl -n shop describe deployment -l gateway.networking.k8s.io/gateway-name=own',
  );
  const remote = { className: 'istio-remote', conditions: [condition('Accepted', 'True')] };
  assert.equal(hintFor(remote), 'kubectl -n shop describe gateways.gateway.networking.k8s.io waypoint');
});

const programming = (change: object = {}) => ({ own: [binding(change)] });
const withGateway = (change: Parameters<typeof gateway>[0]) => {
  const own = gateway(change);
  return { ...programming({ gateway: own }), bindings: bindingsOf([], { waypoints: [own] }) };
};
const detection: Detection = {
  planes: [],
  searched: [],
  unsearched: [],
  all: [{ generation: 'telemetry-v2', namespace: 'istio-system', revision: '1-31', version: '1.31.0' }],
};

judging(
  waypointsProgrammed,
  [
    { when: 'nothing asks by a label yet', given: {}, plane: OLD, status: 'skip', says: /^before 1\.22/ },
    { when: 'it has a pod that is ready', given: {}, status: 'pass', says: /^1 waypoint: shop\/waypoint$/ },
    {
      when: 'it has one, and others could not be listed',
      given: { bindings: bindingsOf([], { waypoints: [WAYPOINT], missing: [missing()] }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which other waypoints there are/,
    },
    {
      when: 'its pods are deployed by somebody else',
      given: { ...withGateway({ isManual: true }), pods: listed() },
      status: 'pass',
      says: /1 waypoint/,
    },
    {
      when: 'nobody has taken it',
      given: withGateway({ conditions: [condition('Programmed', 'Unknown', 'Pending', 'Waiting for controller')] }),
      status: 'fail',
      reason: 'WaypointOfNobody',
      says: /no istiod has taken it \(Pending: Waiting for controller\)/,
    },
    {
      when: 'nobody has written anything',
      given: withGateway({ conditions: [] }),
      status: 'fail',
      reason: 'WaypointOfNobody',
      says: /no istiod has taken it$/,
    },
    {
      when: 'it is refused',
      given: withGateway({
        conditions: [condition('Accepted', 'True'), condition('Programmed', 'False', 'Invalid', 'no')],
      }),
      status: 'fail',
      reason: 'WaypointNotProgrammed',
      says: /it is not programmed \(Invalid: no\)/,
    },
    {
      when: 'its only pod is on its way out',
      given: { pods: listed(waypointPod({ deleting: true })) },
      status: 'fail',
      reason: 'WaypointHasNoPod',
      says: /no pod of it is ready$/,
    },
    {
      when: 'not every pod could be listed',
      given: { pods: partlyListed<never>() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether shop\/waypoint has pods/,
    },
    {
      when: 'it is in another cluster',
      given: { ...withGateway({ className: 'istio-remote' }), pods: listed() },
      status: 'pass',
      says: /1 waypoint/,
    },
    {
      when: 'one that nobody asks for has no pod',
      given: { own: [], pods: listed() },
      status: 'warn',
      reason: 'WaypointHasNoPod',
      says: /shop\/waypoint/,
    },
    {
      when: 'a workload is looked at, of which nothing asks',
      given: { own: [], pods: listed() },
      scope: { workload: { kind: 'deployment', name: 'cart', namespace: 'shop' } },
      status: 'skip',
      says: /nobody asks/,
    },
    {
      when: 'the waypoint itself is looked at, whom nobody asks for',
      given: { own: [], pods: listed() },
      scope: { workload: { kind: 'deployment', name: 'waypoint', namespace: 'shop' } },
      status: 'warn',
      reason: 'WaypointHasNoPod',
      says: /shop\/waypoint/,
    },
    {
      when: 'another namespace is looked at',
      given: { own: [], pods: listed() },
      scope: { namespace: 'office' },
      status: 'skip',
      says: /nobody asks/,
    },
    {
      when: 'the one that is asked for is not there',
      given: { own: [binding(gone)], bindings: bindingsOf([], { waypoints: [] }) },
      status: 'skip',
      says: /none of those that are asked for is there/,
    },
    {
      when: 'Gateways may not be listed',
      given: { own: [], bindings: bindingsOf([], { waypoints: [], missing: [missing()] }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which waypoints there are/,
    },
    {
      when: 'nothing could be listed',
      given: { bindings: { missing: missing('TimedOut') } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /which waypoints there are/,
    },
  ],
  {
    own: [binding({ gateway: WAYPOINT })],
    bindings: bindingsOf([], { waypoints: [WAYPOINT] }),
    pods: listed(waypointPod()),
    detection,
  },
  PLANE,
);

const narrowed = (name: string, services: readonly ReturnType<typeof service>[]): Narrowed => ({
  workload: { kind: 'deployment', name, namespace: 'shop' },
  found: true,
  pods: [],
  services,
  named: name,
});

const tcp = http('cart-db', { ports: [port('tcp-db', 5432)] });

judging(
  workloadHasWaypoint,
  [
    { when: 'nothing asks by a label yet', given: {}, plane: OLD, status: 'skip', says: /^before 1\.22/ },
    { when: 'the whole mesh is looked at', given: { narrowed: null }, status: 'skip', says: /no single workload/ },
    {
      when: 'it is not in ambient',
      given: { enrolled: enrolledOf({ members: [] }) },
      status: 'skip',
      says: /deployment\/cart is not in ambient/,
    },
    {
      when: 'it asks for one',
      given: { own: [binding()] },
      status: 'pass',
      says: /^Service shop\/cart asks for waypoint shop\/waypoint$/,
    },
    {
      when: 'a Service of the same pods asks, and not the one that was named',
      given: {
        narrowed: {
          ...narrowed('cart', [http('cart')]),
          workload: { kind: 'service', name: 'cart', namespace: 'shop' },
        },
        own: [binding({ of: { kind: 'Service', name: 'cart-admin', namespace: 'shop' }, service: http('cart-admin') })],
      },
      status: 'fail',
      reason: 'NoWaypoint',
      says: /^shop\/cart asks for no waypoint/,
    },
    {
      when: 'a Service of its asks that speaks no HTTP',
      given: {
        narrowed: narrowed('cart', [http('cart'), tcp]),
        own: [binding({ of: { kind: 'Service', name: 'cart-db', namespace: 'shop' }, service: tcp })],
      },
      status: 'fail',
      reason: 'NoWaypoint',
      says: /ask for no waypoint/,
    },
    {
      when: 'it asks for none, and speaks HTTP',
      given: {},
      status: 'fail',
      reason: 'NoWaypoint',
      says: /shop\/cart asks for no waypoint/,
    },
    {
      when: 'nobody says what it speaks',
      given: { narrowed: narrowed('cart', [http('cart', { ports: [port('main', 8080)] })]) },
      plane: PLANE,
      status: 'warn',
      reason: 'MayNeedWaypoint',
      says: /asks for no waypoint/,
    },
    {
      when: 'it speaks TCP',
      given: { narrowed: narrowed('db', [http('db', { ports: [port('tcp-db', 5432)] })]) },
      status: 'skip',
      says: /no port of shop\/db is HTTP/,
    },
    {
      when: 'no Service leads to it',
      given: { narrowed: narrowed('job', []) },
      status: 'skip',
      says: /no Service leads/,
    },
    {
      when: 'not every pod was seen',
      given: { enrolled: enrolledOf({ refusal: missing() }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not everything was seen/,
    },
    {
      when: 'namespaces, which may ask for one, could not be listed',
      given: { bindings: bindingsOf([], { missing: [missing()] }) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not everything was seen/,
    },
  ],
  { narrowed: narrowed('cart', [http('cart')]), enrolled: enrolledOf(), own: [], bindings: bindingsOf([]) },
  PLANE,
);

it('names a command that puts the label where it is missed', () => {
  const hintFor = (...services: Narrowed['services']): string => {
    const verdict = workloadHasWaypoint.judge(
      { narrowed: narrowed('cart', services), enrolled: enrolledOf(), own: [], bindings: bindingsOf([]) },
      { plane: PLANE, scope, now: NOW },
    );
    return 'hint' in verdict ? String(verdict.hint) : '';
  };
  const tcp = http('metrics', { ports: [port('tcp-m', 9090)] });
  const label = / && kubectl -n shop label --overwrite service cart istio\.io\/use-waypoint=waypoint$/;
  assert.match(hintFor(http('cart')), label);
  assert.match(hintFor(tcp, http('cart-pods', { headless: true }), http('cart')), label);
  // Whether one speaks HTTP is not known: another does.
  assert.match(hintFor(http('main', { ports: [port('main', 1)] }), http('cart')), label);
});

it('takes a waypoint for workloads from nobody', () => {
  const hintFor = (serves: string): string => {
    const verdict = waypointsBound.judge(
      {
        own: [binding({ gateway: gateway({ serves }), unbound: { got: 'serves-others' } })],
        bindings: bindingsOf([]),
        pods: listed(),
        settings: { missing: missing() },
      },
      { plane: PLANE, scope, now: NOW },
    );
    return 'hint' in verdict ? String(verdict.hint) : '';
  };
  assert.match(hintFor('workload'), /istio\.io\/waypoint-for=all$/);
  assert.match(hintFor('none'), /istio\.io\/waypoint-for=service$/);
});

const agentgateway = waypointPod({
  labels: {
    'gateway.networking.k8s.io/gateway-name': 'waypoint',
    'gateway.istio.io/managed': 'istio.io-agentgateway-waypoint-controller',
  },
  containers: [container('agentgateway', 'istio/agentgateway:1.31.0')],
});

const kgateway = binding({
  gateway: gateway({ className: 'kgateway-waypoint', isWaypoint: false, controller: 'kgateway.dev/kgateway' }),
});

judging(waypointsCountForIstio, [
  {
    when: 'what asks is bound to one of another controller',
    given: { enrolled: enrolledOf({ waypoints: [] }), own: [kgateway] },
    status: 'warn',
    reason: 'OtherMetrics',
    says: /^shop\/cart is bound to shop\/waypoint, of class kgateway-waypoint, which is none of Istio’s/,
  },
  {
    when: 'the class of what it is bound to is not known, or another of Istio’s',
    given: {
      enrolled: enrolledOf({ waypoints: [] }),
      own: [null, 'istio.io/gateway-controller'].map((controller) =>
        binding({ gateway: gateway({ isWaypoint: false, controller }) }),
      ),
    },
    status: 'skip',
    says: /no pod of a waypoint/,
  },
  {
    when: 'what asks for one of another controller is not bound to it',
    given: { enrolled: enrolledOf({ waypoints: [] }), own: [{ ...kgateway, unbound: { got: 'not-ready' as const } }] },
    status: 'skip',
    says: /no pod of a waypoint/,
  },
  {
    when: 'there is none',
    given: { enrolled: enrolledOf({ waypoints: [] }), own: [] },
    status: 'skip',
    says: /no pod of a waypoint/,
  },
  {
    when: 'it is Istio’s',
    given: { enrolled: enrolledOf(), own: [] },
    status: 'pass',
    says: /1 waypoint pod with an Envoy/,
  },
  {
    when: 'it is agentgateway’s',
    given: { enrolled: enrolledOf({ waypoints: [agentgateway] }), own: [] },
    status: 'warn',
    reason: 'OtherMetrics',
    says: /count as agentgateway_requests_total/,
  },
]);

/** Connections or bytes a second between two workloads of shop, or the requests of one. */
const edge = (reporter: string, from: string, to: string, service: string, value = 1) =>
  series(
    {
      reporter,
      source_workload_namespace: from === 'unknown' ? 'unknown' : 'shop',
      source_workload: from,
      destination_workload_namespace: 'shop',
      destination_workload: to,
      destination_service_namespace: service === 'unknown' ? 'unknown' : 'shop',
      destination_service_name: service,
    },
    value,
  );
const store = (...found: readonly Series[]) => ({ got: answer(...found) });
const proven: Emission = {
  judged: [],
  young: 0,
  proven: new Set(),
  stores: { answered: 1, missing: [] },
  asked: [],
  control: null,
  refusal: null,
};
const own = waypointPod();
const mesh = {
  own: [binding()],
  enrolled: enrolledOf({ waypoints: [own] }),
  emission: { ...proven, proven: new Set([own]) },
  pods: listed(own, ambientPod('web'), ambientPod('cart')),
  requests: answer(edge('waypoint', 'web', 'cart', 'cart')),
  flows: store(edge('source', 'web', 'waypoint', 'cart', 5000)),
  openings: store(edge('source', 'web', 'waypoint', 'cart')),
};
const bank = binding({
  of: { kind: 'ServiceEntry', name: 'bank', namespace: 'shop' },
  service: null,
  hosts: ['bank.example.com'],
});
const behindOther = binding({
  of: { kind: 'Service', name: 'prices', namespace: 'shop' },
  wish: { namespace: 'shop', name: 'other', by: 'own' },
});
const tunnelled = ({ labels, ...rest }: Series): Series => ({
  ...rest,
  labels: new Map([...labels, ['connection_security_policy', 'mutual_tls']]),
});
const elsewhere = waypointPod({
  name: 'other-5d4f-x1',
  labels: { ...own.labels, 'gateway.networking.k8s.io/gateway-name': 'other' },
});
const from = ({ namespace, name }: Pod, { labels, ...rest }: Series): Series => ({
  ...rest,
  labels: new Map([...labels, ['namespace', namespace], ['pod', name]]),
});
const NONE = { requests: answer(), flows: store() };
const sidecar = (app: string) =>
  ambientPod(app, {
    annotations: {},
    containers: [container('istio-proxy', 'istio/proxyv2:1.31.0', { args: ['proxy', 'sidecar'] })],
  });

judging(
  trafficPasses,
  [
    { when: 'nothing asks by a label yet', given: {}, plane: OLD, status: 'skip', says: /^before 1\.22/ },
    {
      when: 'what is led there is counted',
      given: {},
      status: 'pass',
      says: /^1 requests\/s to shop\/cart counted by 1 waypoint$/,
    },
    { when: 'nobody asks', given: { own: [] }, status: 'skip', says: /nobody asks/ },
    { when: 'nothing is bound', given: { own: [binding(gone)] }, status: 'skip', says: /nothing that asks/ },
    { when: 'there is no store', given: { requests: null }, status: 'skip', says: /.*/ },
    {
      when: 'the store does not answer',
      given: { requests: unanswered },
      status: 'unknown',
      reason: 'TimedOut',
      says: /.*/,
    },
    {
      when: 'it does not say what ztunnels do',
      given: { openings: { missing: missing('TimedOut') } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /what ztunnels lead to waypoints/,
    },
    {
      when: 'an answer may not be whole',
      given: { requests: partly() },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /may not be whole/,
    },
    {
      when: 'the waypoint counts nothing',
      given: { requests: answer() },
      status: 'fail',
      reason: 'WaypointCountsNothing',
      says: /^shop\/cart: 5000 bytes\/s to waypoint shop\/waypoint/,
    },
    {
      when: 'its series are not stored',
      given: { requests: answer(), emission: proven },
      status: 'skip',
      says: /no series of a waypoint that serves is stored/,
    },
    {
      when: 'requests go on over connections older than the window',
      given: { requests: answer(), openings: store(edge('source', 'web', 'waypoint', 'cart', 0)) },
      status: 'skip',
      says: /^of shop\/cart 1 with traffic too little, or over connections too old, to judge$/,
    },
    {
      when: 'the waypoint counts bytes of connections that are older',
      given: {
        requests: answer(),
        flows: store(edge('source', 'web', 'waypoint', 'cart', 5000), edge('waypoint', 'web', 'unknown', 'cart', 5000)),
      },
      status: 'pass',
      says: /to shop\/cart counted/,
    },
    {
      when: 'ztunnels go to the pods, and nobody says since when it is bound',
      given: { ...NONE, openings: store(edge('source', 'web', 'cart', 'cart')) },
      status: 'warn',
      reason: 'TrafficBypassesWaypoint',
      says: /go to its pods, none to waypoint shop\/waypoint; since when it is bound nobody says$/,
    },
    {
      when: 'a route leads to another Service, as which the waypoint counts it',
      given: { requests: answer(edge('waypoint', 'web', 'cart-v1', 'cart-v1')) },
      status: 'skip',
      says: /^of shop\/cart 1 of which the waypoint counts nothing, and counts what ztunnels led to none: as where a route/,
    },
    {
      when: 'what the waypoint counts came to another Service',
      given: {
        requests: answer(edge('waypoint', 'web', 'mail', 'mail')),
        flows: store(edge('source', 'web', 'waypoint', 'cart', 5000), edge('source', 'web', 'waypoint', 'mail', 5000)),
      },
      status: 'fail',
      reason: 'WaypointCountsNothing',
      says: /^shop\/cart: 5000 bytes\/s/,
    },
    {
      when: 'another waypoint’s route leads to another Service',
      given: {
        pods: listed(own, elsewhere, ambientPod('web'), ambientPod('cart')),
        requests: answer(from(elsewhere, edge('waypoint', 'web', 'mail', 'mail'))),
      },
      status: 'fail',
      reason: 'WaypointCountsNothing',
      says: /^shop\/cart: 5000 bytes\/s/,
    },
    {
      when: 'a gateway sends through the waypoint what no ztunnel leads there',
      given: {
        requests: answer(edge('waypoint', 'edge', 'mail', 'mail')),
        pods: listed(own, ambientPod('web'), ambientPod('cart'), sidecar('edge')),
      },
      status: 'fail',
      reason: 'WaypointCountsNothing',
      says: /^shop\/cart: 5000 bytes\/s/,
    },
    {
      when: 'a pod that is gone counted for another Service',
      given: { requests: answer(from(elsewhere, edge('waypoint', 'web', 'mail', 'mail'))) },
      status: 'fail',
      reason: 'WaypointCountsNothing',
      says: /^shop\/cart: 5000 bytes\/s/,
    },
    {
      when: 'pods alone are bound',
      given: { own: [binding({ of: { kind: 'Pod', name: 'cart-1', namespace: 'shop' }, service: null })] },
      status: 'skip',
      says: /^pods alone are bound to a waypoint/,
    },
    {
      when: 'ztunnels go to the pods, whether or not the waypoint is scraped',
      given: {
        ...NONE,
        own: [binding({ said: said(true, NOW - 3_600_000) })],
        emission: proven,
        openings: store(edge('source', 'web', 'cart', 'cart')),
      },
      status: 'fail',
      reason: 'TrafficBypassesWaypoint',
      says: /1 connections\/s from shop\/web go to its pods/,
    },
    {
      when: 'it was bound a minute ago',
      given: {
        ...NONE,
        own: [binding({ said: said(true, NOW - 60_000) })],
        openings: store(edge('source', 'web', 'cart', 'cart')),
      },
      status: 'skip',
      says: /bound so lately/,
    },
    {
      when: 'it was bound an hour ago',
      given: {
        ...NONE,
        own: [binding({ said: said(true, NOW - 3_600_000) })],
        openings: store(edge('source', 'web', 'cart', 'cart')),
      },
      status: 'fail',
      reason: 'TrafficBypassesWaypoint',
      says: /shop\/cart/,
    },
    {
      when: 'a TCP Service is passed by',
      given: {
        ...NONE,
        own: [binding({ service: http('cart', { ports: [port('tcp-db', 5432)] }) })],
        openings: store(edge('source', 'web', 'cart', 'cart')),
      },
      status: 'warn',
      reason: 'SomeBypassWaypoint',
      says: /shop\/cart/,
    },
    {
      when: 'callers with sidecars alone opened TCP connections',
      given: {
        ...NONE,
        pods: listed(own, sidecar('web'), ambientPod('cart')),
        openings: store(edge('source', 'web', 'cart', 'cart')),
      },
      status: 'skip',
      says: /^no traffic that ztunnels led or waypoints counted in ten minutes, to shop\/cart$/,
    },
    {
      when: 'the waypoint’s Deployment has another name',
      given: {
        pods: listed(waypointPod({ owner: { kind: 'ReplicaSet', name: 'other-5d4f' } }), ambientPod('web')),
        flows: store(edge('source', 'web', 'other', 'cart', 5000)),
        openings: store(edge('source', 'web', 'other', 'cart'), edge('destination', 'other', 'cart', 'cart')),
      },
      status: 'pass',
      says: /counted/,
    },
    {
      when: 'callers have addresses of pods',
      given: {
        ...NONE,
        openings: store(edge('source', 'web', 'cart', 'unknown'), edge('destination', 'web', 'cart', 'cart')),
      },
      status: 'fail',
      reason: 'CallersDialPods',
      says: /1 connections\/s from shop\/web have the addresses of its pods/,
    },
    {
      when: 'another Service of the same pods was asked for, and this one was guessed where it arrived',
      given: {
        ...NONE,
        openings: store(edge('source', 'web', 'cart', 'cart-internal'), edge('destination', 'web', 'cart', 'cart')),
      },
      status: 'skip',
      says: /no traffic/,
    },
    {
      when: 'pods of one workload know each other',
      given: {
        ...NONE,
        openings: store(edge('source', 'cart', 'cart', 'unknown'), edge('destination', 'cart', 'cart', 'cart')),
      },
      status: 'skip',
      says: /no traffic/,
    },
    {
      when: 'callers of a Service without an address have those of its pods',
      given: {
        ...NONE,
        own: [headless()],
        openings: store(edge('source', 'web', 'cart', 'unknown'), edge('destination', 'web', 'cart', 'cart')),
      },
      status: 'skip',
      says: /no traffic/,
    },
    {
      when: 'some dial pods, and others the Service',
      given: {
        openings: store(
          edge('source', 'web', 'waypoint', 'cart'),
          edge('source', 'web', 'cart', 'unknown'),
          edge('destination', 'web', 'cart', 'cart'),
        ),
      },
      status: 'warn',
      reason: 'SomeBypassWaypoint',
      says: /past waypoint/,
    },
    {
      when: 'nobody knows the callers',
      given: { ...NONE, openings: store(edge('destination', 'unknown', 'cart', 'cart')) },
      status: 'warn',
      reason: 'OutsidersBypassWaypoint',
      says: /from unknown\/unknown, outside of the mesh/,
    },
    {
      when: 'others beside those whom it serves are outside of the mesh',
      given: {
        openings: store(edge('source', 'web', 'waypoint', 'cart'), edge('destination', 'unknown', 'cart', 'cart')),
      },
      status: 'pass',
      says: /counted/,
    },
    {
      when: 'a Prometheus scrapes the pods alone',
      given: {
        ...NONE,
        pods: listed(
          own,
          ambientPod('prom', { annotations: {}, containers: [container('prometheus', 'prom/prometheus:v3')] }),
        ),
        openings: store(edge('destination', 'prom', 'cart', 'cart')),
      },
      status: 'skip',
      says: /no traffic/,
    },
    {
      when: 'so few connections went past that somebody may have tried',
      given: { ...NONE, openings: store(edge('source', 'web', 'cart', 'cart', 2 / 600)) },
      status: 'skip',
      says: /1 with traffic too little/,
    },
    {
      when: 'of two waypoints one is not stored',
      given: {
        own: [binding(), behindOther],
        flows: store(edge('source', 'web', 'waypoint', 'cart', 5000), edge('source', 'web', 'other', 'prices', 5000)),
      },
      status: 'pass',
      says: /^1 requests\/s to shop\/cart counted by 1 waypoint; 1 behind waypoints whose series are not stored$/,
    },
    {
      when: 'the waypoint counts nothing of a TCP Service',
      given: { requests: answer(), own: [binding({ service: http('cart', { ports: [port('tcp-db', 5432)] }) })] },
      status: 'warn',
      reason: 'WaypointCountsNothing',
      says: /^shop\/cart: 5000 bytes\/s/,
    },
    {
      when: 'the waypoint counts a ServiceEntry by its host',
      given: {
        own: [bank],
        requests: answer(edge('waypoint', 'web', 'unknown', 'bank.example.com')),
        flows: store(edge('source', 'web', 'waypoint', 'bank', 5000)),
        openings: store(edge('source', 'web', 'waypoint', 'bank')),
      },
      status: 'pass',
      says: /^1 requests\/s to shop\/bank counted by 1 waypoint$/,
    },
    {
      when: 'callers of another cluster come through its gateway',
      given: { ...NONE, openings: store(tunnelled(edge('destination', 'unknown', 'cart', 'cart'))) },
      status: 'skip',
      says: /^no traffic that ztunnels led/,
    },
  ],
  mesh,
  PLANE,
);

const router = pod({
  name: 'edge-1-x',
  namespace: 'shop',
  labels: { 'pod-template-hash': '1' },
  owner: { kind: 'ReplicaSet', name: 'edge-1' },
  containers: [container('istio-proxy', 'istio/proxyv2:1.31.0', { args: ['proxy', 'router'] })],
});

judging(
  envoysPassWaypoints,
  [
    { when: 'nothing asks by a label yet', given: {}, plane: OLD, status: 'skip', says: /^before 1\.22/ },
    { when: 'nobody asks', given: { own: [] }, status: 'skip', says: /nobody asks/ },
    { when: 'nothing is bound', given: { own: [binding(gone)] }, status: 'skip', says: /nothing that asks/ },
    { when: 'there is no store', given: { requests: null }, status: 'skip', says: /.*/ },
    {
      when: 'the store does not answer',
      given: { requests: unanswered },
      status: 'unknown',
      reason: 'TimedOut',
      says: /.*/,
    },
    {
      when: 'an answer may not be whole',
      given: { requests: partly() },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /may not be whole/,
    },
    { when: 'nobody does', given: {}, status: 'pass', says: /no gateway and no sidecar/ },
    {
      when: 'a gateway sends to the waypoint',
      given: { requests: answer(edge('source', 'edge', 'waypoint', 'cart')) },
      status: 'pass',
      says: /no gateway/,
    },
    {
      when: 'a gateway sends to a waypoint whose Deployment has another name',
      given: {
        own: [binding({ wish: { namespace: 'shop', name: 'other', by: 'own' } })],
        requests: answer(edge('source', 'edge', 'waypoint', 'cart')),
      },
      status: 'pass',
      says: /no gateway/,
    },
    {
      when: 'a gateway sends to the pods',
      given: { requests: answer(edge('source', 'edge', 'cart', 'cart')) },
      status: 'warn',
      reason: 'IngressBypassesWaypoint',
      says: /^1 requests\/s from shop\/edge go to the pods of shop\/cart, past its waypoint$/,
    },
    {
      when: 'a gateway sends to the pods though it is told not to',
      given: { own: [binding({ ingress: true })], requests: answer(edge('source', 'edge', 'cart', 'cart')) },
      status: 'warn',
      reason: 'IngressBypassesWaypoint',
      says: /though istio\.io\/ingress-use-waypoint says true$/,
    },
    {
      when: 'a gateway sends to a ServiceEntry, which it calls by its host',
      given: { own: [bank], requests: answer(edge('source', 'edge', 'bank', 'bank.example.com')) },
      status: 'warn',
      reason: 'IngressBypassesWaypoint',
      says: /go to the pods of shop\/bank, past its waypoint/,
    },
    {
      when: 'a sidecar sends to the pods',
      given: { requests: answer(edge('source', 'old', 'cart', 'cart')) },
      status: 'warn',
      reason: 'SidecarsBypassWaypoint',
      says: /from shop\/old, which have sidecars/,
    },
    {
      when: 'a sidecar’s namespace begins as what nobody knows',
      given: {
        requests: answer(
          series(
            {
              reporter: 'source',
              source_workload_namespace: 'unknown-team',
              source_workload: 'old',
              destination_workload_namespace: 'shop',
              destination_workload: 'cart',
              destination_service_namespace: 'shop',
              destination_service_name: 'cart',
            },
            1,
          ),
        ),
      },
      status: 'warn',
      reason: 'SidecarsBypassWaypoint',
      says: /from unknown-team\/old/,
    },
    {
      when: 'nobody knows who sent',
      given: { requests: answer(edge('source', 'unknown', 'cart', 'cart')) },
      status: 'pass',
      says: /no gateway/,
    },
    {
      when: 'a caller was moved into ambient',
      given: { requests: answer(edge('source', 'web', 'cart', 'cart')) },
      status: 'pass',
      says: /no gateway/,
    },
  ],
  { own: [binding()], requests: answer(), pods: listed(own, router, sidecar('old'), ambientPod('web')) },
  PLANE,
);

it('has another cure where gateways know no waypoints', () => {
  const hintIn = (version: string): string => {
    const verdict = envoysPassWaypoints.judge(
      { own: [binding()], requests: answer(edge('source', 'edge', 'cart', 'cart')), pods: listed(router) },
      { plane: { ...PLANE, version }, scope, now: NOW },
    );
    return 'hint' in verdict ? String(verdict.hint) : '';
  };
  assert.match(hintIn('1.24.0'), /label --overwrite service cart istio\.io\/ingress-use-waypoint=true/);
  assert.match(hintIn('1.23.6'), /^istioctl version/);
});

it('tells callers apart by their pods', () => {
  const eastWest = ambientPod('ew', {
    annotations: {},
    labels: { 'gateway.networking.k8s.io/gateway-name': 'ew', 'pod-template-hash': '7d9c' },
  });
  const half = [sidecar('half'), ambientPod('half')];
  const found = callersIn([own, router, eastWest, sidecar('old'), ambientPod('web'), ...half]);
  const sorted = (names: ReadonlySet<string>) => [...names].sort();
  assert.deepEqual(sorted(found.waypoints), ['shop/waypoint']);
  assert.deepEqual(sorted(found.gateways), ['shop/edge', 'shop/ew']);
  assert.deepEqual(sorted(found.members), ['shop/half', 'shop/web']);
  assert.deepEqual(sorted(found.proxied), ['shop/edge', 'shop/ew', 'shop/old', 'shop/waypoint']);
});

const told = (change: Partial<MetricsTold>): { told: MetricsTold } => ({
  told: {
    classes: [],
    elsewhere: [],
    config: null,
    all: { telemetries: [], envoyFilters: [] },
    left: NOTHING_LEFT,
    revisions: [],
    missing: [],
    ...change,
  },
});
const aClass: ToldClass = {
  proxy: {
    namespace: 'shop',
    labels: { 'gateway.networking.k8s.io/gateway-name': 'waypoint' },
    kind: 'waypoint',
    version: '1.31.0',
  },
  served: [{ kind: 'Service', name: 'cart', namespace: 'shop' }],
  proxies: [{ pod: own, kind: 'waypoint', container: container('istio-proxy', 'x') }],
  stats: null,
};
/** What the shop's waypoint is told by these objects of Services beside it. */
const byObjects = (
  objects: readonly { kind: string }[],
  { served = ['cart'], ...plane }: Parameters<typeof configOf>[1] & { served?: readonly string[] } = {},
) => {
  const config = configOf(objects, plane);
  return told({
    config,
    all: allOf(objects),
    classes: served.map((name) => {
      const of = { kind: 'Service', name, namespace: 'shop' } as const;
      return { ...aClass, served: [of], stats: statsOf(config, aClass.proxy, of) };
    }),
  });
};
const aimed = (service: string) => ({ targetRefs: [{ group: '', kind: 'Service', name: service }] });
const providing = (title: string, provider: string, service: string) =>
  telemetryObject(title, { ...aimed(service), metrics: [{ providers: [{ name: provider }] }] });
const off = (title: string, service: string) =>
  telemetryObject(title, {
    ...aimed(service),
    metrics: [{ overrides: [{ match: { metric: 'ALL_METRICS' }, disabled: true }] }],
  });
const inbound = statsPatch({ context: 'SIDECAR_INBOUND' });
const ofWaypoint = [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' }];
const counting = (patch: object) => envoyFilterObject('shop/stats', { targetRefs: ofWaypoint, configPatches: [patch] });
const perhaps = { ...inbound, match: { ...inbound.match, proxy: { metadata: { ROLE: 'some' } } } };

judging(waypointsTold, [
  { when: 'no waypoint runs', given: told({}), status: 'skip', says: /no pod of a waypoint/ },
  {
    when: 'Telemetry could not be listed',
    given: told({ classes: [aClass], missing: [missing()] }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /what waypoints are told/,
  },
  {
    when: 'there is no MeshConfig',
    given: told({ classes: [aClass] }),
    status: 'unknown',
    reason: 'MeshConfigUnknown',
    says: /no MeshConfig to be read/,
  },
  { when: 'each Service’s requests are counted', given: byObjects([]), status: 'pass', says: /^for shop\/cart$/ },
  {
    when: 'nobody names a provider',
    given: byObjects([], { mesh: { defaults: [] } }),
    status: 'fail',
    reason: 'NoMetricsProvider',
    says: /^1 of 1 Service behind waypoints: no provider of metrics is named$/,
  },
  {
    when: 'an EnvoyFilter that counts is for proxies of some metadata',
    given: byObjects([counting(perhaps)], { mesh: { defaults: [] } }),
    status: 'unknown',
    reason: 'Undecided',
    says: /^1 of 1 proxy: what they are told is not known$/,
  },
  {
    when: 'requests are pushed to Stackdriver',
    given: byObjects([], { mesh: { defaults: ['stackdriver'] }, version: '1.22.8' }),
    status: 'skip',
    says: /push their metrics to Stackdriver/,
  },
  {
    when: 'an EnvoyFilter counts beside the provider',
    given: byObjects([counting(inbound)]),
    status: 'fail',
    reason: 'CountedTwice',
    says: /count each call twice: by provider prometheus and EnvoyFilter shop\/stats$/,
  },
  {
    when: 'two Services are lost by two causes',
    given: byObjects([providing('shop/cart', 'gone', 'cart'), off('shop/web', 'web')], { served: ['cart', 'web'] }),
    status: 'fail',
    reason: 'ProviderUnknown',
    says: /^1 of 2 Services behind waypoints: .*"gone".*; 1 of 2 Services behind waypoints by 1 other cause$/,
  },
] as never);

it('says what else is lost at waypoints, and of which pods', () => {
  const { told } = byObjects([providing('shop/cart', 'gone', 'cart'), off('shop/web', 'web')], {
    served: ['cart', 'web'],
  });
  const { evidence, subjects } = waypointsTold.judge({ told }, { plane: PLANE, scope, now: NOW }) as {
    evidence?: readonly string[];
    subjects?: readonly unknown[];
  };
  assert.ok(
    evidence?.includes('1 of 2 Services behind waypoints: Telemetry shop/web switches all metrics off'),
    evidence?.join('\n'),
  );
  assert.equal(subjects?.length, 1);
});

it('blames no object that is for a waypoint of the same name elsewhere', () => {
  const config = configOf(
    [
      telemetryObject('office/metrics', {
        targetRefs: ofWaypoint,
        metrics: [{ providers: [{ name: 'prometheus' }] }],
      }),
    ],
    { mesh: { defaults: [] } },
  );
  const classOf = (namespace: string, served: ToldClass['served']): ToldClass => {
    const proxy = { ...aClass.proxy, namespace };
    return { ...aClass, proxy, served, stats: statsOf(config, proxy, served[0]) };
  };
  const verdictOf = (...served: ToldClass['served']) =>
    waypointsTold.judge(told({ config, classes: [classOf('shop', served), classOf('office', [])] }), {
      plane: PLANE,
      scope,
      now: NOW,
    });
  const cart = { kind: 'Service', name: 'cart', namespace: 'shop' } as const;
  for (const served of [cart, { ...cart, namespace: 'office' }])
    assert.equal((verdictOf(served) as { reason?: string }).reason, 'NoMetricsProvider', served.namespace);
});

/** A waypoint of the mesh, and what is known of its Envoy. */
const emitting = (change: Partial<Emission>) => ({
  enrolled: enrolledOf({ waypoints: [own] }),
  emission: { ...proven, judged: [{ pod: own, kind: 'waypoint' }], ...change },
});
const asked = (merged: object) => [{ pod: own, kind: 'waypoint', merged, own: null }] as unknown as Emission['asked'];
const shows = (build: string | null) => asked({ got: { build, families: new Set() } });

judging(waypointsEmit, [
  {
    when: 'no waypoint runs',
    given: { enrolled: enrolledOf({ waypoints: [] }) },
    status: 'skip',
    says: /no pod of a waypoint/,
  },
  {
    when: 'a store has its series',
    given: emitting({ proven: new Set([own]) }),
    status: 'pass',
    says: /^1 waypoint pod: 1 by its stored series$/,
  },
  {
    when: 'its page has Istio’s metrics, and no store',
    given: emitting({ asked: shows('1.31.0') }),
    status: 'pass',
    says: /^1 waypoint pod: 0 by their stored series, 1 by its page$/,
  },
  {
    when: 'its page has nothing of Istio’s',
    given: emitting({ asked: shows(null) }),
    status: 'fail',
    reason: 'WaypointSilent',
    says: /^1 of 1 waypoint pod that was asked shows nothing of Istio’s/,
  },
  {
    when: 'its page cannot be read',
    given: emitting({ asked: asked({ missing: missing() }) }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /^1 of 1 waypoint pod: in no store, and the page/,
  },
  { when: 'nobody looked', given: emitting({}), status: 'unknown', reason: 'NotLookedAt', says: /none was asked/ },
] as never);
