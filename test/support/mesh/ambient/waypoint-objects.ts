import type { RecordedObject } from '../../recordings.ts';
import { object, owned, type Template } from '../objects.ts';
import { MERGED } from '../proxied.ts';
import type { Spec } from '../spec.ts';
import { nodesOf } from './edges.ts';
import type { Waypoint } from './spec.ts';

const NAME = 'gateway.networking.k8s.io/gateway-name';

/** The Gateway's own label, which istiod gives what it makes for it, too. */
const servingOf = ({ serves }: Waypoint): Record<string, string> =>
  serves === null ? {} : { 'istio.io/waypoint-for': serves };

/** What istiod's template gives a waypoint's objects (istio-discovery/files/waypoint.yaml). */
const labelsOf = (waypoint: Waypoint): Record<string, string> => ({
  'gateway.istio.io/managed': 'istio.io-mesh-controller',
  'gateway.networking.k8s.io/gateway-class-name': waypoint.className,
  [NAME]: waypoint.name,
  ...servingOf(waypoint),
  ...waypoint.labels,
});

const templateOf = (spec: Spec, waypoint: Waypoint): Template => ({
  labels: {
    ...labelsOf(waypoint),
    'istio.io/dataplane-mode': 'none',
    'service.istio.io/canonical-name': waypoint.name,
    'service.istio.io/canonical-revision': 'latest',
    'sidecar.istio.io/inject': 'false',
  },
  annotations: { 'istio.io/rev': spec.revision, ...MERGED, ...waypoint.annotations },
  spec: {
    serviceAccountName: waypoint.name,
    containers: [
      {
        name: 'istio-proxy',
        image: `istio/proxyv2:${spec.release}-distroless`,
        args: ['proxy', 'waypoint', '--domain', '$(POD_NAMESPACE).svc.cluster.local'],
        env: [{ name: 'ISTIO_META_WORKLOAD_NAME', value: waypoint.name }],
        ports: [
          { containerPort: 15020, name: 'metrics', protocol: 'TCP' },
          { containerPort: 15021, name: 'status-port', protocol: 'TCP' },
          { containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' },
        ],
      },
    ],
  },
});

/** A Gateway's status (pilot/pkg/config/kube/gatewaycommon/conversion.go): an address as soon as it has a pod, ready or not. */
function statusOf({ name, namespace, programmed }: Waypoint, address: string): Record<string, unknown> {
  const host = `${name}.${namespace}.svc.cluster.local`;
  const condition = (type: string, isTrue: boolean, reason: string, message: string): object => ({
    type,
    status: isTrue ? 'True' : 'False',
    reason,
    message,
    lastTransitionTime: '2026-11-20T08:00:00Z',
    observedGeneration: 1,
  });
  return {
    ...(programmed && {
      addresses: [
        { type: 'IPAddress', value: address },
        { type: 'Hostname', value: host },
      ],
    }),
    conditions: [
      condition('Accepted', true, 'Accepted', 'Resource accepted'),
      programmed
        ? condition('Programmed', true, 'Programmed', `Resource programmed, assigned to service(s) ${host}:15008`)
        : condition(
            'Programmed',
            false,
            'AddressNotAssigned',
            `Failed to assign to any requested addresses: no instances found for hostname "${host}"`,
          ),
    ],
    listeners: [
      {
        name: 'mesh',
        attachedRoutes: 0,
        supportedKinds: [],
        conditions: [
          condition('Accepted', true, 'Accepted', 'No errors found'),
          condition('Programmed', true, 'Programmed', 'No errors found'),
        ],
      },
    ],
  };
}

/** A Gateway of a waypoint, with the Deployment, the pods and the Service that istiod makes for it. */
export function waypointObjects(spec: Spec, waypoint: Waypoint, address: () => string): readonly RecordedObject[] {
  const { name, namespace, className, allowedRoutes, replicas, ready } = waypoint;
  const selector = { [NAME]: name };
  const template = templateOf(spec, waypoint);
  const clusterIP = address().replace(/^10\.244\./, '10.96.');
  const listener = {
    name: 'mesh',
    port: 15008,
    protocol: 'HBONE',
    ...(allowedRoutes !== null && { allowedRoutes: { namespaces: { from: allowedRoutes } } }),
  };
  return [
    object(
      'gateway.networking.k8s.io/v1',
      'Gateway',
      { name, namespace, labels: servingOf(waypoint) },
      { spec: { gatewayClassName: className, listeners: [listener] }, status: statusOf(waypoint, clusterIP) },
    ),
    ...owned({
      kind: 'Deployment',
      name,
      namespace,
      selector,
      template,
      pod: template,
      addresses: Array.from({ length: replicas }, address),
      nodes: nodesOf(waypoint),
      ready,
    }),
    object(
      'v1',
      'Service',
      { name, namespace, labels: labelsOf(waypoint) },
      {
        spec: {
          type: 'ClusterIP',
          clusterIP,
          selector,
          ports: [
            { name: 'status-port', port: 15021, protocol: 'TCP', appProtocol: 'tcp' },
            { name: 'mesh', port: 15008, protocol: 'TCP', appProtocol: 'hbone' },
          ],
        },
      },
    ),
  ];
}
