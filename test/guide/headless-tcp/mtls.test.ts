import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answersOn } from '../../../src/evidence/istio/servers.ts';
import { mtlsIsUnderstood } from '../../../src/guide/headless-tcp/mtls.ts';
import {
  autoModeOf,
  type ClientPolicy,
  clientModeOf,
  indexPeerAuthentications,
  mtlsModeOf,
  type PeerAuthentication,
} from '../../../src/istio/mtls.ts';
import { judging } from '../../support/judging.ts';
import { container, listed, missing, partly, port, service } from '../../support/mixer.ts';
import { calls, current, found, peer, peers, redis, redisPod, towards } from '../../support/tcp.ts';

const STRICT_MESH = peer('STRICT', { namespace: 'istio-system' });
const excluded = { annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '1, 6379' } };
const ambient = { annotations: { 'ambient.istio.io/redirection': 'enabled' } };
const named = service('redis', { ports: [port('tcp', 80, { targetPort: 'redis' })], selector: { app: 'redis' } });
const two = service('redis', { ports: [port('tcp', 6379), port('tcp-2', 6380)], selector: { app: 'redis' } });
const gateway = redisPod(true, { labels: { app: 'redis', istio: 'ingressgateway' } });
const unlabelled = redisPod(true, { name: 'redis-2', labels: { app: 'redis' } });
const mislabelled = redisPod(false, {
  name: 'redis-2',
  labels: { app: 'redis', 'security.istio.io/tlsMode': 'istio' },
});
const own = { ...towards('MUTUAL'), speaks: 'other' } as const;
const web = service('web', { ports: [port('tcp', 6379)] });
const webPod = redisPod(true, { name: 'web-1', labels: { app: 'web' } });
const subset = { name: 'v1', labels: { version: 'v1' } };

judging(
  mtlsIsUnderstood,
  (
    [
      { when: 'no rule says how', given: { tls: [] }, status: 'skip', says: /no DestinationRule/ },
      { when: 'pods have proxies', given: { tls: [towards('ISTIO_MUTUAL')] }, status: 'pass', says: /1 Service/ },
      {
        when: 'a pod has none',
        given: { tls: [towards('ISTIO_MUTUAL')], pods: listed(redisPod(false)) },
        status: 'fail',
        reason: 'MtlsWithoutProxy',
        says: /bookinfo\/r \(ISTIO_MUTUAL\) to bookinfo\/redis, from bookinfo/,
      },
      {
        when: 'the pod without one is of another subset',
        given: { tls: [towards('ISTIO_MUTUAL', { subset })], pods: listed(redisPod(false)) },
        status: 'pass',
        says: /bookinfo\/redis subset v1/,
      },
      {
        when: 'the pod without one is of the subset, and of one port of two',
        given: {
          tls: [towards('ISTIO_MUTUAL', { subset, service: two })],
          pods: listed(redisPod(false, { labels: { app: 'redis', version: 'v1' } })),
        },
        status: 'fail',
        reason: 'MtlsWithoutProxy',
        says: /bookinfo\/redis subset v1 port 6379, from/,
      },
      {
        when: 'a rule for all takes in a namespace that no caller is in',
        given: {
          tls: [towards('ISTIO_MUTUAL', { host: '*.local', callers: ['web'] })],
          pods: listed(redisPod(false)),
        },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'the port is kept from the sidecar',
        given: { tls: [towards('ISTIO_MUTUAL')], pods: listed(redisPod(true, excluded)) },
        status: 'fail',
        reason: 'MtlsNotTaken',
        says: /bookinfo\/r \(ISTIO_MUTUAL\) to bookinfo\/redis, from bookinfo/,
      },
      {
        when: 'the port is kept from the sidecar, and the rule is for a whole domain',
        given: { tls: [towards('ISTIO_MUTUAL', { host: '*.local' })], pods: listed(redisPod(true, excluded)) },
        status: 'warn',
        reason: 'MtlsNotTaken',
        says: /ports that take plain text only/,
      },
      {
        when: 'the pods take plain text only',
        given: { tls: [towards('ISTIO_MUTUAL')], ...peers(STRICT_MESH, peer('DISABLE')) },
        status: 'fail',
        reason: 'MtlsNotTaken',
        says: /ports that take plain text only get mutual TLS/,
      },
      {
        when: 'the mesh is strict',
        given: { tls: [towards('DISABLE')], ...peers(STRICT_MESH) },
        status: 'fail',
        reason: 'StrictRefusesPlain',
        says: /bookinfo\/r \(DISABLE\)/,
      },
      {
        when: 'the mesh is strict, and the port kept from the sidecar',
        given: { tls: [towards('DISABLE')], ...peers(STRICT_MESH), pods: listed(redisPod(true, excluded)) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'the mesh is strict, and a named port leads to one that is',
        given: { tls: [towards('DISABLE', { service: named })], ...peers(STRICT_MESH) },
        status: 'fail',
        reason: 'StrictRefusesPlain',
        says: /to bookinfo\/redis/,
      },
      {
        when: 'the mesh is strict, and the pods are a gateway’s',
        given: { tls: [towards('DISABLE')], ...peers(STRICT_MESH), pods: listed(gateway) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'the mesh is strict, and ztunnel answers',
        given: { tls: [towards('DISABLE')], ...peers(STRICT_MESH), pods: listed(redisPod(false, ambient)) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'the mesh is strict, and ztunnel answers to callers that do not know it',
        given: {
          tls: [towards('DISABLE', { service: { ...redis, headless: true } })],
          ...peers(STRICT_MESH),
          pods: listed(redisPod(false, ambient)),
        },
        status: 'fail',
        reason: 'StrictRefusesPlain',
        says: /to bookinfo\/redis/,
      },
      {
        when: 'the namespace is not, in a strict mesh',
        given: { tls: [towards('DISABLE')], ...peers(STRICT_MESH, peer('PERMISSIVE')) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'the workload is, in a namespace that is not',
        given: {
          tls: [towards('SIMPLE')],
          ...peers(peer('PERMISSIVE'), peer('STRICT', { name: 'q', selector: { app: 'redis' } })),
        },
        status: 'fail',
        reason: 'StrictRefusesPlain',
        says: /\(SIMPLE\)/,
      },
      {
        when: 'the port is not, of a workload that is',
        given: {
          tls: [towards('DISABLE')],
          ...peers(peer('STRICT', { selector: { app: 'redis' }, ports: new Map([[6379, 'DISABLE']]) })),
        },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'Istio finds out that sidecars take it',
        given: { tls: [found('by pod')], ...peers(STRICT_MESH) },
        status: 'pass',
        says: /1 Service .*: Istio by itself \(pod by pod\) to bookinfo\/redis$/,
      },
      {
        when: 'a sidecar’s label says that it takes none, and it takes nothing else',
        given: { tls: [found('by pod')], ...peers(STRICT_MESH), pods: listed(redisPod(true), unlabelled) },
        status: 'fail',
        reason: 'StrictRefusesPlain',
        says: /: Istio by itself \(plain text\) to bookinfo\/redis; not labelled security\.istio\.io\/tlsMode=istio: bookinfo\/redis-2$/,
      },
      {
        when: 'a sidecar’s label says that it takes none, and it takes both',
        given: { tls: [found('by pod')], pods: listed(unlabelled) },
        status: 'pass',
        says: /pod by pod/,
      },
      {
        when: 'a sidecar’s label says that it takes none, and a rule speaks it',
        given: { tls: [towards('ISTIO_MUTUAL')], ...peers(STRICT_MESH), pods: listed(unlabelled) },
        status: 'pass',
        says: /ISTIO_MUTUAL/,
      },
      {
        when: 'a sidecar’s label says that it takes none, and what it takes cannot be seen',
        given: { tls: [found(null)], peers: { missing: missing() }, pods: listed(unlabelled) },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every PeerAuthentication/,
      },
      {
        when: 'the label of a pod without a proxy says that it takes it',
        given: { tls: [found('by pod')], pods: listed(redisPod(true), mislabelled) },
        status: 'fail',
        reason: 'MtlsWithoutProxy',
        says: /: Istio by itself \(mutual TLS\) to bookinfo\/redis, from bookinfo; labelled security\.istio\.io\/tlsMode=istio: bookinfo\/redis-2$/,
      },
      {
        when: 'the label of a pod without a proxy says that it takes it, and a rule that was not seen may not',
        given: { tls: [found('by pod')], pods: listed(mislabelled), calls: { ...calls, missing: [missing()] } },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every rule/,
      },
      {
        when: 'the label of a pod without a proxy says that it takes it, and its namespace may say DISABLE',
        given: { tls: [found(null)], peers: { missing: missing() }, pods: listed(mislabelled) },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every PeerAuthentication/,
      },
      {
        when: 'a port without a mode below ISTIO_MUTUAL is for pods that take none',
        given: { tls: [found('by label')], ...peers(peer('DISABLE', { selector: { app: 'redis' } })) },
        status: 'warn',
        reason: 'MtlsNotTaken',
        says: /: Istio by itself \(mutual TLS\) to bookinfo\/redis, from bookinfo$/,
      },
      {
        when: 'gRPC without a proxy has no label, and takes what it is told',
        given: {
          tls: [found('by pod')],
          ...peers(STRICT_MESH),
          pods: listed({ ...unlabelled, annotations: { 'sidecar.istio.io/status': '{"volumes":["istio-xds"]}' } }),
        },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'Istio does not know that the port is kept from the sidecar',
        given: { tls: [found('by pod')], pods: listed(redisPod(true, excluded)) },
        status: 'warn',
        reason: 'MtlsNotTaken',
        says: /Istio by itself \(mutual TLS\) to bookinfo\/redis, from bookinfo/,
      },
      {
        when: 'Istio is told of the port that is kept from the sidecar',
        given: {
          tls: [found('by pod')],
          pods: listed(redisPod(true, excluded)),
          ...peers(peer('STRICT', { selector: { app: 'redis' }, ports: new Map([[6379, 'DISABLE']]) })),
        },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'Istio sends plain text to a pod that is strict',
        given: { tls: [found('plain')], ...peers(STRICT_MESH) },
        status: 'fail',
        reason: 'StrictRefusesPlain',
        says: /Istio by itself \(plain text\) to bookinfo\/redis/,
      },
      {
        when: 'Istio sends plain text, and a rule that was not seen may not',
        given: { tls: [found('plain')], ...peers(STRICT_MESH), calls: { ...calls, missing: [missing()] } },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every rule/,
      },
      {
        when: 'Istio sends plain text, and nobody is near who would call',
        given: { tls: [found('plain', { callers: ['web'] })], ...peers(STRICT_MESH) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'Istio sends mutual TLS to all pods of a headless Service, and one takes none',
        given: {
          tls: [found('mutual', { service: { ...redis, headless: true } })],
          ...peers(peer(null, { selector: { app: 'redis' }, ports: new Map([[6379, 'DISABLE']]) })),
        },
        status: 'warn',
        reason: 'MtlsNotTaken',
        says: /Istio by itself/,
      },
      {
        when: 'what Istio finds out depends on what cannot be seen',
        given: { tls: [found(null)], peers: { missing: missing() } },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every PeerAuthentication/,
      },
      {
        when: 'a rule names certificates of its own',
        given: { tls: [own], ...peers(STRICT_MESH) },
        status: 'skip',
        says: /^TLS of a rule’s own is not looked at: DestinationRule bookinfo\/r \(MUTUAL\) to bookinfo\/redis$/,
      },
      {
        when: 'a rule names certificates of its own, and another speaks what pods take',
        given: { tls: [own, towards('ISTIO_MUTUAL', { service: web })], pods: listed(redisPod(true), webPod) },
        status: 'pass',
        says: /^1 Service with a mode of TLS: .* \(ISTIO_MUTUAL\) to bookinfo\/web; TLS of a rule’s own is not looked at: .* \(MUTUAL\) to bookinfo\/redis$/,
      },
      {
        when: 'a rule names certificates of its own, and what pods take cannot be seen',
        given: { tls: [own], peers: { missing: missing() } },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every PeerAuthentication/,
      },
      {
        when: 'callers speak TLS to pods without a proxy',
        given: { tls: [towards('SIMPLE')], pods: listed(redisPod(false)), peers: { missing: missing() } },
        status: 'skip',
        says: /\(SIMPLE\)/,
      },
      {
        when: 'callers speak TLS to a sidecar that hands it on',
        given: { tls: [towards('SIMPLE')] },
        status: 'skip',
        says: /\(SIMPLE\)/,
      },
      {
        when: 'what pods take cannot be seen',
        given: { tls: [towards('DISABLE')], peers: { missing: missing() } },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every PeerAuthentication/,
      },
      {
        when: 'what pods take cannot be seen, and matters to nobody',
        given: { tls: [towards('DISABLE')], peers: { missing: missing() }, pods: listed(redisPod(false)) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'some of what makes pods strict was seen, and not what may take it back',
        given: { tls: [towards('DISABLE')], peers: { got: partly(STRICT_MESH) } },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every PeerAuthentication/,
      },
      {
        when: 'a rule for all keeps from the sidecar, and not everything was seen',
        given: {
          tls: [towards('ISTIO_MUTUAL', { host: '*.local' })],
          pods: listed(redisPod(true, excluded)),
          calls: { ...calls, missing: [missing()] },
        },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every rule/,
      },
      {
        when: 'not every rule was seen',
        given: { tls: [], calls: { ...calls, missing: [missing()] } },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every rule/,
      },
      {
        when: 'pods of 1.4 have proxies',
        given: { tls: [towards('DISABLE')] },
        plane: { version: '1.4.10' },
        status: 'skip',
        says: /before 1\.6: DestinationRule bookinfo\/r \(DISABLE\)/,
      },
      {
        when: 'pods of 1.5 have proxies, and may have a Policy',
        given: { tls: [towards('DISABLE')] },
        plane: { version: '1.5.10' },
        status: 'skip',
        says: /before 1\.6/,
      },
      {
        when: 'pods of 1.5 have a PeerAuthentication',
        given: { tls: [towards('DISABLE')], ...peers(STRICT_MESH) },
        plane: { version: '1.5.10' },
        status: 'fail',
        reason: 'StrictRefusesPlain',
        says: /bookinfo\/redis/,
      },
      {
        when: 'a pod of 1.4 has none',
        given: { tls: [towards('ISTIO_MUTUAL')], pods: listed(redisPod(false)) },
        plane: { version: '1.4.10' },
        status: 'fail',
        reason: 'MtlsWithoutProxy',
        says: /bookinfo\/redis/,
      },
    ] as const
  ).map(current),
  { calls, pods: listed(redisPod(true)), peers: { got: listed<PeerAuthentication>() } },
);

const policy = (mode: string | null, ports: Record<number, string | null> = {}): ClientPolicy => ({
  mode,
  ports: new Map(Object.entries(ports).map(([number, each]) => [Number(number), each])),
});

describe('what callers speak', () => {
  const cases: readonly [what: string, ClientPolicy | null, ClientPolicy | null, string | null][] = [
    ['nothing is said', null, null, null],
    ['the rule’s word', policy('DISABLE'), null, 'DISABLE'],
    ['its port’s before it', policy('DISABLE', { 80: 'ISTIO_MUTUAL' }), null, 'ISTIO_MUTUAL'],
    ['another port’s not', policy('DISABLE', { 81: 'ISTIO_MUTUAL' }), null, 'DISABLE'],
    ['the subset’s before the rule’s', policy('DISABLE'), policy('SIMPLE'), 'SIMPLE'],
    ['the subset’s before the rule’s port', policy(null, { 80: 'DISABLE' }), policy('ISTIO_MUTUAL'), 'ISTIO_MUTUAL'],
    ['the subset’s port before all', policy('DISABLE'), policy('SIMPLE', { 80: 'ISTIO_MUTUAL' }), 'ISTIO_MUTUAL'],
    ['the rule’s port where the subset says nothing', policy('SIMPLE', { 80: 'DISABLE' }), policy(null), 'DISABLE'],
    ['plain text where a port names no mode below a rule that does', policy('SIMPLE', { 80: null }), null, 'DISABLE'],
    ['nothing where a port names no mode below a rule with Istio’s', policy('ISTIO_MUTUAL', { 80: null }), null, null],
    ['nothing where neither names one', policy(null, { 80: null }), policy(null), null],
  ];
  for (const [what, rule, part, mode] of cases)
    it(`is ${what}`, () => assert.equal(clientModeOf(rule, part, { port: 80, headless: false }), mode));
  it('is found out for a headless Service whose port names no mode', () =>
    assert.equal(clientModeOf(policy('DISABLE', { 80: null }), null, { port: 80, headless: true }), null));
});

describe('what pods take', () => {
  const pod = { namespace: 'bookinfo', labels: { app: 'redis' } };
  const mode = (namespace: string, ...rules: readonly PeerAuthentication[]) =>
    mtlsModeOf(indexPeerAuthentications(rules), { ...pod, namespace }, 6379, 'istio-system');
  const selecting = (namespace: string) => peer('STRICT', { namespace, selector: { app: 'redis' } });
  it('is not what a rule with a selector in the root namespace says, there and elsewhere', () => {
    assert.equal(mode('istio-system', selecting('istio-system')), 'PERMISSIVE');
    assert.equal(mode('bookinfo', selecting('istio-system')), 'PERMISSIVE');
    assert.equal(mode('bookinfo', selecting('bookinfo')), 'STRICT');
  });
  it('is not what the ports of a rule for a whole namespace say', () =>
    assert.equal(mode('bookinfo', peer('STRICT', { ports: new Map([[6379, 'DISABLE']]) })), 'STRICT'));
  it('is what the oldest rule says, and a port without a mode takes its workload’s', () => {
    const old = peer(null, { selector: { app: 'redis' }, ports: new Map([[6379, null]]), createdAt: 1 });
    const young = peer('PERMISSIVE', { name: 'a', selector: { app: 'redis' }, createdAt: 2 });
    assert.equal(mode('bookinfo', young, old, STRICT_MESH), 'STRICT');
  });
  it('is sorted once, whoever asks', () => {
    let compared = 0;
    const rules = Array.from({ length: 100 }, (_, at) => ({
      ...peer('STRICT', { name: `p${at}`, selector: { app: `a${at}` } }),
      get createdAt() {
        compared++;
        return at;
      },
    }));
    const index = indexPeerAuthentications(rules);
    const before = compared;
    for (let at = 0; at < 100; at++) mtlsModeOf(index, { ...pod, labels: { app: `a${at}` } }, 6379, 'istio-system');
    assert.equal(compared, before);
  });
  it('is plain text where the sidecar is passed by', () => {
    const redirected = (annotations: Record<string, string>) =>
      [80, 443, 15020].filter((each) => answersOn(redisPod(true, { annotations }), each) === 'sidecar');
    const include = 'traffic.sidecar.istio.io/includeInboundPorts';
    const exclude = 'traffic.sidecar.istio.io/excludeInboundPorts';
    assert.deepEqual(redirected({}), [80, 443]);
    assert.deepEqual(redirected({ [exclude]: '15020,443' }), [80]);
    assert.deepEqual(redirected({ [include]: '*', [exclude]: '443' }), [80]);
    assert.deepEqual(redirected({ [include]: '443', [exclude]: '443' }), [443]);
    assert.deepEqual(redirected({ [include]: '' }), []);
    const behindItsBack = redisPod(true, { annotations: { [exclude]: '443' } });
    assert.deepEqual(
      [80, 443, 15020].map((each) => answersOn(behindItsBack, each)),
      ['sidecar', 'application', null],
    );
  });
  it('is plain text where the installation, or an interface, passes the sidecar by', () => {
    const byValues = redisPod(true, { redirection: ['istio-iptables', '-b', '*', '-d', '15090,15021,443,15020'] });
    assert.deepEqual(
      [80, 443].map((each) => answersOn(byValues, each)),
      ['sidecar', 'application'],
    );
    const annotations = { 'traffic.sidecar.istio.io/excludeInterfaces': 'eth0' };
    assert.equal(answersOn(redisPod(true, { annotations }), 80), 'application');
  });
  it('is not known where nothing is redirected, and a Sidecar says on which ports its proxy listens', () => {
    const own = container('istio-proxy', 'istio/proxyv2:1.31.0', {
      variables: { ISTIO_META_INTERCEPTION_MODE: 'NONE' },
    });
    assert.equal(answersOn(redisPod(true, { containers: [container('redis', 'redis:7'), own] }), 80), null);
  });
});

describe('what Istio finds out by itself', () => {
  const of = (headless: boolean, haveProxy: readonly boolean[], ...rules: readonly PeerAuthentication[]) =>
    autoModeOf(
      indexPeerAuthentications(rules),
      { namespace: 'bookinfo', root: 'istio-system', headless, isOn: true },
      haveProxy,
    );
  it('is mutual TLS to each pod that has a proxy', () => assert.equal(of(false, [true, false]), 'by pod'));
  it('is mutual TLS to all pods of a headless Service, where all have proxies', () =>
    assert.deepEqual([of(true, [true]), of(true, [true, false]), of(true, [])], ['mutual', 'plain', 'plain']));
  it('is plain text where the namespace says DISABLE, and not where one pod’s rule does', () => {
    assert.equal(of(false, [true], peer('STRICT'), peer('DISABLE', { selector: { app: 'redis' } })), 'by pod');
    assert.equal(of(false, [true], peer('DISABLE'), peer('STRICT', { selector: { app: 'redis' } })), 'plain');
    assert.equal(of(false, [true], peer(null), peer('DISABLE', { namespace: 'istio-system' })), 'plain');
  });
});
