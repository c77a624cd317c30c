import type { Emission } from '../../../../src/evidence/envoy/emission.ts';
import type { ApiGateway } from '../../../../src/evidence/istio/gateway-api.ts';
import { peersBehindGateways } from '../../../../src/guide/missing-metrics/ambient/stored/gateways.ts';
import { workloadsCounted } from '../../../../src/guide/missing-metrics/ambient/stored/traffic.ts';
import { enrolledOf, member, ztunnelPod } from '../../../support/enrolled.ts';
import { judging } from '../../../support/judging.ts';
import { listed, missing } from '../../../support/mixer.ts';
import { answer, partly, series, unanswered } from '../../../support/stores.ts';

const [web, cart] = [member('web'), member('cart')];
const ztunnel = web.node.ztunnel ?? ztunnelPod();

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
      when: 'a store is down',
      given: { openings: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /a store is down/,
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
    {
      when: 'no store answers',
      given: { openings: { got: unanswered } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /./,
    },
    { when: 'there is no store', given: { openings: { got: null } }, status: 'skip', says: /no store/ },
    {
      when: 'the store may not be asked',
      given: { openings: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whose connections/,
    },
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
