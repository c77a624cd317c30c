import type { PageQuestion } from '../../cluster/question/question.ts';
import { askPage, textOf } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { numberOf } from '../../prometheus/numbers.ts';
import { type Pod, proxyOf } from '../kubernetes/pod.ts';
import { narrowed, workloads } from '../kubernetes/workload.ts';
import { askMetrics } from '../prometheus/metrics-page.ts';
import { query } from '../prometheus/query.ts';
import { prometheusServers } from '../prometheus/server.ts';
import { mixerPages } from './pages.ts';

/** Whether there was traffic to report: what some proxies and Prometheus say. Asked only when Mixer saw no Report. */
export interface Traffic {
  /** Proxies that answered. */
  proxies: number;
  /** Requests that they have served or sent since they started. */
  requests: number;
  /** Report calls that they say they made. */
  reportCalls: number;
  /** Requests of the last five minutes that Prometheus has of Envoy's own metrics; null when it has none of them. */
  inPrometheus: number | null;
  /** Since when the youngest Mixer counts, in seconds; null when it does not tell. What was before, it cannot know. */
  mixerAge: number | null;
  missing: readonly Unanswered[];
}

/** Envoy's own pages: 15090 from 1.0 on where the pod declares it; its admin page before (mixer.md 2.1, modern.md 4). */
const METRICS_PORT = 15090;
const ADMIN_PORT = 15000;

/** Connection managers of Envoy that serve nobody but Prometheus and the kubelet. */
const OWN_LISTENERS = /^(admin|stats|agent)/;

/** null when Mixer has seen Reports: then the question does not arise. */
export const traffic = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<Traffic | null> => {
    const pages = await ask.from(mixerPages);
    if (pages.some(({ reading }) => 'got' in reading && reading.got.reports.total > 0)) return null;
    const [{ everywhere }, servers] = await Promise.all([ask.from(workloads), settle(ask.from(prometheusServers))]);
    const asked = everywhere.filter((pod) => proxyOf(pod) !== undefined).slice(0, ask.scope.sample);
    const promql =
      'sum(increase(envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix!~"admin|stats|agent"}[5m]))';
    const [answers, totals] = await Promise.all([
      Promise.all(asked.map((pod) => settle(proxyCounts(ask, pod)))),
      Promise.all(('got' in servers ? servers.got.asked : []).map((server) => settle(query(ask, server, promql)))),
    ]);
    const got = <T>(attempts: readonly Attempt<T>[]): readonly T[] =>
      attempts.flatMap((each) => ('got' in each ? [each.got] : []));
    const series = got(totals)
      .flatMap(({ series }) => series)
      .filter(({ value }) => Number.isFinite(value));
    const starts = got(pages.map(({ reading }) => reading)).flatMap(({ startedAt }) =>
      startedAt === null ? [] : [startedAt],
    );
    return {
      proxies: got(answers).length,
      requests: got(answers).reduce((sum, { requests }) => sum + requests, 0),
      reportCalls: got(answers).reduce((sum, { reportCalls }) => sum + reportCalls, 0),
      inPrometheus: series.length > 0 ? series.reduce((sum, { value }) => sum + value, 0) : null,
      mixerAge: starts.length > 0 ? ask.now / 1000 - Math.max(...starts) : null,
      missing: [...answers, ...totals].flatMap((each) => ('missing' in each ? [each.missing] : [])),
    };
  },
);

/** Requests and Report calls that one Envoy counts. */
export interface ProxyCounts {
  requests: number;
  reportCalls: number;
}

/** Asks a pod's Envoy. */
async function proxyCounts(ask: Ask, pod: Pod): Promise<ProxyCounts> {
  const declares = proxyOf(pod)?.ports.some(({ port }) => port === METRICS_PORT) ?? false;
  const question = { ask: 'page', namespace: pod.namespace, pod: pod.name } as const;
  return declares
    ? fromMetrics(ask, { ...question, port: METRICS_PORT, path: '/stats/prometheus' })
    : fromAdminPage(ask, { ...question, port: ADMIN_PORT, path: '/stats' });
}

async function fromMetrics({ cluster }: Ask, question: PageQuestion): Promise<ProxyCounts> {
  const counts = { requests: 0, reportCalls: 0 };
  const wants = (name: string): boolean =>
    name === 'envoy_http_downstream_rq_total' || /^envoy_(http|tcp)_mixer_filter_total_report_calls$/.test(name);
  await askMetrics(cluster, question, wants, (_family, { name, labels, value }) => {
    if (name.endsWith('report_calls')) counts.reportCalls += numberOf(value);
    else if (!OWN_LISTENERS.test(labels.get('envoy_http_conn_manager_prefix') ?? ''))
      counts.requests += numberOf(value);
  });
  return counts;
}

/** `http.inbound_9080.downstream_rq_total: 5` */
async function fromAdminPage({ cluster }: Ask, question: PageQuestion): Promise<ProxyCounts> {
  const text = await textOf(question, await askPage(cluster, question));
  const counts = { requests: 0, reportCalls: 0 };
  for (const line of text.split('\n')) {
    const [, name = '', value = '0'] = /^(\S+): (\d+)$/.exec(line) ?? [];
    if (name.endsWith('mixer_filter.total_report_calls')) counts.reportCalls += Number(value);
    else if (/^http\.(?!admin|stats|agent).*\.downstream_rq_total$/.test(name)) counts.requests += Number(value);
  }
  return counts;
}

/** What the Envoys of the workload that was asked for count; null when none was. */
export const workloadTraffic = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<Omit<Traffic, 'inPrometheus' | 'mixerAge'> | null> => {
    const workload = await ask.from(narrowed);
    if (workload === null) return null;
    const asked = workload.pods.filter((pod) => proxyOf(pod) !== undefined).slice(0, ask.scope.sample);
    const answers = await Promise.all(asked.map((pod) => settle(proxyCounts(ask, pod))));
    const got = answers.flatMap((each) => ('got' in each ? [each.got] : []));
    return {
      proxies: got.length,
      requests: got.reduce((sum, { requests }) => sum + requests, 0),
      reportCalls: got.reduce((sum, { reportCalls }) => sum + reportCalls, 0),
      missing: answers.flatMap((each) => ('missing' in each ? [each.missing] : [])),
    };
  },
);
