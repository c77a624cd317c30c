import { generateKeyPairSync } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN } from './build.ts';
import { type Children, until } from './children.ts';

/** Starts etcd and kube-apiserver on loopback ports, their files in `folder`. Resolves to the administrator's kubeconfig. */
export async function startControlPlane(
  folder: string,
  children: Children,
  ports: { etcd: number; peer: number; api: number },
): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const etcd = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  children.start(join(BIN, 'etcd'), [
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
  children.start(join(BIN, 'kube-apiserver'), [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${ports.api}`,
    `--cert-dir=${folder}/certs`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--endpoint-reconciler-type=none',
    '--authorization-mode=RBAC',
    `--token-auth-file=${file('tokens.csv', 'admin-token,admin,admin,"system:masters"\n')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('sa.pub', publicKey)}`,
    `--service-account-signing-key-file=${file('sa.key', privateKey)}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--profiling=false',
    '--v=1',
  ]);
  const ca = certificateOf(folder);
  await until(
    async () => {
      if (children.lost()) throw new Error(`the API server has ended: ${children.words('kube-apiserver')}`);
      return existsSync(ca);
    },
    60,
    () =>
      `the API server did not start within 60 s: ${children.words('kube-apiserver')}\netcd: ${children.words('etcd')}`,
  );
  return file(
    'admin.kubeconfig',
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'e2e',
      clusters: [{ name: 'e2e', cluster: { server: `https://127.0.0.1:${ports.api}`, 'certificate-authority': ca } }],
      users: [{ name: 'admin', user: { token: 'admin-token' } }],
      contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: 'admin', namespace: 'bookinfo' } }],
    }),
  );
}

/** The API server's own certificate, which it makes; its key lies beside it. */
export const certificateOf = (folder: string): string => join(folder, 'certs/apiserver.crt');
