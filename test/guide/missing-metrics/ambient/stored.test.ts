import type { Emission } from '../../../../src/evidence/envoy/emission.ts';
import type { ApiGateway } from '../../../../src/evidence/istio/gateway-api.ts';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import type { Series } from '../../../../src/evidence/prometheus/query.ts';
import { bothEndsReport } from '../../../../src/guide/missing-metrics/ambient/stored/ends.ts';
import { peersBehindGateways } from '../../../../src/guide/missing-metrics/ambient/stored/gateways.ts';
import { sourcesKnown } from '../../../../src/guide/missing-metrics/ambient/stored/sources.ts';
import { workloadsCounted } from '../../../../src/guide/missing-metrics/ambient/stored/traffic.ts';
import { carriedPod, enrolledOf, member, ztunnelPod } from '../../../support/enrolled.ts';
import { judging } from '../../../support/judging.ts';
import { container, listed, missing } from '../../../support/mixer.ts';
import { answer, partly, series, unanswered } from '../../../support/stores.ts';

const web = member('web');
const cart = member('cart', { node: web.node });
const ztunnel = web.node.ztunnel ?? ztunnelPod();

const bypassing = {
  ...cart,
  pod: { ...cart.pod, annotations: { ...cart.pod.annotations, 'ambient.istio.io/bypass-inbound-capture': 'true' } },
};

const opened = (source: string, destination: string, reporter = 'source') =>
  series({
    reporter,
    source_workload_namespace: 'shop',
    source_workload: source,
    destination_workload_namespace: 'shop',
    destination_workload: destination,
  });
const proven = (...pods: readonly (typeof ztunnel)[]) =>
  ({ emission: { judged: [{ pod: ztunnel, kind: 'ztunnel' }], proven: new Set(pods) } }) as unknown as {
    emission: Emission;
  };

/** What each check says that cannot see who has opened connections to whom. */
const unseen = (about: RegExp) =>
  [
    {
      when: 'a store is down',
      given: { openings: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    { when: 'there is no store', given: { openings: { got: null } }, status: 'skip', says: /no store/ },
    {
      when: 'no store answers',
      given: { openings: { got: unanswered } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /./,
    },
    {
      when: 'the store may not be asked',
      given: { openings: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: about,
    },
  ] as const;

judging(
  workloadsCounted,
  [
    {
      when: 'each is at an end',
      given: { openings: { got: answer(opened('web', 'cart'), opened('web', 'cart', 'destination')) } },
      status: 'pass',
      says: /^2 of 2 workloads$/,
    },
    {
      when: 'one is at none',
      given: { openings: { got: answer(opened('web', 'pay')) } },
      status: 'pass',
      says: /^1 of 2 workloads; nothing yet of shop\/cart$/,
    },
    {
      when: 'only who calls them, or a waypoint, counts',
      given: { openings: { got: answer(opened('pay', 'web'), opened('web', 'cart', 'waypoint')) } },
      status: 'unknown',
      reason: 'NoTraffic',
      says: /^no connection of any of 2 workloads has been counted$/,
    },
    {
      when: 'another namespace has one of that name',
      given: {
        openings: {
          got: answer(
            series({
              reporter: 'source',
              source_workload_namespace: 'bank',
              source_workload: 'web',
              destination_workload_namespace: 'bank',
              destination_workload: 'cart',
            }),
          ),
        },
      },
      status: 'unknown',
      reason: 'NoTraffic',
      says: /^no connection of any of 2 workloads has been counted$/,
    },
    {
      when: 'nobody has called',
      given: { openings: { got: answer() } },
      status: 'unknown',
      reason: 'NoTraffic',
      says: /^no connection of any/,
    },
    {
      when: 'nothing of their ztunnels is stored',
      given: { ...proven(), openings: { got: answer() } },
      status: 'skip',
      says: /no series of these pods’ ztunnels/,
    },
    {
      when: 'no workload is looked at',
      given: { enrolled: enrolledOf([]), openings: { got: answer() } },
      status: 'skip',
      says: /no pod of a workload/,
    },
    ...unseen(/whose connections/),
  ],
  { enrolled: enrolledOf([web, cart]), ...proven(ztunnel) },
);

const behind = (principal: string) =>
  series({
    reporter: 'waypoint',
    destination_service_namespace: 'shop',
    destination_service_name: 'cart',
    destination_principal: `spiffe://cluster.local/ns/${principal}`,
  });

judging(
  peersBehindGateways,
  [
    {
      when: 'every workload has a name',
      given: { unknown: { got: answer() } },
      status: 'pass',
      says: /^istio-system\/istio-eastwestgateway: no request with an unknown workload$/,
    },
    {
      when: 'a workload of the Service’s own namespace has none',
      given: { unknown: { got: answer(behind('shop/sa/cart')) } },
      status: 'pass',
      says: /no request with an unknown workload$/,
    },
    {
      when: 'the gateway stands in its place',
      given: { unknown: { got: answer(behind('istio-system/sa/istio-eastwestgateway')) } },
      status: 'warn',
      reason: 'PeerIsGateway',
      says: /counted with an unknown workload: shop\/cart$/,
    },
    {
      when: 'a store is down',
      given: { unknown: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
    },
    {
      when: 'the store may not be asked',
      given: { unknown: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /who answers/,
    },
    {
      when: 'there is no gateway to another network',
      given: { gateways: { got: listed() }, unknown: { got: answer() } },
      status: 'skip',
      says: /no east-west gateway/,
    },
  ],
  {
    gateways: {
      got: listed({
        namespace: 'istio-system',
        name: 'istio-eastwestgateway',
        className: 'istio-east-west',
      } as ApiGateway),
    },
  },
);

const tunnel = (source: string, destination: string, reporter = 'source', policy = 'mutual_tls') => {
  const { labels, ...rest } = opened(source, destination, reporter);
  return { ...rest, labels: new Map([...labels, ['connection_security_policy', policy]]) };
};
const both = (...more: readonly Series[]) => ({
  openings: { got: answer(tunnel('web', 'cart'), tunnel('web', 'cart', 'destination'), ...more) },
});
const plain = { got: answer(tunnel('web', 'cart', 'destination', 'unknown')) };
const inPods = (...pods: readonly Pod[]) => listed(web.pod, cart.pod, ...pods);
const clusterNamed = (...names: readonly string[]) => ({
  clusters: { got: answer(...names.map((name) => series({ reporter: 'source', source_cluster: name }))) },
});

judging(
  bothEndsReport,
  [
    {
      when: 'both are counted',
      given: both(),
      status: 'pass',
      says: /^1 connections\/s that arrive; no workload/,
    },
    {
      when: 'the ztunnel of who is called counts none',
      given: { openings: { got: answer(tunnel('web', 'cart')) } },
      status: 'warn',
      reason: 'ServerSideMissing',
      says: /^1 connections\/s are opened to 1 workload, and their own ztunnels count none$/,
    },
    {
      when: 'the ztunnel of who calls counts none',
      given: { openings: plain },
      status: 'warn',
      reason: 'ClientSideMissing',
      says: /^1 connections\/s come from 1 workload, and their own ztunnels count none: they go past them$/,
    },
    {
      when: 'its own series stands still',
      given: {
        openings: {
          got: answer(tunnel('web', 'cart', 'destination', 'unknown'), { ...tunnel('web', 'cart'), value: 0 }),
        },
      },
      status: 'pass',
      says: /no workload/,
    },
    {
      when: 'callers do not take who is called for a pod in ambient',
      given: { openings: { got: answer(tunnel('web', 'cart', 'source', 'unknown')) } },
      status: 'skip',
      says: /no connections in ten minutes to compare/,
    },
    {
      when: 'another pod of the workload is not in ambient',
      given: { openings: plain, pods: inPods({ ...web.pod, name: 'web-7d9c-x2' }) },
      status: 'pass',
      says: /that arrive; no workload/,
    },
    {
      when: 'what comes in goes past by wish',
      given: {
        openings: { got: answer(tunnel('web', 'cart')) },
        enrolled: enrolledOf([web, bypassing]),
        pods: listed(web.pod, bypassing.pod),
      },
      status: 'skip',
      says: /no connections/,
    },
    {
      when: 'their ztunnel is not stored',
      given: { ...proven(), openings: plain },
      status: 'skip',
      says: /no series of these pods’ ztunnels/,
    },
    {
      when: 'one is marked so lately that its ztunnel may not know it',
      given: { openings: plain, enrolled: enrolledOf([{ ...web, isYoung: true }, cart]) },
      status: 'pass',
      says: /that arrive; no workload/,
    },
    { when: 'a workload calls itself', given: both(tunnel('cart', 'cart')), status: 'pass', says: /no workload/ },
    {
      when: 'series name two clusters',
      given: { openings: plain, ...clusterNamed('east', 'west') },
      status: 'skip',
      says: /series name 2 clusters/,
    },
    {
      when: 'which clusters there are is not known',
      given: { openings: plain, clusters: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which clusters/,
    },
    ...unseen(/whose connections/),
  ],
  { enrolled: enrolledOf([web, cart]), ...proven(ztunnel), pods: inPods(), ...clusterNamed('east') },
);

const arriving = (source: string, policy?: string) => tunnel(source, 'cart', 'destination', policy);
const nobody = (policy = 'mutual_tls') => {
  const { labels, ...rest } = arriving('unknown', policy);
  return { ...rest, labels: new Map([...labels, ['source_workload_namespace', 'unknown']]) };
};
const exporter = carriedPod('exporter', { hostNetwork: true });

judging(
  sourcesKnown,
  [
    {
      when: 'all are known',
      given: { openings: { got: answer(arriving('web')) } },
      status: 'pass',
      says: /^of 1 connections\/s that came through the tunnel$/,
    },
    {
      when: 'some come from addresses that nobody has',
      given: { openings: { got: answer(arriving('web'), nobody()) } },
      status: 'warn',
      reason: 'SourceMasqueraded',
      says: /^50% of 2 connections\/s that came through the tunnel are counted as from unknown\/unknown: addresses/,
    },
    {
      when: 'they come from a workload on its nodes’ network',
      given: { openings: { got: answer(arriving('exporter')) } },
      status: 'warn',
      reason: 'SourceMasqueraded',
      says: /^100% of .* as from shop\/exporter/,
    },
    {
      when: 'a gateway is on its nodes’ network',
      given: {
        openings: { got: answer(nobody()) },
        pods: listed(
          web.pod,
          carriedPod('edge', { hostNetwork: true, containers: [container('istio-proxy', 'istio/proxyv2:1.31.0')] }),
        ),
      },
      status: 'skip',
      says: /^proxies on their nodes’ network come from the nodes’ addresses: shop\/edge/,
    },
    {
      when: 'a workload of that name has pods in the network too',
      given: { openings: { got: answer(arriving('exporter')) }, pods: listed(exporter, carriedPod('exporter')) },
      status: 'pass',
      says: /./,
    },
    {
      when: 'callers outside of the mesh come without the tunnel',
      given: { openings: { got: answer(nobody('unknown')) } },
      status: 'skip',
      says: /no connections through the tunnel/,
    },
    {
      when: 'series name two clusters',
      given: { openings: { got: answer(nobody()) }, ...clusterNamed('east', 'west') },
      status: 'skip',
      says: /callers may come from another network: east and west/,
    },
    {
      when: 'there is a way to another network',
      given: {
        openings: { got: answer(nobody()) },
        elsewhere: { doors: ['Gateway istio-system/istio-eastwestgateway'], missing: [] },
      },
      status: 'skip',
      says: /another network: Gateway istio-system\/istio-eastwestgateway/,
    },
    {
      when: 'whether there is one is not known',
      given: { openings: { got: answer(nobody()) }, elsewhere: { doors: [], missing: [missing()] } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether callers come from another network/,
    },
    {
      when: 'whether there is one is not known, and all are known by name',
      given: { openings: { got: answer(arriving('web')) }, elsewhere: { doors: [], missing: [missing()] } },
      status: 'pass',
      says: /^of 1 connections/,
    },
    {
      when: 'which clusters there are is not known',
      given: { openings: { got: answer() }, clusters: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which clusters/,
    },
    ...unseen(/who calls/),
  ],
  { pods: listed(web.pod, cart.pod, exporter), ...clusterNamed('east'), elsewhere: { doors: [], missing: [] } },
);
