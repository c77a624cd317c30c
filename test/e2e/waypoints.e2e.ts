import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ambientShop } from '../support/mesh/ambient/shop.ts';
import { waypoint } from '../support/mesh/ambient/spec.ts';
import { waypointObjects } from '../support/mesh/ambient/waypoint-objects.ts';
import type { RecordedObject } from '../support/recordings.ts';
import { ALONE, type Ambient, podBehind, startAmbient } from './ambient.ts';
import { ambientNamespace, serviceOf, templateOf, waypointGateway, workloadPod } from './ambient-objects.ts';

const BOUND = 'istio.io/WaypointBound';
const USE = 'istio.io/use-waypoint';

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

const conditionOf = ({ status }: RecordedObject, type: string): Condition | undefined =>
  (status as { conditions?: readonly Condition[] }).conditions?.find((each) => each.type === type);

/** By Service: how its labels bind it, and what istiod says of that; null for nothing. */
const SERVICES: Readonly<Record<string, { labels: Record<string, string>; says: readonly string[] | null }>> = {
  'shop/bound': {
    labels: { [USE]: 'waypoint' },
    says: ['True', 'WaypointAccepted', 'Successfully attached to waypoint shop/waypoint'],
  },
  'shop/passed': {
    labels: { [USE]: 'waypoint', 'istio.io/ingress-use-waypoint': 'true' },
    says: [
      'True',
      'WaypointAccepted',
      'Successfully attached to waypoint shop/waypoint. Ingress traffic will traverse the waypoint',
    ],
  },
  'shop/bypassed': {
    labels: { [USE]: 'waypoint', 'istio.io/ingress-use-waypoint': 'false' },
    says: [
      'True',
      'WaypointAccepted',
      'Successfully attached to waypoint shop/waypoint. Ingress traffic is not using the waypoint, set the istio.io/ingress-use-waypoint label to true if desired.',
    ],
  },
  'shop/unlabelled': { labels: {}, says: null },
  'shop/opted-out': { labels: { [USE]: 'none' }, says: null },
  'shop/to-missing': {
    labels: { [USE]: 'gone' },
    says: ['False', 'WaypointIsNotReady', 'waypoint "shop/gone" is not ready'],
  },
  'shop/to-pending': {
    labels: { [USE]: 'pending' },
    says: ['False', 'WaypointIsNotReady', 'waypoint "shop/pending" is not ready'],
  },
  // Unready endpoints count: it is bound to a waypoint that takes nothing.
  'shop/to-failing': {
    labels: { [USE]: 'failing' },
    says: ['True', 'WaypointAccepted', 'Successfully attached to waypoint shop/failing'],
  },
  'shop/to-foreign': {
    labels: { [USE]: 'foreign' },
    says: ['False', 'WaypointIsNotReady', 'waypoint "shop/foreign" is not ready'],
  },
  'shop/to-workloads': {
    labels: { [USE]: 'pods' },
    says: [
      'False',
      'UnsupportedTrafficType',
      'attempting to bind to traffic type "service" which the waypoint "shop/pods" does not support',
    ],
  },
  'shop/to-agent': {
    labels: { [USE]: 'agent' },
    says: ['True', 'WaypointAccepted', 'Successfully attached to waypoint shop/agent'],
  },
  'other/refused': {
    labels: { [USE]: 'waypoint', 'istio.io/use-waypoint-namespace': 'shop' },
    says: [
      'False',
      'AttachmentDenied',
      'we are not permitted to attach to waypoint "shop/waypoint" (missing allowedRoutes?)',
    ],
  },
  'other/allowed': {
    labels: { [USE]: 'open', 'istio.io/use-waypoint-namespace': 'shop' },
    says: ['True', 'WaypointAccepted', 'Successfully attached to waypoint shop/open'],
  },
  'whole/inherits': {
    labels: {},
    says: ['True', 'WaypointAccepted', 'Successfully attached to waypoint whole/waypoint'],
  },
  'whole/opted-out': { labels: { [USE]: 'none' }, says: null },
  'whole/own': {
    labels: { [USE]: 'gone' },
    says: ['False', 'WaypointIsNotReady', 'waypoint "whole/gone" is not ready'],
  },
};

interface Ambientz {
  workloads: readonly { name: string; tunnelProtocol?: string; waypoint?: { hostname: { hostname: string } } }[];
  services: readonly { name: string; namespace: string; waypoint?: { hostname: { hostname: string } } }[];
}

interface Synced {
  proxy: string;
  proxy_type: string;
  istio_version: string;
  listener_sent?: string;
  listener_acked?: string;
  resources: Record<string, { sent?: string; acked?: string; lastError?: string }>;
}

describe('waypoints and ztunnels, as a real istiod with ambient on says of them', ALONE, () => {
  let ambient: Ambient;
  before(async () => {
    ambient = await startAmbient({
      features: { PILOT_ENABLE_AGENTGATEWAY: 'true' },
      objects: [ambientNamespace('shop'), ambientNamespace('other'), ambientNamespace('whole', { [USE]: 'waypoint' })],
    });
    ambient.apply(
      waypointGateway('waypoint', 'shop', { labels: { 'istio.io/waypoint-for': 'service' } }),
      waypointGateway('pending', 'shop'),
      waypointGateway('failing', 'shop'),
      waypointGateway('open', 'shop', { from: 'All' }),
      waypointGateway('pods', 'shop', { labels: { 'istio.io/waypoint-for': 'workload' } }),
      waypointGateway('agent', 'shop', { gatewayClassName: 'istio-agentgateway-waypoint' }),
      waypointGateway('foreign', 'shop', { gatewayClassName: 'acme-waypoint' }),
      waypointGateway('waypoint', 'whole'),
      ...Object.entries(SERVICES).map(([key, { labels }]) => {
        const [namespace = '', name = ''] = key.split('/');
        return serviceOf(name, namespace, labels);
      }),
    );
    for (const name of ['waypoint', 'open', 'pods', 'agent']) await ambient.runWaypoint(name, 'shop');
    await ambient.runWaypoint('failing', 'shop', { ready: false });
    await ambient.runWaypoint('waypoint', 'whole');
    await ambient.addNode('node-2');
    await ambient.addPods(
      workloadPod('in', 'shop', 'bound', { redirection: 'enabled', ip: '10.244.1.1' }),
      workloadPod('pending', 'shop', 'bound', { redirection: 'pending', ip: '10.244.1.2' }),
      workloadPod('out', 'shop', 'bound', { ip: '10.244.1.3' }),
      workloadPod('by-itself', 'shop', 'bound', {
        redirection: 'enabled',
        ip: '10.244.1.4',
        labels: { [USE]: 'pods' },
      }),
      workloadPod('in-vain', 'shop', 'bound', {
        redirection: 'enabled',
        ip: '10.244.1.5',
        labels: { [USE]: 'waypoint' },
      }),
    );
  });
  after(() => ambient?.close());

  const saidOf = (key: string): Condition | undefined => {
    const [namespace = '', name = ''] = key.split('/');
    return conditionOf(ambient.get('service', name, namespace), BOUND);
  };
  const wordsOf = (condition: Condition | undefined): readonly string[] | null =>
    condition === undefined ? null : [condition.status, condition.reason, condition.message];

  const gatewaySays = (name: string, type: string, namespace = 'shop'): Condition | undefined =>
    conditionOf(ambient.get('gateways.gateway.networking.k8s.io', name, namespace), type);

  for (const [key, { says }] of Object.entries(SERVICES)) {
    it(`Service ${key}: ${says?.[1] ?? 'nothing'}`, async () => {
      await ambient.until(
        () => JSON.stringify(wordsOf(saidOf(key))) === JSON.stringify(says),
        () => `${JSON.stringify(wordsOf(saidOf(key)))} is said of ${key}`,
      );
    });
  }

  it('a Gateway is programmed once it has a pod, ready or not, and keeps its address when that is gone', async () => {
    await ambient.until(
      () => gatewaySays('waypoint', 'Programmed')?.status === 'True',
      () => 'the waypoint is not programmed',
    );
    assert.equal(gatewaySays('waypoint', 'Accepted')?.reason, 'Accepted');
    assert.equal(gatewaySays('failing', 'Programmed')?.status, 'True');
    assert.deepEqual(wordsOf(gatewaySays('pending', 'Programmed')), [
      'False',
      'AddressNotAssigned',
      'Failed to assign to any requested addresses: no instances found for hostname "pending.shop.svc.cluster.local"',
    ]);
    assert.deepEqual(wordsOf(gatewaySays('foreign', 'Programmed')), ['Unknown', 'Pending', 'Waiting for controller']);
    ambient.kubectl('-n', 'shop', 'delete', 'endpointslice', 'open-made');
    // Endpoints that go are no reason for istiod to write status: another change is.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    assert.equal(gatewaySays('open', 'Programmed')?.status, 'True');
    ambient.apply(serviceOf('another', 'shop'));
    await ambient.until(
      () => gatewaySays('open', 'Programmed')?.status === 'False',
      () => 'a waypoint without a pod is programmed',
    );
    assert.equal(saidOf('other/allowed')?.status, 'True');
  });

  it('makes the Deployment and the Service of a waypoint', () => {
    const [namespace, name] = ['shop', 'waypoint'];
    const deployment = ambient.get('deployment', name, namespace);
    assert.deepEqual(deployment.metadata.labels, {
      'istio.io/waypoint-for': 'service',
      'gateway.istio.io/managed': 'istio.io-mesh-controller',
      'gateway.networking.k8s.io/gateway-class-name': 'istio-waypoint',
      'gateway.networking.k8s.io/gateway-name': 'waypoint',
    });
    const pod = ambient.get('pod', podBehind(name), namespace);
    const { containers } = pod.spec as {
      containers: { name: string; ports: { name: string; containerPort: number }[] }[];
    };
    assert.deepEqual(
      containers.map((each) => [each.name, each.ports.map(({ name, containerPort }) => `${name}:${containerPort}`)]),
      [['istio-proxy', ['metrics:15020', 'status-port:15021', 'http-envoy-prom:15090']]],
    );
    assert.equal(pod.metadata.annotations?.['prometheus.io/port'], '15020');
    const { ports } = ambient.get('service', name, namespace).spec as { ports: { name: string; port: number }[] };
    assert.deepEqual(
      ports.map((each) => `${each.name}:${each.port}`),
      ['status-port:15021', 'mesh:15008'],
    );
    const agent = ambient.get('pod', podBehind('agent'), namespace);
    assert.equal(agent.metadata.labels?.['gateway.istio.io/managed'], 'istio.io-agentgateway-waypoint-controller');
    assert.deepEqual(
      (agent.spec as { containers: { name: string }[] }).containers.map((each) => each.name),
      ['agentgateway'],
    );
  });

  it('makes what tests compose', () => {
    const objects = waypointObjects(ambientShop(), waypoint('waypoint'), () => '10.244.0.1');
    const composed = (wanted: string): RecordedObject =>
      objects.find(({ kind }) => kind === wanted) ?? assert.fail(wanted);
    const essence = (gateway: RecordedObject, deployment: RecordedObject, service: RecordedObject) => {
      const { metadata, spec: pod } = templateOf(deployment);
      const { type, ports } = service.spec as { type: string; ports: Record<string, unknown>[] };
      const { addresses, conditions } = gateway.status as {
        addresses: { type: string }[];
        conditions: readonly Condition[];
      };
      return {
        addresses: addresses.map((each) => each.type),
        conditions: conditions
          .filter(({ type }) => type !== 'ResolvedRefs')
          .map((each) => [each.type, ...(wordsOf(each) ?? [])]),
        labels: metadata.labels,
        annotations: metadata.annotations,
        containers: pod.containers.map((each) => {
          const { name, ports } = each as { name: string; ports: unknown };
          return { name, ports };
        }),
        service: service.metadata.labels,
        type,
        ports: ports.map(({ name, port, appProtocol }) => ({ name, port, appProtocol })),
      };
    };
    assert.deepEqual(
      essence(composed('Gateway'), composed('Deployment'), composed('Service')),
      essence(
        ambient.get('gateways.gateway.networking.k8s.io', 'waypoint', 'shop'),
        ambient.get('deployment', 'waypoint', 'shop'),
        ambient.get('service', 'waypoint', 'shop'),
      ),
    );
  });

  it('tells ztunnels which pods are in the mesh, and what is before them', async () => {
    let told: Ambientz | undefined;
    await ambient.until(
      async () => {
        told = await ambient.debug<Ambientz>('ambientz');
        return told.workloads.some(({ name }) => name === 'in-vain');
      },
      () => 'istiod knows no pods',
    );
    const workload = (wanted: string) => told?.workloads.find(({ name }) => name === wanted);
    assert.deepEqual(
      ['in', 'pending', 'out'].map((name) => workload(name)?.tunnelProtocol),
      ['HBONE', undefined, undefined],
    );
    assert.equal(workload('by-itself')?.waypoint?.hostname.hostname, 'pods.shop.svc.cluster.local');
    assert.equal(workload('in-vain')?.waypoint, undefined);
    const service = (wanted: string) => told?.services.find(({ name }) => name === wanted);
    assert.equal(service('bound')?.waypoint?.hostname.hostname, 'waypoint.shop.svc.cluster.local');
    assert.equal(service('refused')?.waypoint, undefined);
  });

  it('shows ztunnels and waypoints that are connected', async () => {
    ambient.connectZtunnel('node-1');
    ambient.connectZtunnel('node-2', 'no such thing');
    ambient.connectWaypoint('waypoint', 'shop');
    const ADDRESS = 'type.googleapis.com/istio.workload.Address';
    let synced: readonly Synced[] = [];
    const proxy = (wanted: string): Synced | undefined => synced.find((each) => each.proxy === wanted);
    await ambient.until(
      async () => {
        synced = await ambient.debug<readonly Synced[]>('syncz');
        return (
          proxy('ztunnel-node-1.istio-system')?.resources[ADDRESS]?.acked !== undefined &&
          proxy('ztunnel-node-2.istio-system')?.resources[ADDRESS]?.lastError !== undefined &&
          proxy(`${podBehind('waypoint')}.shop`)?.listener_acked !== undefined
        );
      },
      () => JSON.stringify(synced),
    );
    const well = proxy('ztunnel-node-1.istio-system');
    assert.deepEqual([well?.proxy_type, well?.istio_version, well?.listener_sent], ['ztunnel', '1.31.0', undefined]);
    assert.equal(well?.resources[ADDRESS]?.acked, well?.resources[ADDRESS]?.sent);
    const bad = proxy('ztunnel-node-2.istio-system')?.resources[ADDRESS];
    process.stdout.write(`# refused: ${JSON.stringify(bad)}\n`);
    assert.match(bad?.lastError ?? '', /no such thing/);
    const waypoint = proxy(`${podBehind('waypoint')}.shop`);
    assert.deepEqual([waypoint?.proxy_type, waypoint?.listener_acked], ['waypoint', waypoint?.listener_sent]);
  });
});
