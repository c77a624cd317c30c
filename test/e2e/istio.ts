import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ISTIOD, istiodObject, modernMesh, PRODUCTPAGE, productpageObject } from '../support/modern.ts';
import type { RecordedObject, Recording } from '../support/recordings.ts';
import { BIN, ENVOY_PROGRAM, istioModule } from './build.ts';
import { childrenIn, until } from './children.ts';
import { freePorts, kubectlAt, startCluster, type TestCluster } from './cluster.ts';
import { startIstiod, textAt } from './istiod.ts';
import { load } from './load.ts';

/** A real istiod on the real API server, and the real Envoy of one pod, started by the real agent. */
export interface Istio {
  cluster: TestCluster;
  mesh: Recording;
  /** Loopback ports: of istiod's debug pages, and of Envoy's admin page. */
  ports: { debug: number; admin: number };
  /** Applies objects as `kubectl apply -f -` does. */
  apply(...objects: readonly object[]): void;
  remove(kind: string, name: string, namespace: string): void;
  /** What kubectl prints. */
  kubectl(...args: readonly string[]): string;
  /** Waits until istiod tells this of its proxies. */
  synced(wanted: (syncz: string) => boolean): Promise<void>;
  stopProxy(): Promise<void>;
  /** The last words of istiod, and of the agent and its Envoy. */
  words(): string;
  close(): Promise<void>;
}

/** A filter that no Envoy takes: a script that does not compile. */
export const BAD_FILTER = {
  apiVersion: 'networking.istio.io/v1alpha3',
  kind: 'EnvoyFilter',
  metadata: { name: 'bad', namespace: 'bookinfo' },
  spec: {
    configPatches: [
      {
        applyTo: 'HTTP_FILTER',
        match: {
          context: 'SIDECAR_INBOUND',
          listener: {
            filterChain: {
              filter: {
                name: 'envoy.filters.network.http_connection_manager',
                subFilter: { name: 'envoy.filters.http.router' },
              },
            },
          },
        },
        patch: {
          operation: 'INSERT_BEFORE',
          value: {
            name: 'envoy.filters.http.lua',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
              inlineCode: 'function (',
            },
          },
        },
      },
    ],
  },
};

/** Where the Envoy of PyPI is, Istio's own filters are not: without them it takes what istiod sends. */
const WITHOUT_OWN_FILTERS = { PILOT_ENABLE_METADATA_EXCHANGE: 'false', PILOT_ENABLE_ALPN_FILTER: 'false' };

/** The pod whose Envoy runs. */
export interface Proxied {
  kind: 'sidecar' | 'router';
  pod: string;
  namespace: string;
  labels: Readonly<Record<string, string>>;
  workload: string;
  ip: string;
}

const SIDECAR: Proxied = {
  kind: 'sidecar',
  pod: PRODUCTPAGE,
  namespace: 'bookinfo',
  labels: { app: 'productpage', version: 'v1' },
  workload: 'productpage-v1',
  ip: '10.244.0.5',
};

export interface IstioOptions {
  /** Productpage's sidecar by default. */
  proxied?: Proxied;
  /** Switches of istiod, which its pod shows too. */
  features?: Readonly<Record<string, string>>;
  /** Kinds that are defined beside Istio's own, by the files of Istio's module. */
  definitions?: readonly string[];
  objects?: readonly RecordedObject[];
  /** Lets istiod send what only Istio's own Envoy knows: a real rejected configuration. */
  ownFilters?: boolean;
  /** Of pods that nobody runs. */
  forwards?: ReadonlyMap<string, number>;
  /** Of those, the ones in which commands can be run. */
  execs?: readonly string[];
  /** By `NAMESPACE/POD/CONTAINER`; `writeLog` changes them. */
  logs?: ReadonlyMap<string, string>;
}

export async function startIstio({
  proxied = SIDECAR,
  features = {},
  definitions = [],
  objects = [],
  ownFilters = false,
  forwards,
  execs = [],
  logs,
}: IstioOptions = {}): Promise<Istio> {
  const cluster = await startCluster();
  const folder = join(cluster.folder, 'istio');
  mkdirSync(folder);
  const control = childrenIn(cluster.folder);
  const proxy = childrenIn(folder);
  const [
    http = 0,
    grpc = 0,
    secure = 0,
    https = 0,
    debug = 0,
    admin = 0,
    status = 0,
    envoyStatus = 0,
    metrics = 0,
    dns = 0,
  ] = await freePorts(10);
  const proxiedPod = `${proxied.namespace}/${proxied.pod}`;
  const variables = Object.entries(features).map(([name, value]) => ({ name, value }));
  const switched = { containers: [{ name: 'discovery', image: 'docker.io/istio/pilot:1.31.0', env: variables }] };
  const mesh = {
    ...modernMesh(istiodObject(switched), productpageObject(), ...objects),
    logs: new Map([[`${proxiedPod}/istio-proxy`, 'Envoy proxy is ready'], ...(logs ?? [])]),
  };
  const kubectl = (args: readonly string[], input?: string): string => kubectlAt(cluster.kubeconfig, args, input);
  let unload = (): Promise<void> => Promise.resolve();
  const close = async (): Promise<void> => {
    try {
      await proxy.end();
      await control.end();
      await unload();
    } finally {
      await cluster.close();
    }
  };
  try {
    for (const file of ['manifests/charts/base/files/crd-all.gen.yaml', ...definitions])
      kubectl(['create', '-f', join(istioModule(), file)]);
    unload = await load(cluster, mesh, {
      forwards: new Map([
        [`istio-system/${ISTIOD}:15014`, debug],
        [`istio-system/${ISTIOD}:8080`, http],
        [`istio-system/${ISTIOD}:15012`, secure],
        [`${proxiedPod}:15000`, admin],
        [`${proxiedPod}:15020`, status],
        [`${proxiedPod}:15090`, metrics],
        ...(forwards ?? []),
      ]),
      execs: [proxiedPod, ...execs],
    });
    const at = (port: number): string => `127.0.0.1:${port}`;
    await startIstiod({
      kubeconfig: cluster.kubeconfig,
      folder,
      children: control,
      ports: { http, grpc, secure, https, debug },
      mesh: {
        accessLogFile: join(folder, 'access.log'),
        ...(ownFilters && { defaultProviders: { metrics: ['prometheus'] } }),
      },
      env: {
        ...(ownFilters ? {} : WITHOUT_OWN_FILTERS),
        ...features,
        INJECT_ENABLED: 'false',
        INJECTION_WEBHOOK_CONFIG_NAME: '',
      },
    });
    await until(
      () =>
        Promise.resolve(isThere(() => kubectl(['-n', proxied.namespace, 'get', 'configmap', 'istio-ca-root-cert']))),
      30,
      () => `istiod wrote no root certificate: ${control.words('pilot-discovery')}`,
    );
    startProxy();
    await until(
      () =>
        textAt(admin, '/ready').then(
          (said) => said.startsWith('LIVE'),
          () => false,
        ),
      ownFilters ? 1 : 60,
      () => `Envoy is not ready: ${proxy.words('pilot-agent')}`,
    ).catch((error: unknown) => {
      // What it is sent it refuses: it never becomes ready.
      if (!ownFilters) throw error;
    });

    function startProxy(): void {
      const tokens = join(folder, 'var/run/secrets/tokens');
      const roots = join(folder, 'var/run/secrets/istio');
      const labels = join(folder, 'etc/istio/pod');
      for (const each of [tokens, roots, labels]) mkdirSync(each, { recursive: true });
      const token = [
        'create',
        'token',
        'default',
        '-n',
        proxied.namespace,
        '--audience',
        'istio-ca',
        '--bound-object-kind',
        'Pod',
        '--bound-object-name',
        proxied.pod,
      ];
      writeFileSync(join(tokens, 'istio-token'), kubectl(token).trim(), { mode: 0o600 });
      writeFileSync(
        join(roots, 'root-cert.pem'),
        kubectl(['-n', proxied.namespace, 'get', 'cm', 'istio-ca-root-cert', '-o', 'jsonpath={.data.root-cert\\.pem}']),
      );
      const lines = Object.entries(proxied.labels).map(([name, value]) => `${name}="${value}"\n`);
      writeFileSync(join(labels, 'labels'), lines.join(''));
      proxy.start(
        join(BIN, 'pilot-agent'),
        ['proxy', proxied.kind, '--domain', `${proxied.namespace}.svc.cluster.local`, '--proxyLogLevel=warning'],
        {
          cwd: folder,
          env: {
            ...process.env,
            POD_NAME: proxied.pod,
            POD_NAMESPACE: proxied.namespace,
            INSTANCE_IP: proxied.ip,
            SERVICE_ACCOUNT: 'default',
            HOST_IP: '127.0.0.1',
            CA_ADDR: `localhost:${secure}`,
            PILOT_CERT_PROVIDER: 'istiod',
            TRUST_DOMAIN: 'cluster.local',
            ISTIO_META_CLUSTER_ID: 'Kubernetes',
            ISTIO_META_WORKLOAD_NAME: proxied.workload,
            // Its listeners are where no test needs one: redirection takes root's rights on a network.
            ISTIO_META_INTERCEPTION_MODE: 'REDIRECT',
            ...(proxied.kind === 'sidecar' && { ISTIO_META_POD_PORTS: '[{"containerPort":9080}]' }),
            ENVOY_STATUS_PORT: String(envoyStatus),
            ENVOY_PROMETHEUS_PORT: String(metrics),
            DNS_PROXY_ADDR: at(dns),
            ISTIO_BOOTSTRAP: join(istioModule(), 'tools/packaging/common/envoy_bootstrap.json'),
            PROXY_CONFIG: JSON.stringify({
              binaryPath: ENVOY_PROGRAM,
              configPath: './etc/istio/proxy',
              discoveryAddress: `localhost:${secure}`,
              proxyAdminPort: admin,
              statusPort: status,
              concurrency: 1,
              terminationDrainDuration: '0s',
            }),
          },
        },
      );
    }

    return {
      cluster,
      mesh,
      ports: { debug, admin },
      apply: (...items) =>
        void kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items })),
      kubectl: (...args) => kubectl(args),
      remove: (kind, name, namespace) => void kubectl(['-n', namespace, 'delete', kind, name]),
      synced: (wanted) =>
        until(
          () => textAt(debug, '/debug/syncz').then(wanted, () => false),
          30,
          () =>
            `istiod does not tell what was waited for: ${control.words('pilot-discovery')}\n${proxy.words('pilot-agent')}`,
        ),
      stopProxy: () => proxy.end(),
      words: () => `${control.words('pilot-discovery')}\n${proxy.words('pilot-agent')}`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function isThere(ask: () => unknown): boolean {
  try {
    ask();
    return true;
  } catch {
    return false;
  }
}

/** `istioctl ARGS` on the same cluster; its words whatever its exit code. */
export function istioctl(kubeconfig: string, ...args: readonly string[]): string {
  const options = {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
  };
  try {
    return execFileSync(join(BIN, 'istioctl'), args, options).toString();
  } catch (error) {
    const { stdout, stderr } = error as { stdout: Buffer; stderr: Buffer };
    return stdout.toString() + stderr.toString();
  }
}

/** Applies objects of a kind that is served a moment after its definition. */
export async function applied(istio: Istio, ...objects: readonly object[]): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return istio.apply(...objects);
    } catch (error) {
      if (attempt > 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
