import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { detection } from '../istio.ts';
import {
  type PrometheusServer,
  prometheusReadings,
  prometheusServers,
  query,
  type Series,
} from '../prometheus-server.ts';
import { matchesWorkload, type Narrowed, narrowed } from '../workload.ts';
import { mixerPages } from './pages.ts';

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
const REQUESTS = ['istio_requests_total', 'istio_request_count'];
const CHART_NAMES = [...REQUESTS, 'istio_tcp_sent_bytes_total', 'istio_tcp_bytes_sent'];

/** Other names that the adapter exports are asked for too, at most so many. */
const MOST_OTHER_NAMES = 12;

/** A metric's name as the adapter exports it; only such names are put into a query. */
const EXPORTED = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

export const stored = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly Stored[]> => {
    const [{ asked }, readings, pages, workload, { planes }] = await Promise.all([
      ask.from(prometheusServers),
      ask.from(prometheusReadings),
      settle(ask.from(mixerPages)),
      settle(ask.from(narrowed)),
      ask.from(detection),
    ]);
    const exported = ('got' in pages ? pages.got : []).flatMap(({ adapter }) =>
      adapter.state === 'serves' ? adapter.names : [],
    );
    const others = [...new Set(exported)]
      .filter((name) => EXPORTED.test(name) && !/_(bucket|sum)$/.test(name) && !CHART_NAMES.includes(name))
      .sort()
      .slice(0, MOST_OTHER_NAMES);
    const several = planes.filter(({ generation }) => generation === 'mixer').length > 1;
    return Promise.all(
      asked.map((server, index) => {
        const targets = readings[index]?.targets;
        const adapters = targets && 'got' in targets ? targets.got.filter(({ isAdapter }) => isAdapter) : [];
        return storedIn(ask, server, {
          names: [...CHART_NAMES, ...others],
          jobs: new Set(['istio-mesh', ...adapters.map(({ job }) => job)]),
          instances: several ? new Set(adapters.map(({ instance }) => instance)) : null,
          workload: 'got' in workload ? workload.got : null,
        });
      }),
    );
  },
);

/** Which series are Mixer's: of these jobs, and, where several Mixers are scraped, of these targets. */
interface Wanted {
  names: readonly string[];
  jobs: ReadonlySet<string>;
  instances: ReadonlySet<string> | null;
  workload: Narrowed | null;
}

async function storedIn(
  ask: Ask,
  server: PrometheusServer,
  { names, jobs, instances, workload }: Wanted,
): Promise<Stored> {
  const by = instances ? 'job, instance' : 'job';
  const isOwn = ({ labels }: Series): boolean =>
    (!labels.has('job') || jobs.has(labels.get('job') ?? '')) &&
    (!instances || instances.has(labels.get('instance') ?? ''));
  const [counted, rated, found] = await Promise.all([
    settle(query(ask, server, `count by (__name__, ${by}) ({__name__=~"${names.join('|')}"})`)),
    settle(query(ask, server, REQUESTS.map((name) => `sum by (${by}) (rate(${name}[5m]))`).join(' or '))),
    workload ? settle(Promise.all(workloadQueries(workload).map((promql) => query(ask, server, promql)))) : null,
  ]);
  const sum = (series: readonly Series[]): number =>
    series.filter(isOwn).reduce((total, { value }) => total + value, 0);
  const mapped = <T, U>(attempt: Attempt<T>, change: (got: T) => U): Attempt<U> =>
    'got' in attempt ? { got: change(attempt.got) } : attempt;
  return {
    where: server.where,
    series: mapped(counted, (all) =>
      Object.fromEntries(names.map((name) => [name, sum(all.filter(({ labels }) => labels.get('__name__') === name))])),
    ),
    rate: mapped(rated, (all) => (all.some(isOwn) ? sum(all) : null)),
    workload:
      found && workload
        ? mapped(
            found,
            (all) => all.flat().filter((each) => isOwn(each) && matchesWorkload(workload, each.labels)).length,
          )
        : null,
    now: 'got' in counted ? (counted.got[0]?.at ?? null) : null,
  };
}

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
