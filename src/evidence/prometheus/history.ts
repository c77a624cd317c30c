import type { Ask } from '../../diagnosis/check.ts';
import { type Grid, queryRange, type RangeSeries } from './range.ts';
import type { PrometheusServer } from './server.ts';

/** Series whose end is looked for. */
export interface Signal {
  /** Metrics, by their names. */
  names: readonly string[];
  /** What else selects them, as PromQL has it between braces. */
  matchers: string;
  /** The labels that tell whose a series is. */
  by: readonly string[];
  /** What its value is while it is there, as PromQL compares; any where none is told. */
  while?: string;
  /** Whether it has ended when it is absent, or already when it no longer rises: who exports it goes on showing it. */
  ends: 'absent' | 'still';
}

/** One that was found: a metric of somebody. */
export interface Trace {
  signal: Signal;
  name: string;
  /** By the signal's labels; those that it does not have are left out. */
  labels: ReadonlyMap<string, string>;
  /** Null where it goes on. Seconds since 1970: its last sample, and when the next one was due or is seen to be absent. */
  end: { notBefore: number; at: number } | null;
}

/** What a store remembers of some signals. */
export interface StoreHistory {
  traces: readonly Trace[];
  /** The oldest moment of which the store holds anything, in seconds since 1970, to three hours; null where it was not asked. */
  oldest: number | null;
  /** Why it may hold more. */
  partial: readonly string[];
}

const HOUR = 3600;

/** What is looked through first, and where that does not tell: how far back, and how far apart (s). */
const NEAR = { back: 6 * HOUR, step: 90 };
const FAR = { back: 30 * 24 * HOUR, step: 3 * HOUR };

/** Queries in all, so that a store with much to remember is not kept busy. */
const MOST = 6;

/** Points of a query that looks close. */
const POINTS = 120;

/** What Prometheus shows after a series' last sample where nothing tells that it has ended (s). */
const LOOKBACK = 300;

/** Labels that tell which signal a series is of, and which metric. */
const [SIGNAL, METRIC] = ['signal', 'metric'];

const labelled = (promql: string, label: string, value: string): string =>
  `label_replace(${promql}, ${JSON.stringify(label)}, ${JSON.stringify(value)}, "", "")`;

const selector = (name: string, { matchers }: Signal): string => `${name}{${matchers}}`;

/** A selector of series, of those alone that have the value while they are there. */
const whileThere = (series: string, { while: value }: Signal): string =>
  value === undefined ? series : `${series} ${value}`;

/** Where a signal's series are there, or rise. */
function presence(signal: Signal, index: number): readonly string[] {
  const { names, matchers, by, ends } = signal;
  if (ends === 'still')
    return names.map((name) => {
      const rising = `sum by (${by.join(', ')}) (rate(${selector(name, signal)}[5m])) > 0`;
      return labelled(labelled(rising, METRIC, name), SIGNAL, String(index));
    });
  const all = [`__name__=~${JSON.stringify(names.join('|'))}`, matchers].filter((each) => each !== '').join(',');
  const labels = ['__name__', ...by].join(', ');
  return [labelled(`count by (${labels}) (${whileThere(`{${all}}`, signal)})`, SIGNAL, String(index))];
}

/** When a metric's newest samples were made; of one that ends when it no longer rises, what it is. */
function closely(signal: Signal, index: number, name: string): string {
  const by = signal.by.join(', ');
  const of = whileThere(selector(name, signal), signal);
  const promql = signal.ends === 'still' ? `sum by (${by}) (${of})` : `max by (${by}) (timestamp(${of}))`;
  return labelled(labelled(promql, METRIC, name), SIGNAL, String(index));
}

/** A trace while it is looked for. */
interface Found extends Omit<Trace, 'end'> {
  /** The last point at which it was seen, and how far apart the points were. */
  last: { at: number; step: number };
  /** Whether that was the newest point of all. */
  isThere: boolean;
}

/**
 * Looks in one store for the ends of signals: the last six hours first; where those that have ended in them are not enough, as
 * far back as thirty days; then closely where they end. At most six queries. Throws NoAnswer where the first gets no answer.
 */
export async function historyIn(
  ask: Pick<Ask, 'cluster'>,
  server: PrometheusServer,
  signals: readonly Signal[],
  now: number,
  isEnough: (ended: readonly Omit<Trace, 'end'>[]) => boolean,
): Promise<StoreHistory> {
  const end = Math.floor(now);
  const partial = new Set<string>();
  const ranged = async (promql: string, grid: Grid): Promise<readonly RangeSeries[]> => {
    const answer = await queryRange(ask, server, promql, grid);
    for (const why of answer.partial) partial.add(why);
    return answer.series;
  };
  const found = new Map<string, Found>();
  const look = async ({ back, step }: typeof NEAR, more: readonly string[]) => {
    const parts = signals.flatMap(presence);
    const series = await ranged([...parts, ...more].join(' or '), { start: end - back, end, step });
    for (const each of series) {
      const one = foundIn(each, signals, step, end);
      if (one && !found.has(keyOf(one))) found.set(keyOf(one), one);
    }
    return series;
  };
  await look(NEAR, []);
  let queries = 1;
  let oldest: number | null = null;
  if (!isEnough([...found.values()].filter(mayHaveEnded))) {
    queries++;
    const series = await look(FAR, ['count by (__name__) (up)']);
    oldest = series.find(({ labels }) => labels.get('__name__') === 'up' && !labels.has(SIGNAL))?.points[0]?.at ?? null;
  }
  const windows = windowsOf([...found.values()].filter(mayHaveEnded)).slice(0, MOST - queries);
  const ends = new Map<string, Trace['end']>();
  await Promise.all(
    windows.map(async (window) => {
      const asked = window.found.map(({ signal, name }) => closely(signal, signals.indexOf(signal), name));
      const length = window.end - window.start;
      const grid = { ...window, end: Math.min(window.end, end), step: Math.max(1, Math.ceil(length / POINTS)) };
      const series = await ranged([...new Set(asked)].join(' or '), {
        start: grid.start,
        end: grid.end,
        step: grid.step,
      });
      // Others of the same signal go on beyond this window, or end in another.
      const own = new Set(window.found.map(keyOf));
      for (const each of series) {
        const one = foundIn(each, signals, grid.step, end);
        if (one && own.has(keyOf(one))) ends.set(keyOf(one), endOf(one.signal, each.points, grid));
      }
    }),
  );
  return {
    traces: [...found.values()].map(({ last, isThere, ...trace }) => {
      const coarse = isThere ? null : { notBefore: last.at, at: last.at + last.step };
      const close = ends.get(keyOf(trace));
      return { ...trace, end: close === undefined ? coarse : close };
    }),
    oldest,
    partial: [...partial],
  };
}

const keyOf = ({ signal, name, labels }: Omit<Trace, 'end'>): string =>
  JSON.stringify([name, signal.matchers, signal.by.map((label) => labels.get(label) ?? '')]);

function foundIn({ labels, points }: RangeSeries, signals: readonly Signal[], step: number, end: number): Found | null {
  const signal = signals[Number(labels.get(SIGNAL) ?? Number.NaN)];
  const name = labels.get(METRIC) ?? labels.get('__name__');
  const last = points.at(-1);
  if (!signal || name === undefined || !last) return null;
  const own = signal.by.flatMap((label): [string, string][] => {
    const value = labels.get(label);
    return value ? [[label, value]] : [];
  });
  return { signal, name, labels: new Map(own), last: { at: last.at, step }, isThere: last.at + step > end };
}

/** Whether it has ended, or has to be looked at closely to know: a rate goes on for a while. */
const mayHaveEnded = ({ isThere, signal }: Found): boolean => !isThere || signal.ends === 'still';

interface Window {
  start: number;
  end: number;
  found: readonly Found[];
}

/** Where to look closely: from before what the last point may show, and to the next one. The latest first. */
function windowsOf(found: readonly Found[]): readonly Window[] {
  const windows = new Map<number, Found[]>();
  for (const each of found) windows.set(each.last.at, [...(windows.get(each.last.at) ?? []), each]);
  return [...windows]
    .sort(([a], [b]) => b - a)
    .map(([at, own]) => {
      const step = Math.max(...own.map(({ last }) => last.step));
      return { start: at - 2 * LOOKBACK, end: at + step, found: own };
    });
}

/** Where a series ends among points that lie close; null where it does not. */
function endOf({ ends }: Signal, points: RangeSeries['points'], { end, step }: Grid): Trace['end'] {
  if (ends === 'still') {
    const index = points.findLastIndex(({ value }, at) => at > 0 && value !== points[at - 1]?.value);
    const risen = points[Math.max(index, 0)];
    if (!risen || risen.at + 2 * step > end) return null;
    return { notBefore: risen.at, at: risen.at + step };
  }
  const made = [...new Set(points.map(({ value }) => value))];
  const [last, before] = [made.at(-1), made.at(-2)];
  const seen = points.at(-1);
  if (last === undefined || !seen) return null;
  // The next sample was due then; it may be known to be absent before.
  const due = before === undefined ? Number.POSITIVE_INFINITY : last + Math.max(last - before, step);
  const absent = seen.at + step;
  return { notBefore: last, at: Math.min(absent, due) };
}
