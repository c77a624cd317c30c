import type { Page } from '../recordings.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import { type Family, familiesOf, type Reported, textOf } from './families.ts';
import type { Labels } from './traffic.ts';

/** How a proxy's page differs from that of a healthy one. */
export interface PageOptions {
  /** Whether an Envoy answers the agent: not in a container that only fetches certificates. */
  hasEnvoy?: boolean;
  /** Whether the stats filter is loaded: without it there is no `istio_build` and no family of Istio's. */
  hasFilter?: boolean;
  /** How often each request is counted: twice where two stats filters are in force. */
  times?: number;
  /** Updates of listeners that the proxy refused. */
  refusedListeners?: number;
  /** Scrapes of the agent's that failed, by the part. */
  failures?: Readonly<Partial<Record<'envoy' | 'application' | 'agent', number>>>;
  /** Families that are not there. */
  without?: RegExp;
  /** Changes the whole text, of 15090 and of 15020. */
  rewrite?: (text: string) => string;
}

const single = (name: string, type: Family['type'], value: number, labels: Labels = []): Family => ({
  name,
  type,
  series: [{ labels, values: [['', [], value]] }],
});

/** What every Envoy of Istio's says by default, filter or not: prefixes cluster_manager, listener_manager, server, xds-grpc. */
const always = (refused: number): readonly Family[] => [
  single('envoy_cluster_manager_cds_update_failure', 'counter', 0),
  single('envoy_cluster_manager_cds_update_rejected', 'counter', 0),
  single('envoy_cluster_manager_cds_update_success', 'counter', 9),
  single('envoy_listener_manager_lds_update_rejected', 'counter', refused),
  single('envoy_listener_manager_lds_update_success', 'counter', 9),
  single('envoy_cluster_upstream_cx_active', 'gauge', 1, [['cluster_name', 'xds-grpc']]),
  single('envoy_server_state', 'gauge', 0),
  single('envoy_server_uptime', 'gauge', 604_800),
];

/** Envoy's own page, on 15090: of a sidecar or a gateway, by the edges that it reports. */
function envoyText(reported: readonly Reported[], dialect: Dialect, options: PageOptions): string {
  const { hasFilter = true, times = 1, refusedListeners = 0, without } = options;
  const istio = hasFilter
    ? [
        ...familiesOf(reported, dialect, times),
        single('istio_build', 'gauge', 1, [
          ['component', 'proxy'],
          ['tag', dialect.release],
        ]),
      ]
    : [];
  return textOf(
    [...always(refusedListeners), ...istio].filter(({ name }) => !without?.test(name)),
    dialect,
  );
}

/** The agent's part, which Go's client writes: HELP, and no braces without labels. */
function agentText({ release, hasHelp }: Dialect, failures: PageOptions['failures'] = {}): string {
  const families: readonly (readonly [name: string, type: string, help: string, samples: readonly string[]])[] = [
    [
      'istio_agent_cert_expiry_seconds',
      'gauge',
      'The time remaining, in seconds, before the certificate chain will expire.',
      ['istio_agent_cert_expiry_seconds{resource_name="default"} 64800'],
    ],
    [
      'istio_agent_pilot_xds',
      'gauge',
      'Number of endpoints connected to this pilot using XDS.',
      [`istio_agent_pilot_xds{version="${release}"} 1`],
    ],
    [
      'istio_agent_scrape_failures_total',
      'counter',
      'The total number of failed scrapes.',
      Object.entries(failures).map(([type, count]) => `istio_agent_scrape_failures_total{type="${type}"} ${count}`),
    ],
    ['istio_agent_scrapes_total', 'counter', 'The total number of scrapes.', ['istio_agent_scrapes_total 40320']],
  ];
  return families
    .filter(([, , , samples]) => samples.length > 0)
    .flatMap(([name, type, help, samples]) => [
      ...(hasHelp ? [`# HELP ${name} ${help}`] : []),
      `# TYPE ${name} ${type}`,
      ...samples,
    ])
    .map((line) => `${line}\n`)
    .join('');
}

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** Both pages of a proxy, by `PORT/PATH`: the agent's, merged, and Envoy's own. Before 1.6 the agent had none. */
export function pagesOf(
  release: string,
  reported: readonly Reported[],
  options: PageOptions = {},
): ReadonlyMap<string, Page> {
  const dialect = dialectOf(release);
  const { hasEnvoy = true, rewrite = (text) => text } = options;
  const envoy = hasEnvoy ? envoyText(reported, dialect, options) : '';
  const page = (text: string): Page => ({ status: 200, contentType: TEXT, body: rewrite(text) });
  return new Map([
    ...(hasEnvoy ? [['15090/stats/prometheus', page(envoy)] as const] : []),
    ...(dialect.merges
      ? [['15020/stats/prometheus', page(agentText(dialect, options.failures) + envoy)] as const]
      : []),
  ]);
}
