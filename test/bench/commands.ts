import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { buildPrograms } from '../e2e/build.ts';
import { startCluster, type TestCluster } from '../e2e/cluster.ts';
import { load } from '../e2e/load.ts';
import { BINARY, plugin } from '../e2e/user.ts';
import { listening } from '../support/loopback.ts';
import { loadMesh } from '../support/meshes.ts';
import { loadRecording } from '../support/recordings.ts';
import { compare } from './paired.ts';
import { loadScraped } from './scraped.ts';
import { ran, withMixer, withSidecars } from './typed.ts';

/**
 * The built program against what a person types, in alternating runs on the test control plane: the whole command
 * against the commands for the same hops one after another, on a small mesh of each generation, with the API server beside
 * us and a way off; `--help` and `version` against `kubectl version --client`. Prints seconds and, as the median of the
 * pairs, our share of the rival's time. `npm run build` first.
 */

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

/** A mesh of each generation: its release, how it comes into a cluster, and what a person types there. */
const MESHES = [
  { release: '1.0', fill: (to: TestCluster) => load(to, loadRecording('istio-1.0.6/healthy')), typed: withMixer },
  {
    release: '1.31',
    fill: (to: TestCluster) => loadScraped(to, loadMesh('healthy-telemetry-api-1.31')),
    typed: withSidecars,
  },
];

async function compareWithTyped(
  cluster: TestCluster,
  release: string,
  typed: (env: NodeJS.ProcessEnv) => Promise<void>,
): Promise<void> {
  for (const roundTrip of [0, 20, 50]) {
    // On the same machine there is nothing between: a link would cost what it is there to measure.
    const link =
      roundTrip === 0
        ? { kubeconfig: cluster.kubeconfig, close: () => undefined }
        : await distant(cluster.kubeconfig, cluster.folder, roundTrip);
    const env = { ...process.env, KUBECONFIG: link.kubeconfig };
    await compare(
      `missing-metrics ${release} / typed, ${roundTrip} ms`,
      () => ran(env, BINARY, 'missing-metrics'),
      () => typed(env),
    );
    // As kubectl starts it.
    const diagnose = async (): Promise<void> => {
      const { code, stderr } = await plugin(link.kubeconfig, ['missing-metrics']);
      if (code !== 0) throw new Error(stderr);
    };
    if (roundTrip === 0) await compare(`${release}, the same through kubectl`, diagnose, () => typed(env));
    link.close();
  }
}

buildPrograms();
for (const { release, fill, typed } of MESHES) {
  const cluster = await startCluster();
  try {
    const unload = await fill(cluster);
    try {
      await compareWithTyped(cluster, release, typed);
    } finally {
      await unload();
    }
  } finally {
    await cluster.close();
  }
}
const client = (): Promise<string> => ran(process.env, 'kubectl', 'version', '--client');
await compare('version / kubectl version --client', () => ran(process.env, BINARY, 'version'), client);
await compare('--help / kubectl version --client', () => ran(process.env, BINARY, '--help'), client);
