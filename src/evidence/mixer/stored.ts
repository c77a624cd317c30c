import type { Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import {
  type PrometheusServer,
  prometheusReadings,
  prometheusServers,
  query,
  type Series,
} from '../prometheus-server.ts';
import { matchesWorkload, type Narrowed, narrowed } from '../workload.ts';
import { mixerHandlers } from './config.ts';

/** What one Prometheus holds of what Mixer's adapter exports. */
export interface Stored {
  where: string;
  /** Series by metric, of the jobs that scrape the adapter only: telemetry v2 writes the same names (mixer.md 5). */
  series: Attempt<Readonly<Record<string, number>>>;
  /** Requests a second over the last five minutes; null when Prometheus has no two samples yet. */
  rate: Attempt<number | null>;
  /** Series about the workload that was asked for; null when none was. */
  workload: Attempt<number> | null;
  /** The server's clock, in milliseconds since 1970; null when no query had a result. */
  now: number | null;
}

/** The charts' own names: 0.8's and those since 1.0, of requests and of TCP (mixer.md 5). */
const CHART_NAMES = [
  'istio_requests_total',
  'istio_request_count',
  'istio_tcp_sent_bytes_total',
  'istio_tcp_bytes_sent',
];

/** A counter of the user's own: asked for under its own name, at most so many. */
const MOST_OWN_NAMES = 8;

/** A metric's name as the adapter exports it; only such names are put into a query. */
const EXPORTED = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

export const stored = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly Stored[]> => {
    const [servers, readings, handlers, workload] = await Promise.all([
      ask.from(prometheusServers),
      ask.from(prometheusReadings),
      settle(ask.from(mixerHandlers)),
      settle(ask.from(narrowed)),
    ]);
    const own = ('got' in handlers ? handlers.got.items : [])
      .flatMap((handler) => handler.metrics)
      .filter(({ kind }) => kind === 'COUNTER')
      .map(({ namespace, name }) => `${namespace}_${name}`)
      .filter((name) => EXPORTED.test(name) && !CHART_NAMES.includes(name) && !name.startsWith('istio_tcp_'));
    const names = [...CHART_NAMES, ...new Set(own.slice(0, MOST_OWN_NAMES))];
    return Promise.all(
      servers.map(async (server, index) => {
        const targets = readings[index]?.targets;
        const jobs =
          targets && 'got' in targets ? targets.got.filter(({ isAdapter }) => isAdapter).map(({ job }) => job) : [];
        return storedIn(server, names, new Set(['istio-mesh', ...jobs]), 'got' in workload ? workload.got : null);
      }),
    );

    async function storedIn(
      server: PrometheusServer,
      names: readonly string[],
      jobs: ReadonlySet<string>,
      workload: Narrowed | null,
    ): Promise<Stored> {
      const ofJobs = ({ labels }: Series): boolean => !labels.has('job') || jobs.has(labels.get('job') ?? '');
      const counts = Promise.all(names.map((name) => query(ask, server, `count by (job) (${name})`)));
      const rates = Promise.all(
        CHART_NAMES.slice(0, 2).map((name) => query(ask, server, `sum by (job) (rate(${name}[5m]))`)),
      );
      const about = workload
        ? Promise.all(workloadQueries(workload).map((promql) => query(ask, server, promql)))
        : null;
      const [counted, rated, found] = await Promise.all([settle(counts), settle(rates), about ? settle(about) : null]);
      const sum = (series: readonly Series[]): number =>
        series.filter(ofJobs).reduce((total, { value }) => total + value, 0);
      const all = 'got' in counted ? counted.got.flat() : [];
      return {
        where: server.where,
        series:
          'got' in counted
            ? { got: Object.fromEntries(names.map((name, index) => [name, sum(counted.got[index] ?? [])])) }
            : counted,
        rate: 'got' in rated ? { got: rated.got.flat().some(ofJobs) ? sum(rated.got.flat()) : null } : rated,
        workload:
          found === null || workload === null
            ? null
            : 'got' in found
              ? {
                  got: found.got.flat().filter((each) => ofJobs(each) && matchesWorkload(workload, each.labels)).length,
                }
              : found,
        now: all[0]?.at ?? null,
      };
    }
  },
);

/** A name of Kubernetes inside a PromQL string. */
const quoted = (name: string): string => JSON.stringify(name.replace(/[^\w.-]/g, ''));

/** Series about a workload, few of each metric: by the labels that the release writes (mixer.md 5). */
function workloadQueries({ workload, services }: Narrowed): readonly string[] {
  const hosts = services
    .map(({ name, namespace }) => `${name}[.]${namespace}[.].*`.replace(/[^\w.[\]*-]/g, ''))
    .join('|');
  const byService = hosts === '' ? [] : [`{destination_service=~"${hosts}"}`];
  const byWorkload =
    workload.kind === 'deployment'
      ? ['destination', 'source'].map(
          (side) =>
            `{${side}_workload=${quoted(workload.name)},${side}_workload_namespace=${quoted(workload.namespace)}}`,
        )
      : [];
  return CHART_NAMES.flatMap((name) => [...byService, ...byWorkload].map((selector) => `topk(20, ${name}${selector})`));
}
