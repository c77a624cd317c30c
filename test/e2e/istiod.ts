import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { ISTIOD } from '../support/modern.ts';
import { BIN } from './build.ts';
import { type Children, until } from './children.ts';

/** Where istiod listens, on loopback. */
export interface IstiodPorts {
  http: number;
  grpc: number;
  secure: number;
  /** Of its webhooks. */
  https: number;
  debug: number;
}

export interface IstiodOptions {
  kubeconfig: string;
  /** Its own: its settings and its log. */
  folder: string;
  children: Children;
  ports: IstiodPorts;
  /** Beside what every mesh has. */
  mesh?: object;
  env?: NodeJS.ProcessEnv;
}

export const textAt = (port: number, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, timeout: 3000 }, (answer) => {
      let said = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
      });
      answer.on('end', () => resolve(said));
    }).once('error', reject);
  });

/** Writes the MeshConfig of an istiod, which looks at the file: one that runs takes up what changes. Says where it is. */
export function writeMesh(folder: string, mesh: object = {}): string {
  const config = join(folder, 'mesh.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      enableTracing: false,
      rootNamespace: 'istio-system',
      trustDomain: 'cluster.local',
      defaultConfig: { discoveryAddress: 'istiod.istio-system.svc:15012' },
      ...mesh,
    }),
  );
  return config;
}

/** A real istiod on the real API server, in namespace istio-system; resolves when it is ready. */
export async function startIstiod({ kubeconfig, folder, children, ports, mesh, env }: IstiodOptions): Promise<void> {
  const config = writeMesh(folder, mesh);
  const at = (port: number): string => `127.0.0.1:${port}`;
  children.start(
    join(BIN, 'pilot-discovery'),
    [
      'discovery',
      `--kubeconfig=${kubeconfig}`,
      `--meshConfig=${config}`,
      '--ctrlz_port=0',
      `--httpAddr=${at(ports.http)}`,
      `--grpcAddr=${at(ports.grpc)}`,
      `--secureGRPCAddr=${at(ports.secure)}`,
      `--httpsAddr=${at(ports.https)}`,
      `--monitoringAddr=${at(ports.debug)}`,
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        KUBECONFIG: kubeconfig,
        ISTIOD_CUSTOM_HOST: 'localhost',
        POD_NAME: ISTIOD,
        POD_NAMESPACE: 'istio-system',
        CLUSTER_ID: 'Kubernetes',
        PILOT_CERT_PROVIDER: 'istiod',
        REVISION: 'default',
        VALIDATION_WEBHOOK_CONFIG_NAME: '',
        ...env,
      },
    },
  );
  // A port that was free may be another program's a moment later, and be answered there: two are not.
  const ready = (): Promise<boolean> =>
    Promise.all([textAt(ports.http, '/ready'), textAt(ports.debug, '/version')]).then(
      () => true,
      () => false,
    );
  await until(
    async () => {
      if (children.lost()) throw new Error(`istiod has ended: ${children.words('pilot-discovery')}`);
      return ready();
    },
    60,
    () => `istiod is not ready: ${children.words('pilot-discovery')}`,
  );
}
