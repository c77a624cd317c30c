import type { MeshProxy, Served } from './attachment.ts';
import {
  METRICS,
  type MeshMetrics,
  type ModeMetrics,
  mergeMetrics,
  metricsOf,
  namedBy,
  type Provider,
  providerNamed,
  providersOf,
} from './metrics-providers.ts';
import {
  addsStats,
  type EnvoyFilter,
  envoyFiltersFor,
  type PatchContext,
  patched,
  type StatsFilter,
} from './stats-filters.ts';
import { type Mode, type Telemetries, type Telemetry, telemetriesFor } from './telemetry.ts';

/** The objects of a mesh that decide about metrics, those of one control plane. */
export interface StatsConfig {
  mesh: MeshMetrics;
  telemetries: Telemetries;
  envoyFilters: readonly EnvoyFilter[];
  /** Of its istiod; null where nothing tells. */
  version: string | null;
}

/** The side of a proxy that calls come in by, or go out by; a gateway has the latter only. */
export type Side = 'inbound' | 'outbound';

/** Why the Telemetry API makes no filter for one side of a proxy. */
export type Absence =
  /** Nobody names a provider. */
  | { why: 'no-provider' }
  /** Those that are named are defined by nobody, or put no metrics on a proxy's page. */
  | { why: 'unknown' | 'pushed' | 'none'; providers: readonly string[]; by: Telemetry | null }
  /** Objects switch all of it off. */
  | { why: 'disabled'; by: readonly Telemetry[] };

/** A label that is set or removed (null) for one metric, without `istio_`. */
export interface LabelChange {
  metric: string;
  label: string;
  value: string | null;
}

/** What one side of a proxy is told of metrics. */
export interface SideStats {
  http: readonly StatsFilter[];
  tcp: readonly StatsFilter[];
  /** Null where the Telemetry API makes a filter. */
  absence: Absence | null;
  /** Metrics that the Telemetry API leaves out, and who says so. */
  dropped: readonly { metric: string; by: Telemetry }[];
  labels: readonly LabelChange[];
}

/** What a proxy is told of metrics. */
export interface Stats {
  /** The Telemetry objects that are for it, the last of which has the last word. */
  chain: readonly Telemetry[];
  /** The providers that count, and who named them; null for MeshConfig. */
  providers: readonly string[];
  providersBy: Telemetry | null;
  /** The EnvoyFilters that are for it, whatever its version is. */
  envoyFilters: readonly EnvoyFilter[];
  /** Null for a gateway. */
  inbound: SideStats | null;
  /** Null for a waypoint. */
  outbound: SideStats | null;
}

/** Which side is which, for a class of listeners (pilot/pkg/model/telemetry.go, workloadMode and MetricsForClass). */
const MODES: Readonly<Record<Side, Mode>> = { inbound: 'SERVER', outbound: 'CLIENT' };

/** For which patches the listeners of a side are (pilot/pkg/networking/core/listener_builder.go, patchListeners). */
export const contextOf = ({ kind }: MeshProxy, side: Side): PatchContext =>
  kind === 'gateway' ? 'GATEWAY' : side === 'inbound' ? 'SIDECAR_INBOUND' : 'SIDECAR_OUTBOUND';

const nameOf = (metric: string): string => METRICS[metric] ?? metric;

/** What one side has of the providers that make metrics, and why none where none does (telemetry.go, telemetryFilters and generateStatsConfig). */
function ofTelemetry(
  named: ReturnType<typeof namedBy>,
  merged: readonly (readonly [name: string, metrics: ModeMetrics])[],
  providers: readonly Provider[],
  version: string | null,
): Pick<SideStats, 'absence' | 'dropped' | 'labels'> & { filters: readonly StatsFilter[] } {
  const known = merged.map(([name, metrics]) => {
    const provider = providerNamed(providers, name);
    return { name, metrics, makes: provider ? metricsOf(provider, version) : ('unknown' as const) };
  });
  const making = known.filter(({ makes }) => makes === 'page');
  const on = making.filter(({ metrics }) => metrics.disabledBy === null);
  const changes = on.flatMap(({ metrics }) => [...metrics.changes]);
  const filters = on.map(
    ({ name, metrics }): StatsFilter => ({
      from: { provider: name },
      isCertain: true,
      dropped: [...metrics.changes].filter(([, { isDropped }]) => isDropped).map(([metric]) => nameOf(metric)),
    }),
  );
  return {
    filters,
    absence: filters.length > 0 ? null : absenceOf(named, known, making),
    dropped: changes
      .filter(([, { isDropped }]) => isDropped)
      .map(([metric, { by }]) => ({ metric: nameOf(metric), by })),
    labels: changes.flatMap(([metric, { tags }]) =>
      [...tags].map(([label, value]) => ({ metric: nameOf(metric), label, value })),
    ),
  };
}

function absenceOf(
  { by }: ReturnType<typeof namedBy>,
  known: readonly { name: string; makes: 'page' | 'pushed' | 'none' | 'unknown' }[],
  making: readonly { metrics: ModeMetrics }[],
): Absence {
  const off = making.flatMap(({ metrics }) => metrics.disabledBy ?? []);
  if (off.length > 0) return { why: 'disabled', by: [...new Set(off)] };
  // Whoever pushes has metrics; a name that nobody defines is a slip.
  for (const why of ['pushed', 'unknown', 'none'] as const) {
    const found = known.filter(({ makes }) => makes === why);
    if (found.length > 0) return { why, providers: found.map(({ name }) => name), by };
  }
  return { why: 'no-provider' };
}

/** What Istio tells a proxy of metrics: its stats filters, by the Telemetry API and by EnvoyFilters together. */
export function statsOf(
  { mesh, telemetries, envoyFilters, version }: StatsConfig,
  proxy: MeshProxy,
  served: Served | null = null,
): Stats {
  const chain = telemetriesFor(telemetries, proxy, mesh.rootNamespace, served, version);
  const named = namedBy(chain, mesh.defaults);
  // In the order of their names (telemetryFilters, SortedList).
  const merged = [...mergeMetrics(chain, mesh.defaults, version)].sort(([a], [b]) => (a < b ? -1 : 1));
  const providers = providersOf(mesh.providers);
  const own = envoyFiltersFor(envoyFilters, proxy, mesh.rootNamespace);
  const sideOf = (side: Side): SideStats => {
    const mode = MODES[side];
    const modes = merged.map(([name, metrics]) => [name, metrics[mode]] as const);
    const { filters, ...rest } = ofTelemetry(named, modes, providers, version);
    const at = { proxy, context: contextOf(proxy, side) };
    return {
      http: patched(filters, own, { ...at, protocol: 'http' }),
      tcp: patched(filters, own, { ...at, protocol: 'tcp' }),
      ...rest,
    };
  };
  return {
    chain,
    providers: named.providers,
    providersBy: named.by,
    envoyFilters: own,
    inbound: proxy.kind === 'gateway' ? null : sideOf('inbound'),
    outbound: proxy.kind === 'waypoint' ? null : sideOf('outbound'),
  };
}

/** The EnvoyFilters that would give one side of a proxy a stats filter if it had another version. */
export const ofOtherVersions = ({ envoyFilters }: Stats, proxy: MeshProxy, side: Side): readonly EnvoyFilter[] =>
  envoyFilters.filter((each) => addsStats(each, contextOf(proxy, side)));
