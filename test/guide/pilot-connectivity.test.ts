import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { logIn } from '../../src/evidence/envoy/logs.ts';
import type { PilotSync } from '../../src/evidence/istio/pilot.ts';
import type { Expected } from '../../src/evidence/istio/proxies.ts';
import { type ProxySync, podOfProxy, stateOf, syncIn, type TypeSync } from '../../src/evidence/istio/sync.ts';
import { pilotIsReady } from '../../src/guide/pilot-connectivity/pilot-running.ts';
import { pilotHasService } from '../../src/guide/pilot-connectivity/pilot-service.ts';
import { proxiesTakeConfiguration } from '../../src/guide/pilot-connectivity/proxies-accept.ts';
import { proxiesAreConnected, proxiesNearVersion } from '../../src/guide/pilot-connectivity/proxies-connected.ts';
import { pilotCountsNoRejects, proxiesAreSynced } from '../../src/guide/pilot-connectivity/proxies-synced.ts';
import { proxyCertificatesValid } from '../../src/guide/pilot-connectivity/proxy-certificates.ts';
import { proxiesDoNotWait } from '../../src/guide/pilot-connectivity/proxy-logs.ts';
import { pilotKnowsServices } from '../../src/guide/pilot-connectivity/registration.ts';
import { counted, envoy, silent, told } from '../support/envoys.ts';
import { judging, NOW } from '../support/judging.ts';
import { listed, missing, partly, pod, port, service, workloadPod } from '../support/mixer.ts';
import { pilot, typeSync } from '../support/pilot.ts';

judging(
  pilotIsReady,
  [
    {
      when: 'both replicas are',
      given: { pilots: [pilot(), pilot('istiod-2')] },
      status: 'pass',
      says: /^2 replicas ready$/,
    },
    {
      when: 'one is not',
      given: { pilots: [pilot(), pilot('istiod-2', { ready: false })] },
      status: 'warn',
      reason: 'ReplicaNotReady',
      says: /^1 of 2/,
    },
    {
      when: 'none is',
      given: { pilots: [pilot('istiod-1', { ready: false, trouble: 'CrashLoopBackOff' })] },
      status: 'fail',
      reason: 'PilotNotReady',
      says: /istiod-1 CrashLoopBackOff/,
    },
    { when: 'there is none', given: {}, status: 'fail', reason: 'PilotMissing', says: /no pod of Pilot/ },
    {
      when: 'not every pod could be listed',
      given: { pods: partly() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every pod/,
    },
    {
      when: 'it runs elsewhere',
      given: {},
      plane: { namespace: null },
      status: 'unknown',
      reason: 'PilotMissing',
      says: /in another cluster/,
    },
  ],
  { pilots: [], pods: listed() },
);

judging(pilotKnowsServices, [
  {
    when: 'it knows some',
    given: { registries: [{ pod: 'istiod-1', services: { got: 12 } }] },
    status: 'pass',
    says: /^istiod-1: 12 services$/,
  },
  {
    when: 'one replica knows none',
    given: {
      registries: [
        { pod: 'a', services: { got: 12 } },
        { pod: 'b', services: { got: 0 } },
      ],
    },
    status: 'fail',
    reason: 'RegistryEmpty',
    says: /^b knows no service$/,
  },
  {
    when: 'none could be asked',
    given: { registries: [{ pod: 'a', services: { missing: missing('TimedOut') } }] },
    status: 'unknown',
    reason: 'TimedOut',
    says: /1 of 1 replica/,
  },
  { when: 'none runs', given: { registries: [] }, status: 'skip', says: /no replica/ },
]);

const proxy = (name: string, ...types: TypeSync[]): ProxySync => ({
  proxy: `${name}.bookinfo`,
  version: '1.31.0',
  types:
    types.length > 0 ? types : [typeSync('cluster'), typeSync('listener'), typeSync('route', { sent: '', acked: '' })],
});
const sync = (...proxies: ProxySync[]): PilotSync => ({ pilot: pilot(), proxies: { got: proxies }, later: null });
const unread: PilotSync = { pilot: pilot('istiod-2'), proxies: { missing: missing('TimedOut') }, later: null };
const expecting = (...names: string[]): { expected: Expected } => ({
  expected: { pods: names.map((name) => workloadPod(name, true)), young: 0, refusal: null },
});

judging(
  proxiesAreConnected,
  [
    { when: 'all are', given: {}, status: 'pass', says: /^all 2 proxies on 1 replica$/ },
    {
      when: 'one is on another replica',
      given: { syncs: [sync(proxy('a')), sync(proxy('b'))] },
      status: 'pass',
      says: /on 2 replicas/,
    },
    {
      when: 'one is missing',
      given: { syncs: [sync(proxy('a'))] },
      status: 'fail',
      reason: 'ProxiesMissing',
      says: /bookinfo\/b \(1 of 2 proxies\)/,
    },
    {
      when: 'one may be on a replica that is silent',
      given: { syncs: [sync(proxy('a')), unread] },
      status: 'unknown',
      reason: 'TimedOut',
      says: /1 of 2 proxies may be/,
    },
    {
      when: 'no replica runs',
      given: { syncs: [] },
      status: 'fail',
      reason: 'ProxiesMissing',
      says: /no replica of Pilot runs/,
    },
    {
      when: 'there is no proxy',
      given: { expected: { pods: [], young: 2, refusal: null } },
      status: 'skip',
      says: /; 2 younger/,
    },
  ],
  { ...expecting('a', 'b'), syncs: [sync(proxy('a'), proxy('b'))] },
);

judging(
  proxiesNearVersion,
  [
    { when: 'all are', given: { syncs: [sync(proxy('a'))] }, status: 'pass', says: /1 proxy within/ },
    {
      when: 'one is three behind',
      given: { syncs: [sync({ ...proxy('a'), version: '1.28.1' })] },
      status: 'warn',
      reason: 'ProxiesOutdated',
      says: /a.bookinfo 1.28.1, with a control plane of 1.31.0/,
    },
    {
      when: 'it is istioctl',
      given: { syncs: [sync({ ...proxy('a'), version: '65536.65536.65536' })] },
      status: 'skip',
      says: /no connected proxy/,
    },
    {
      when: 'no page could be read',
      given: { syncs: [unread] },
      status: 'unknown',
      reason: 'TimedOut',
      says: /TimedOut/,
    },
    { when: 'it is 0.8', given: { syncs: [] }, plane: { version: '0.8.0' }, status: 'skip', says: /0.8/ },
  ],
  expecting('a'),
);

const of = (...types: TypeSync[]) => ({ syncs: [sync(proxy('a', ...types))] });
const stale = typeSync('listener', { sent: 'b', acked: 'a' });
judging(
  proxiesAreSynced,
  [
    { when: 'all is taken, and routes were not sent', given: {}, status: 'pass', says: /^1 proxy in sync$/ },
    {
      when: 'a listener is refused',
      given: of(typeSync('listener', { error: 'no such filter' })),
      status: 'fail',
      reason: 'ConfigRejected',
      says: /a.bookinfo \(listener\) refused: no such filter/,
    },
    {
      when: 'no clusters were sent',
      given: of(typeSync('cluster', { sent: '', acked: '' })),
      status: 'fail',
      reason: 'NotSent',
      says: /a.bookinfo \(cluster\)/,
    },
    {
      when: 'an answer is five minutes late',
      given: of(stale),
      status: 'fail',
      reason: 'Stale',
      says: /no answer from a.bookinfo \(listener\)/,
    },
    {
      when: 'an answer is a second late',
      given: of({ ...stale, sentAt: NOW - 1000 }),
      status: 'warn',
      reason: 'AnswerOwed',
      says: /is owed/,
    },
    {
      when: 'an old release does not tell when',
      given: of({ ...stale, sentAt: null }),
      status: 'warn',
      reason: 'AnswerOwed',
      says: /is owed/,
    },
    {
      when: 'routes alone are late',
      given: of({ ...stale, kind: 'route' }),
      status: 'warn',
      reason: 'AnswerOwed',
      says: /\(route\)/,
    },
    {
      when: 'two readings show the same',
      given: {
        syncs: [
          { ...sync(proxy('a', { ...stale, sentAt: null })), later: { got: [proxy('a', { ...stale, sentAt: null })] } },
        ],
      },
      scope: { window: 10_000 },
      status: 'fail',
      reason: 'Stale',
      says: /no answer/,
    },
    {
      when: 'the second reading has moved on',
      given: {
        syncs: [
          {
            ...sync(proxy('a', { ...stale, sentAt: null })),
            later: { got: [proxy('a', typeSync('listener', { sent: 'c', acked: 'b' }))] },
          },
        ],
      },
      scope: { window: 10_000 },
      status: 'warn',
      reason: 'AnswerOwed',
      says: /is owed/,
    },
    {
      when: 'a replica is silent',
      given: { syncs: [sync(proxy('a')), unread] },
      status: 'unknown',
      reason: 'TimedOut',
      says: /others may be/,
    },
    { when: 'it is 0.8', given: { syncs: [sync({ ...proxy('a'), types: [] })] }, status: 'skip', says: /0.8/ },
    { when: 'nobody is connected', given: { syncs: [sync()] }, status: 'skip', says: /no proxy/ },
  ],
  { ...expecting('a'), syncs: [sync(proxy('a'))] },
);

const counts = (rejects: [string, number][]) => ({
  counts: { got: [{ got: { pod: 'istiod-1', rejects: new Map(rejects), refusing: new Set<string>() } }] },
});
judging(pilotCountsNoRejects, [
  { when: 'there are none', given: counts([['lds', 0]]), status: 'pass', says: /1 replica/ },
  {
    when: 'there were some',
    given: counts([['lds', 3]]),
    status: 'warn',
    reason: 'RejectsCounted',
    says: /istiod-1: 3 of lds/,
  },
  {
    when: 'no page could be read',
    given: { counts: { got: [{ missing: missing() }] } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
  { when: 'no replica runs', given: { counts: { got: [] } }, status: 'skip', says: /no replica/ },
]);

const updates = (cds: [number, number], lds: [number, number]) => ({
  stats: [
    told(
      counted({
        'cluster_manager.cds.update_success': cds[0],
        'cluster_manager.cds.update_rejected': cds[1],
        'listener_manager.lds.update_success': lds[0],
        'listener_manager.lds.update_rejected': lds[1],
      }),
    ),
  ],
});

judging(proxiesTakeConfiguration, [
  { when: 'all was taken', given: updates([3, 0], [2, 0]), status: 'pass', says: /1 proxy asked/ },
  {
    when: 'no listener was ever taken',
    given: updates([3, 0], [0, 4]),
    status: 'fail',
    reason: 'NeverConfigured',
    says: /took no listeners/,
  },
  {
    when: 'some were refused',
    given: updates([3, 0], [2, 4]),
    status: 'warn',
    reason: 'UpdatesRejected',
    says: /refused 4 configurations/,
  },
  {
    when: 'nobody answers',
    given: { stats: [silent()] },
    status: 'unknown',
    reason: 'Forbidden',
    says: /1 of 1 proxy/,
  },
  { when: 'there is nobody', given: { stats: [] }, status: 'skip', says: /no proxy/ },
]);

describe('syncz, in every release’s form', () => {
  it('1.0: nonces side by side', () => {
    const page = JSON.stringify([
      {
        proxy: 'a.b',
        cluster_sent: 'x',
        cluster_acked: 'x',
        listener_sent: 'y',
        route_sent: '',
        endpoint_sent: 'z',
        endpoint_acked: 'w',
      },
    ]);
    const [found] = syncIn(page, false) ?? [];
    assert.deepEqual(
      found?.types.map((each) => [each.kind, stateOf(each)]),
      [
        ['cluster', 'synced'],
        ['listener', 'stale'],
        ['route', 'not sent'],
        ['endpoint', 'stale'],
      ],
    );
  });
  it('1.24: by type, with the error', () => {
    const page = JSON.stringify([
      {
        proxy: 'a.b',
        istio_version: '1.31.0',
        resources: {
          'type.googleapis.com/envoy.config.listener.v3.Listener': {
            sent: 'x',
            acked: 'w',
            sentTime: '2026-11-22T09:00:00Z',
            lastError: 'bad',
          },
          'type.googleapis.com/istio.workload.Address': { sent: 'x', acked: 'x' },
        },
      },
    ]);
    const [found] = syncIn(page, false) ?? [];
    assert.deepEqual(
      [found?.version, found?.types.map((each) => [each.kind, stateOf(each)])],
      [
        '1.31.0',
        [
          ['listener', 'error'],
          ['address', 'synced'],
        ],
      ],
    );
    assert.equal(found?.types[0]?.sentAt, Date.parse('2026-11-22T09:00:00Z'));
  });
  it('1.22: of ztunnel nothing is told', () => {
    const page = JSON.stringify([{ proxy: 'ztunnel-x.istio-system', proxy_type: 'ztunnel' }]);
    assert.deepEqual(syncIn(page, false)?.[0]?.types, []);
  });
  it('a pod’s name may hold dots', () => {
    assert.deepEqual(podOfProxy('reviews-v1.0-abc.shop'), { pod: 'reviews-v1.0-abc', namespace: 'shop' });
  });
  it('0.8: adsz names the nodes', () => {
    const page =
      '[{"node": "sidecar~10.1.0.3~a.b~b.svc.cluster.local-4", "connect": "2018"}, {"node": "router~10.1.0.4~gw.istio-system~x-5"}]';
    assert.deepEqual(
      syncIn(page, true)?.map(({ proxy }) => proxy),
      ['a.b', 'gw.istio-system'],
    );
  });
  it('none, null, HTML and a cut page', () => {
    assert.deepEqual(syncIn('null', false), []);
    for (const page of ['<html>', '[{"proxy":"a', '{}']) assert.equal(syncIn(page, false), null);
    assert.equal(syncIn('<html>', true), null);
  });
});

const at15012 = service('istiod', {
  namespace: 'istio-system',
  selector: { istio: 'mixer' },
  ports: [port('tls', 15012)],
});
const onePilot = [{ pod: pod(), version: '1.31.0', debugPort: 15014 }];
judging(
  pilotHasService,
  [
    { when: 'one does', given: {}, status: 'pass', says: /^istiod:15012$/, plane: { version: '1.31.0' } },
    {
      when: 'none selects it',
      given: { services: listed() },
      status: 'fail',
      reason: 'PilotServiceMissing',
      says: /no Service selects istio-telemetry-1/,
      plane: { version: '1.31.0' },
    },
    {
      when: 'it has other ports',
      given: {},
      status: 'fail',
      reason: 'PilotServiceMissing',
      says: /istiod has none of the ports 15010, 15011/,
    },
    {
      when: '0.8 has its own ports',
      given: { services: listed({ ...at15012, ports: [port('x', 15003)] }) },
      status: 'pass',
      says: /15003/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'not every Service was seen',
      given: { services: partly() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
    },
    { when: 'there is no Pilot', given: { pilots: [] }, status: 'skip', says: /no pod of Pilot/ },
  ],
  { pilots: onePilot, services: listed(at15012) },
);

const HOUR = 3_600_000;
const certificate = (left: number | null, daysLeft = 0) =>
  told([{ path: 'x', notAfter: left === null ? null : NOW + left, daysLeft, own: true }]);
const asked = { envoys: [envoy()], of: 1 };
judging(
  proxyCertificatesValid,
  [
    {
      when: 'they are',
      given: { certificates: [certificate(20 * HOUR)] },
      status: 'pass',
      says: /^valid for 20 hours or more, in 1 proxy$/,
    },
    {
      when: 'one has ended',
      given: { certificates: [certificate(-2 * HOUR)] },
      status: 'fail',
      reason: 'CertificateExpired',
      says: /bookinfo\/reviews: ended 2 hours ago/,
    },
    {
      when: 'one ends soon',
      given: { certificates: [certificate(HOUR / 2)] },
      status: 'warn',
      reason: 'CertificateLate',
      says: /30 minutes left/,
    },
    {
      when: 'an old page tells days only',
      given: { certificates: [certificate(null, 80)] },
      status: 'pass',
      says: /80 days/,
    },
    {
      when: 'an old page tells that it is the last day',
      given: { certificates: [certificate(null, 0)] },
      status: 'warn',
      reason: 'CertificateLate',
      says: /less than a day left/,
    },
    {
      when: 'an old page tells that it is over',
      given: { certificates: [certificate(null, -2)] },
      status: 'fail',
      reason: 'CertificateExpired',
      says: /ended 2 days ago/,
    },
    {
      when: 'a gateway shows one of its host’s that is over',
      given: { certificates: [told([{ path: 'x', notAfter: NOW - 1, daysLeft: 0, own: false }])] },
      status: 'skip',
      says: /no certificate/,
    },
    { when: 'there are none', given: { certificates: [told([])] }, status: 'skip', says: /no mTLS/ },
    {
      when: 'it cannot be asked',
      given: { certificates: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 1/,
    },
    { when: 'there is nobody', given: { certificates: [] }, status: 'skip', says: /no proxy/ },
  ],
  { asked },
);

const log = (line: string) => told({ current: logIn(line), previous: null });
const complaint = (ago: number): string =>
  `${new Date(NOW - ago).toISOString()}\twarn\tEnvoy proxy is NOT ready: config not received from XDS server (is Istiod running?)`;
judging(
  proxiesDoNotWait,
  [
    { when: 'none does', given: { logs: [log('Envoy proxy is ready')] }, status: 'pass', says: /no complaint/ },
    {
      when: 'one does',
      given: { logs: [log(complaint(60_000))] },
      status: 'warn',
      reason: 'ConfigurationAwaited',
      says: /bookinfo\/reviews: .*config not received/,
    },
    {
      when: 'no line says when',
      given: { logs: [log('warn Envoy proxy is NOT ready: config not received from Pilot (is Pilot running?)')] },
      status: 'warn',
      reason: 'ConfigurationAwaited',
      says: /config not received/,
    },
    { when: 'that is an hour ago', given: { logs: [log(complaint(HOUR))] }, status: 'pass', says: /no complaint/ },
    {
      when: 'a log cannot be read',
      given: { logs: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 1/,
    },
    { when: 'there is nobody', given: { logs: [] }, status: 'skip', says: /no proxy/ },
  ],
  { asked },
);
