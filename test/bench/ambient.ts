import { ambientShop } from '../support/mesh/ambient/shop.ts';
import { built } from '../support/mesh/scenario.ts';
import {
  addressOf,
  applicationOf,
  compareFleets,
  endLabels,
  metadataOf,
  NAMESPACE,
  runningAt,
  serviceLabels,
} from './fleet.ts';

/**
 * A mesh in ambient on the real API server, with 1,000 pods and with 10,000, twenty on each node, whose ztunnel and agent of
 * istio-cni are pods too: the series of ztunnels in a real Prometheus, each ztunnel a target. The program as it is installed,
 * against `kubectl get pods --all-namespaces -o json`: seconds, memory with all that it has started, and how many processes
 * those are, which is the same at both sizes.
 */

const PER_NODE = 20;

/** As much as a pod in ambient has: the API server adds what it fills in. */
const podOf = (number: number): object => ({
  metadata: metadataOf(number, {
    annotations: {
      'ambient.istio.io/redirection': 'enabled',
    },
  }),
  spec: {
    nodeName: `load-${Math.floor(number / PER_NODE)}`,
    automountServiceAccountToken: false,
    containers: [applicationOf(number)],
  },
});

/** A pod of a DaemonSet on a node, as Istio's charts make it. */
const ofDaemonSet =
  (name: string, labels: Record<string, string>, container: object, annotations: Record<string, string>) =>
  (node: number): object => ({
    metadata: {
      name: `${name}-load-${node}`,
      namespace: 'istio-system',
      labels: { ...labels, 'istio.io/dataplane-mode': 'none', 'sidecar.istio.io/inject': 'false' },
      annotations: { 'prometheus.io/scrape': 'true', ...annotations },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'DaemonSet',
          name,
          uid: '00000000-0000-4000-8000-000000000001',
          controller: true,
        },
      ],
    },
    spec: { nodeName: `load-${node}`, automountServiceAccountToken: false, containers: [container] },
  });

const ztunnelOf = ofDaemonSet(
  'ztunnel',
  { app: 'ztunnel' },
  {
    name: 'istio-proxy',
    image: 'docker.io/istio/ztunnel:1.31.0',
    args: ['proxy', 'ztunnel'],
    ports: [{ containerPort: 15020, name: 'ztunnel-stats' }],
  },
  { 'prometheus.io/port': '15020' },
);

const agentOf = ofDaemonSet(
  'istio-cni-node',
  { 'k8s-app': 'istio-cni-node' },
  {
    name: 'install-cni',
    image: 'docker.io/istio/install-cni:1.31.0',
    ports: [{ containerPort: 15014, name: 'metrics' }],
  },
  { 'prometheus.io/port': '15014', 'prometheus.io/path': '/metrics' },
);

/** Addresses of what runs on nodes, behind those of the pods. */
const [ZTUNNELS, AGENTS] = [20_000, 30_000];

const labelsOf = (node: number): string =>
  Object.entries({
    namespace: 'istio-system',
    pod: `ztunnel-load-${node}`,
    app: 'ztunnel',
    instance: `${addressOf(ZTUNNELS + node)}:15020`,
    job: 'kubernetes-pods',
  })
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');

/** What all ztunnels together show: a connection from each pod, and one to it. */
function pageOf(size: number): string {
  const nodes = Array.from({ length: size / PER_NODE }, (_, node) => node);
  const numbers = Array.from({ length: size }, (_, number) => number);
  const counted = (name: string): readonly string[] => [
    `# TYPE ${name} counter`,
    ...numbers.flatMap((number) => {
      const [own, other] = [`load-${number % 1000}`, `load-${(number + 1) % 1000}`];
      const rest = 'connection_security_policy="mutual_tls",request_protocol="tcp",response_flags="-"';
      const at = labelsOf(Math.floor(number / PER_NODE));
      return [
        `${name}{${at},reporter="source",${endLabels('source', own)},${endLabels('destination', other)},${serviceLabels(other)},${rest}} ${1000 + number}`,
        `${name}{${at},reporter="destination",${endLabels('source', other)},${endLabels('destination', own)},${serviceLabels(own)},${rest}} ${1000 + number}`,
      ];
    }),
  ];
  return [
    '# TYPE istio_build gauge',
    ...nodes.map((node) => `istio_build{${labelsOf(node)},component="ztunnel",tag="1.31.0"} 1`),
    '# TYPE workload_manager_active_proxy_count gauge',
    ...nodes.map((node) => `workload_manager_active_proxy_count{${labelsOf(node)}} ${PER_NODE}`),
    '# TYPE workload_manager_pending_proxy_count gauge',
    ...nodes.map((node) => `workload_manager_pending_proxy_count{${labelsOf(node)}} 0`),
    ...counted('istio_tcp_connections_opened_total'),
    ...counted('istio_tcp_received_bytes_total'),
    '',
  ].join('\n');
}

const SYSTEM = '/api/v1/namespaces/istio-system/pods';

await compareFleets((size) => ({
  mesh: built('load', ambientShop()),
  page: pageOf(size),
  targets: Array.from({ length: size / PER_NODE }, (_, node) => ({
    namespace: 'istio-system',
    pod: `ztunnel-load-${node}`,
    app: 'ztunnel',
    instance: `${addressOf(ZTUNNELS + node)}:15020`,
    path: '/metrics',
  })),
  pods: [
    { path: `/api/v1/namespaces/${NAMESPACE}/pods`, count: size, of: podOf, statusOf: runningAt },
    { path: SYSTEM, count: size / PER_NODE, of: ztunnelOf, statusOf: (node) => runningAt(ZTUNNELS + node) },
    { path: SYSTEM, count: size / PER_NODE, of: agentOf, statusOf: (node) => runningAt(AGENTS + node) },
  ],
  labels: { 'istio.io/dataplane-mode': 'ambient' },
}));
