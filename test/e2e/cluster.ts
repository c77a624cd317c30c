import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from '../support/loopback.ts';
import { BIN } from './build.ts';
import { type Children, childrenIn, until } from './children.ts';
import { startControlPlane } from './control-plane.ts';

export interface Answer {
  status: number;
  body: string;
}

/** A real API server, and kwok as the kubelet of one node of it. */
export interface TestCluster {
  /** Of a cluster administrator. */
  kubeconfig: string;
  /** Of the user `sre`, who may nothing until a role is bound: the administrator, impersonating. */
  kubeconfigOfUser: string;
  folder: string;
  /** Where the API server reaches the node's kubelet. */
  kubelet: { address: string; port: number };
  /** One request as the administrator; rejects for a status that is not in `allowed`. */
  readonly api: (method: string, path: string, body?: unknown, allowed?: readonly number[]) => Promise<Answer>;
  /** Starts kwok, which reads port-forwards and logs from this file (kind PortForward, Logs). */
  startKubelet(config: string): Promise<void>;
  /** Ends every process by its own id, and deletes the folder; from a cluster of others, all that was made in it. */
  close(): Promise<void>;
}

/** kwok takes care of nodes with this label only: others may be somebody's. */
export const NODE_LABEL = { 'istio-diag-e2e': 'true' };

/** Below those that Linux gives to connections: one of these could take a port before the program that is to have it. */
const [LOWEST, HIGHEST] = [10_000, 32_000];

let drawn = Math.floor(Math.random() * (HIGHEST - LOWEST));

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(ended(server).then(() => true)));
  });

/** Ports that nobody listens on, each of which is given once. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = LOWEST + (drawn++ % (HIGHEST - LOWEST));
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** What kubectl prints, given this on its input. */
export const kubectlAt = (kubeconfig: string, args: readonly string[], input?: string): string =>
  execFileSync('kubectl', args, {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    ...(input !== undefined && { input }),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    maxBuffer: 1e8,
  }).toString();

/** Pods are as the test makes them: kwok only deletes. It does not start without a stage. */
const STAGE = {
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name: 'pod-delete' },
  spec: {
    resourceRef: { apiGroup: 'v1', kind: 'Pod' },
    selector: { matchExpressions: [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }] },
    next: { delete: true },
  },
};

/** A control plane of our own, or the cluster that KUBECONFIG_E2E names. */
export async function startCluster(): Promise<TestCluster> {
  const named = process.env.KUBECONFIG_E2E;
  if (named) {
    assertAnswers(named);
    const folder = mkdtempSync(join(tmpdir(), 'e2e-'));
    const [port = 0] = await freePorts(1);
    const address = process.env.KUBELET_ADDRESS_E2E ?? '127.0.0.1';
    const children = childrenIn(folder);
    try {
      return await clusterAt({ kubeconfig: named, folder, children, kubelet: { address, port }, ours: false });
    } catch (error) {
      await children.end();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }
  // A port that was free may be another program's a moment later: then again, with others.
  for (let attempt = 1; ; attempt++) {
    const folder = mkdtempSync(join(tmpdir(), 'e2e-'));
    const children = childrenIn(folder);
    try {
      const [etcd = 0, peer = 0, api = 0, port = 0] = await freePorts(4);
      const kubeconfig = await startControlPlane(folder, children, { etcd, peer, api });
      const kubelet = { address: '127.0.0.1', port };
      return await clusterAt({ kubeconfig, folder, children, kubelet, ours: true });
    } catch (error) {
      await children.end();
      rmSync(folder, { recursive: true, force: true });
      if (attempt === 3) throw error;
    }
  }
}

/** Throws one line unless the cluster of KUBECONFIG_E2E answers. */
export function assertAnswers(kubeconfig: string): void {
  const args = ['--kubeconfig', kubeconfig, 'get', '--raw', '/version', '--request-timeout=10s'];
  const { status, stderr } = spawnSync('kubectl', args, { timeout: 15_000, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status === 0) return;
  const words = stderr.toString().trim().split('\n').at(-1) || 'no answer within 15 s';
  throw new Error(`the cluster of KUBECONFIG_E2E=${kubeconfig} does not answer: ${words}`);
}

interface Place {
  kubeconfig: string;
  folder: string;
  children: Children;
  kubelet: TestCluster['kubelet'];
  /** Whether the whole cluster goes in the end. */
  ours: boolean;
}

async function clusterAt({ kubeconfig, folder, children, kubelet, ours }: Place): Promise<TestCluster> {
  const socketPath = join(folder, 'api');
  const made: string[] = [];
  children.start('kubectl', ['--kubeconfig', kubeconfig, 'proxy', `--unix-socket=${socketPath}`, '--reject-paths=^$']);

  function send(method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers = { 'content-type': type, 'content-length': Buffer.byteLength(text), host: 'localhost' };
      const sent = request({ socketPath, path, method, headers, timeout: 10_000 }, (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          said += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: said }));
      });
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)));
      sent.on('error', reject);
      sent.end(text);
    });
  }

  const api: TestCluster['api'] = async (method, path, body, allowed = [200, 201]) => {
    const answer = await send(method, path, body);
    if (!allowed.includes(answer.status))
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body.slice(0, 300)}`);
    if (method === 'POST' && answer.status === 201) {
      made.push(`${path}/${(body as { metadata: { name: string } }).metadata.name}`);
    }
    return answer;
  };

  /** A kind is served, and listed, until its objects' controller has seen its definition go. */
  async function withdrawn(path: string): Promise<void> {
    for (let attempt = 0; attempt < 600; attempt++) {
      const { status } = await api('GET', path, undefined, [200, 404]);
      if (status === 404) return;
      // Its controller may have missed the deletion over a conflict, and waits for another change: here is one.
      if (attempt % 30 === 29) {
        const annotations = { 'istio-diag-e2e/attempt': String(attempt) };
        await api('PATCH', path, { metadata: { annotations } }, [200, 404, 409]);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${path} does not end`);
  }

  /** Waits for a namespace's end. Where no controller works on it, nothing of others is in it: then it is ended here. */
  async function emptied(path: string): Promise<void> {
    for (let attempt = 0; attempt < 300; attempt++) {
      const { status, body } = await api('GET', path, undefined, [200, 404]);
      if (status === 404) return;
      const namespace = JSON.parse(body) as { spec: object; status: { conditions?: unknown[] } };
      const isWorkedOn = (namespace.status.conditions ?? []).length > 0;
      if (attempt === 20 && !isWorkedOn) {
        await api('PUT', `${path}/finalize`, { ...namespace, spec: { finalizers: [] } }, [200, 404, 409]);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${path} does not end`);
  }

  /** Deletes all that was made, the last first; one that cannot be deleted is named, and costs no other. */
  async function deleteMade(): Promise<void> {
    const left: string[] = [];
    const tried = async (path: string, act: (path: string) => Promise<void>): Promise<void> => {
      try {
        await act(path);
      } catch (error) {
        left.push(`${path}: ${String(error)}`);
      }
    };
    for (const path of made.reverse()) await tried(path, deleteOne);
    // One that still held an object is looked at every five seconds.
    for (const path of made.filter((each) => each.includes('/customresourcedefinitions/')))
      await tried(path, withdrawn);
    if (left.length > 0) throw new Error(`left in the cluster:\n${left.join('\n')}`);
  }

  async function deleteOne(path: string): Promise<void> {
    await api('DELETE', path, { gracePeriodSeconds: 0, propagationPolicy: 'Background' }, [200, 202, 404]);
    if (/^\/api\/v1\/namespaces\/[^/]+$/.test(path)) await emptied(path);
  }

  const ready = (): Promise<boolean> =>
    send('GET', '/readyz').then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(
    async () => {
      if (children.lost()) throw new Error(`the control plane has ended: ${children.words('kubectl')}`);
      return ready();
    },
    60,
    () => `the API server was not ready within 60 s: ${children.words('kubectl')}`,
  );
  return {
    kubeconfig,
    kubeconfigOfUser: impersonating(kubeconfig, folder),
    folder,
    kubelet,
    api,
    async startKubelet(config) {
      const stage = join(folder, 'stage.yaml');
      writeFileSync(stage, JSON.stringify(STAGE));
      const [[label, value] = ['', '']] = Object.entries(NODE_LABEL);
      children.start(join(BIN, 'kwok'), [
        `--kubeconfig=${kubeconfig}`,
        '--manage-all-nodes=false',
        `--manage-nodes-with-label-selector=${label}=${value}`,
        `--config=${stage}`,
        `--config=${config}`,
        `--server-address=${kubelet.address === '127.0.0.1' ? '127.0.0.1' : '0.0.0.0'}:${kubelet.port}`,
        `--node-ip=${kubelet.address}`,
        `--node-port=${kubelet.port}`,
        '--node-lease-duration-seconds=0',
      ]);
      await until(
        () => listens(kubelet.port),
        20,
        () => `kwok does not listen: ${children.words('kwok')}`,
      );
    },
    async close() {
      try {
        if (!ours) await deleteMade();
      } finally {
        await children.end();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false, timeout: 1000 };
    const probe = httpsRequest(options, (response) => {
      response.resume();
      resolve(true);
    });
    probe.on('timeout', () => probe.destroy());
    probe.on('error', () => resolve(false));
    probe.end();
  });

/** The kubeconfig of a user whom the administrator impersonates. */
function impersonating(kubeconfig: string, folder: string): string {
  const { stdout } = spawnSync('kubectl', [
    '--kubeconfig',
    kubeconfig,
    'config',
    'view',
    '--raw',
    '--flatten',
    '--minify',
    '-o',
    'json',
  ]);
  const config = JSON.parse(stdout.toString()) as { users: { user: object }[] };
  for (const each of config.users) Object.assign(each.user, { as: 'sre', 'as-groups': ['developers'] });
  const file = join(folder, 'sre.kubeconfig');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
