import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPrograms } from '../e2e/build.ts';
import { startCluster } from '../e2e/cluster.ts';
import { load } from '../e2e/load.ts';
import { loadRecording } from '../support/recordings.ts';
import { compareCost, create, installIn } from './cost.ts';

/**
 * A large mesh on the real API server: 10,000 pods with a proxy each, and 2,000 Services. The built program against
 * `kubectl get pods --all-namespaces -o json`, in alternating runs: seconds, and the memory of a program with all that it
 * has started, the most that it had at once. Of pairs, because the machine may be in use: their median, and the least.
 */

const [PODS, SERVICES] = [Number(process.env.PODS ?? 10_000), Number(process.env.SERVICES ?? 2000)];

const ROUNDS = Number(process.env.ROUNDS ?? 7);

/** As much as an injected pod has: the API server adds what it fills in. */
const podOf = (number: number): object => ({
  metadata: {
    name: `load-${number}-7d9c8b6f5-x${number}`,
    namespace: 'load',
    labels: { app: `load-${number % SERVICES}`, version: 'v1', 'pod-template-hash': '7d9c8b6f5' },
    annotations: {
      'prometheus.io/port': '15020',
      'sidecar.istio.io/status': JSON.stringify({ version: 'x'.repeat(64), containers: ['istio-proxy'] }),
      'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(600),
    },
  },
  spec: {
    nodeName: 'node-1',
    automountServiceAccountToken: false,
    initContainers: [
      { name: 'istio-init', image: 'docker.io/istio/proxyv2:1.0.6', args: ['-p', '15001', '-u', '1337'] },
    ],
    containers: [
      { name: 'app', image: `registry.example/load/app-${number % 50}:1`, ports: [{ containerPort: 9080 }] },
      {
        name: 'istio-proxy',
        image: 'docker.io/istio/proxyv2:1.0.6',
        args: ['proxy', 'sidecar', '--configPath', '/etc/istio/proxy', '--serviceCluster', `load-${number % SERVICES}`],
        env: ['POD_NAME', 'POD_NAMESPACE', 'INSTANCE_IP'].map((name) => ({ name, value: 'x' })),
        resources: { requests: { cpu: '10m' }, limits: { cpu: '2', memory: '1Gi' } },
      },
    ],
  },
});

const serviceOf = (number: number): object => ({
  metadata: { name: `load-${number}`, namespace: 'load', labels: { app: `load-${number}` } },
  spec: { selector: { app: `load-${number}` }, clusterIP: 'None', ports: [{ name: 'http', port: 9080 }] },
});

buildPrograms();
const installed = mkdtempSync(join(tmpdir(), 'bench-'));
const ends = [async () => rmSync(installed, { recursive: true })];
try {
  const cluster = await startCluster();
  ends.push(() => cluster.close());
  ends.push(await load(cluster, loadRecording('istio-1.0.6/healthy')));
  await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: 'load' } });
  // Pods are refused without one, and no controller runs here.
  await cluster.api('POST', '/api/v1/namespaces/load/serviceaccounts', { metadata: { name: 'default' } }, [201, 409]);
  await create(cluster, '/api/v1/namespaces/load/pods', PODS, podOf);
  await create(cluster, '/api/v1/namespaces/load/services', SERVICES, serviceOf);
  const program = process.env.PROGRAM ?? installIn(installed);
  await compareCost('missing-metrics', [program, 'missing-metrics'], cluster.kubeconfig, ROUNDS);
} finally {
  for (const end of ends.reverse()) await end();
}
