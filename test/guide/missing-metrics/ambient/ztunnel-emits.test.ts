import type { Emission } from '../../../../src/evidence/envoy/emission.ts';
import type { TypeSync } from '../../../../src/evidence/istio/sync.ts';
import type { Series } from '../../../../src/evidence/prometheus/query.ts';
import { hboneAdmitted } from '../../../../src/guide/missing-metrics/ambient/ztunnel-emits/admitted.ts';
import { ztunnelsConnected } from '../../../../src/guide/missing-metrics/ambient/ztunnel-emits/connected.ts';
import { connectionsSucceed } from '../../../../src/guide/missing-metrics/ambient/ztunnel-emits/connections.ts';
import { ztunnelsEmit } from '../../../../src/guide/missing-metrics/ambient/ztunnel-emits/emitting.ts';
import { proxiesStarted } from '../../../../src/guide/missing-metrics/ambient/ztunnel-emits/pending.ts';
import type { NetworkPolicy } from '../../../../src/scraping/network-policies.ts';
import { enrolledOf, member, ztunnelPod } from '../../../support/enrolled.ts';
import { judging, NOW } from '../../../support/judging.ts';
import { listed, missing, partly as partlyListed } from '../../../support/mixer.ts';
import { answer, partly, series, unanswered } from '../../../support/stores.ts';

const web = member('web');
const ztunnel = web.node.ztunnel ?? ztunnelPod();
const enrolled = enrolledOf([web]);

const ofZtunnel = (name: string, value: number, labels: Record<string, string> = {}) =>
  series({ __name__: name, namespace: 'istio-system', pod: 'ztunnel-x1', ...labels }, value);
const pending = (value: number) => ofZtunnel('workload_manager_pending_proxy_count', value);

judging(
  proxiesStarted,
  [
    {
      when: 'none waits',
      given: { pending: { got: answer(pending(0)) } },
      status: 'pass',
      says: /^none is pending in 1 ztunnel$/,
    },
    {
      when: 'two wait',
      given: { pending: { got: answer(pending(2)) } },
      status: 'fail',
      reason: 'ProxiesPending',
      says: /^2 pods without a proxy in 1 ztunnel: istio-system\/ztunnel-x1 waits for 2$/,
    },
    {
      when: 'it is another ztunnel’s',
      given: { pending: { got: answer(ofZtunnel('workload_manager_pending_proxy_count', 2, { pod: 'ztunnel-x9' })) } },
      status: 'skip',
      says: /no ztunnel’s count/,
    },
    {
      when: 'a release does not count',
      given: { pending: { got: answer() } },
      status: 'skip',
      says: /no ztunnel’s count/,
    },
    {
      when: 'a store is down',
      given: { pending: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    {
      when: 'no store answers',
      given: { pending: { got: unanswered } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /./,
    },
    { when: 'there is no store', given: { pending: { got: null } }, status: 'skip', says: /no store/ },
    {
      when: 'the store may not be asked',
      given: { pending: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /pending/,
    },
  ],
  { enrolled },
);

const edge = (source: string, destination: string, value: number, flag?: string) =>
  series(
    {
      reporter: 'source',
      source_workload_namespace: 'shop',
      source_workload: source,
      destination_workload_namespace: 'shop',
      destination_workload: destination,
      destination_service_namespace: 'shop',
      destination_service_name: destination,
      ...(flag !== undefined && { response_flags: flag }),
    },
    value,
  );
const failing = (...found: readonly Series[]) => ({ failures: { got: answer(...found) } });

judging(
  connectionsSucceed,
  [
    { when: 'all do', given: {}, status: 'pass', says: /^between 1 pair of workloads$/ },
    { when: 'nobody calls', given: { flows: { got: answer() } }, status: 'skip', says: /no connection in ten minutes/ },
    { when: 'very few fail', given: failing(edge('web', 'cart', 3, 'CONNECT')), status: 'pass', says: /^between/ },
    {
      when: 'many fail',
      given: failing(edge('web', 'cart', 50, 'CONNECT')),
      status: 'warn',
      reason: 'ConnectionsFail',
      says: /^50 connections ended with CONNECT in 15 minutes, .*: shop\/web to shop\/cart$/,
    },
    {
      when: 'one side says that they are denied, and the other that they fail',
      given: failing(edge('web', 'cart', 50, 'CONNECT'), edge('cart', 'web', 40, 'DENY')),
      status: 'warn',
      reason: 'ConnectionsDenied',
      says: /^40 connections ended with DENY/,
    },
    {
      when: 'others’ fail',
      given: failing(edge('pay', 'book', 50, 'DENY')),
      status: 'pass',
      says: /^between/,
    },
    {
      when: 'certificates are missing for a part',
      given: failing(edge('web', 'cart', 50, 'IDENTITY_ERROR')),
      status: 'warn',
      reason: 'NoCertificates',
      says: /^50 connections/,
    },
    {
      when: 'certificates are missing for all',
      given: { ...failing(edge('web', 'cart', 50, 'IDENTITY_ERROR')), flows: { got: answer() } },
      status: 'fail',
      reason: 'NoCertificates',
      says: /^50 connections/,
    },
    {
      when: 'certificates are missing, and what flows may not be asked for',
      given: { ...failing(edge('web', 'cart', 50, 'IDENTITY_ERROR')), flows: { missing: missing() } },
      status: 'warn',
      reason: 'NoCertificates',
      says: /^50 connections/,
    },
    {
      when: 'certificates are missing, and what flows may not be all',
      given: { ...failing(edge('web', 'cart', 50, 'IDENTITY_ERROR')), flows: { got: partly() } },
      status: 'warn',
      reason: 'NoCertificates',
      says: /^50 connections/,
    },
    {
      when: 'none fails, and what flows may not be asked for',
      given: { flows: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^which connections there are/,
    },
    {
      when: 'none fails, and what flows is not answered',
      given: { flows: { got: unanswered } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /^which connections there are/,
    },
    {
      when: 'none fails, and what flows may not be all',
      given: { flows: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /^which connections there are/,
    },
    {
      when: 'peers do not speak HBONE',
      given: failing(edge('web', 'cart', 50, 'H2_HANDSHAKE_FAILURE')),
      status: 'warn',
      reason: 'TlsFails',
      says: /does not speak HBONE/,
    },
    {
      when: 'certificates are revoked',
      given: failing(edge('web', 'cart', 50, 'CERT_REVOKED')),
      status: 'warn',
      reason: 'CertificateRevoked',
      says: /revoked/,
    },
    { when: 'a flag is unknown', given: failing(edge('web', 'cart', 50, 'NEW')), status: 'pass', says: /^between/ },
    {
      when: 'a store is down',
      given: { failures: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    { when: 'there is no store', given: { failures: { got: null } }, status: 'skip', says: /no store/ },
    {
      when: 'the store may not be asked',
      given: { failures: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which connections/,
    },
  ],
  { enrolled, ...failing(), flows: { got: answer(edge('web', 'cart', 900)) } },
);

const type = (change: Partial<TypeSync> = {}): TypeSync => ({
  kind: 'address',
  sent: '1',
  acked: '1',
  error: '',
  sentAt: null,
  ...change,
});
const told = (...proxies: readonly { proxy: string; types: readonly TypeSync[] }[]) => ({
  syncs: { got: [{ proxies: { got: proxies.map((each) => ({ version: null, ...each })) } }] } as never,
});
const ztunnelSync = { proxy: 'ztunnel-x1.istio-system', types: [type()] };
const lost = (reason: string, value: number) => ({ lost: { got: answer(ofZtunnel('', value, { reason })) } });

judging(
  ztunnelsConnected,
  [
    { when: 'it is', given: told(ztunnelSync), status: 'pass', says: /^1 ztunnel connected$/ },
    {
      when: 'no replica knows it',
      given: told({ proxy: 'ztunnel-x2.istio-system', types: [] }),
      status: 'fail',
      reason: 'ZtunnelDisconnected',
      says: /^1 of 1 ztunnel connected to none of 1 istiod: istio-system\/ztunnel-x1$/,
    },
    {
      when: 'it has only just started',
      given: { ...told(), enrolled: enrolledOf([web], { ztunnels: [ztunnelPod({ startedAt: NOW - 5000 })] }) },
      status: 'skip',
      says: /no ztunnel to be judged/,
    },
    {
      when: 'one replica may not be asked, and the other does not know it',
      given: { syncs: { got: [{ proxies: { got: [] } }, { proxies: { missing: missing() } }] } as never },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether each ztunnel/,
    },
    { when: 'no istiod runs here', given: { syncs: { got: [] } }, status: 'skip', says: /no istiod/ },
    {
      when: 'it refused what it was sent',
      given: told({ ...ztunnelSync, types: [type({ error: 'no such thing' })] }),
      status: 'fail',
      reason: 'ConfigurationRefused',
      says: /^ztunnel-x1\.istio-system refused address: no such thing$/,
    },
    {
      when: 'it loses istiod again and again',
      given: { ...told(ztunnelSync), ...lost('ConnectionError', 40) },
      status: 'warn',
      reason: 'ZtunnelReconnects',
      says: /^1 ztunnel lost istiod again and again: istio-system\/ztunnel-x1 40 times/,
    },
    {
      when: 'it reconnects as it does',
      given: { ...told(ztunnelSync), ...lost('Reconnect', 40) },
      status: 'pass',
      says: /connected$/,
    },
    {
      when: 'it lost istiod twice',
      given: { ...told(ztunnelSync), ...lost('Error', 2) },
      status: 'pass',
      says: /connected$/,
    },
  ],
  { enrolled, lost: { got: answer() } },
);

const emission = (change: Partial<Emission> = {}): { emission: Emission } => ({
  emission: {
    judged: [{ pod: ztunnel, kind: 'ztunnel' }],
    young: 0,
    proven: new Set(),
    stores: { answered: 1, missing: [] },
    asked: [],
    control: null,
    refusal: null,
    ...change,
  } as Emission,
});

judging(ztunnelsEmit, [
  {
    when: 'a store has it',
    given: emission({ proven: new Set([ztunnel]) }),
    status: 'pass',
    says: /^1 ztunnel: 1 by its stored series$/,
  },
  { when: 'there is none', given: emission({ judged: [] }), status: 'skip', says: /no ztunnel to be judged/ },
  {
    when: 'it has only just started',
    given: emission({ judged: [], young: 1 }),
    status: 'skip',
    says: /only just started/,
  },
  {
    when: 'not every pod was seen',
    given: emission({ proven: new Set([ztunnel]), refusal: missing() as never }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every ztunnel/,
  },
  {
    when: 'its page cannot be read',
    given: emission({ asked: [{ pod: ztunnel, kind: 'ztunnel', merged: { missing: missing() }, own: null }] as never }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /^1 of 1 ztunnel: in no store, and the page/,
  },
]);

const admitting = (port: number | null, change: Partial<NetworkPolicy> = {}): NetworkPolicy => ({
  namespace: 'shop',
  name: 'web',
  selector: {},
  ingress: [{ ports: port === null ? [] : [{ port, endPort: null }], from: [] }],
  ...change,
});
const policies = (...all: readonly NetworkPolicy[]) => ({ policies: { got: listed(...all) } });

judging(
  hboneAdmitted,
  [
    { when: 'there is no policy', given: policies(), status: 'skip', says: /no NetworkPolicy/ },
    {
      when: 'a policy admits the port of the application alone',
      given: policies(admitting(8080)),
      status: 'warn',
      reason: 'HboneNotAdmitted',
      says: /^NetworkPolicy shop\/web admits callers of 1 pod, and nobody at port 15008$/,
    },
    {
      when: 'another policy admits HBONE',
      given: policies(admitting(8080), admitting(15008, { name: 'hbone' })),
      status: 'pass',
      says: /^none of 1 pod is open to the mesh at other ports alone$/,
    },
    {
      when: 'a policy admits callers at each port',
      given: policies(admitting(null)),
      status: 'pass',
      says: /none of 1 pod/,
    },
    {
      when: 'a policy admits nobody, as it is meant to',
      given: policies(admitting(8080, { ingress: [] })),
      status: 'pass',
      says: /none of 1 pod/,
    },
    {
      when: 'a policy admits addresses alone, or pods that are not in the mesh',
      given: policies(
        admitting(9090, {
          ingress: [
            { ports: [{ port: 9090, endPort: null }], from: [{ pods: null, namespaces: null, isBlock: true }] },
            {
              ports: [{ port: 9090, endPort: null }],
              from: [{ pods: { matchLabels: { app: 'prometheus' } }, namespaces: {}, isBlock: false }],
            },
          ],
        }),
      ),
      status: 'pass',
      says: /none of 1 pod/,
    },
    {
      when: 'a policy admits a pod of the mesh',
      given: policies(
        admitting(8080, {
          ingress: [
            {
              ports: [{ port: 8080, endPort: null }],
              from: [{ pods: { matchLabels: { app: 'web' } }, namespaces: null, isBlock: false }],
            },
          ],
        }),
      ),
      status: 'warn',
      reason: 'HboneNotAdmitted',
      says: /^NetworkPolicy shop\/web admits callers/,
    },
    {
      when: 'a policy is of another namespace, or of other pods, or says nothing of who comes in',
      given: policies(
        admitting(8080, { namespace: 'bank' }),
        admitting(8080, { selector: { matchLabels: { app: 'cart' } } }),
        admitting(8080, { ingress: null }),
      ),
      status: 'pass',
      says: /none of 1 pod/,
    },
    { when: 'no pod is looked at', given: { ...policies(), enrolled: enrolledOf([]) }, status: 'skip', says: /no pod/ },
    {
      when: 'policies may not be listed',
      given: { policies: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether NetworkPolicies admit HBONE/,
    },
    {
      when: 'not all policies could be listed',
      given: { policies: { got: partlyListed() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether NetworkPolicies admit HBONE/,
    },
  ],
  { enrolled },
);
