import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { detection } from '../istio/detection.ts';
import { matchesWorkload, type Narrowed, narrowed } from '../kubernetes/workload.ts';
import { type Queried, query, type Series } from '../prometheus/query.ts';
import { type PrometheusServer, prometheusServers } from '../prometheus/server.ts';
import { mixerPages } from './pages.ts';
import { mixerScrapes } from './scraped.ts';

/** What one Prometheus holds of what Mixer's adapter exports. */
export interface Stored {
  where: string;
  /** Series by metric, of the jobs that scrape the adapter only: telemetry v2 writes the same names (mixer.md 5). */
  series: Attempt<Readonly<Record<string, number>>>;
  /** Requests a second over the last five minutes; null when Prometheus has no two samples yet. */
  rate: Attempt<number | null>;
  /** Series about the workload that was asked for; null when none was. */
  workload: Attempt<number> | null;
  /** Why there may be series that it did not tell of. */
  partial: readonly string[];
  /** The server's clock, in milliseconds since 1970; null when no query had a result. */
  now: number | null;
}

/** Requests, and what TCP sends: the names of 0.8's chart and those since 1.0 (mixer.md 5). */
const REQUESTS = ['istio_requests_total', 'istio_request_count'];
const TRAFFIC = [...REQUESTS, 'istio_tcp_sent_bytes_total', 'istio_tcp_bytes_sent'];

/** All that the charts export, of a histogram its count: asked for at once, before the adapter tells its names. */
const CHART_NAMES = [
  ...TRAFFIC,
  'istio_request_duration_seconds_count',
  'istio_request_duration_count',
  'istio_request_bytes_count',
  'istio_request_size_count',
  'istio_response_bytes_count',
  'istio_response_size_count',
  'istio_tcp_received_bytes_total',
  'istio_tcp_bytes_received',
  'istio_tcp_connections_opened_total',
  'istio_tcp_connections_closed_total',
];

/** Other names that the adapter exports are asked for too, at most so many. */
const MOST_OTHER_NAMES = 12;

/** A metric's name as the adapter exports it; only such names are put into a query. */
const EXPORTED = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

export const stored = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly Stored[]> => {
    const [{ asked }, { planes }, workload] = await Promise.all([
      ask.from(prometheusServers),
      ask.from(detection),
      settle(ask.from(narrowed)),
    ]);
    const several = planes.filter(({ generation }) => generation === 'mixer').length > 1;
    return Promise.all(
      asked.map((server, index) => storedIn(ask, server, index, several, 'got' in workload ? workload.got : null)),
    );
  },
);

/** What one server holds. `index` is its place among the readings; `several` tells that other Mixers may write to it. */
async function storedIn(
  ask: Ask,
  server: PrometheusServer,
  index: number,
  several: boolean,
  workload: Narrowed | null,
): Promise<Stored> {
  const by = several ? 'job, instance' : 'job';
  const counts = (names: readonly string[]): Promise<Queried> =>
    names.length === 0
      ? Promise.resolve({ series: [], partial: [], infos: [] })
      : query(ask, server, `count by (__name__, ${by}) ({__name__=~"${names.join('|')}"})`);
  const [counted, rated, found, own] = await Promise.all([
    settle(Promise.all([counts(CHART_NAMES), otherNames(ask).then(counts)])),
    settle(query(ask, server, REQUESTS.map((name) => `sum by (${by}) (rate(${name}[5m]))`).join(' or '))),
    workload ? settle(Promise.all(workloadQueries(workload).map((promql) => query(ask, server, promql)))) : null,
    ownSeries(ask, index, several),
  ]);
  // What is not a number counts for nothing, and must not spoil what is.
  const numbers = (series: readonly Series[]): readonly Series[] =>
    series.filter(({ value }) => Number.isFinite(value));
  const sum = (series: readonly Series[]): number => numbers(series).reduce((total, { value }) => total + value, 0);
  const nameOf = ({ labels }: Series): string => labels.get('__name__') ?? '';
  return {
    where: server.where,
    series: ofOwn(counted, own, (series) => {
      const names = new Set([...CHART_NAMES, ...series.map(nameOf)]);
      return Object.fromEntries([...names].map((name) => [name, sum(series.filter((each) => nameOf(each) === name))]));
    }),
    rate: ofOwn(rated, own, (series) => (numbers(series).length > 0 ? sum(series) : null)),
    workload:
      found && workload
        ? ofOwn(found, own, (series) => series.filter(({ labels }) => matchesWorkload(workload, labels)).length)
        : null,
    partial: [...partsOf(counted), ...(found ? partsOf(found) : [])],
    now: seriesIn(counted)[0]?.at ?? null,
  };
}

type Answers = Attempt<Queried | readonly Queried[]>;

const answersIn = (attempt: Answers): readonly Queried[] => ('got' in attempt ? [attempt.got].flat() : []);
const seriesIn = (attempt: Answers): readonly Series[] => answersIn(attempt).flatMap(({ series }) => series);
const partsOf = (attempt: Answers): readonly string[] => answersIn(attempt).flatMap(({ partial }) => partial);

/** What is told of Mixer's series; why it cannot be, where there are series and whose they are is not known. */
function ofOwn<T>(attempt: Answers, { isOwn, missing }: Own, tell: (series: readonly Series[]) => T): Attempt<T> {
  if ('missing' in attempt) return attempt;
  const all = seriesIn(attempt);
  const own = all.filter(isOwn);
  return own.length === 0 && all.length > 0 && missing ? { missing } : { got: tell(own) };
}

/** What the adapter exports beside what the charts do. */
async function otherNames({ from }: Ask): Promise<readonly string[]> {
  const pages = await settle(from(mixerPages));
  const exported = ('got' in pages ? pages.got : []).flatMap(({ adapter }) =>
    adapter.state === 'serves' ? adapter.names : [],
  );
  return [...new Set(exported)]
    .filter((name) => EXPORTED.test(name) && !/_(bucket|sum)$/.test(name) && !CHART_NAMES.includes(name))
    .sort()
    .slice(0, MOST_OTHER_NAMES);
}

/** Which series are Mixer's, and why that may not be known of others. */
interface Own {
  isOwn: (series: Series) => boolean;
  missing: Unanswered | null;
}

/** Those of the jobs that scrape its adapter, and, where several Mixers are scraped, of its targets. */
async function ownSeries({ from }: Ask, index: number, several: boolean): Promise<Own> {
  const scraped = (await from(mixerScrapes))[index]?.adapters;
  const adapters = scraped && 'got' in scraped ? scraped.got : [];
  const jobs = new Set(['istio-mesh', ...adapters.map(({ job }) => job)]);
  const instances = new Set(adapters.map(({ instance }) => instance));
  return {
    isOwn: ({ labels }) =>
      (!labels.has('job') || jobs.has(labels.get('job') ?? '')) &&
      (!several || instances.has(labels.get('instance') ?? '')),
    missing: scraped && 'missing' in scraped ? scraped.missing : null,
  };
}

/** A name of Kubernetes inside a PromQL string. */
const quoted = (name: string): string => JSON.stringify(name.replace(/[^\w.-]/g, ''));

/** Series about a workload, few of each metric: by the labels that the release writes (mixer.md 5). */
function workloadQueries({ workload, services, named }: Narrowed): readonly string[] {
  const hosts = services
    .map(({ name, namespace }) => `${name}[.]${namespace}[.].*`.replace(/[^\w.[\]*-]/g, ''))
    .join('|');
  const byService = hosts === '' ? [] : [`{destination_service=~"${hosts}"}`];
  const byWorkload =
    named === null
      ? []
      : ['destination', 'source'].map(
          (side) => `{${side}_workload=${quoted(named)},${side}_workload_namespace=${quoted(workload.namespace)}}`,
        );
  return TRAFFIC.flatMap((name) => [...byService, ...byWorkload].map((selector) => `topk(20, ${name}${selector})`));
}
