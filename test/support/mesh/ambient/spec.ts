import type { PageOptions } from '../pages.ts';

/** Why ztunnel's stream to istiod ended (ztunnel, src/xds/metrics.rs). */
export type Termination = 'ConnectionError' | 'Error' | 'Reconnect' | 'Complete';

/** Why a connection failed, as ztunnel's labels say it (ztunnel, src/proxy/metrics.rs, ResponseFlags). */
export type FailureFlag =
  | 'DENY'
  | 'CONNECT'
  | 'TLS_FAILURE'
  | 'H2_HANDSHAKE_FAILURE'
  | 'NETWORK_POLICY'
  | 'IDENTITY_ERROR'
  | 'CERT_REVOKED';

/** How a ztunnel's page differs from that of a healthy one. */
export interface ZtunnelPage {
  /** Families that are not there, by the names of their samples. */
  without?: RegExp;
  /** Changes the whole text. */
  rewrite?: (text: string) => string;
  /** Workloads whose proxies it could not start yet. */
  pending?: number;
  /** Streams to istiod that ended. */
  terminations?: Readonly<Partial<Record<Termination, number>>>;
  /** Connections that failed: of its first edge. */
  failed?: Readonly<Partial<Record<FailureFlag, number>>>;
}

/** A ztunnel of a node. */
export interface Ztunnel {
  isReady: boolean;
  page: ZtunnelPage;
  /** Whether istiod knows it. */
  isConnected: boolean;
}

export interface AmbientNode {
  ztunnel: Ztunnel | null;
  /** The pod of istio-cni-node. */
  agent: { isReady: boolean } | null;
}

/** A waypoint's Gateway, with what istiod makes of it. */
export interface Waypoint {
  name: string;
  namespace: string;
  className: string;
  /** For what it is (`istio.io/waypoint-for`); null where it does not say: for Services. */
  serves: 'service' | 'workload' | 'all' | 'none' | null;
  programmed: boolean;
  /** Whose objects may use it; null as `Same`. */
  allowedRoutes: 'Same' | 'All' | null;
  replicas: number;
  /** Which of its pods are ready; all are where it is not said. */
  ready: readonly boolean[];
  node: string | readonly string[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  page: PageOptions;
  /** Whether istiod makes stats filters for it. */
  told: boolean;
  dropped: readonly string[];
  refusal: string;
}

/** What a mesh of ambient has besides. */
export interface Ambient {
  /** By their names. */
  nodes: Record<string, AmbientNode>;
  waypoints: Waypoint[];
  /** Of ztunnel's pods: those for scraping. */
  annotations: Record<string, string>;
  /** What istio-cni's agents are told, as their ConfigMap has it; null where there is none. */
  settings: Record<string, string> | null;
}

const ambientNode = (): AmbientNode => ({
  ztunnel: { isReady: true, isConnected: true, page: {} },
  agent: { isReady: true },
});

export const waypoint = (name: string, change: Partial<Waypoint> = {}): Waypoint => ({
  name,
  namespace: 'shop',
  className: 'istio-waypoint',
  serves: 'service',
  programmed: true,
  allowedRoutes: null,
  replicas: 1,
  ready: [],
  node: 'node-1',
  labels: {},
  annotations: {},
  page: {},
  told: true,
  dropped: [],
  refusal: '',
  ...change,
});

/** As the charts have it: every namespace but kube-system, by the label of a namespace or of a pod. */
const ENABLEMENT = `- podSelector:
    matchLabels:
      istio.io/dataplane-mode: ambient
- namespaceSelector:
    matchLabels:
      istio.io/dataplane-mode: ambient
  podSelector:
    matchExpressions:
    - key: istio.io/dataplane-mode
      operator: NotIn
      values:
      - none
`;

/** Ambient on these nodes, as its charts install it (manifests/charts/ztunnel and istio-cni, values.yaml). */
export const ambient = (...nodes: readonly string[]): Ambient => ({
  nodes: Object.fromEntries(nodes.map((node) => [node, ambientNode()])),
  waypoints: [],
  annotations: { 'prometheus.io/port': '15020', 'prometheus.io/scrape': 'true' },
  settings: {
    AMBIENT_ENABLED: 'true',
    AMBIENT_ENABLEMENT_SELECTOR: ENABLEMENT,
    AMBIENT_DNS_CAPTURE: 'true',
    EXCLUDE_NAMESPACES: 'kube-system',
  },
});
