import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

/** What a person types for the hops of `missing-metrics`: the same commands, one after another and without a pause. */

/** Not synchronous: what stands between a program and the cluster may be in this process. */
export async function ran(env: NodeJS.ProcessEnv, command: string, ...args: string[]): Promise<string> {
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
  // A page that is not there would take less time than it should.
  for (const path of paths) await ran(env, 'curl', '--silent', '--fail', `http://127.0.0.1:${local}${path}`);
  const ended = new Promise((resolve) => forward.once('close', resolve));
  forward.kill('SIGINT');
  await ended;
}

/** The commands of "Missing Metrics", as the guide gives them (mixer.md 8). */
export async function withMixer(env: NodeJS.ProcessEnv): Promise<void> {
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

/** Which proxies are stored, who reports requests, and how old the newest sample is. */
const QUERIES = [
  'count by (namespace, pod) (istio_build)',
  'sum by (reporter) (istio_requests_total)',
  'time() - max(timestamp(istio_requests_total))',
];

/** A mesh whose proxies make the metrics: no guide gives commands, so those that answer for one hop after another. */
export async function withSidecars(env: NodeJS.ProcessEnv): Promise<void> {
  const kubectl = (...args: string[]): Promise<string> => ran(env, 'kubectl', ...args);
  // The pods' names are read from it.
  const pods = await kubectl('get', 'pods', '--all-namespaces');
  const podOf = (prefix: string): string => new RegExp(`\\s(${prefix}\\S*)`).exec(pods)?.[1] ?? prefix;
  await kubectl('get', 'telemetries', '--all-namespaces');
  await kubectl('-n', 'istio-system', 'get', 'configmap', 'istio', '-o', 'yaml');
  const queries = QUERIES.map((query) => `/api/v1/query?query=${encodeURIComponent(query)}`);
  await pages(env, podOf('prometheus-'), 9090, '/api/v1/targets', ...queries);
  await pages(env, podOf('istiod-'), 15014, '/debug/syncz');
  await pages(env, podOf('istio-ingressgateway-'), 15020, '/stats/prometheus');
}
