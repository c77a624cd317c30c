import type { Binding, Bindings } from '../../src/evidence/ambient/bindings.ts';
import type { Enrolled, Member } from '../../src/evidence/ambient/enrolled.ts';
import type { ApiGateway, Condition } from '../../src/evidence/istio/gateway-api.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import { container, pod, port, service } from './mixer.ts';

/** The smallest evidence of a healthy mesh in ambient; each test changes what it is about. */

export const condition = (type: string, status: string, reason = type, message = ''): Condition => ({
  type,
  status,
  reason,
  message,
});

export const gateway = (change: Partial<ApiGateway> = {}): ApiGateway => ({
  name: 'waypoint',
  namespace: 'shop',
  className: 'istio-waypoint',
  isWaypoint: true,
  controller: 'istio.io/mesh-controller',
  conditions: [condition('Accepted', 'True'), condition('Programmed', 'True')],
  listeners: [],
  serves: 'service',
  unsaid: null,
  hasAddress: true,
  isManual: false,
  ...change,
});

/** `service/cart` asks for its namespace's waypoint, and has it. */
export const binding = (change: Partial<Binding> = {}): Binding => ({
  of: { kind: 'Service', name: 'cart', namespace: 'shop' },
  service: service('cart', { namespace: 'shop', ports: [port('http', 80)] }),
  hosts: [],
  wish: { namespace: 'shop', name: 'waypoint', by: 'own' },
  gateway: gateway(),
  unbound: { got: null },
  said: null,
  ingress: null,
  address: 'own',
  ...change,
});

export const bindingsOf = (all: readonly Binding[], change: Partial<Bindings> = {}): { got: Bindings } => ({
  got: { bindings: all, waypoints: [gateway()], missing: [], ...change },
});

export const waypointPod = (change: Partial<Pod> = {}): Pod =>
  pod({
    name: 'waypoint-5d4f-x1',
    namespace: 'shop',
    labels: {
      'gateway.networking.k8s.io/gateway-name': 'waypoint',
      'gateway.istio.io/managed': 'istio.io-mesh-controller',
      'pod-template-hash': '5d4f',
    },
    owner: { kind: 'ReplicaSet', name: 'waypoint-5d4f' },
    containers: [container('istio-proxy', 'istio/proxyv2:1.31.0', { args: ['proxy', 'waypoint'] })],
    ...change,
  });

/** A pod of an application, which ztunnel carries. */
export const ambientPod = (app: string, change: Partial<Pod> = {}): Pod =>
  pod({
    name: `${app}-7d9c-x1`,
    namespace: 'shop',
    labels: { app, 'pod-template-hash': '7d9c' },
    annotations: { 'ambient.istio.io/redirection': 'enabled' },
    owner: { kind: 'ReplicaSet', name: `${app}-7d9c` },
    containers: [container('app', 'app:1')],
    ...change,
  });

const member = (of: Pod): Member => ({
  pod: of,
  redirection: 'enabled',
  node: { ztunnel: null, agent: null },
  isYoung: false,
});

export const enrolledOf = (change: Partial<Enrolled> = {}): Enrolled => ({
  members: [member(ambientPod('cart'))],
  kept: [],
  waypoints: [waypointPod()],
  ztunnels: [],
  nodes: new Map(),
  namespaces: new Map(),
  unasked: [],
  refusal: null,
  ...change,
});
