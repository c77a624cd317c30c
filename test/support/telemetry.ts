import { trim } from '../../src/cluster/bundle/trim.ts';
import { envoyFilterOf, telemetryOf } from '../../src/evidence/istio/telemetry.ts';
import { configOfPlane, type MetricsTold } from '../../src/evidence/istio/told.ts';
import type { MeshProxy } from '../../src/istio/attachment.ts';
import type { MeshMetrics } from '../../src/istio/metrics-providers.ts';
import { type SideStats, type StatsConfig, statsOf } from '../../src/istio/stats.ts';
import type { StatsFilter } from '../../src/istio/stats-filters.ts';
import { isOfRevision } from '../../src/istio/visibility.ts';

type Labels = Record<string, string>;

/** An object of the API server's, as far as it is kept. */
export const telemetryObject = (title: string, spec: object, labels: Labels = {}, seconds = 0) => ({
  apiVersion: 'telemetry.istio.io/v1',
  kind: 'Telemetry',
  metadata: { ...namedBy(title), labels, creationTimestamp: timeOf(seconds) },
  spec,
});

export const envoyFilterObject = (title: string, spec: object, labels: Labels = {}, seconds = 0) => ({
  apiVersion: 'networking.istio.io/v1alpha3',
  kind: 'EnvoyFilter',
  metadata: { ...namedBy(title), labels, creationTimestamp: timeOf(seconds) },
  spec,
});

const namedBy = (title: string): { namespace: string; name: string } => {
  const [namespace = '', name = ''] = title.split('/');
  return { namespace, name };
};
const timeOf = (seconds: number): string => new Date(Date.parse('2026-11-22T04:00:00Z') + seconds * 1000).toISOString();

/** A patch that adds a stats filter, as the charts of 1.17 to 1.20 and people's own have it. */
export const statsPatch = (change: {
  applyTo?: 'HTTP_FILTER' | 'NETWORK_FILTER';
  context?: string;
  proxyVersion?: string;
  operation?: string;
  name?: string;
  anchor?: string;
  metrics?: readonly object[];
}) => {
  const { applyTo = 'HTTP_FILTER', context, proxyVersion, operation = 'INSERT_BEFORE', name = 'istio.stats' } = change;
  const { anchor = applyTo === 'HTTP_FILTER' ? 'envoy.filters.http.router' : 'envoy.filters.network.tcp_proxy' } =
    change;
  const filter =
    applyTo === 'HTTP_FILTER'
      ? { name: 'envoy.filters.network.http_connection_manager', subFilter: { name: anchor } }
      : { name: anchor };
  return {
    applyTo,
    match: {
      ...(context !== undefined && { context }),
      ...(proxyVersion !== undefined && { proxy: { proxyVersion } }),
      listener: { filterChain: { filter } },
    },
    patch: {
      operation,
      ...(operation !== 'REMOVE' && {
        value: {
          name,
          typed_config: {
            '@type': 'type.googleapis.com/udpa.type.v1.TypedStruct',
            type_url: 'type.googleapis.com/stats.PluginConfig',
            value: change.metrics ? { metrics: change.metrics } : {},
          },
        },
      }),
    },
  };
};

export const MESH: MeshMetrics = {
  rootNamespace: 'istio-system',
  defaults: ['prometheus'],
  otherDefaults: [],
  providers: [],
};

/** What is read of objects of the API server's, whichever control plane they are for. */
export function allOf(objects: readonly { kind: string }[]): MetricsTold['all'] {
  const ofKind = (kind: string, plural: string) =>
    objects.filter((each) => each.kind === kind).map((each) => trim(plural, each));
  return {
    telemetries: ofKind('Telemetry', 'telemetries').map(telemetryOf),
    envoyFilters: ofKind('EnvoyFilter', 'envoyfilters')
      .map(envoyFilterOf)
      .filter(({ patches }) => patches.length > 0),
  };
}

interface Plane {
  mesh?: Partial<MeshMetrics>;
  revision?: string | null;
  version?: string;
}

/** What a control plane of this revision reads of objects. */
export const configOf = (
  objects: readonly { kind: string }[],
  { mesh = {}, revision = 'default', version = '1.31.0' }: Plane = {},
): StatsConfig =>
  configOfPlane(allOf(objects), { mesh: { ...MESH, ...mesh }, version }, ({ labels }) =>
    isOfRevision(labels, revision),
  );

export const PROXY: MeshProxy = {
  namespace: 'bookinfo',
  labels: { app: 'productpage', version: 'v1' },
  kind: 'sidecar',
  version: '1.31.0',
};

/** Filters in a word each: whose they are, and what they leave out. */
const filterWords = (filters: readonly StatsFilter[]): readonly string[] =>
  filters.map(({ from, dropped, isCertain }) =>
    [
      'provider' in from ? from.provider : `EnvoyFilter ${from.envoyFilter.namespace}/${from.envoyFilter.name}`,
      ...dropped.map((metric) => `-${metric}`),
      ...(isCertain ? [] : ['perhaps']),
    ].join(' '),
  );

const sideWords = (side: SideStats | null): readonly string[] | string =>
  side === null ? 'no such side' : side.http.length > 0 ? filterWords(side.http) : (side.absence?.why ?? '');

/** The HTTP filters of both sides, or why there are none. */
export function words(config: StatsConfig, change: Partial<MeshProxy> = {}): Record<'inbound' | 'outbound', unknown> {
  const { inbound, outbound } = statsOf(config, { ...PROXY, ...change });
  return { inbound: sideWords(inbound), outbound: sideWords(outbound) };
}
