import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN } from './build.ts';

/** A real API server with etcd behind it, and kwok as its kubelet, on free loopback ports. */
export interface TestCluster {
  /** Of a cluster administrator. */
  kubeconfig: string;
  /** Of the user `sre`, who may nothing until a role is bound. */
  kubeconfigOfUser: string;
  folder: string;
  /** The port that a node must name as its kubelet's. */
  kubeletPort: number;
  /** One request as the administrator; rejects for a status that is not in `allowed`. */
  readonly api: (
    method: string,
    path: string,
    body?: unknown,
    allowed?: readonly number[],
  ) => Promise<{ status: number; body: string }>;
  /** Starts kwok, which reads port-forwards and logs from this file (kind PortForward, Logs). */
  startKubelet(config: string): Promise<void>;
  /** Ends every process by its own id, and deletes the folder. */
  close(): Promise<void>;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

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

/** A port that was free may be another program's a moment later: then again, with others. */
export async function startCluster(): Promise<TestCluster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await clusterOnFreePorts();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

async function clusterOnFreePorts(): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'e2e-'));
  const [etcdPort = 0, peerPort = 0, apiPort = 0, kubeletPort = 0] = await freePorts(4);
  const children: ChildProcess[] = [];
  const start = (name: string, args: readonly string[]): ChildProcess => {
    const log = openSync(join(folder, `${name}.log`), 'w');
    const child = spawn(join(BIN, name), args, { stdio: ['ignore', log, log] });
    children.push(child);
    return child;
  };
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const etcd = `http://127.0.0.1:${etcdPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  start('etcd', [
    '--name=e2e',
    `--data-dir=${folder}/etcd`,
    '--log-level=warn',
    '--unsafe-no-fsync',
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=e2e=${peer}`,
  ]);
  start('kube-apiserver', [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${apiPort}`,
    `--cert-dir=${folder}/certs`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--endpoint-reconciler-type=none',
    '--authorization-mode=RBAC',
    `--token-auth-file=${file('tokens.csv', 'admin-token,admin,admin,"system:masters"\nsre-token,sre,sre,"developers"\n')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('sa.pub', publicKey)}`,
    `--service-account-signing-key-file=${file('sa.key', privateKey)}`,
    '--disable-admission-plugins=ServiceAccount',
    '--kubelet-preferred-address-types=InternalIP',
    '--profiling=false',
    '--v=1',
  ]);
  const ca = join(folder, 'certs/apiserver.crt');

  function api(
    method: string,
    path: string,
    body?: unknown,
    allowed: readonly number[] = [200, 201],
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const headers = { authorization: 'Bearer admin-token', 'content-type': type };
      const sent = request(
        { host: '127.0.0.1', port: apiPort, path, method, headers, ca: readFileSync(ca), timeout: 10_000 },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => {
            const status = response.statusCode ?? 0;
            if (allowed.includes(status)) resolve({ status, body: text });
            else reject(new Error(`${method} ${path}: ${status} ${text.slice(0, 300)}`));
          });
        },
      );
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)));
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async function close(): Promise<void> {
    for (const child of children.reverse()) {
      const ended = new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(null)));
      child.kill('SIGTERM');
      const forced = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(forced);
    }
    rmSync(folder, { recursive: true, force: true });
  }

  const ready = async (): Promise<boolean> => {
    if (!existsSync(ca)) return false;
    return api('GET', '/readyz').then(
      () => true,
      () => false,
    );
  };
  for (const until = Date.now() + 60_000; !(await ready()); ) {
    if (Date.now() > until || children.some(({ exitCode }) => exitCode !== null)) {
      const [etcdWords, words] = ['etcd', 'kube-apiserver'].map((name) =>
        readFileSync(join(folder, `${name}.log`), 'utf8').slice(-1000),
      );
      await close();
      throw new Error(`the API server was not ready within 60 s: ${words}\netcd: ${etcdWords}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  const kubeconfig = (name: string, token: string): string =>
    file(
      name,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'e2e',
        clusters: [{ name: 'e2e', cluster: { server: `https://127.0.0.1:${apiPort}`, 'certificate-authority': ca } }],
        users: [{ name, user: { token } }],
        contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: name, namespace: 'bookinfo' } }],
      }),
    );

  const admin = kubeconfig('admin.kubeconfig', 'admin-token');
  return {
    kubeconfig: admin,
    kubeconfigOfUser: kubeconfig('sre.kubeconfig', 'sre-token'),
    folder,
    kubeletPort,
    api,
    async startKubelet(config) {
      start('kwok', [
        `--kubeconfig=${admin}`,
        '--manage-all-nodes=true',
        `--config=${file('stage.yaml', JSON.stringify(STAGE))}`,
        `--config=${config}`,
        `--server-address=127.0.0.1:${kubeletPort}`,
        '--node-ip=127.0.0.1',
        `--node-port=${kubeletPort}`,
        '--node-lease-duration-seconds=0',
      ]);
      for (const until = Date.now() + 20_000; ; ) {
        const listens = await new Promise<boolean>((resolve) => {
          const probe = request(
            { host: '127.0.0.1', port: kubeletPort, path: '/healthz', rejectUnauthorized: false },
            () => resolve(true),
          );
          probe.on('error', () => resolve(false));
          probe.end();
        });
        if (listens) return;
        if (Date.now() > until)
          throw new Error(`kwok does not listen: ${readFileSync(join(folder, 'kwok.log'), 'utf8').slice(-2000)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    close,
  };
}
