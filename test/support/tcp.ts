import type { Calls } from '../../src/evidence/istio/calls.ts';
import type { ClientTls } from '../../src/evidence/istio/mtls.ts';
import type { DestinationRule } from '../../src/evidence/istio/routing.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import { indexDestinationRules } from '../../src/istio/destination-rules.ts';
import type { MtlsMode, PeerAuthentication } from '../../src/istio/mtls.ts';
import { container, listed, port, service, workloadPod } from './mixer.ts';

/** Evidence about mutual TLS, as the judges get it: a redis, who calls it, and what it takes. */

const routing = {
  root: 'istio-system',
  registry: new Map(),
  destinationRules: indexDestinationRules([], { root: 'istio-system', exportTo: [] }),
  virtualServices: [],
  sidecars: [],
};
export const calls: Calls = { routing, destinationRules: [], missing: [] };

export const redis = service('redis', { ports: [port('tcp', 6379)], selector: { app: 'redis' } });

const ruleFor = (host: string): DestinationRule => ({
  name: 'r',
  namespace: 'bookinfo',
  host,
  exportTo: [],
  createdAt: 0,
  workloadSelector: null,
  subsets: [],
  ends: null,
  hasPolicy: true,
  tls: null,
});

/** What a rule says of the one port of redis; `change` is what is different. */
export const towards = (
  mode: string,
  { host = 'redis', ...change }: Partial<ClientTls> & { host?: string } = {},
): ClientTls => ({
  ...found(mode === 'DISABLE' || mode === 'SIMPLE' ? 'plain' : 'mutual', change),
  said: { mode, rule: ruleFor(host) },
});

/** What Istio finds out by itself for the one port of redis. */
export const found = (speaks: ClientTls['speaks'], change: Partial<ClientTls> = {}): ClientTls => ({
  service: redis,
  port: (change.service ?? redis).ports[0] ?? port('tcp', 6379),
  subset: null,
  said: null,
  speaks,
  callers: ['bookinfo'],
  ...change,
});

export const redisPod = (proxied: boolean, change: Partial<Pod> = {}): Pod =>
  workloadPod('redis-1', proxied, {
    labels: { app: 'redis', ...(proxied && { 'security.istio.io/tlsMode': 'istio' }) },
    containers: [
      container('redis', 'redis:7', { ports: [{ name: 'redis', port: 6379 }] }),
      ...(proxied ? [container('istio-proxy', 'istio/proxyv2:1.31.0')] : []),
    ],
    ...change,
  });

export const peer = (mode: MtlsMode | null, change: Partial<PeerAuthentication> = {}): PeerAuthentication => ({
  name: 'p',
  namespace: 'bookinfo',
  exportTo: [],
  createdAt: 0,
  selector: null,
  mode,
  ports: new Map(),
  ...change,
});

export const peers = (...all: readonly PeerAuthentication[]) => ({ peers: { got: listed(...all) } });

/** A case of a current release, where it does not say which. */
export const current = <Given extends { when: string; plane?: object }>(each: Given) => ({
  ...each,
  plane: { version: '1.31.0', ...each.plane },
});
