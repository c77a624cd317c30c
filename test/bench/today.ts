import { loadMesh } from '../support/meshes.ts';
import {
  addressOf,
  applicationOf,
  compareFleets,
  endLabels,
  metadataOf,
  NAMESPACE,
  nameOf,
  runningAt,
  serviceLabels,
} from './fleet.ts';

/**
 * A mesh of today on the real API server, with 1,000 injected pods and with 10,000: their series in a real Prometheus, each
 * pod a target. The program as it is installed, against `kubectl get pods --all-namespaces -o json`: seconds, memory with all
 * that it has started, and how many processes those are, which is the same at both sizes.
 */

const IMAGE = 'docker.io/istio/proxyv2:1.31.0';

/** As much as an injected pod has: the API server adds what it fills in. */
const podOf = (number: number): object => ({
  metadata: metadataOf(number, {
    labels: {
      'security.istio.io/tlsMode': 'istio',
      'service.istio.io/canonical-name': `load-${number % 1000}`,
      'service.istio.io/canonical-revision': 'v1',
    },
    annotations: {
      'istio.io/rev': 'default',
      'prometheus.io/port': '15020',
      'prometheus.io/path': '/stats/prometheus',
      'prometheus.io/scrape': 'true',
      'sidecar.istio.io/status': JSON.stringify({
        initContainers: ['istio-init', 'istio-proxy'],
        volumes: ['workload-socket', 'istio-envoy', 'istio-data', 'istio-podinfo', 'istio-token', 'istiod-ca-cert'],
        revision: 'default',
      }),
    },
  }),
  spec: {
    nodeName: 'node-1',
    automountServiceAccountToken: false,
    initContainers: [
      { name: 'istio-init', image: IMAGE, args: ['istio-iptables', '-p', '15001', '-z', '15006', '-u', '1337'] },
      {
        name: 'istio-proxy',
        image: IMAGE,
        args: ['proxy', 'sidecar', '--domain', '$(POD_NAMESPACE).svc.cluster.local', '--proxyLogLevel=warning'],
        env: ['POD_NAMESPACE', 'CA_ADDR', 'ISTIO_META_CLUSTER_ID'].map((name) => ({ name, value: 'x' })),
        ports: [{ containerPort: 15090, name: 'http-envoy-prom' }],
        restartPolicy: 'Always',
      },
    ],
    containers: [applicationOf(number)],
  },
});

/** What one proxy is known by in the store. */
const labelsOf = (number: number): string =>
  Object.entries({
    namespace: NAMESPACE,
    pod: nameOf(number),
    app: `load-${number % 1000}`,
    instance: `${addressOf(number)}:15020`,
    job: 'kubernetes-pods',
  })
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');

/** The series of all of them on one page, as a federation has them, with all of Istio's standard labels. */
function pageOf(count: number): string {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const request = (number: number, reporter: string): string => {
    const workload = `load-${number % 1000}`;
    const labels = `${endLabels('source', workload)},${endLabels('destination', workload)},${serviceLabels(workload)},connection_security_policy="${reporter === 'source' ? 'unknown' : 'mutual_tls'}",grpc_response_status="",request_protocol="http",response_code="200",response_flags="-"`;
    return `istio_requests_total{${labelsOf(number)},reporter="${reporter}",${labels}} ${1000 + number}`;
  };
  return [
    '# TYPE istio_build gauge',
    ...numbers.map((number) => `istio_build{${labelsOf(number)},component="proxy",tag="1.31.0"} 1`),
    '# TYPE istio_requests_total counter',
    ...numbers.flatMap((number) => ['source', 'destination'].map((reporter) => request(number, reporter))),
    '',
  ].join('\n');
}

await compareFleets((size) => ({
  mesh: loadMesh('healthy-telemetry-api-1.31'),
  page: pageOf(size),
  targets: Array.from({ length: size }, (_, number) => ({
    namespace: NAMESPACE,
    pod: nameOf(number),
    app: `load-${number % 1000}`,
    instance: `${addressOf(number)}:15020`,
    path: '/stats/prometheus',
  })),
  pods: [{ path: `/api/v1/namespaces/${NAMESPACE}/pods`, count: size, of: podOf, statusOf: runningAt }],
  labels: { 'istio-injection': 'enabled' },
}));
