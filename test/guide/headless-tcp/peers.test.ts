import { peerAuthenticationsCount } from '../../../src/guide/headless-tcp/peers.ts';
import type { PeerAuthentication } from '../../../src/istio/mtls.ts';
import { judging } from '../../support/judging.ts';
import { listed, partly, port, service } from '../../support/mixer.ts';
import { calls, peer, redisPod } from '../../support/tcp.ts';

const selector = { app: 'redis' };
const ports = (number: number) => new Map([[number, 'STRICT' as const]]);
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
