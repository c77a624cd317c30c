import type { RecordedObject } from '../../../recordings.ts';
import { object } from '../../objects.ts';
import { app, call, type Spec, workload } from '../../spec.ts';
import { type Cause, healthy, lost, warned, warnedInAmbient } from '../cause.ts';
import { changedAmbient, changedWaypoint, labelled, rewritten } from './waypoints.ts';

const USES = 'istio.io/use-waypoint';
const INGRESS = 'istio.io/ingress-use-waypoint';

/** The calls to cart go past its waypoint. */
function past(spec: Spec, how: 'by-addresses' | 'somehow'): void {
  for (const each of spec.calls) if (each.to === 'cart-v1') each.past = how;
}

/** Who calls cart besides, or in web's place. */
function calledBy(spec: Spec, name: string): void {
  spec.calls = spec.calls.filter(({ to }) => to !== 'cart-v1');
  spec.calls.push(call(name, 'cart-v1', { codes: { '200': 6000 } }));
}

/** A waypoint of agentgateway's class, as istiod makes it (istio-discovery/files/agentgateway-waypoint.yaml). */
const ofAgentgateway = rewritten('Pod', (pod) => {
  if (pod.metadata.labels?.['gateway.networking.k8s.io/gateway-name'] !== 'waypoint') return;
  pod.metadata.labels['gateway.istio.io/managed'] = 'istio.io-agentgateway-waypoint-controller';
  pod.spec = {
    ...pod.spec,
    containers: [
      {
        name: 'agentgateway',
        image: 'istio/agentgateway:1.31.0-distroless',
        args: ['--config', '{}'],
        ports: [
          { containerPort: 15020, name: 'metrics' },
          { containerPort: 15021, name: 'status-port' },
        ],
      },
    ],
  };
});

/** The mesh's door to other networks. */
const eastWest = object(
  'gateway.networking.k8s.io/v1',
  'Gateway',
  { name: 'istio-eastwestgateway', namespace: 'istio-system', labels: { 'topology.istio.io/network': 'network-1' } },
  {
    spec: {
      gatewayClassName: 'istio-east-west',
      listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE', tls: { mode: 'Terminate' } }],
    },
    status: {
      addresses: [{ type: 'IPAddress', value: '10.96.8.8' }],
      conditions: ['Accepted', 'Programmed'].map((type) => ({ type, status: 'True', reason: type, message: '' })),
    },
  } as Partial<RecordedObject>,
);

/** What is bound passes its waypoint, or does not. */
export const passingCauses: readonly Cause[] = [
  {
    name: 'ztunnel sends to the pods, though all is bound',
    facts: 'istio/istio#61527',
    spec: changedAmbient((spec) => past(spec, 'somehow')),
    expect: lost('waypoint', ['TrafficBypassesWaypoint']),
  },
  {
    name: 'callers dial pods, past the waypoint',
    facts: 'istio/istio#49149',
    spec: changedAmbient((spec) => past(spec, 'by-addresses')),
    expect: lost('waypoint', ['CallersDialPods']),
  },
  {
    name: 'some callers go past the waypoint',
    facts: 'istio/istio#61527',
    spec: changedAmbient((spec) => {
      spec.calls.push(call('prices-v1', 'cart-v1', { past: 'somehow' }));
    }),
    expect: warned('waypoint', ['SomeBypassWaypoint']),
  },
  {
    name: 'a TCP Service with a waypoint',
    facts: 'istio/istio#53593',
    spec: changedAmbient((spec) => {
      labelled(spec, 'db', { [USES]: 'waypoint' });
    }),
    expect: healthy(),
  },
  {
    name: 'the gateway goes past the waypoint',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      labelled(spec, 'web', { [USES]: 'waypoint' });
    }),
    expect: warned('waypoint', ['IngressBypassesWaypoint']),
  },
  {
    name: 'the gateway goes through the waypoint',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      labelled(spec, 'web', { [USES]: 'waypoint', [INGRESS]: 'true' });
    }),
    expect: healthy(),
  },
  {
    name: 'the gateway goes past the waypoint, though it is told not to',
    facts: 'istio/istio#61092',
    spec: changedAmbient((spec) => {
      labelled(spec, 'web', { [USES]: 'waypoint', [INGRESS]: 'true' });
      for (const each of spec.calls) if (each.to === 'web-v1') each.past = 'somehow';
    }, '1.30.2'),
    expect: warned('waypoint', ['IngressBypassesWaypoint']),
  },
  {
    name: 'only callers with sidecars call what has a waypoint',
    facts: 'picchu#619',
    spec: changedAmbient((spec) => {
      spec.namespaces.old = { 'istio-injection': 'enabled' };
      spec.workloads.push(app('office', { namespace: 'old' }));
      calledBy(spec, 'office-v1');
    }),
    expect: warned('waypoint', ['SidecarsBypassWaypoint']),
  },
  {
    name: 'only callers outside of the mesh call what has a waypoint',
    facts: 'picchu#619',
    spec: changedAmbient((spec) => {
      spec.namespaces.old = {};
      spec.workloads.push(app('office', { namespace: 'old', proxy: 'none' }));
      calledBy(spec, 'office-v1');
    }),
    expect: warned('waypoint', ['OutsidersBypassWaypoint']),
  },
  {
    name: 'nobody has called what has a waypoint',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      spec.calls = spec.calls.filter(({ to }) => to !== 'cart-v1');
    }),
    expect: healthy(),
  },
  {
    name: 'every request at the waypoint fails, since its connections are denied',
    facts: 'istio/istio#55533',
    spec: changedAmbient((spec) => {
      for (const each of spec.calls) if (each.to === 'cart-v1') each.codes = { '503': 600 };
    }),
    expect: healthy(),
  },
  {
    name: 'the waypoint counts nothing of what passes it',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { page: { without: /^istio_(requests|request|response|tcp)_/ } });
    }),
    expect: lost('waypoint', ['WaypointCountsNothing']),
  },
  {
    name: 'a route at the waypoint leads to another Service',
    facts: 'istio.io, bookinfo/gateway-api/route-reviews-90-10.yaml',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, {
        page: {
          rewrite: (text) =>
            text
              .replaceAll('destination_service_name="cart"', 'destination_service_name="cart-v1"')
              .replaceAll('destination_service="cart.', 'destination_service="cart-v1.'),
        },
      });
    }),
    expect: healthy(),
  },
  {
    name: 'the waypoint’s connections are older than any window',
    facts: 'modern.md 5.20',
    spec: changedAmbient((spec) => {
      labelled(spec, 'db', { [USES]: 'waypoint' });
      workload(spec, 'db-v1').labels = {};
      changedWaypoint(spec, { page: { without: /^istio_tcp_connections_(opened|closed)_total$/ } });
    }),
    expect: healthy(),
  },
  {
    name: 'the waypoint has no stats filter',
    facts: 'modern.md 5.27',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { told: false, page: { hasFilter: false } });
    }),
    expect: lost('waypoint', ['WaypointSilent']),
  },
  {
    name: 'the waypoint is agentgateway’s',
    facts: 'agentgateway/agentgateway#529',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, {
        className: 'istio-agentgateway-waypoint',
        page: {
          rewrite: (text) =>
            text.replaceAll(/^(#.*|istio_|envoy_).*$/gm, '').concat('agentgateway_build_info{tag="v1"} 1\n'),
        },
      });
    }),
    after: ofAgentgateway,
    expect: warned('waypoint', ['OtherMetrics']),
  },
  {
    name: 'the waypoint is not scraped',
    facts: 'modern.md 5.26',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { annotations: { 'prometheus.io/scrape': 'false' } });
    }),
    expect: lost('scrape', ['ScrapeSaysFalse', 'ProxiesNotScraped'], { neverPass: [] }),
  },
  {
    name: 'a waypoint lies before pods that still have sidecars',
    facts: 'istio/istio#52527',
    spec: changedAmbient((spec) => {
      const cart = workload(spec, 'cart-v1');
      cart.proxy = 'sidecar';
      cart.labels = { 'istio.io/dataplane-mode': 'none' };
    }),
    expect: warnedInAmbient('consumers', ['SidecarsCountToo']),
  },
  {
    name: 'the waypoint’s peer is an east-west gateway',
    facts: 'reports.md 8',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, {
        page: {
          rewrite: (text) =>
            text
              .replaceAll('destination_workload="cart-v1"', 'destination_workload="unknown"')
              .replaceAll('/ns/shop/sa/cart"', '/ns/istio-system/sa/istio-eastwestgateway"'),
        },
      });
      spec.objects.push(eastWest);
    }),
    expect: warnedInAmbient('stored', ['PeerIsGateway']),
  },
  {
    name: 'what comes from another network has passed its waypoint there',
    facts: 'istio/istio#61092',
    spec: changedAmbient((spec) => {
      spec.objects.push(eastWest);
      spec.workloads.push(
        app('istio-eastwestgateway', {
          name: 'istio-eastwestgateway',
          namespace: 'istio-system',
          app: 'istio-eastwestgateway',
          version: 'latest',
          proxy: 'none',
          labels: {
            'gateway.networking.k8s.io/gateway-name': 'istio-eastwestgateway',
            'gateway.istio.io/managed': 'istio.io-eastwest-controller',
          },
        }),
      );
      calledBy(spec, 'istio-eastwestgateway');
      // What ztunnel knows of a caller behind a gateway: that it came through the tunnel (ztunnel, src/proxy/inbound.rs).
      for (const { ztunnel } of Object.values(spec.ambient?.nodes ?? {}))
        if (ztunnel)
          ztunnel.page.rewrite = (text) =>
            text.replaceAll(/^.*source_workload="istio-eastwestgateway".*$/gm, (line) =>
              line
                .replaceAll(/\b(source_\w+)="[^"]*"/g, '$1="unknown"')
                .replace('connection_security_policy="unknown"', 'connection_security_policy="mutual_tls"'),
            );
    }),
    expect: healthy(),
  },
  {
    name: 'a policy admits the clients, and not their waypoint',
    facts: 'istio/istio#55533',
    spec: changedAmbient((spec) => {
      // The first that arrive on the node are those that are denied.
      spec.calls.sort((a, b) => Number(b.to === 'cart-v1') - Number(a.to === 'cart-v1'));
      for (const each of spec.calls) if (each.to === 'cart-v1') each.codes = { '503': 600 };
      const [node] = Object.values(spec.ambient?.nodes ?? {});
      if (node?.ztunnel) node.ztunnel.page = { failed: { DENY: 70 } };
    }),
    expect: warned('ztunnel-emits', ['ConnectionsDenied']),
  },
];
