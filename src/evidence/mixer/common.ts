import { lineOf, type Metrics, totalOf } from '../../prometheus/metrics.ts';
import { numberOf } from '../../prometheus/numbers.ts';
import type { Sample } from '../../prometheus/page-reader.ts';
import { type Dispatches, ERROR_KINDS, type ErrorCount, type ErrorKind, type ReportCalls } from './reading.ts';

/** Report calls up to 1.0 (go-grpc-prometheus) and from 1.1 on (OpenCensus): mixer.md 2.1. Absent before the first call. */
export function reportCalls(page: Metrics): ReportCalls {
  const old = page.select('grpc_server_handled_total', { grpc_method: 'Report', grpc_service: 'istio.mixer.v1.Mixer' });
  const modern = page.select('grpc_io_server_completed_rpcs', { grpc_server_method: 'istio.mixer.v1.Mixer/Report' });
  const byCode: Record<string, number> = {};
  for (const sample of [...old, ...modern]) {
    const code = sample.labels.get('grpc_code') ?? sample.labels.get('grpc_server_status') ?? '';
    byCode[code] = (byCode[code] ?? 0) + numberOf(sample.value);
  }
  return {
    total: totalOf([...old, ...modern]),
    ok: byCode.OK ?? 0,
    byCode,
    lines: [...old, ...modern].map(lineOf),
  };
}

export function dispatches(page: Metrics, metric: string): Dispatches {
  const samples = page.select(metric, { adapter: 'prometheus', meshFunction: 'metric' });
  const withError = (error: string): readonly Sample[] =>
    samples.filter((sample) => sample.labels.get('error') === error);
  return {
    ok: totalOf(withError('false')),
    failed: totalOf(withError('true')),
    present: samples.length > 0,
    lines: samples.map(lineOf),
  };
}

/** The largest configID of a family that every configuration writes; compared as numbers (mixer.md 2.3). */
export function newestConfigId(page: Metrics, metric: string): number | null {
  const ids = page.select(metric).map((sample) => Number(sample.labels.get('configID') ?? Number.NaN));
  const known = ids.filter(Number.isInteger);
  return known.length > 0 ? Math.max(...known) : null;
}

/** The family's value in the configuration `id`; null when it has none there. */
export function valueAt(page: Metrics, metric: string, id: number): number | null {
  const samples = page.select(metric, { configID: String(id) });
  return samples.length > 0 ? totalOf(samples) : null;
}

/** Requests with more than one instance: kubernetesenv's preprocessing makes one for each (mixer.md 2.5). */
export function requestsWithInstances(page: Metrics, upTo: '1' | '2'): number | null {
  const metric = 'mixer_dispatcher_instances_per_request';
  if (!page.has(`${metric}_count`)) return null;
  const few = page.total(`${metric}_bucket`, { le: upTo });
  return Math.max(0, page.total(`${metric}_count`) - few);
}

export const startedAt = (page: Metrics): number | null =>
  page.has('process_start_time_seconds') ? page.total('process_start_time_seconds') : null;

/** An error count of every kind, by the name of its metric; `''` where the release has none. */
export const errorCounts = (
  names: Readonly<Record<ErrorKind, string>>,
  count: (metric: string) => number | null,
): Readonly<Record<ErrorKind, ErrorCount>> =>
  Object.fromEntries(
    ERROR_KINDS.map((kind) => [kind, { metric: names[kind], count: names[kind] === '' ? null : count(names[kind]) }]),
  ) as Record<ErrorKind, ErrorCount>;
