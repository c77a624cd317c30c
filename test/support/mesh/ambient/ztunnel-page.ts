import { isAtLeast } from '../../../../src/istio/release.ts';
import type { Page } from '../../recordings.ts';
import { braced } from '../families.ts';
import { type Labels, type Peer, principal } from '../traffic.ts';
import type { SeenEdge } from './edges.ts';
import type { FailureFlag, ZtunnelPage } from './spec.ts';

/** A family as ztunnel's library writes it: samples of a counter end in `_total`, its TYPE does not. */
interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  unit?: string;
  samples: readonly (readonly [labels: Labels, value: number])[];
}

const single = (type: Family['type'], name: string, help: string, value: number, labels: Labels = []): Family => ({
  name,
  help,
  type,
  samples: [[labels, value]],
});

const UNKNOWN = 'unknown';

const endOf = (side: 'source' | 'destination', peer: Peer | null, hasPrincipal: boolean) => {
  const label = (name: string, value = UNKNOWN) => [`${side}_${name}`, value] as const;
  return [
    label('workload', peer?.workload),
    label('canonical_service', peer?.app),
    label('canonical_revision', peer?.version),
    label('workload_namespace', peer?.namespace),
    label('principal', peer && hasPrincipal ? principal(peer) : UNKNOWN),
    label('app', peer?.app),
    label('version', peer?.version),
    label('cluster', peer ? 'Kubernetes' : UNKNOWN),
  ];
};

/** The labels of an edge, in ztunnel's order (ztunnel, src/proxy/metrics.rs, CommonTrafficLabels). */
function labelsOf({ reporter, from, to, service, mutual }: SeenEdge, flag: FailureFlag | '-'): Labels {
  const { name, namespace } = service;
  const isKnown = namespace !== null;
  return [
    ['reporter', reporter],
    ...endOf('source', from, mutual),
    ['destination_service', isKnown ? `${name}.${namespace}.svc.cluster.local` : UNKNOWN],
    ['destination_service_namespace', namespace ?? UNKNOWN],
    ['destination_service_name', isKnown ? name : UNKNOWN],
    ...endOf('destination', to, true),
    ['request_protocol', 'tcp'],
    ['response_flags', flag],
    ['connection_security_policy', mutual ? 'mutual_tls' : UNKNOWN],
    ...['source_region', 'source_zone', 'destination_region', 'destination_zone'].map(
      (each) => [each, UNKNOWN] as const,
    ),
  ];
}

/** Connections that failed, by their edge and the flag. */
interface Failures {
  edge: SeenEdge;
  flag: FailureFlag | '-';
  count: number;
}

/** Since when a release has a flag; where a connection begins it has had none before 1.29. */
const FLAGGED: Partial<Record<FailureFlag, string>> = { DENY: '1.22', CONNECT: '1.24', CERT_REVOKED: '1.31' };

function flagIn(release: string, flag: FailureFlag, { reporter }: SeenEdge): FailureFlag | '-' {
  const since = reporter === 'source' ? '1.29' : (FLAGGED[flag] ?? '1.29');
  return isAtLeast(release, since) ? flag : '-';
}

function failuresAmong(
  release: string,
  edges: readonly SeenEdge[],
  failed: ZtunnelPage['failed'] = {},
): readonly Failures[] {
  return Object.entries(failed).flatMap(([key, count]) => {
    const flag = key as FailureFlag;
    // What a policy denies, the receiving side denies.
    const side = flag === 'DENY' ? 'destination' : 'source';
    const edge = edges.find(({ reporter }) => reporter === side) ?? edges[0];
    return edge ? [{ edge, flag: flagIn(release, flag, edge), count }] : [];
  });
}

/** Samples whose labels are alike, as one: the first has the value of all. */
function summed(samples: Family['samples']): Family['samples'] {
  const found = new Map<string, readonly [labels: Labels, value: number]>();
  for (const [labels, value] of samples) {
    const key = JSON.stringify(labels);
    found.set(key, [labels, value + (found.get(key)?.[1] ?? 0)]);
  }
  return [...found.values()];
}

/** A connection that fails was opened, without a flag, and is closed with one. */
function traffic(release: string, edges: readonly SeenEdge[], failed: ZtunnelPage['failed']): readonly Family[] {
  const failures = failuresAmong(release, edges, failed);
  const flagged = failures.map(({ edge, flag, count }) => [labelsOf(edge, flag), count] as const);
  const each = (times: number): Family['samples'] =>
    edges.map((edge) => [labelsOf(edge, '-'), edge.connections * times] as const);
  const opened = [...each(1), ...failures.map(({ edge, count }) => [labelsOf(edge, '-'), count] as const)];
  const counter = (name: string, help: string, samples: Family['samples']): Family => ({
    name: `istio_tcp_${name}`,
    help,
    type: 'counter',
    samples,
  });
  return [
    counter('connections_opened', 'The total number of TCP connections opened.', summed(opened)),
    counter('connections_closed', 'The total number of TCP connections closed.', summed([...each(1), ...flagged])),
    counter(
      'received_bytes',
      'The size of total bytes received during request in case of a TCP connection.',
      each(1200),
    ),
    counter('sent_bytes', 'The size of total bytes sent during response in case of a TCP connection.', each(4800)),
    counter('connections_failed', 'The total number of TCP connections that failed to establish (unstable).', flagged),
    {
      name: 'istio_tcp_sockets_open',
      help: 'The current number of open TCP sockets (unstable).',
      type: 'gauge',
      samples: edges.length === 0 ? [] : ['source', 'destination'].map((side) => [[['reporter', side]], 0] as const),
    },
  ];
}

const TYPES = ['istio.workload.Address', 'istio.security.Authorization'].map((type) => `type.googleapis.com/${type}`);

/** What it has from istiod (ztunnel, src/xds/metrics.rs). */
const streams = ({ terminations = {} }: ZtunnelPage): readonly Family[] => [
  {
    name: 'istio_xds_connection_terminations',
    help: 'The total number of completed connections to xds server (unstable).',
    type: 'counter',
    samples: Object.entries(terminations).map(([reason, count]) => [[['reason', reason]], count] as const),
  },
  {
    name: 'istio_xds_message',
    help: 'Total number of messages received (unstable).',
    type: 'counter',
    samples: TYPES.map((url) => [[['url', url]], 12] as const),
  },
  {
    name: 'istio_xds_message_bytes',
    help: 'Total number of bytes received (unstable).',
    type: 'counter',
    unit: 'bytes',
    samples: TYPES.map((url) => [[['url', url]], 9000] as const),
  },
];

/** The pods of its node that it serves (ztunnel, src/inpod/metrics.rs). */
const proxies = (active: number, { pending = 0 }: ZtunnelPage): readonly Family[] => {
  const unstable = (type: Family['type'], name: string, help: string, value: number): Family =>
    single(type, `workload_manager_${name}`, `${help} (unstable).`, value);
  return [
    unstable('gauge', 'active_proxy_count', 'The total number current workloads with active proxies', active),
    unstable('gauge', 'pending_proxy_count', 'The total number current workloads with pending proxies', pending),
    unstable('counter', 'proxies_started', 'The total number of proxies that were started', active),
    unstable('counter', 'proxies_stopped', 'The total number of proxies that were stopped', 0),
  ];
};

const textOf = ({ name, help, type, unit, samples }: Family): readonly string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
  ...samples.map(
    ([labels, value]) =>
      `${name}${type === 'counter' ? '_total' : ''}${labels.length > 0 ? `{${braced(labels)}}` : ''} ${value}`,
  ),
];

/** Since when a family is there, as Istio's releases count. */
const SINCE: Readonly<Record<string, string>> = {
  istio_tcp_connections_failed: '1.29',
  istio_tcp_sockets_open: '1.29',
  istio_xds_connection_terminations: '1.22',
  istio_xds_message: '1.24',
  istio_xds_message_bytes: '1.24',
};

const sinceOf = (name: string): string => SINCE[name] ?? (name.startsWith('workload_manager_') ? '1.21' : '1.18');

/** A ztunnel's page by what it counts: OpenMetrics, whatever its header says to who does not ask for that. */
export function ztunnelPage(release: string, active: number, edges: readonly SeenEdge[], options: ZtunnelPage): Page {
  const { without, rewrite = (text: string) => text } = options;
  const families = [
    single('gauge', 'process_open_fds', 'Number of open file descriptors', 30),
    single('gauge', 'tokio_num_workers', 'the number of worker threads used by the runtime', 2),
    single('gauge', 'istio_build', 'Istio component build info.', 1, [
      ['component', 'ztunnel'],
      ['tag', release],
    ]),
    ...streams(options),
    ...traffic(release, edges, options.failed),
    ...proxies(active, options),
  ]
    .filter(({ name, samples }) => samples.length > 0 && isAtLeast(release, sinceOf(name)))
    .filter(({ name, type }) => !without?.test(type === 'counter' ? `${name}_total` : name));
  const body = [...families.flatMap(textOf), '# EOF', ''].join('\n');
  return { status: 200, contentType: 'text/plain; charset=utf-8', body: rewrite(body) };
}
