import type { Dialect } from './dialect.ts';
import { type Edge, type Labels, labelsOf, type Reporter } from './traffic.ts';

/** A family of a page, with its samples as lines without their names' beginning. */
export interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** By the series' labels: what is written below each other of one series. */
  series: readonly { labels: Labels; values: readonly (readonly [suffix: string, more: Labels, value: number])[] }[];
}

const plain = (value: number): Family['series'][number]['values'] => [['', [], value]];

/** Some of the bounds of Envoy's histograms: as many as a test needs. */
const BOUNDS = ['5', '25', '100', '1000', '10000'] as const;

/** A histogram of `count` values of about the same size. */
const around = (count: number, each: number): Family['series'][number]['values'] => [
  ...BOUNDS.map((bound) => ['_bucket', [['le', bound]], Number(bound) >= each ? count : 0] as const),
  ['_bucket', [['le', '+Inf']], count],
  ['_sum', [], count * each],
  ['_count', [], count],
];

/** Which side of which edges a proxy reports. */
export interface Reported {
  edge: Edge;
  reporter: Reporter;
}

/** Istio's own families of a proxy that saw these edges. */
export function familiesOf(reported: readonly Reported[], dialect: Dialect, times = 1): readonly Family[] {
  const requests = reported.filter(({ edge }) => edge.protocol !== 'tcp');
  const connections = reported.filter(({ edge }) => edge.protocol === 'tcp');
  const messages = requests.filter(({ edge }) => edge.protocol === 'grpc');
  const family = (
    name: string,
    type: Family['type'],
    of: readonly Reported[],
    values: (count: number) => Family['series'][number]['values'],
  ): Family => ({
    name,
    type,
    series: of.flatMap(({ edge, reporter }) =>
      Object.entries(edge.codes).map(([code, count]) => ({
        labels: labelsOf(edge, reporter, code, dialect),
        values: values(Math.round(count * times)),
      })),
    ),
  });
  const counter = (name: string, of: readonly Reported[], each = 1): Family =>
    family(name, 'counter', of, (count) => plain(count * each));
  return [
    family('istio_request_bytes', 'histogram', requests, (count) => around(count, 90)),
    family('istio_request_duration_milliseconds', 'histogram', requests, (count) => around(count, 12)),
    counter('istio_request_messages_total', messages, 2),
    counter('istio_requests_total', requests),
    family('istio_response_bytes', 'histogram', requests, (count) => around(count, 900)),
    counter('istio_response_messages_total', messages, 2),
    counter('istio_tcp_connections_closed_total', connections),
    counter('istio_tcp_connections_opened_total', connections),
    counter('istio_tcp_received_bytes_total', connections, 1200),
    counter('istio_tcp_sent_bytes_total', connections, 4800),
  ].filter(({ series }) => series.length > 0);
}

export const braced = (labels: Labels): string =>
  labels.map(([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',');

/** Families as an Envoy writes them: no HELP, and braces also where a name has no labels. */
export const textOf = (families: readonly Family[], { repeatsTypes }: Dialect): string =>
  families
    .flatMap(({ name, type, series }) =>
      series.flatMap(({ labels, values }, index) => [
        ...(index === 0 || repeatsTypes ? [`# TYPE ${name} ${type}`] : []),
        ...values.map(([suffix, more, value]) => `${name}${suffix}{${braced([...labels, ...more])}} ${value}`),
      ]),
    )
    .map((line) => `${line}\n`)
    .join('');
