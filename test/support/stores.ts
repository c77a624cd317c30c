import type { Population, ProxyKind } from '../../src/evidence/istio/population.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import type { MeshStore } from '../../src/evidence/prometheus/mesh-store.ts';
import type { Series } from '../../src/evidence/prometheus/query.ts';
import type { StoreAnswer } from '../../src/evidence/prometheus/store.ts';
import { NOW } from './judging.ts';
import { container, missing, workloadPod } from './mixer.ts';

/** What stores answer, for judges that are handed it. */

export const STORE = 'pod istio-system/prometheus-0';

export const series = (labels: Record<string, string>, value = 1, at = NOW): Series => ({
  labels: new Map(Object.entries(labels)),
  value,
  at,
});

export const answer = (...found: readonly Series[]): StoreAnswer => ({
  where: STORE,
  series: { got: found },
  partial: [],
});

export const partly = (...found: readonly Series[]): StoreAnswer => ({
  ...answer(...found),
  partial: ['a store is down'],
});

export const unanswered: StoreAnswer = { where: STORE, series: { missing: missing('TimedOut') }, partial: [] };

export const store = (change: Partial<MeshStore> = {}): MeshStore => ({
  where: STORE,
  index: 0,
  holds: true,
  without: [],
  beside: [],
  silent: [],
  pod: null,
  readConfig: 'curl -s http://prometheus/api/v1/status/config',
  ...change,
});

let last = 10;

/** A pod of a Deployment that has a proxy. */
export function proxied(app: string, change: Partial<Pod> = {}): Pod {
  last += 1;
  return workloadPod(`${app}-7d9c-${last}`, true, {
    labels: { app, 'pod-template-hash': '7d9c' },
    owner: { kind: 'ReplicaSet', name: `${app}-7d9c` },
    ip: `10.1.0.${last}`,
    ...change,
  });
}

export const populationOf = (pods: readonly Pod[], kinds: Readonly<Record<string, ProxyKind>> = {}): Population => ({
  proxies: pods.map((pod) => ({
    pod,
    kind: kinds[pod.labels.app ?? ''] ?? 'sidecar',
    container: pod.containers.at(-1) ?? container('istio-proxy', ''),
  })),
  envoyless: [],
  outsiders: { got: [] },
  refusal: null,
});

/** The labels of a series that a pod's page gave. */
export const from = (pod: Pod, more: Record<string, string> = {}): Record<string, string> => ({
  instance: `${pod.ip}:15020`,
  job: 'kubernetes-pods',
  ...more,
});

/** A proxy's own series. */
export const build = (pod: Pod, more: Record<string, string> = {}): Series =>
  series(from(pod, { component: 'proxy', ...more }));

/** A series of requests that a pod's proxy counted. */
export const requests = (pod: Pod, reporter = 'destination', more: Record<string, string> = {}): Series =>
  series(from(pod, { __name__: 'istio_requests_total', reporter, ...more }));

/** Requests a second, to a workload or from one. */
export const rate = (
  reporter: string,
  end: 'source_workload' | 'destination_workload',
  name: string,
  value: number,
  more: Record<string, string> = {},
): Series => series({ reporter, [`${end}_namespace`]: 'bookinfo', [end]: name, ...more }, value);
