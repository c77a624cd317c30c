import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck } from '../../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../../diagnosis/verdict.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { meshProxies } from '../../../evidence/istio/mesh-proxies.ts';
import type { Proxy as MeshProxy } from '../../../evidence/istio/population.ts';
import { linesOf, subjectsOf } from '../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { PodIndex } from '../../../evidence/prometheus/pod-series.ts';
import { prometheusReadings } from '../../../evidence/prometheus/readings.ts';
import { proxyTargetsIn } from '../../../evidence/prometheus/scraping.ts';
import type { Target } from '../../../evidence/prometheus/targets.ts';
import { fateOf, type MetricFate, wordsOf } from '../../../scraping/metric-rules.ts';

/** What is counted first, of requests and of connections. */
const COUNTS = ['istio_requests_total', 'istio_tcp_connections_opened_total'];

/** What Istio's dashboards and Kiali ask for, beside. Sizes are dropped by many on purpose. */
const OTHERS = [
  'istio_request_duration_milliseconds_bucket',
  'istio_tcp_sent_bytes_total',
  'istio_tcp_received_bytes_total',
];

/** ztunnel counts connections alone; of an Envoy that loses those requests are left. */
function makes({ kind }: MeshProxy, metric: string): boolean {
  if (kind === 'ztunnel') return metric.startsWith('istio_tcp_');
  return metric !== 'istio_tcp_connections_opened_total';
}

/** The jobs that scrape each proxy's page, by their names in the configuration. */
function poolsOf(targets: readonly Target[], pods: readonly Pod[]): ReadonlyMap<Pod, readonly string[]> {
  const pools = new Map<Pod, readonly string[]>();
  for (const [pod, { pool, job }] of proxyTargetsIn(targets, PodIndex.of(pods), new Set(pods))) {
    const [own, known] = [pool || job, pools.get(pod) ?? []];
    if (!known.includes(own)) pools.set(pod, [...known, own]);
  }
  return pools;
}

/** What an operator makes a job of: `podMonitor/NAMESPACE/NAME/0`. */
function editing(pool: string, readConfig: string): string {
  const [, kind, namespace, name] = /^(podMonitor|serviceMonitor)\/([^/]+)\/([^/]+)\/\d+$/.exec(pool) ?? [];
  return kind !== undefined && namespace !== undefined && name !== undefined
    ? `${shellLine('kubectl', '-n', namespace, 'edit', `${kind.toLowerCase()}s.monitoring.coreos.com`, name)}   # its metricRelabelings`
    : `${readConfig} | jq -r .data.yaml | grep -A40 'job_name: ${pool.replaceAll(/[^\w./-]/g, '.')}'   # its metric_relabel_configs`;
}

export const rulesKeepMetrics = defineCheck({
  id: 'rules-keep-metrics',
  title: 'no job leaves Istio’s metrics out when it stores a page',
  explains:
    'Evaluates the metric_relabel_configs of each job that scrapes a proxy, as Prometheus does, for the names of Istio’s metrics: a keep rule with another list, a drop rule that is too wide, a rule that renames. Rules that go by other labels than the name decide nothing here. Request and response sizes, which many leave out on purpose, are not looked at.',
  reasons: {
    RequestsDropped:
      'A rule of the job leaves istio_requests_total out, or renames it: no request of these proxies is stored.',
    ConnectionsDropped:
      'A rule of the job leaves istio_tcp_connections_opened_total of ztunnel out, or renames it: no connection in ambient is stored.',
    MetricsDropped:
      'A rule of the job leaves metrics out that Istio’s dashboards ask for: latencies, or the bytes of TCP.',
  },
  needs: { emitters, meshProxies, store: meshStore, readings: prometheusReadings },
  judge({ emitters, meshProxies, store, readings }) {
    const reading = store ? readings[store.index] : undefined;
    if (!store || !reading) return skip('no Prometheus to ask');
    const { jobs, scrapes } = reading;
    if ([jobs, scrapes].some((each) => 'missing' in each && each.missing.hindrance === 'NotFound'))
      return skip(`${store.where} scrapes nothing by itself`);
    if ('missing' in jobs) return unknown([jobs.missing], 'the rules of its jobs are not known');
    if ('missing' in scrapes) return unknown([scrapes.missing], 'which job scrapes a proxy is not known');
    const rules = new Map(jobs.got.map(({ name, metricRules }) => [name, metricRules]));
    const fate = (pool: string, metric: string): MetricFate => fateOf(metric, rules.get(pool) ?? []);
    const pools = poolsOf(scrapes.got.targets, emitters);
    const used = [...new Set([...pools.values()].flat())];
    /** Of a proxy that two jobs scrape, one is enough. */
    const without = (metric: string): readonly Pod[] => {
      const losing = new Set(used.filter((pool) => /dropped|renamed/.test(fate(pool, metric).is)));
      if (losing.size === 0) return [];
      const making = new Set(meshProxies.proxies.filter((each) => makes(each, metric)).map(({ pod }) => pod));
      return [...pools]
        .filter(([pod, names]) => making.has(pod) && names.every((pool) => losing.has(pool)))
        .map(([pod]) => pod);
    };
    if (pools.size === 0) return skip('no job scrapes a proxy');
    const lost = [...COUNTS, ...OTHERS]
      .map((metric) => ({ metric, pods: without(metric) }))
      .filter(({ pods }) => pods.length > 0);
    const [first] = lost;
    if (!first)
      return {
        status: 'pass',
        message: `${some(used)} ${used.length === 1 ? 'keeps' : 'keep'} what Istio’s dashboards ask for`,
      };
    const subjects = subjectsOf(first.pods);
    const pool = pools.get(first.pods[0] as Pod)?.[0] ?? '';
    const found = fate(pool, first.metric);
    const isCount = COUNTS.includes(first.metric);
    return {
      status: isCount ? 'fail' : 'warn',
      reason: first.metric === COUNTS[0] ? 'RequestsDropped' : isCount ? 'ConnectionsDropped' : 'MetricsDropped',
      message: `job ${pool} ${found.is === 'renamed' ? `renames ${first.metric}` : `leaves out ${some(lost.map(({ metric }) => metric))}`} of ${first.pods.length} of ${count(emitters.length, 'proxy', 'proxies')}`,
      evidence: ['by' in found ? wordsOf(found.by) : '', ...linesOf(subjects)],
      subjects,
      hint: editing(pool, store.readConfig),
    };
  },
});
