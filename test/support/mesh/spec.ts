import type { RecordedObject } from '../recordings.ts';
import type { Ambient } from './ambient/spec.ts';
import { FIRST_NODE } from './objects.ts';
import type { PageOptions } from './pages.ts';
import type { OtherAnswer, ScrapeJob, ScrapeTarget } from './plan.ts';
import type { Edge } from './traffic.ts';

/** A Deployment or a Job with its pods, whose proxies do as they are told here. */
export interface Workload {
  name: string;
  namespace: string;
  app: string;
  version: string;
  kind: 'Deployment' | 'Job';
  replicas: number;
  port: number;
  /** What kind of proxy its pods have; those of `ambient` have none of their own. */
  proxy: 'sidecar' | 'gateway' | 'ambient' | 'none';
  /** What the agent of ambient says of its pods. */
  redirection: 'enabled' | 'pending' | null;
  /** Where its pods run, in turn where these are several. */
  node: string | readonly string[];
  hostNetwork: boolean;
  /** The proxy's release; null is the mesh's. */
  release: string | null;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Of istio-proxy. */
  env: Record<string, string>;
  page: PageOptions;
  /** For which directions istiod makes stats filters; none where the page is told that it has no filter. */
  told: readonly ('inbound' | 'outbound')[];
  /** Metrics that are switched off, by their names without `istio_`. */
  dropped: readonly string[];
  /** In istiod's words why the proxy refused its listeners. */
  refusal: string;
  phase: 'Running' | 'Succeeded';
  createdAt: string;
}

export interface ServiceSpec {
  name: string;
  namespace: string;
  app: string;
  port: number;
  targetPort: number;
  portName: string;
  appProtocol?: string;
  createdAt?: string;
  labels?: Record<string, string>;
  /** In place of what istiod would say of its waypoint. */
  conditions?: readonly object[];
}

/** A call between two workloads, by their names; null is a caller or a destination without a proxy. */
export interface Call extends Pick<Edge, 'protocol' | 'codes' | 'mutual'> {
  from: string | null;
  to: string | null;
  service: Edge['service'];
  /** Who reports it; both where both have a proxy that does. */
  reporters: readonly ('source' | 'destination')[];
  /** How it gets past a waypoint that the Service is bound to: by the pods' own addresses, or nobody knows why. */
  past?: 'by-addresses' | 'somehow';
}

/** A whole mesh, to be changed before it is built. */
export interface Spec {
  /** Of istiod and, unless they say otherwise, of the proxies. */
  release: string;
  revision: string;
  /** What istiod calls its cluster. */
  cluster: string;
  /** The other clusters of the mesh that istiod knows. */
  remotes: string[];
  /** Namespaces of applications with their labels; istio-system is there anyway. */
  namespaces: Record<string, Record<string, string>>;
  workloads: Workload[];
  services: ServiceSpec[];
  calls: Call[];
  /** What ambient has besides; null in a mesh of sidecars alone. */
  ambient: Ambient | null;
  /** MeshConfig, as the ConfigMap has it. */
  mesh: Record<string, unknown>;
  /** Telemetry, EnvoyFilter, Sidecar, PodMonitor and the like. */
  objects: RecordedObject[];
  prometheus: {
    namespace: string;
    /** What is scraped: pods that carry the annotations, those that Istio's PodMonitor selects, each pod's 15090, or nothing. */
    by: 'annotations' | 'monitor' | 'envoy-stats' | 'nothing';
    /** What the server is told, where it is none of these. */
    configuration: string | null;
    /** Whether pods that have finished keep their targets. */
    keepsFinished: boolean;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    sidecar: boolean;
    /** Besides those by annotations, or in their place. */
    more: ScrapeTarget[];
    jobs: Record<string, ScrapeJob>;
    rules: { record: string; expr: string }[];
    others: OtherAnswer[];
    still: boolean;
    /** What becomes of every target: another, several, or none. */
    target: (target: ScrapeTarget) => ScrapeTarget | readonly ScrapeTarget[] | null;
  };
  grafana: string | null;
  kiali: string | null;
}

/** The workload of that name, to be changed. */
export function workload({ workloads }: Spec, name: string): Workload {
  const found = workloads.find((each) => each.name === name);
  if (!found) throw new Error(`the mesh has no workload ${name}`);
  return found;
}

export const app = (name: string, change: Partial<Workload> = {}): Workload => ({
  name: `${name}-v1`,
  namespace: 'shop',
  app: name,
  version: 'v1',
  kind: 'Deployment',
  replicas: 1,
  port: 8080,
  proxy: 'sidecar',
  redirection: 'enabled',
  node: FIRST_NODE,
  hostNetwork: false,
  release: null,
  labels: {},
  annotations: {},
  env: {},
  page: {},
  told: ['inbound', 'outbound'],
  dropped: [],
  refusal: '',
  phase: 'Running',
  createdAt: '2026-11-20T08:05:00Z',
  ...change,
});

export const service = (name: string, change: Partial<ServiceSpec> = {}): ServiceSpec => ({
  name,
  namespace: 'shop',
  app: name,
  port: 80,
  targetPort: 8080,
  portName: 'http',
  ...change,
});

export const call = (from: string | null, to: string | null, change: Partial<Call> = {}): Call => ({
  from,
  to,
  service: { name: (to ?? 'unknown').replace(/-v1$/, ''), namespace: 'shop' },
  protocol: 'http',
  codes: { '200': 600 },
  mutual: true,
  reporters: ['source', 'destination'],
  ...change,
});

/** A small healthy shop: a gateway, three applications of which one has two pods, a database, and all that looks at them. */
export const shop = (release = '1.31.0'): Spec => ({
  release,
  revision: 'default',
  cluster: 'Kubernetes',
  remotes: [],
  namespaces: { shop: { 'istio-injection': 'enabled' } },
  workloads: [
    app('web', { replicas: 2 }),
    app('cart'),
    app('prices'),
    app('db', { port: 27017 }),
    app('edge', {
      name: 'istio-ingressgateway',
      namespace: 'istio-system',
      app: 'istio-ingressgateway',
      version: 'latest',
      proxy: 'gateway',
    }),
  ],
  services: [
    service('web'),
    service('cart'),
    service('prices', { portName: 'grpc' }),
    service('db', { port: 27017, targetPort: 27017, portName: 'mongo' }),
    service('istio-ingressgateway', { namespace: 'istio-system', portName: 'http2' }),
  ],
  calls: [
    call('istio-ingressgateway', 'web-v1', { codes: { '200': 900, '404': 30 } }),
    call('web-v1', 'cart-v1', { codes: { '200': 700, '503': 20 } }),
    call('web-v1', 'prices-v1', { protocol: 'grpc' }),
    call('cart-v1', 'db-v1', { protocol: 'tcp', codes: { '0': 40 } }),
  ],
  ambient: null,
  mesh: {
    defaultConfig: { discoveryAddress: 'istiod.istio-system.svc:15012' },
    defaultProviders: { metrics: ['prometheus'] },
    enablePrometheusMerge: true,
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
  },
  objects: [],
  prometheus: {
    namespace: 'istio-system',
    by: 'annotations',
    configuration: null,
    keepsFinished: false,
    labels: {},
    annotations: {},
    sidecar: false,
    more: [],
    jobs: {},
    rules: [],
    others: [],
    still: false,
    target: (target) => target,
  },
  grafana: 'http://prometheus:9090',
  kiali: 'http://prometheus.istio-system:9090',
});
