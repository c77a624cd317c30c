import { isAtLeast } from '../../../../src/istio/release.ts';
import type { RecordedObject } from '../../recordings.ts';
import { configMap, definition, object, owned, type Template } from '../objects.ts';
import type { Spec } from '../spec.ts';
import type { Ambient } from './spec.ts';

const SYSTEM = 'istio-system';

const ofChart = (name: string): Record<string, string> => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/managed-by': 'Helm',
  'app.kubernetes.io/part-of': 'istio',
  'istio.io/dataplane-mode': 'none',
  'sidecar.istio.io/inject': 'false',
});

/** manifests/charts/ztunnel/templates/daemonset.yaml */
const ztunnelTemplate = ({ release }: Spec, { annotations }: Ambient): Template => ({
  labels: { ...ofChart('ztunnel'), app: 'ztunnel' },
  annotations: { 'sidecar.istio.io/inject': 'false', ...annotations },
  spec: {
    serviceAccountName: 'ztunnel',
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    containers: [
      {
        name: 'istio-proxy',
        image: `istio/ztunnel:${release}-distroless`,
        args: ['proxy', 'ztunnel'],
        ports: [{ containerPort: 15020, name: 'ztunnel-stats', protocol: 'TCP' }],
        readinessProbe: { httpGet: { port: 15021, path: '/healthz/ready' } },
      },
    ],
  },
});

/** manifests/charts/istio-cni/templates/daemonset.yaml */
const agentTemplate = ({ release }: Spec): Template => ({
  labels: { ...ofChart('istio-cni'), 'k8s-app': 'istio-cni-node' },
  annotations: {
    'sidecar.istio.io/inject': 'false',
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '15014',
    'prometheus.io/path': '/metrics',
  },
  spec: {
    serviceAccountName: 'istio-cni',
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    containers: [
      {
        name: 'install-cni',
        image: `istio/install-cni:${release}-distroless`,
        ports: [{ containerPort: 15014, name: 'metrics', protocol: 'TCP' }],
        readinessProbe: { httpGet: { port: 8000, path: '/readyz' } },
      },
    ],
  },
});

/** A DaemonSet of what runs on some nodes; none where it runs on none. */
function onNodes(
  name: string,
  selector: Record<string, string>,
  template: Template,
  places: readonly { node: string; isReady: boolean }[],
  address: () => string,
): readonly RecordedObject[] {
  if (places.length === 0) return [];
  return owned({
    kind: 'DaemonSet',
    name,
    namespace: SYSTEM,
    selector,
    template,
    pod: template,
    addresses: places.map(address),
    nodes: places.map(({ node }) => node),
    ready: places.map(({ isReady }) => isReady),
  });
}

/** Agents know selectors since 1.27. */
function settingsIn(release: string, settings: Record<string, string>): Record<string, string> {
  const { AMBIENT_ENABLEMENT_SELECTOR: _, ...others } = settings;
  return isAtLeast(release, '1.27') ? settings : others;
}

/** What ambient's charts install on the nodes, and the kinds of the Gateway API. */
export function nodeObjects(spec: Spec, ambient: Ambient, address: () => string): readonly RecordedObject[] {
  const placesOf = (what: 'ztunnel' | 'agent') =>
    Object.entries(ambient.nodes).flatMap(([node, { [what]: found }]) =>
      found ? [{ node, isReady: found.isReady }] : [],
    );
  return [
    ...onNodes('ztunnel', { app: 'ztunnel' }, ztunnelTemplate(spec, ambient), placesOf('ztunnel'), address),
    ...onNodes('istio-cni-node', { 'k8s-app': 'istio-cni-node' }, agentTemplate(spec), placesOf('agent'), address),
    ...(ambient.settings === null
      ? []
      : [configMap(SYSTEM, 'istio-cni-config', settingsIn(spec.release, ambient.settings), { app: 'istio-cni' })]),
    definition('Gateway', 'gateways', 'gateway.networking.k8s.io', ['v1', 'v1beta1']),
    definition('GatewayClass', 'gatewayclasses', 'gateway.networking.k8s.io', ['v1', 'v1beta1'], 'Cluster'),
    ...[
      ['istio', 'istio.io/gateway-controller'] as const,
      ['istio-remote', 'istio.io/unmanaged-gateway'] as const,
      ['istio-waypoint', 'istio.io/mesh-controller'] as const,
    ].map(([name, controllerName]) =>
      object('gateway.networking.k8s.io/v1', 'GatewayClass', { name }, { spec: { controllerName } }),
    ),
  ];
}

/** What an agent of istio-cni says of itself (cni/pkg/install/monitoring.go and nodeagent). */
export const agentPage = (isReady: boolean): string =>
  [
    '# TYPE istio_cni_install_ready gauge',
    `istio_cni_install_ready ${isReady ? 1 : 0}`,
    '# TYPE istio_cni_installs_total counter',
    'istio_cni_installs_total{result="SUCCESS"} 1',
    '# TYPE ztunnel_connected gauge',
    `ztunnel_connected ${isReady ? 1 : 0}`,
    '',
  ].join('\n');
