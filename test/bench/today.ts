import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPrograms } from '../e2e/build.ts';
import { startCluster } from '../e2e/cluster.ts';
import { loadMesh } from '../support/meshes.ts';
import { compareCost, create, installIn } from './cost.ts';
import { loadScraped } from './scraped.ts';

/**
 * A mesh of today on the real API server, with 1,000 injected pods and with 10,000: their series in a real Prometheus, each
 * pod a target. The program as it is installed, against `kubectl get pods --all-namespaces -o json`: seconds, memory with all
 * that it has started, and how many processes those are, which is the same at both sizes.
 */

const SIZES = (process.env.PODS ?? '1000,10000').split(',').map(Number);

const ROUNDS = Number(process.env.ROUNDS ?? 5);

const HASH = '7d9c8b6f5';

const [NAMESPACE, IMAGE] = ['load', 'docker.io/istio/proxyv2:1.31.0'];

const nameOf = (number: number): string => `load-${number % 1000}-${HASH}-x${number}`;

/** As many addresses as pods, none of them anybody's. */
const addressOf = (number: number): string => `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;

/** As much as an injected pod has: the API server adds what it fills in. */
const podOf = (number: number): object => ({
  metadata: {
    name: nameOf(number),
    namespace: NAMESPACE,
    labels: {
      app: `load-${number % 1000}`,
      version: 'v1',
      'pod-template-hash': HASH,
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
      'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(600),
    },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: `load-${number % 1000}-${HASH}`,
        uid: '00000000-0000-4000-8000-000000000000',
        controller: true,
      },
    ],
  },
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
    containers: [
      { name: 'app', image: `registry.example/load/app-${number % 50}:1`, ports: [{ containerPort: 9080 }] },
    ],
  },
});

const statusOf = (number: number): object => ({
  phase: 'Running',
  podIP: addressOf(number),
  podIPs: [{ ip: addressOf(number) }],
  startTime: '2026-11-20T08:00:00Z',
  conditions: [{ type: 'Ready', status: 'True' }],
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
  const end = (side: string, workload: string): string =>
    Object.entries({
      app: workload,
      canonical_revision: 'v1',
      canonical_service: workload,
      cluster: 'Kubernetes',
      principal: `spiffe://cluster.local/ns/${NAMESPACE}/sa/default`,
      version: 'v1',
      workload,
      workload_namespace: NAMESPACE,
    })
      .map(([name, value]) => `${side}_${name}="${value}"`)
      .join(',');
  const request = (number: number, reporter: string): string => {
    const workload = `load-${number % 1000}`;
    const service = `destination_service="${workload}.${NAMESPACE}.svc.cluster.local",destination_service_name="${workload}",destination_service_namespace="${NAMESPACE}"`;
    const labels = `${end('source', workload)},${end('destination', workload)},${service},connection_security_policy="${reporter === 'source' ? 'unknown' : 'mutual_tls'}",grpc_response_status="",request_protocol="http",response_code="200",response_flags="-"`;
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

/** Prometheus' own page of its targets, with one for each pod. */
function targetsOf(count: number): string {
  const now = new Date().toISOString();
  const activeTargets = Array.from({ length: count }, (_, number) => {
    const instance = `${addressOf(number)}:15020`;
    const app = `load-${number % 1000}`;
    return {
      discoveredLabels: {
        __address__: instance,
        __meta_kubernetes_namespace: NAMESPACE,
        __meta_kubernetes_pod_name: nameOf(number),
        __meta_kubernetes_pod_ip: addressOf(number),
        __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'true',
        __meta_kubernetes_pod_container_name: 'istio-proxy',
        __meta_kubernetes_pod_label_app: app,
        __metrics_path__: '/stats/prometheus',
        __scheme__: 'http',
        job: 'kubernetes-pods',
      },
      labels: { app, instance, job: 'kubernetes-pods', namespace: NAMESPACE, pod: nameOf(number) },
      scrapePool: 'kubernetes-pods',
      scrapeUrl: `http://${instance}/stats/prometheus`,
      globalUrl: `http://${instance}/stats/prometheus`,
      lastError: '',
      lastScrape: now,
      lastScrapeDuration: 0.01,
      health: 'up',
      scrapeInterval: '15s',
      scrapeTimeout: '10s',
    };
  });
  return JSON.stringify({ status: 'success', data: { activeTargets, droppedTargets: [] } });
}

async function compareAt(size: number, program: string): Promise<void> {
  const { recording, plan } = loadMesh('healthy-telemetry-api-1.31');
  const page = { status: 200, contentType: 'text/plain; version=0.0.4', body: pageOf(size) };
  recording.pages.set('load/all:15020/federate', page);
  const larger = {
    ...plan,
    targets: [
      ...plan.targets,
      {
        job: 'load',
        labels: { instance: '10.0.0.1:15020' },
        metricsPath: '/federate',
        page: 'load/all/15020/federate',
      },
    ],
    // Nearly as seldom as Istio's own configuration has it (15 s): rates read no more samples than they would.
    jobs: { ...plan.jobs, load: { honor_labels: true, scrape_interval: '10s' } },
    others: [{ match: /^\/api\/v1\/targets/, status: 200, body: targetsOf(size) }],
  };
  const cluster = await startCluster();
  const ends = [() => cluster.close()];
  try {
    ends.push(await loadScraped(cluster, { recording, plan: larger }));
    await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    // Pods are refused without one, and no controller runs here.
    const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
    await cluster.api('POST', accounts, { metadata: { name: 'default' } }, [201, 409]);
    await create(cluster, `/api/v1/namespaces/${NAMESPACE}/pods`, size, podOf, statusOf);
    // Afterwards: nobody is behind the webhook.
    await cluster.api('PATCH', `/api/v1/namespaces/${NAMESPACE}`, {
      metadata: { labels: { 'istio-injection': 'enabled' } },
    });
    await compareCost(`missing-metrics, ${size} pods`, [program, 'missing-metrics'], cluster.kubeconfig, ROUNDS);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

buildPrograms();
const installed = mkdtempSync(join(tmpdir(), 'bench-'));
try {
  const program = process.env.PROGRAM ?? installIn(installed);
  for (const size of SIZES) await compareAt(size, program);
} finally {
  rmSync(installed, { recursive: true });
}
