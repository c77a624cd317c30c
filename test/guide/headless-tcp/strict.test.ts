import type { Pod } from '../../../src/evidence/kubernetes/pod.ts';
import { strictIsCalledByProxies } from '../../../src/guide/headless-tcp/strict.ts';
import type { PeerAuthentication } from '../../../src/istio/mtls.ts';
import { judging } from '../../support/judging.ts';
import { container, listed, missing, partly, workloadPod } from '../../support/mixer.ts';
import { calls, current, peer, redis, redisPod } from '../../support/tcp.ts';

const STRICT = { peers: listed(peer('STRICT')) };
const web = workloadPod('web-1', false);
const beside = (...pods: readonly Pod[]) => ({ pods: listed(redisPod(true), ...pods) });

judging(
  strictIsCalledByProxies,
  (
    [
      {
        when: 'nothing is strict',
        given: { ...beside(web), peers: listed(peer('PERMISSIVE')) },
        status: 'skip',
        says: /no Service/,
      },
      {
        when: 'nothing is strict by what is read of 1.5',
        given: { ...beside(web), peers: listed<PeerAuthentication>() },
        plane: { version: '1.5.10' },
        status: 'skip',
        says: /^what pods take is not looked at before 1\.6$/,
      },
      {
        when: 'a pod of 1.5 is strict by what is read',
        given: { ...STRICT, ...beside(web) },
        plane: { version: '1.5.10' },
        status: 'warn',
        reason: 'StrictBesidePlainCallers',
        says: /bookinfo\/redis/,
      },
      {
        when: 'nothing lives beside what is',
        given: STRICT,
        status: 'pass',
        says: /1 Service that takes .*: bookinfo\/redis/,
      },
      {
        when: 'a pod without a proxy does',
        given: { ...STRICT, ...beside(web) },
        status: 'warn',
        reason: 'StrictBesidePlainCallers',
        says: /^bookinfo\/redis takes mutual TLS only, beside pods without a proxy: bookinfo\/web-1$/,
      },
      {
        when: 'it lives in another namespace',
        given: { ...STRICT, ...beside({ ...web, namespace: 'shop' }) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'it has ended',
        given: { ...STRICT, ...beside({ ...web, phase: 'Succeeded' }) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'it is a database, and is called',
        given: { ...STRICT, ...beside({ ...web, containers: [container('db', 'postgres:16')] }) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'it is of its node',
        given: { ...STRICT, ...beside({ ...web, hostNetwork: true }) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'ztunnel speaks for it',
        given: { ...STRICT, ...beside({ ...web, annotations: { 'ambient.istio.io/redirection': 'enabled' } }) },
        status: 'pass',
        says: /1 Service/,
      },
      {
        when: 'the one port is plain',
        given: {
          ...beside(web),
          peers: listed(
            peer('STRICT', { selector: { app: 'redis' }, ports: new Map([[6379, 'PERMISSIVE' as const]]) }),
          ),
        },
        status: 'skip',
        says: /no Service/,
      },
      {
        when: 'the one port is kept from the sidecar',
        given: {
          ...STRICT,
          pods: listed(
            redisPod(true, { annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '6379' } }),
            web,
          ),
        },
        status: 'skip',
        says: /no Service/,
      },
      {
        when: 'all of it is the control plane’s',
        given: { ...STRICT, ...beside(web) },
        plane: { namespace: 'bookinfo' },
        status: 'skip',
        says: /no Service/,
      },
      {
        when: 'another namespace was asked for',
        given: { ...STRICT, ...beside(web) },
        scope: { namespace: 'shop' },
        status: 'skip',
        says: /no Service/,
      },
      {
        when: 'not every rule was seen',
        given: { ...beside(web), peers: partly<PeerAuthentication>() },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not every PeerAuthentication/,
      },
      {
        when: 'not every pod was seen',
        given: { ...STRICT, pods: { ...listed(redisPod(true)), refusal: missing() } },
        status: 'unknown',
        reason: 'Forbidden',
        says: /not allowed/,
      },
    ] as const
  ).map(current),
  { services: listed(redis), pods: listed(redisPod(true)), calls },
);
