import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import tool from '../../package.json' with { type: 'json' };
import { hostTarget } from '../../src/build/targets.ts';
import { buildPrograms } from '../e2e/build.ts';
import { startCluster, type TestCluster } from '../e2e/cluster.ts';
import { load } from '../e2e/load.ts';
import { BINARY } from '../e2e/user.ts';
import { loadRecording } from '../support/recordings.ts';
import { median } from './paired.ts';

/**
 * A large mesh on the real API server: 10,000 pods with a proxy each, and 2,000 Services. The built program against
 * `kubectl get pods --all-namespaces -o json`, in alternating runs: seconds, and the memory of a program with all that it
 * has started, the most that it had at once. Of pairs, because the machine may be in use: their median, and the least.
 */

const [PODS, SERVICES, AT_ONCE] = [Number(process.env.PODS ?? 10_000), Number(process.env.SERVICES ?? 2000), 24];

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

async function create(cluster: TestCluster, plural: string, count: number, of: (number: number) => object) {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await cluster.api('POST', `/api/v1/namespaces/load/${plural}`, of(next++));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Kilobytes of a process, and of all that it has started. */
function memoryOf(root: number): Readonly<Record<'own' | 'below', number>> {
  const parents = new Map<number, number>();
  const sizes = new Map<number, number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      parents.set(Number(pid), Number(/^PPid:\t(\d+)/m.exec(status)?.[1]));
      sizes.set(Number(pid), Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended meanwhile.
    }
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (parents.get(pid) === root || isBelow(parents.get(pid)));
  const below = [...sizes].reduce((sum, [pid, size]) => sum + (isBelow(pid) ? size : 0), 0);
  return { own: sizes.get(root) ?? 0, below };
}

/** Seconds, and megabytes: the most that a program had at once with all that it started, and each of the two. */
interface Cost {
  seconds: number;
  megabytes: number;
  own: number;
  below: number;
}

async function costOf(command: string, args: readonly string[], KUBECONFIG: string): Promise<Cost> {
  const began = performance.now();
  const child: ChildProcess = spawn(command, args, { env: { ...process.env, KUBECONFIG }, stdio: 'ignore' });
  const most = { megabytes: 0, own: 0, below: 0 };
  const watch = setInterval(() => {
    const { own, below } = memoryOf(child.pid ?? 0);
    const now = { megabytes: own + below, own, below };
    for (const what of ['megabytes', 'own', 'below'] as const) most[what] = Math.max(most[what], now[what] / 1024);
  }, 15);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(watch);
  if (code !== 0 && code !== 3) throw new Error(`${command} ${args.join(' ')}: exit ${String(code)}`);
  return { seconds: (performance.now() - began) / 1000, ...most };
}

/**
 * The program as krew installs it: unpacked from its archive in small writes. The file that the build writes at once lies
 * in the system's page cache in large folios, of which each is counted whole to whoever touches a byte of it: 35 MB more.
 */
function installIn(folder: string): string {
  execFileSync('tar', ['-xzf', `dist/kubectl-istio-diag-v${tool.version}-${hostTarget().name}.tar.gz`, '-C', folder]);
  return join(folder, basename(BINARY));
}

buildPrograms();
const installed = mkdtempSync(join(tmpdir(), 'bench-'));
const cluster = await startCluster();
const unload = await load(cluster, loadRecording('istio-1.0.6/healthy'));
try {
  await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: 'load' } });
  // Pods are refused without one, and no controller runs here.
  await cluster.api('POST', '/api/v1/namespaces/load/serviceaccounts', { metadata: { name: 'default' } }, [201, 409]);
  await create(cluster, 'pods', PODS, podOf);
  await create(cluster, 'services', SERVICES, serviceOf);
  const program = process.env.PROGRAM ?? installIn(installed);
  const pairs: [Cost, Cost][] = [];
  await costOf(program, ['missing-metrics'], cluster.kubeconfig);
  for (let round = 0; round < ROUNDS; round++) {
    const rival = await costOf('kubectl', ['get', 'pods', '--all-namespaces', '-o', 'json'], cluster.kubeconfig);
    pairs.push([await costOf(program, ['missing-metrics'], cluster.kubeconfig), rival]);
  }
  const of = (index: 0 | 1, what: keyof Cost): number => median(pairs.map((pair) => pair[index][what]));
  for (const [name, index] of [
    ['missing-metrics', 0],
    ['kubectl get pods -A -o json', 1],
  ] as const) {
    const [all, own, below] = (['megabytes', 'own', 'below'] as const).map((what) => of(index, what).toFixed(0));
    const seconds = of(index, 'seconds').toFixed(2);
    process.stdout.write(`${name.padEnd(28)} ${seconds} s  ${all} MB: ${own} of its own, ${below} of what it starts\n`);
  }
  for (const [name, what] of [
    ['the time', 'seconds'],
    ['the memory', 'megabytes'],
  ] as const) {
    const shares = pairs.map(([ours, rival]) => ours[what] / rival[what]);
    const least = Math.min(...shares).toFixed(2);
    process.stdout.write(`share of ${name}: ${median(shares).toFixed(2)}, at least ${least}\n`);
  }
} finally {
  await unload();
  await cluster.close();
  rmSync(installed, { recursive: true });
}
