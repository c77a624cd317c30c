import { execFile } from 'node:child_process';
import { guide } from '../../src/guide/index.ts';
import { buildPrograms } from '../e2e/build.ts';
import { startIstio } from '../e2e/istio.ts';
import { BINARY } from '../e2e/user.ts';
import { compare, median, timed } from './paired.ts';

/**
 * `all` against the slowest single topic, in alternating runs of the built program on a real istiod with a real Envoy.
 * `npm run build` first.
 */
buildPrograms();
const istio = await startIstio();
try {
  await istio.synced((syncz) => syncz.includes('productpage'));
  const env = { ...process.env, KUBECONFIG: istio.cluster.kubeconfig };
  const run = (topic: string): Promise<void> =>
    new Promise((resolve, reject) => {
      execFile(BINARY, [topic, '-o', 'json'], { env, maxBuffer: 2 ** 26 }, (error, stdout) => {
        if (stdout === '') reject(error ?? new Error('no report'));
        else resolve();
      });
    });
  const times: [string, number][] = [];
  for (const { id } of guide) {
    await run(id);
    times.push([id, median([await timed(() => run(id)), await timed(() => run(id)), await timed(() => run(id))])]);
  }
  times.sort(([, a], [, b]) => b - a);
  for (const [id, seconds] of times) process.stdout.write(`${id.padEnd(36)} ${seconds.toFixed(3)} s\n`);
  const slowest = times[0]?.[0] ?? '';
  await compare(
    `all / ${slowest}`,
    () => run('all'),
    () => run(slowest),
  );
} finally {
  await istio.close();
}
