import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck } from '../../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../../diagnosis/verdict.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { linesOf, subjectsOf } from '../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { PodIndex } from '../../../evidence/prometheus/pod-series.ts';
import { prometheusReadings } from '../../../evidence/prometheus/readings.ts';
import { proxyTargetsIn } from '../../../evidence/prometheus/scraping.ts';
import type { Target } from '../../../evidence/prometheus/targets.ts';
import { fateOf, type MetricFate, wordsOf } from '../../../scraping/metric-rules.ts';

const REQUESTS = 'istio_requests_total';

/** What Istio's dashboards and Kiali ask for, beside requests. Sizes are dropped by many on purpose. */
const OTHERS = [
  'istio_request_duration_milliseconds_bucket',
  'istio_tcp_sent_bytes_total',
  'istio_tcp_received_bytes_total',
];

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
    MetricsDropped:
      'A rule of the job leaves metrics out that Istio’s dashboards ask for: latencies, or the bytes of TCP.',
  },
  needs: { emitters, store: meshStore, readings: prometheusReadings },
  judge({ emitters, store, readings }) {
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
      return [...pools].filter(([, names]) => names.every((pool) => losing.has(pool))).map(([pod]) => pod);
    };
    if (pools.size === 0) return skip('no job scrapes a proxy');
    const lost = [REQUESTS, ...OTHERS]
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
    const isRequests = first.metric === REQUESTS;
    return {
      status: isRequests ? 'fail' : 'warn',
      reason: isRequests ? 'RequestsDropped' : 'MetricsDropped',
      message: `job ${pool} ${found.is === 'renamed' ? `renames ${first.metric}` : `leaves out ${some(lost.map(({ metric }) => metric))}`} of ${first.pods.length} of ${count(emitters.length, 'proxy', 'proxies')}`,
      evidence: ['by' in found ? wordsOf(found.by) : '', ...linesOf(subjects)],
      subjects,
      hint: editing(pool, store.readConfig),
    };
  },
});
