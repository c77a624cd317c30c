import { readFileSync } from 'node:fs';
import type { FailureFlag } from '../../ambient/spec.ts';
import { STEPS } from '../../expectation.ts';
import { definition, object } from '../../objects.ts';
import { type Cause, healthy, lost, warned } from '../cause.ts';
import { changedAmbient, nodeOf, onPage, serving, withoutWaypoints } from './changed.ts';

const alone = (reason: readonly string[]) =>
  lost('ztunnel-emits', reason, { neverFail: STEPS.filter((step) => step !== 'ztunnel-emits') });

/** Connections of the first node's ztunnel that fail. */
const failing = (flag: FailureFlag, release?: string) =>
  changedAmbient((_, ambient) => onPage(ambient, 'node-1', { failed: { [flag]: 70 } }), release);

/** A policy of L4 that admits the gateway alone, at pods that a waypoint serves. */
const ADMITS_GATEWAY = object(
  'security.istio.io/v1',
  'AuthorizationPolicy',
  { name: 'cart-l4', namespace: 'shop' },
  {
    spec: {
      selector: { matchLabels: { app: 'cart' } },
      action: 'ALLOW',
      rules: [{ from: [{ source: { principals: ['cluster.local/ns/istio-system/sa/istio-ingressgateway'] } }] }],
    },
  },
);

/** Traffic of ztunnels that never succeeds: nothing was ever sent. */
const WITHOUT_BYTES = /^istio_tcp_(sent|received)_bytes_total$/;

/** As a real ztunnel 1.31 had it. */
const recordedPage = (name: string): string =>
  readFileSync(new URL(`../../../../pages/ztunnel-1.31/${name}.txt`, import.meta.url), 'utf8');

/** Who may come in to the pods of an application: at which ports, or null for nobody. */
const policyFor = (app: string, ports: readonly object[] | null) =>
  object(
    'networking.k8s.io/v1',
    'NetworkPolicy',
    { name: app, namespace: 'shop' },
    {
      spec: {
        podSelector: { matchLabels: { app } },
        policyTypes: ['Ingress'],
        ...(ports && { ingress: [{ ports }] }),
      },
    },
  );

/** What ztunnels make, and what of it tells that they fail. */
export const ztunnelCauses: readonly Cause[] = [
  {
    name: 'ztunnel gets no certificates for any of its pods',
    facts: 'istio/istio#56550',
    spec: changedAmbient((spec, ambient) => {
      withoutWaypoints(spec);
      for (const node of ['node-1', 'node-2'])
        onPage(ambient, node, { failed: { IDENTITY_ERROR: 40 }, without: WITHOUT_BYTES });
    }),
    expect: alone(['NoCertificates']),
  },
  {
    name: 'a ztunnel is connected to no istiod',
    facts: 'modern.md 5.28',
    spec: changedAmbient((_, ambient) => {
      const { ztunnel } = nodeOf(ambient, 'node-2');
      if (ztunnel) ztunnel.isConnected = false;
      onPage(ambient, 'node-2', { terminations: { ConnectionError: 60 } });
    }),
    expect: alone(['ZtunnelDisconnected']),
  },
  {
    name: 'a ztunnel shows the recorded page of one that has never found istiod',
    facts: 'test/pages/ztunnel-1.31/disconnected.txt',
    spec: changedAmbient((_, ambient) => {
      onPage(ambient, 'node-2', { rewrite: () => recordedPage('disconnected') });
      const { ztunnel } = nodeOf(ambient, 'node-2');
      if (ztunnel) ztunnel.isConnected = false;
    }),
    expect: lost('ztunnel-emits', ['ZtunnelDisconnected']),
  },
  {
    name: 'each ztunnel shows the recorded page of one whose pods call nobody',
    facts: 'test/pages/ztunnel-1.31/idle.txt',
    spec: changedAmbient((spec, ambient) => {
      spec.calls = [];
      for (const node of Object.keys(ambient.nodes))
        onPage(ambient, node, { rewrite: () => serving(9)(recordedPage('idle')) });
    }),
    expect: healthy({ verdict: ['inconclusive', 'healthy'], exitCode: [3, 0] }),
  },
  {
    name: 'a ztunnel loses istiod again and again',
    facts: 'modern.md, zt:src/xds/metrics.rs',
    spec: changedAmbient((_, ambient) => onPage(ambient, 'node-2', { terminations: { ConnectionError: 60 } })),
    expect: warned('ztunnel-emits', ['ZtunnelReconnects']),
  },
  {
    name: 'ztunnels take up their streams to istiod anew, as they do',
    facts: 'modern.md, zt:src/xds/metrics.rs',
    spec: changedAmbient((_, ambient) => onPage(ambient, 'node-2', { terminations: { Reconnect: 60, Complete: 4 } })),
    expect: healthy(),
  },
  {
    name: 'a ztunnel was told of a pod for which it has no proxy',
    facts: 'modern.md 5.29',
    spec: changedAmbient((_, ambient) => onPage(ambient, 'node-2', { pending: 1 })),
    expect: alone(['ProxiesPending']),
  },
  {
    name: 'the page of a ztunnel has nothing of Istio’s',
    facts: 'test/pages/ztunnel-1.31',
    spec: changedAmbient((_, ambient) => onPage(ambient, 'node-2', { without: /^(istio_|workload_manager_)/ })),
    expect: lost('ztunnel-emits', ['ZtunnelSilent']),
  },
  {
    name: 'a NetworkPolicy does not admit HBONE',
    facts: 'modern.md 5.29 (istio#52742)',
    spec: changedAmbient((spec, ambient) => {
      onPage(ambient, 'node-1', { failed: { NETWORK_POLICY: 300 } });
      spec.objects.push(policyFor('cart', [{ port: 8080, protocol: 'TCP' }]));
    }),
    expect: warned('ztunnel-emits', ['HboneBarred', 'HboneNotAdmitted']),
  },
  {
    name: 'a NetworkPolicy does not admit HBONE in 1.28, whose metrics do not say so',
    facts: 'istio/istio#52742',
    spec: changedAmbient((spec) => {
      spec.objects.push(policyFor('web', [{ port: 8080, protocol: 'TCP' }]));
    }, '1.28.0'),
    expect: warned('ztunnel-emits', ['HboneNotAdmitted']),
  },
  {
    name: 'NetworkPolicies admit HBONE, or nobody',
    facts: 'istio.io, ambient/usage/networkpolicy',
    spec: changedAmbient((spec) => {
      spec.objects.push(
        policyFor('web', [
          { port: 8080, protocol: 'TCP' },
          { port: 15008, protocol: 'TCP' },
        ]),
        policyFor('prices', null),
      );
    }),
    expect: healthy(),
  },
  {
    name: 'a policy of L4 does not admit the waypoint',
    facts: 'istio/istio#55533',
    spec: changedAmbient((spec, ambient) => {
      onPage(ambient, 'node-1', { failed: { DENY: 70 } });
      spec.objects.push(
        definition('AuthorizationPolicy', 'authorizationpolicies', 'security.istio.io', ['v1', 'v1beta1']),
        ADMITS_GATEWAY,
      );
    }),
    expect: warned('ztunnel-emits', ['ConnectionsDenied']),
  },
  {
    name: 'a policy with rules for HTTP denies all where there is no waypoint',
    facts: 'istio/istio#55533',
    spec: changedAmbient((spec, ambient) => {
      withoutWaypoints(spec);
      onPage(ambient, 'node-1', { failed: { DENY: 70 } });
    }),
    expect: warned('ztunnel-emits', ['ConnectionsDenied']),
  },
  {
    name: 'a policy denies connections in 1.24, where the callers’ side does not say so',
    facts: 'ztunnel, src/proxy/metrics.rs',
    spec: failing('DENY', '1.24.6'),
    expect: warned('ztunnel-emits', ['ConnectionsDenied']),
  },
  {
    name: 'nobody answers connections',
    facts: 'ztunnel, src/proxy/metrics.rs',
    spec: failing('CONNECT'),
    expect: warned('ztunnel-emits', ['ConnectionsFail']),
  },
  {
    name: 'mutual TLS fails',
    facts: 'ztunnel, src/proxy/metrics.rs',
    spec: failing('TLS_FAILURE'),
    expect: warned('ztunnel-emits', ['TlsFails']),
  },
  {
    name: 'connections fail in 1.28, whose metrics do not say so',
    facts: 'ztunnel, src/proxy/metrics.rs',
    spec: failing('NETWORK_POLICY', '1.28.2'),
    expect: healthy(),
  },
];
