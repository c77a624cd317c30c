import { unanswered } from '../../cluster/question/text.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { numberOf } from '../../prometheus/numbers.ts';
import { askApi } from './api.ts';
import { type Labels, ParsedLabels } from './query.ts';
import type { PrometheusServer } from './server.ts';

/** From when to when, and how far apart: in seconds since 1970, and seconds. */
export interface Grid {
  start: number;
  end: number;
  step: number;
}

/** What a series was at the points of a grid at which there was one. */
export interface RangeSeries {
  labels: Labels;
  /** In the order of time; `at` in seconds since 1970. */
  points: readonly { at: number; value: number }[];
}

/** What a range query answers. */
export interface Ranged {
  series: readonly RangeSeries[];
  /** Why there may be more. */
  partial: readonly string[];
}

interface RawHistory {
  metric?: Record<string, unknown>;
  values: readonly (readonly [number, string])[];
}

const isHistory = (each: unknown): each is RawHistory =>
  typeof each === 'object' && each !== null && Array.isArray((each as { values?: unknown }).values);

/** Asks for a query's values on a grid. Throws NoAnswer. */
export async function queryRange(
  { cluster }: Pick<Ask, 'cluster'>,
  server: PrometheusServer,
  promql: string,
  { start, end, step }: Grid,
): Promise<Ranged> {
  const question = server.question(
    `/api/v1/query_range?query=${encodeURIComponent(promql)}&start=${start}&end=${end}&step=${step}`,
  );
  const { data, partial } = await askApi(cluster, question);
  const { result } = data as { result?: unknown };
  if (!Array.isArray(result) || !result.every(isHistory))
    throw unanswered(question, 'BadAnswer', 'the answer is no matrix of series');
  return {
    series: result.map(({ metric = {}, values }) => ({
      labels: new ParsedLabels(metric),
      points: values.map(([at, value]) => ({ at: Number(at), value: numberOf(value) })),
    })),
    partial,
  };
}
