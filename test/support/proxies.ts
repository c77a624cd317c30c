import type { Emission, ReadProxy } from '../../src/evidence/envoy/emission.ts';
import type { MetricsPage } from '../../src/evidence/envoy/metrics-page.ts';
import type { Proxy as MeshProxy } from '../../src/evidence/istio/population.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import type { StoreAnswer } from '../../src/evidence/prometheus/store.ts';
import { container, missing, pod } from './mixer.ts';

/** A sidecar of a Deployment, `default/reviews-0` by default. */
export const meshProxy = (name = 'reviews-0', change: Partial<Pod> = {}): MeshProxy => {
  const owner = name.replace(/-[^-]*$/, '');
  const proxy = container('istio-proxy', 'docker.io/istio/proxyv2:1.31.0');
  return {
    pod: pod({
      name,
      namespace: 'default',
      labels: { app: owner, 'pod-template-hash': 'x' },
      containers: [container('app', 'app:1'), proxy],
      owner: { kind: 'ReplicaSet', name: `${owner}-x` },
      ip: null,
      ...change,
    }),
    kind: 'sidecar',
    container: proxy,
  };
};

/** A page as a healthy proxy of today serves it. */
export const metricsPage = (change: Partial<MetricsPage> = {}): MetricsPage => ({
  parts: { agent: true, envoy: true },
  build: '1.31.0',
  families: new Set(['istio_requests_total']),
  mangled: [],
  state: 0,
  taken: 9,
  refused: 0,
  listeners: 12,
  failures: new Map(),
  problem: null,
  lines: ['envoy_server_state 0'],
  ...change,
});

/** What is on a page while no stats filter is loaded. */
export const bare = (change: Partial<MetricsPage> = {}): MetricsPage =>
  metricsPage({ build: null, families: new Set(), ...change });

/** A proxy whose pages said this. */
export const readProxy = (proxy: MeshProxy, merged: MetricsPage | null, own: MetricsPage | null = null): ReadProxy => {
  const unread = { missing: missing('Forbidden', { verb: 'create', resource: 'pods/portforward' }) };
  const isProven = merged !== null && (merged.build !== null || merged.families.size > 0);
  return {
    ...proxy,
    merged: merged ? { got: merged } : unread,
    own: own ? { got: own } : isProven ? null : unread,
  };
};

/** Proxies of which a store has those named, and pages of others. */
export const emitting = (
  judged: readonly MeshProxy[],
  stored: readonly string[],
  change: Partial<Emission> = {},
): Emission => ({
  judged,
  young: 0,
  proven: new Set(judged.map((each) => each.pod).filter(({ name }) => stored.includes(name))),
  stores: { answered: 1, missing: [] },
  asked: [],
  control: null,
  refusal: null,
  ...change,
});

/** What one store answered: a series for each of these labels. */
export const storeAnswer = (...series: readonly Record<string, string>[]): StoreAnswer => ({
  where: 'pod istio-system/prometheus-1',
  series: { got: series.map((labels) => ({ labels: new Map(Object.entries(labels)), value: 1, at: 0 })) },
  partial: [],
});
