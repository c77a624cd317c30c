import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPrograms } from '../e2e/build.ts';
import { startCluster, type TestCluster } from '../e2e/cluster.ts';
import type { Mesh } from '../support/meshes.ts';
import { compareCost, create, installIn } from './cost.ts';
import { loadScraped } from './scraped.ts';

const SIZES = (process.env.PODS ?? '1000,10000').split(',').map(Number);

const ROUNDS = Number(process.env.ROUNDS ?? 5);

/** The namespace of all pods that are made. */
export const NAMESPACE = 'load';

const HASH = '7d9c8b6f5';

const workloadOf = (number: number): string => `load-${number % 1000}`;

export const nameOf = (number: number): string => `${workloadOf(number)}-${HASH}-x${number}`;

/** What every pod of a Deployment has, and what those of a mesh have beside: kubectl's own annotation is a long one. */
export const metadataOf = (
  number: number,
  { labels = {}, annotations }: { labels?: Record<string, string>; annotations: Record<string, string> },
): object => ({
  name: nameOf(number),
  namespace: NAMESPACE,
  labels: { app: workloadOf(number), version: 'v1', 'pod-template-hash': HASH, ...labels },
  annotations: { ...annotations, 'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(600) },
  ownerReferences: [
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: `${workloadOf(number)}-${HASH}`,
      uid: '00000000-0000-4000-8000-000000000000',
      controller: true,
    },
  ],
});

export const applicationOf = (number: number): object => ({
  name: 'app',
  image: `registry.example/load/app-${number % 50}:1`,
  ports: [{ containerPort: 9080 }],
});

/** As many addresses as pods, none of them anybody's. */
export const addressOf = (number: number): string =>
  `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;

export const runningAt = (number: number): object => ({
  phase: 'Running',
  podIP: addressOf(number),
  podIPs: [{ ip: addressOf(number) }],
  startTime: '2026-11-20T08:00:00Z',
  conditions: [{ type: 'Ready', status: 'True' }],
});

/** What is scraped of a pod, as Prometheus' own page of its targets has it. */
export interface FleetTarget {
  namespace: string;
  pod: string;
  app: string;
  instance: string;
  path: string;
}

/** Pods of one kind: the path of their list, and what each is. */
interface FleetPods {
  path: string;
  count: number;
  of: (number: number) => object;
  statusOf: (number: number) => object;
}

/** A mesh with many pods more, and what is stored of them. */
export interface Fleet {
  mesh: Pick<Mesh, 'recording' | 'plan'>;
  /** The series of all of them on one page, as a federation has them. */
  page: string;
  targets: readonly FleetTarget[];
  pods: readonly FleetPods[];
  /** How the namespace asks for the mesh. */
  labels: Readonly<Record<string, string>>;
}

/** The labels of one end of a call, as Istio's standard ones. */
export const endLabels = (side: string, workload: string): string =>
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

export const serviceLabels = (service: string): string =>
  `destination_service="${service}.${NAMESPACE}.svc.cluster.local",destination_service_name="${service}",destination_service_namespace="${NAMESPACE}"`;

/** Prometheus' own page of its targets, all of which answer. */
function targetsPage(targets: readonly FleetTarget[]): string {
  const now = new Date().toISOString();
  const activeTargets = targets.map(({ namespace, pod, app, instance, path }) => ({
    discoveredLabels: {
      __address__: instance,
      __meta_kubernetes_namespace: namespace,
      __meta_kubernetes_pod_name: pod,
      __meta_kubernetes_pod_ip: instance.replace(/:.*/, ''),
      __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'true',
      __meta_kubernetes_pod_container_name: 'istio-proxy',
      __meta_kubernetes_pod_label_app: app,
      __metrics_path__: path,
      __scheme__: 'http',
      job: 'kubernetes-pods',
    },
    labels: { app, instance, job: 'kubernetes-pods', namespace, pod },
    scrapePool: 'kubernetes-pods',
    scrapeUrl: `http://${instance}${path}`,
    globalUrl: `http://${instance}${path}`,
    lastError: '',
    lastScrape: now,
    lastScrapeDuration: 0.01,
    health: 'up',
    scrapeInterval: '15s',
    scrapeTimeout: '10s',
  }));
  return JSON.stringify({ status: 'success', data: { activeTargets, droppedTargets: [] } });
}

async function fill(cluster: TestCluster, { pods, labels }: Fleet): Promise<void> {
  await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
  // Pods are refused without one, and no controller runs here.
  const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
  await cluster.api('POST', accounts, { metadata: { name: 'default' } }, [201, 409]);
  for (const { path, count, of, statusOf } of pods) await create(cluster, path, count, of, statusOf);
  // Afterwards: nobody is behind the webhook.
  await cluster.api('PATCH', `/api/v1/namespaces/${NAMESPACE}`, { metadata: { labels } });
}

async function compareAt(size: number, program: string, fleet: Fleet): Promise<void> {
  const { recording, plan } = fleet.mesh;
  recording.pages.set('load/all:15020/federate', {
    status: 200,
    contentType: 'text/plain; version=0.0.4',
    body: fleet.page,
  });
  const target = {
    job: 'load',
    labels: { instance: '10.0.0.1:15020' },
    metricsPath: '/federate',
    page: 'load/all/15020/federate',
  };
  const larger = {
    ...plan,
    targets: [...plan.targets, target],
    // Nearly as seldom as Istio's own configuration has it (15 s): rates read no more samples than they would.
    jobs: { ...plan.jobs, load: { honor_labels: true, scrape_interval: '10s' } },
    others: [{ match: /^\/api\/v1\/targets/, status: 200, body: targetsPage(fleet.targets) }],
  };
  const cluster = await startCluster();
  const ends = [() => cluster.close()];
  try {
    ends.push(await loadScraped(cluster, { recording, plan: larger }));
    await fill(cluster, fleet);
    await compareCost(`missing-metrics, ${size} pods`, [program, 'missing-metrics'], cluster.kubeconfig, ROUNDS);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** Holds the program, as it is installed, against kubectl's list of all pods on fleets of each size. */
export async function compareFleets(fleetOf: (size: number) => Fleet): Promise<void> {
  buildPrograms();
  const installed = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const program = process.env.PROGRAM ?? installIn(installed);
    for (const size of SIZES) await compareAt(size, program, fleetOf(size));
  } finally {
    rmSync(installed, { recursive: true });
  }
}
