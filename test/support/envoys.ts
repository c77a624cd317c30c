import type { Envoy, Told } from '../../src/evidence/envoy/asked.ts';
import type { Configuration } from '../../src/evidence/envoy/dump.ts';
import type { Listener } from '../../src/evidence/envoy/dump-entries.ts';
import type { ServerInfo } from '../../src/evidence/envoy/server-info.ts';
import type { Counted } from '../../src/evidence/envoy/stats.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import { container, missing, workloadPod } from './mixer.ts';

/** An Envoy of a sidecar. */
export const envoy = (change: Partial<Pod> = {}, image = 'istio/proxyv2:1.31.0'): Envoy => {
  const proxy = container('istio-proxy', image);
  const pod = workloadPod('reviews', true, { containers: [container('app', 'app:1'), proxy], ...change });
  return { pod, container: pod.containers.find(({ name }) => name === 'istio-proxy') ?? proxy };
};

/** What an Envoy answered. */
export const told = <T>(got: T, of = envoy()): Told<T> => ({ ...of, said: { got } });

/** That it did not. */
export const silent = (of = envoy()): Told<never> => ({
  ...of,
  said: { missing: missing('Forbidden', { verb: 'create', resource: 'pods/portforward' }) },
});

/** Its counters, and those of a later reading. */
export const counted = (stats: Record<string, number>, later: Record<string, number> | null = null): Counted => ({
  stats: new Map(Object.entries(stats)),
  later: later && { got: new Map(Object.entries(later)) },
});

export const listener = (change: Partial<Listener> = {}): Listener => ({
  name: '0.0.0.0_9080',
  updatedAt: null,
  fixed: false,
  error: '',
  address: '0.0.0.0',
  port: 9080,
  direction: 'outbound',
  chains: [],
  ...change,
});

export const dump = (change: Partial<Configuration> = {}): Configuration => ({
  size: 100_000,
  clusters: [],
  listeners: [],
  routes: [],
  ...change,
});

export const info = (change: Partial<ServerInfo> = {}): ServerInfo => ({
  state: 'LIVE',
  uptime: 300_000,
  uptimeOfAll: 300_000,
  epoch: 0,
  concurrency: 2,
  logLevel: 'warning',
  componentLogLevel: null,
  ...change,
});
