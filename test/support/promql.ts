import { PageReader } from '../../src/prometheus/page-reader.ts';
import type { Recording } from './recordings.ts';

interface Element {
  metric: Record<string, string>;
  value: [number, string];
}

const vector = (result: readonly Element[]): string =>
  JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });

/** The series of `name` that the recorded Prometheus holds: as recorded, or what the page holds that it scrapes. */
function seriesOf(recording: Recording, name: string): readonly Element[] {
  const recorded = recording.queries[name] as { data: { result: Element[] } } | undefined;
  if (recorded) return recorded.data.result;
  const targets = [...recording.pages].find(([key]) => key.endsWith('/api/v1/targets'))?.[1].body ?? '';
  const page = [...recording.pages].find(([key]) => key.includes(':42422/'))?.[1].body;
  const isUp = /"job":"istio-mesh"\}[^{}]*"health":"up"/.test(String(targets));
  if (!isUp || page === undefined) return [];
  const found: Element[] = [];
  const now = clockOf(recording);
  const reader = new PageReader(
    (each) => each === name,
    (_family, sample) =>
      found.push({
        metric: { __name__: name, ...Object.fromEntries(sample.labels), job: 'istio-mesh' },
        value: [now, sample.value],
      }),
  );
  reader.push(Buffer.from(page));
  reader.end();
  return found;
}

/** When the recording was made, in seconds since 1970. */
function clockOf(recording: Recording): number {
  const up = recording.queries.up as { data: { result: Element[] } } | undefined;
  return up?.data.result[0]?.value[0] ?? 0;
}

/**
 * Answers the queries that the diagnosis asks, from a recording. Not PromQL: prometheus.test.ts asks the same of a
 * real Prometheus.
 */
export function answer(recording: Recording, query: string): string {
  const [, counted] = /^count by \(__name__, job\) \(\{__name__=~"([^"]*)"\}\)$/.exec(query) ?? [];
  if (counted !== undefined) {
    return vector(counted.split('|').flatMap((name) => total(seriesOf(recording, name), { __name__: name })));
  }
  // Traffic had ended when the recordings were made: every rate is 0.
  const rated = [...query.matchAll(/sum by \(job\) \(rate\(([a-z_:]+)\[5m\]\)\)/g)].map(([, name = '']) => name);
  if (rated.length > 0) {
    return vector(rated.flatMap((name) => total(seriesOf(recording, name), {}, '0')).slice(0, 1));
  }
  const [, name] = /^topk\(20, ([a-z_:]+)/.exec(query) ?? [];
  const matchers = [...query.matchAll(/(\w+)=(~?)"([^"]*)"/g)];
  return vector(
    seriesOf(recording, name ?? '').filter(({ metric }) =>
      matchers.every(([, label = '', regex, value = '']) =>
        regex ? new RegExp(`^(?:${value})$`).test(metric[label] ?? '') : metric[label] === value,
      ),
    ),
  );
}

/** One element for all series of a metric, of the one job that they have. */
function total(series: readonly Element[], labels: Record<string, string>, value?: string): readonly Element[] {
  const [first] = series;
  if (!first) return [];
  const metric = { ...labels, job: first.metric.job ?? 'istio-mesh' };
  return [{ metric, value: [first.value[0], value ?? String(series.length)] }];
}
