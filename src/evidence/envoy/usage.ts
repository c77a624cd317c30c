import { podMetrics, typedName } from '../../cluster/question/resources.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { PROXY_CONTAINERS } from '../istio/proxies.ts';
import { listAll } from '../kubernetes/lists.ts';
import { coresOf } from '../kubernetes/pod.ts';
import { podNamedBy } from '../prometheus/pod-labels.ts';
import { queryAny, type Series } from '../prometheus/query.ts';

/** By `NAMESPACE/POD`. */
export interface Usage {
  /** CPU of the proxy's container, in cores; empty where nobody measures it. */
  cores: ReadonlyMap<string, number>;
  /** Requests a second, where Prometheus knows them by pod (1.5 and newer). */
  requests: ReadonlyMap<string, number>;
  /** Who measured the CPU; null when nobody does. */
  by: 'the metrics API' | 'Prometheus' | null;
  missing: readonly Unanswered[];
}

const NAMES = PROXY_CONTAINERS.join('|');

/** Older Prometheus configurations of Kubernetes and Istio call the labels otherwise. */
const CPU = `sum by (namespace, pod, pod_name) (rate(container_cpu_usage_seconds_total{container=~"${NAMES}"}[5m]) or rate(container_cpu_usage_seconds_total{container_name=~"${NAMES}"}[5m]))`;
const REQUESTS = 'sum by (namespace, pod, kubernetes_namespace, kubernetes_pod_name) (rate(istio_requests_total[5m]))';

const byPod = (series: readonly Series[]): ReadonlyMap<string, number> =>
  new Map(
    series.flatMap(({ labels, value }) => {
      const pod = podNamedBy((name) => labels.get(name));
      return pod && Number.isFinite(value) ? [[`${pod.namespace}/${pod.name}`, value]] : [];
    }),
  );

interface PodUsage {
  name: string;
  cores: number | null;
}

const podUsages = (ask: Ask) =>
  listAll(ask, podMetrics, ({ metadata, containers = [] }): PodUsage => {
    const proxy = (containers as readonly { name?: string; usage?: { cpu?: string } }[]).find(({ name = '' }) =>
      PROXY_CONTAINERS.includes(name),
    );
    return { name: `${metadata.namespace}/${metadata.name}`, cores: coresOf(proxy?.usage?.cpu) };
  });

/** As the metrics API measures it, or else Prometheus (guide.md i, I1). */
export const usage = planeSource([{ verb: 'list', resource: typedName(podMetrics) }], async (ask): Promise<Usage> => {
  const prometheus = async (promql: string): Promise<ReadonlyMap<string, number> | null> => {
    const found = await queryAny(ask, promql);
    return found && byPod(found.series);
  };
  const [api, cpu, rate] = await Promise.all([
    settle(podUsages(ask)),
    settle(prometheus(CPU)),
    settle(prometheus(REQUESTS)),
  ]);
  const requests = 'got' in rate ? (rate.got ?? new Map()) : new Map();
  const measured =
    'got' in api ? api.got.items.flatMap(({ name, cores }) => (cores === null ? [] : [[name, cores] as const])) : [];
  const refused = 'got' in api ? (api.got.refusal ? [api.got.refusal] : []) : [api.missing];
  if (measured.length > 0) return { cores: new Map(measured), requests, by: 'the metrics API', missing: refused };
  if ('got' in cpu && cpu.got && cpu.got.size > 0) return { cores: cpu.got, requests, by: 'Prometheus', missing: [] };
  return { cores: new Map(), requests, by: null, missing: [...refused, ...('missing' in cpu ? [cpu.missing] : [])] };
});
