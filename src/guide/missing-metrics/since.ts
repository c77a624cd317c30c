import type { Ask, Lost, Source, Subject } from '../../diagnosis/check.ts';
import { type History, type Since, timeOf, UNDATED } from '../../diagnosis/history.ts';
import { keyOf } from '../../diagnosis/losses.ts';
import { planeSource } from '../../diagnosis/source.ts';
import { mixerScrapes } from '../../evidence/mixer/scraped.ts';
import { stored } from '../../evidence/mixer/stored.ts';
import { historyIn, type Signal, type StoreHistory, type Trace } from '../../evidence/prometheus/history.ts';
import { meshStore } from '../../evidence/prometheus/mesh-store.ts';
import { loaded } from '../../evidence/prometheus/proxies.ts';
import { type PrometheusServer, prometheusServers } from '../../evidence/prometheus/server.ts';
import { literal } from '../../scraping/ways.ts';
import { seriesIn } from './prometheus/answers.ts';
import { SCRAPE, WAYPOINT, ZTUNNEL_EMITS } from './steps.ts';

/** What proxies, ztunnels and waypoints count, of a histogram its count (modern.md 1). */
const FAMILIES = [
  'istio_requests_total',
  'istio_request_duration_milliseconds_count',
  'istio_request_bytes_count',
  'istio_response_bytes_count',
  'istio_tcp_connections_opened_total',
  'istio_tcp_received_bytes_total',
  'istio_tcp_sent_bytes_total',
];

/** What Mixer's adapter counts of requests, since 1.0 and before (mixer.md 5). */
const BY_MIXER = ['istio_requests_total', 'istio_request_count'];

/** Subjects of which the history is looked for: the question must fit into an address. */
const MOST = 20;

/** Which end of a connection reports: its labels tell the workload. */
const SIDES = [
  ['destination', 'destination'],
  ['source', 'source'],
  ['waypoint', 'destination'],
] as const;

/** What the subjects of losses count of themselves, at most of `MOST` of each loss; what the whole mesh counts for those without. */
function signalsOf(missing: readonly Lost[]): readonly Signal[] {
  const carriers = missing.filter(isOfCarriers).flatMap((lost) => lost.subjects.flatMap(({ pods }) => pods));
  const subjects = missing.filter((lost) => !isOfCarriers(lost)).flatMap((lost) => lost.subjects.slice(0, MOST));
  const targets = missing
    .filter(({ loss }) => loss.step === SCRAPE)
    .flatMap((lost) => lost.subjects.flatMap(({ pods }) => pods));
  const namespaces = [...new Set(subjects.map(({ namespace }) => namespace))];
  const own = namespaces.flatMap((namespace) => {
    const names = subjects.filter((each) => each.namespace === namespace).map(({ name }) => literal(name));
    return SIDES.map(([reporter, side]): Signal => {
      const matchers = [
        `reporter="${reporter}"`,
        `${side}_workload_namespace=${JSON.stringify(namespace)}`,
        `${side}_workload=~${JSON.stringify([...new Set(names)].join('|'))}`,
      ];
      const by = ['reporter', `${side}_workload_namespace`, `${side}_workload`];
      return { names: FAMILIES, matchers: matchers.join(','), by, ends: 'absent' };
    });
  });
  return [
    ...own,
    ...(carriers.length > 0 ? [signalOfPods(carriers.slice(0, MOST))] : []),
    ...(targets.length > 0 ? [signalOfTargets(targets.slice(0, MOST))] : []),
    ...(missing.some((lost) => lost.subjects.length === 0) ? [OF_MESH] : []),
  ];
}

/** Whether it is lost by what carries others' traffic: its series name them, and itself by its pods alone. */
const isOfCarriers = ({ loss }: Lost): boolean => [ZTUNNEL_EMITS, WAYPOINT].includes(loss.step);

/** What pods count, whosever traffic it is; by the label that a discovery of pods gives. */
const signalOfPods = (pods: readonly string[]): Signal => ({
  names: FAMILIES,
  matchers: `pod=~${JSON.stringify(pods.map(literal).join('|'))}`,
  by: ['pod'],
  ends: 'absent',
});

/** That pods could be scraped: a proxy that nobody calls counts nothing that could end. A pod may have other targets. */
const signalOfTargets = (pods: readonly string[]): Signal => ({
  names: ['up'],
  matchers: `pod=~${JSON.stringify(pods.map(literal).join('|'))}`,
  by: ['pod', 'instance'],
  while: '== 1',
  ends: 'absent',
});

/** What every proxy and ztunnel has that is scraped: one series of each, where those of requests are many. */
const OF_MESH: Signal = {
  names: ['istio_build'],
  matchers: 'component=~"proxy|ztunnel|"',
  by: ['component'],
  ends: 'absent',
};

/** What Mixer's adapters count: they go on showing what no longer rises. */
async function signalOfMixer({ from }: Ask): Promise<Signal> {
  const scrapes = await from(mixerScrapes);
  const jobs = [
    ...new Set(scrapes.flatMap(({ adapters }) => ('got' in adapters ? adapters.got.map(({ job }) => job) : []))),
  ];
  const matchers = jobs.length === 0 ? '' : `job=~${JSON.stringify(jobs.map(literal).join('|'))}`;
  return { names: BY_MIXER, matchers, by: ['job'], ends: 'still' };
}

/** The store that is looked through, and its clock in seconds since 1970. */
async function storeOf({ from, plane, now }: Ask): Promise<{ server: PrometheusServer; clock: number } | null> {
  const { asked } = await from(prometheusServers);
  const isMixer = plane.generation === 'mixer';
  const index = isMixer ? 0 : ((await from(meshStore))?.index ?? 0);
  const server = asked[index];
  const clock = isMixer ? (await from(stored))[index]?.now : seriesIn((await from(loaded))[index])[0]?.at;
  return server ? { server, clock: (clock ?? now) / 1000 } : null;
}

/** Since when each loss is there, by its key. */
export const sinceWhen = (lost: readonly Lost[]): Source<ReadonlyMap<string, History>> =>
  planeSource([{ verb: 'create', resource: 'pods/portforward' }], async (ask) => {
    const missing = lost.filter(({ loss }) => loss.effect === 'missing');
    const store = missing.length > 0 ? await storeOf(ask) : null;
    const isMixer = ask.plane.generation === 'mixer';
    const signals = isMixer ? [await signalOfMixer(ask)] : signalsOf(missing);
    const isEnough = (ended: readonly Seen[]): boolean =>
      missing.every((each) => partsOf(each, isMixer, ended).every((part) => part.length > 0));
    const history = store && {
      ...(await historyIn(ask, store.server, signals, store.clock, isEnough)),
      clock: store.clock,
    };
    return new Map(lost.map((each) => [keyOf(each.loss), historyOf(each, history, isMixer)]));
  });

/** What a store's history tells of one loss; null where there is no store. */
function historyOf(lost: Lost, history: (StoreHistory & { clock: number }) | null, isMixer: boolean): History {
  const undated = (why: string): History => ({ ...UNDATED, undated: why });
  if (lost.loss.effect === 'wrong') return undated('a number that is wrong does not tell since when');
  if (!history) return undated('no Prometheus was found that could tell');
  const parts = partsOf(lost, isMixer, history.traces);
  const ends = parts.map(latestOf);
  const first = ends.reduce((one, other) => (one && (!other || one.end.at <= other.end.at) ? one : other), null);
  if (first === null) return undated(whyOpen(parts.flat(), history));
  const subjects = isMixer ? [] : lost.subjects.map((subject, index) => [subject, ends[index]] as const);
  return { ...UNDATED, since: sinceOf(first, subjects, history.clock) };
}

type Seen = Omit<Trace, 'end'>;

/** What is known of each of a loss's subjects, or of the whole mesh where it names none. */
function partsOf<T extends Seen>(lost: Lost, isMixer: boolean, traces: readonly T[]): readonly (readonly T[])[] {
  if (isMixer) return [traces];
  if (lost.subjects.length === 0) return [traces.filter(({ signal }) => signal === OF_MESH)];
  return lost.subjects.slice(0, MOST).map((subject) => traces.filter((trace) => isOf(subject, trace)));
}

/** Whether it is what a subject counts of itself, or what its pods do. */
function isOf({ namespace, name, pods }: Subject, { labels, signal }: Seen): boolean {
  const has = (end: string, value: string): boolean =>
    signal.by.some((label) => label.endsWith(end) && labels.get(label) === value);
  return pods.includes(labels.get('pod') ?? '') || (has('_workload', name) && has('_workload_namespace', namespace));
}

type Ended = Trace & { end: NonNullable<Trace['end']> };

/** Of what has ended the last: something was there until then. */
const latestOf = (traces: readonly Trace[]): Ended | null =>
  traces
    .filter((trace): trace is Ended => trace.end !== null)
    .reduce<Ended | null>((one, other) => (one && one.end.notBefore >= other.end.notBefore ? one : other), null);

function whyOpen(traces: readonly Trace[], { oldest, partial }: StoreHistory): string {
  const [gap] = partial;
  if (gap !== undefined) return `the store did not answer whole: ${gap}`;
  if (traces.length > 0) return 'what the store has of it has not ended';
  const back = oldest === null ? '' : `, which remembers ${timeOf(oldest)}`;
  return `never seen in this store${back}`;
}

function sinceOf(
  first: Ended,
  subjects: readonly (readonly [Subject, Ended | null | undefined])[],
  clock: number,
): Since {
  const times = ({ end }: Ended) => ({ at: timeOf(end.at), notBefore: timeOf(end.notBefore) });
  return {
    ...times(first),
    secondsAgo: Math.max(0, Math.round(clock - first.end.at)),
    series: seriesOf(first),
    from: 'prometheus-history',
    subjects: subjects.flatMap(([{ kind, namespace, name }, ended]) =>
      ended ? [{ kind, namespace, name, ...times(ended) }] : [],
    ),
  };
}

const seriesOf = ({ name, labels }: Trace): string =>
  `${name}{${[...labels].map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`;
