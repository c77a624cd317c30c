import { unanswered } from '../../cluster/question/text.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { settle } from '../../diagnosis/source.ts';
import { NoAnswer } from '../../errors.ts';
import { numberOf } from '../../prometheus/numbers.ts';
import { type ApiAnswer, askApi } from './api.ts';
import { type PrometheusServer, prometheusServers } from './server.ts';

/** A series' labels, by name, in the server's order. */
export interface Labels extends Iterable<readonly [string, string]> {
  readonly get: (name: string) => string | undefined;
  readonly has: (name: string) => boolean;
}

/**
 * Labels as they were parsed: a map of each would take three times the memory, and there are tens of thousands. What is no text
 * is no label.
 */
export class ParsedLabels implements Labels {
  private readonly raw: Readonly<Record<string, unknown>>;

  constructor(raw: Readonly<Record<string, unknown>>) {
    this.raw = raw;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  get(name: string): string | undefined {
    const value = Object.hasOwn(this.raw, name) ? this.raw[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  }

  *[Symbol.iterator](): Generator<readonly [string, string]> {
    for (const [name, value] of Object.entries(this.raw)) if (typeof value === 'string') yield [name, value];
  }
}

/** One series of an instant query. */
export interface Series {
  labels: Labels;
  /** May be NaN or infinite, as a sample may. */
  value: number;
  /** The server's clock, in milliseconds since 1970. */
  at: number;
}

/** The answer to an instant query: no series is an answer too, and is not zero. */
export interface Queried extends Pick<ApiAnswer, 'partial' | 'infos'> {
  series: readonly Series[];
}

interface RawSeries {
  metric?: Record<string, unknown>;
  /** Absent of a native histogram. */
  value?: readonly [number, string];
  histogram?: readonly [number, unknown];
}

const questionOf = (server: PrometheusServer, promql: string): ReturnType<PrometheusServer['question']> =>
  server.question(`/api/v1/query?query=${encodeURIComponent(promql)}`);

/** The answer to an instant query that yields a vector. Throws NoAnswer. */
export async function query({ cluster }: Ask, server: PrometheusServer, promql: string): Promise<Queried> {
  const question = questionOf(server, promql);
  const { data, partial, infos } = await askApi(cluster, question);
  const { result } = data as { result?: unknown };
  if (!Array.isArray(result) || !result.every(isSeries))
    throw unanswered(question, 'BadAnswer', 'the answer is no vector of series');
  return { series: result.map(seriesIn), partial, infos };
}

/**
 * The answer of the first server that has series, or of one that has none; null where there is no server. Throws NoAnswer
 * where a server that might have them could not be asked, or did not answer whole.
 */
export async function queryAny(ask: Ask, promql: string): Promise<Queried | null> {
  const { asked } = await ask.from(prometheusServers);
  const answers = await Promise.all(asked.map((server) => settle(wholeUnlessFound(ask, server, promql))));
  const got = answers.flatMap((each) => ('got' in each ? [each.got] : []));
  const full = got.find(({ series }) => series.length > 0);
  if (full) return full;
  for (const each of answers) if ('missing' in each) throw new NoAnswer(each.missing);
  return got[0] ?? null;
}

async function wholeUnlessFound(ask: Ask, server: PrometheusServer, promql: string): Promise<Queried> {
  const answer = await query(ask, server, promql);
  const [why] = answer.partial;
  if (answer.series.length > 0 || why === undefined) return answer;
  throw unanswered(questionOf(server, promql), 'BadAnswer', `nothing, in an answer that may not be whole: ${why}`);
}

const isSeries = (each: unknown): each is RawSeries => {
  if (typeof each !== 'object' || each === null) return false;
  const { metric, value, histogram } = each as RawSeries;
  return typeof metric === 'object' && metric !== null && (Array.isArray(value) || Array.isArray(histogram));
};

const seriesIn = ({ metric = {}, value, histogram }: RawSeries): Series => ({
  labels: new ParsedLabels(metric),
  value: value === undefined ? Number.NaN : numberIn(value[1]),
  at: Number(value?.[0] ?? histogram?.[0]) * 1000,
});

const labelIn = (labels: Labels, name: string): readonly (readonly [string, string])[] => {
  const value = labels.get(name);
  return value ? [[name, value]] : [];
};

/** What PromQL's `sum by` makes of series. One without a label is one where it is empty. */
export function summedBy(series: readonly Series[], names: readonly string[]): readonly Series[] {
  const sums = new Map<string, { labels: Labels; value: number; at: number }>();
  for (const { labels, value, at } of series) {
    // No name of Kubernetes' holds this character.
    const key = names.map((name) => labels.get(name) ?? '').join('\0');
    const known = sums.get(key);
    if (known) known.value += value;
    else sums.set(key, { labels: new Map(names.flatMap((name) => labelIn(labels, name))), value, at });
  }
  return [...sums.values()];
}

/** A sample as Prometheus writes it. */
const numberIn = (text: unknown): number => (typeof text === 'string' && text !== '' ? numberOf(text) : Number.NaN);
