import { literal } from '../../scraping/ways.ts';
import { titleOf } from '../kubernetes/named.ts';
import type { Series } from './query.ts';

const REQUESTS = 'istio_requests_total';
const CONNECTIONS = 'istio_tcp_connections_opened_total';
/** What moves while a caller sends something; of a connection that stays open, what comes through it. */
const MOVING = [REQUESTS, CONNECTIONS, 'istio_tcp_received_bytes_total'];
/** The label of how much of it moved in the last hour. */
const LAST_HOUR = 'last_hour';
const BY =
  'reporter, source_cluster, destination_cluster, source_workload_namespace, source_workload, destination_workload';

/**
 * Who sends requests, who sends anything at all, and what of it came in the last hour, which has a label of its own: rates of
 * requests have no name of a metric. Series of which a Telemetry object takes the destination away, or whose proxy does not know
 * it, may be of requests to this one.
 */
export function promqlOf(workloads: readonly string[], namespace: string): string {
  const quoted = (choices: readonly string[]): string =>
    JSON.stringify([...choices.map(literal), 'unknown', ''].join('|'));
  const to = `destination_workload=~${quoted(workloads)},destination_workload_namespace=~${quoted([namespace])}`;
  return [
    `sum by (${BY}) (rate(${REQUESTS}{${to}}[10m]))`,
    `sum by (__name__, ${BY}) ({__name__=~"${REQUESTS}|${CONNECTIONS}",${to}})`,
    ...MOVING.map(
      (name) => `label_replace(sum by (${BY}) (increase(${name}{${to}}[1h])), "${LAST_HOUR}", "${name}", "", "")`,
    ),
  ].join(' or ');
}

/** What a label names; null where its proxy did not know, or a Telemetry object took it away. */
export const namedBy = ({ labels }: Series, label: string): string | null => {
  const name = labels.get(label) ?? '';
  return /^(unknown)?$/.test(name) ? null : name;
};

/** `NAMESPACE/NAME` of who sends; null of whom nobody knows, as of one without a proxy. */
export function sourceOf(series: Series): string | null {
  const name = namedBy(series, 'source_workload');
  return name === null ? null : titleOf({ namespace: series.labels.get('source_workload_namespace') ?? '', name });
}

/** Whether it says that it is about the workload that was named. */
export const isToNamed = (series: Series): boolean => namedBy(series, 'destination_workload') !== null;

/** Whether who was called counted it. */
export const isAnswered = ({ labels }: Series): boolean => labels.get('reporter') === 'destination';

/** Whether it is how much of something moved in the last hour. */
export const isOfLastHour = ({ labels }: Series): boolean => labels.has(LAST_HOUR);

/** Whether it tells of requests that were counted before they arrived. Connections are no requests. */
export const isSent = (series: Series): boolean =>
  !isAnswered(series) && !isOfLastHour(series) && series.labels.get('__name__') !== CONNECTIONS;

/** Whether it is the rate of requests, by those who answer. */
export const isRate = (series: Series): boolean =>
  isAnswered(series) && !isOfLastHour(series) && !series.labels.has('__name__');
