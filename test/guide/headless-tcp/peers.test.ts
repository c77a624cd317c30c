import type { Pod } from '../../../src/evidence/kubernetes/pod.ts';
import { peerAuthenticationsCount } from '../../../src/guide/headless-tcp/peers.ts';
import type { PeerAuthentication } from '../../../src/istio/mtls.ts';
import { judging } from '../../support/judging.ts';
import { listed, partly, port, service } from '../../support/mixer.ts';
import { calls, peer, redisPod } from '../../support/tcp.ts';

const selector = { app: 'redis' };
const ports = (number: number) => new Map([[number, 'STRICT' as const]]);
const inRoot = (mode: 'STRICT' | 'PERMISSIVE', createdAt: number) =>
  peer(mode, { name: `p${createdAt}`, namespace: 'istio-system', createdAt });
const redis = service('redis', { ports: [port('tcp', 80, { targetPort: 'redis' })], selector });

judging(
  peerAuthenticationsCount,
  [
    { when: 'there is none', given: { peers: listed<PeerAuthentication>() }, status: 'skip', says: /no PeerAuth/ },
    {
      when: 'they are of their pods',
      given: { peers: listed(peer('STRICT'), peer(null, { name: 'q', selector, ports: ports(6379) })) },
      status: 'pass',
      says: /^2 PeerAuthentications: bookinfo\/p and bookinfo\/q$/,
    },
    {
      when: 'one in the root namespace selects',
      given: { peers: listed(peer('STRICT', { namespace: 'istio-system', selector })) },
      status: 'warn',
      reason: 'SelectorInRoot',
      says: /istio-system\/p/,
    },
    {
      when: 'ports are named for all pods',
      given: { peers: listed(peer('STRICT', { ports: ports(6379) })) },
      status: 'warn',
      reason: 'PortsWithoutSelector',
      says: /bookinfo\/p/,
    },
    {
      when: 'a younger one of the namespace says something else',
      given: { peers: listed(peer('STRICT', { name: 'new', createdAt: 2 }), peer('PERMISSIVE', { createdAt: 1 })) },
      status: 'warn',
      reason: 'Shadowed',
      says: /^bookinfo\/new is not in force, p is older$/,
    },
    {
      when: 'a younger one of the mesh says something else, and pods cannot be seen',
      given: { peers: listed(inRoot('STRICT', 2), inRoot('PERMISSIVE', 1)), pods: partly<Pod>() },
      status: 'warn',
      reason: 'Shadowed',
      says: /^istio-system\/p2 is not in force, p1 is older$/,
    },
    {
      when: 'a younger one of the namespace says the same',
      given: { peers: listed(peer('STRICT', { name: 'new', createdAt: 2 }), peer('STRICT', { createdAt: 1 })) },
      status: 'pass',
      says: /2 PeerAuth/,
    },
    {
      when: 'every pod of one is an older one’s',
      given: { peers: listed(peer('STRICT', { name: 'new', selector, createdAt: 2 }), peer('DISABLE', { selector })) },
      status: 'warn',
      reason: 'Shadowed',
      says: /^bookinfo\/new is not in force, p is older$/,
    },
    {
      when: 'some pods of one are an older one’s',
      given: {
        peers: listed(
          peer('STRICT', { name: 'new', selector, createdAt: 2 }),
          peer('DISABLE', { selector: { ...selector, version: 'v1' } }),
        ),
        pods: listed(redisPod(true), redisPod(true, { labels: { ...selector, version: 'v1' } })),
      },
      status: 'pass',
      says: /2 PeerAuth/,
    },
    {
      when: 'no pod has its labels',
      given: { peers: listed(peer('STRICT', { selector: { app: 'rdis' } })) },
      status: 'warn',
      reason: 'SelectsNothing',
      says: /^no pod has the labels of bookinfo\/p \(app=rdis\)$/,
    },
    {
      when: 'no pod that was seen has its labels',
      given: { peers: listed(peer('STRICT', { selector: { app: 'rdis' } })), pods: partly(redisPod(true)) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
    {
      when: 'nothing runs in its namespace',
      given: { peers: listed(peer('STRICT', { selector })), pods: listed<Pod>() },
      status: 'pass',
      says: /1 PeerAuth/,
    },
    {
      when: 'a port is the Service’s',
      given: { peers: listed(peer('STRICT', { selector, ports: ports(80) })) },
      status: 'warn',
      reason: 'PortOfService',
      says: /bookinfo\/p names 80, a port of a Service/,
    },
    {
      when: 'a port is nobody’s that is known of',
      given: { peers: listed(peer('STRICT', { selector, ports: ports(9090) })) },
      status: 'pass',
      says: /1 PeerAuthentication/,
    },
    {
      when: 'another namespace was asked for',
      given: { peers: listed(peer('STRICT', { ports: ports(80) })) },
      scope: { namespace: 'shop' },
      status: 'skip',
      says: /no PeerAuth/,
    },
    {
      when: 'not every one was seen',
      given: { peers: partly<PeerAuthentication>() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  { pods: listed(redisPod(true)), services: listed(redis), calls },
);
