import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildPrograms } from '../e2e/build.ts';
import { startCluster } from '../e2e/cluster.ts';
import { load } from '../e2e/load.ts';
import { BINARY, plugin } from '../e2e/user.ts';
import { listening } from '../support/loopback.ts';
import { loadRecording } from '../support/recordings.ts';
import { compare } from './paired.ts';

/**
 * The built program against what a person types, in alternating runs on the test control plane: the whole command
 * against the guide's own commands one after another, with the API server beside us and a way off; `--help` and
 * `version` against `kubectl version --client`. Prints seconds and, as the median of the pairs, our share of the rival's
 * time. `npm run build` first.
 */

/** Not synchronous: the link to the API server is in this process. */
async function ran(env: NodeJS.ProcessEnv, command: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(command, args, { env, maxBuffer: 2 ** 28 })).stdout;
}

/** `kubectl port-forward POD PORT`, and the pages at these paths; ended when they are read. */
async function pages(env: NodeJS.ProcessEnv, pod: string, port: number, ...paths: string[]): Promise<void> {
  const forward = spawn('kubectl', ['-n', 'istio-system', 'port-forward', pod, `:${port}`], { env });
  const local = await new Promise<string>((resolve, reject) => {
    forward.stdout.on('data', (chunk: Buffer) => {
      const [, found] = /127\.0\.0\.1:(\d+)/.exec(chunk.toString()) ?? [];
      if (found) resolve(found);
    });
    forward.once('exit', () => reject(new Error('port-forward has ended')));
  });
  for (const path of paths) {
    await new Promise((resolve, reject) =>
      get(`http://127.0.0.1:${local}${path}`, (answer) => answer.resume().once('end', resolve)).once('error', reject),
    );
  }
  const ended = new Promise((resolve) => forward.once('close', resolve));
  forward.kill('SIGINT');
  await ended;
}

/** The commands of "Missing Metrics", as the guide gives them (mixer.md 8). */
async function guide(env: NodeJS.ProcessEnv): Promise<void> {
  const kubectl = (...args: string[]): Promise<string> => ran(env, 'kubectl', ...args);
  const podOf = (selector: string): Promise<string> =>
    kubectl('-n', 'istio-system', 'get', 'pod', '-l', selector, '-o', 'jsonpath={.items[0].metadata.name}');
  const mixer = await podOf('istio-mixer-type=telemetry');
  await pages(env, mixer, 9093, '/metrics');
  await kubectl('get', 'rules', '--all-namespaces');
  await kubectl('-n', 'istio-system', 'get', 'prometheuses.config.istio.io', '-o', 'yaml');
  await kubectl('get', 'metrics.config.istio.io', '--all-namespaces');
  await kubectl('-n', 'istio-system', 'logs', mixer, '-c', 'mixer');
  await pages(env, await podOf('app=prometheus'), 9090, '/api/v1/targets', '/api/v1/status/config');
}

/** A kubeconfig that leads to the API server through a link with this round trip (ms). */
async function distant(
  kubeconfig: string,
  folder: string,
  roundTrip: number,
): Promise<{ kubeconfig: string; close: () => void }> {
  const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] };
  const upstream = new URL(config.clusters[0]?.cluster.server ?? '');
  const pass = (from: Socket, to: Socket): void => {
    from.setNoDelay(true).on('data', (chunk) => void setTimeout(() => to.write(chunk), roundTrip / 2));
    from.on('close', () => void setTimeout(() => to.destroy(), roundTrip / 2)).on('error', () => undefined);
  };
  const link = createServer((near) => {
    const far = connect(Number(upstream.port), upstream.hostname);
    pass(near, far);
    pass(far, near);
  });
  const port = await listening(link);
  for (const { cluster } of config.clusters) cluster.server = `https://127.0.0.1:${port}`;
  const file = join(folder, `distant-${roundTrip}.kubeconfig`);
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return { kubeconfig: file, close: () => void link.close() };
}

buildPrograms();
const cluster = await startCluster();
const unload = await load(cluster, loadRecording('istio-1.0.6/healthy'));
try {
  for (const roundTrip of [0, 20, 50]) {
    // On the same machine there is nothing between: a link would cost what it is there to measure.
    const link =
      roundTrip === 0
        ? { kubeconfig: cluster.kubeconfig, close: () => undefined }
        : await distant(cluster.kubeconfig, cluster.folder, roundTrip);
    const env = { ...process.env, KUBECONFIG: link.kubeconfig };
    await compare(
      `missing-metrics / guide, ${roundTrip} ms away`,
      () => ran(env, BINARY, 'missing-metrics'),
      () => guide(env),
    );
    // As kubectl starts it.
    const diagnose = async (): Promise<void> => {
      const { code, stderr } = await plugin(link.kubeconfig, ['missing-metrics']);
      if (code !== 0) throw new Error(stderr);
    };
    if (roundTrip === 0) await compare('the same through kubectl', diagnose, () => guide(env));
    link.close();
  }
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const client = (): Promise<string> => ran(env, 'kubectl', 'version', '--client');
  await compare('version / kubectl version --client', () => ran(env, BINARY, 'version'), client);
  await compare('--help / kubectl version --client', () => ran(env, BINARY, '--help'), client);
} finally {
  await unload();
  await cluster.close();
}
