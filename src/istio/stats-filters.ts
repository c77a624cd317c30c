import { isAttached, type MeshProxy, type Policy } from './attachment.ts';
import { compare } from './order.ts';
import type { Aged } from './visibility.ts';

/** What Istio calls the filter that makes its metrics (pkg/config/xds/filter_types.go, StatsFilterName). */
export const STATS = 'istio.stats';

/** Which listeners a patch is for. */
export type PatchContext = 'ANY' | 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND' | 'GATEWAY';

/** A patch of an EnvoyFilter that adds a filter which makes Istio's metrics, or takes one away. */
export interface StatsPatch {
  /** Whether it is about requests, by an HTTP filter, or about connections, by a network filter. */
  protocol: 'http' | 'tcp';
  context: PatchContext;
  /** A regular expression; null for every version. */
  proxyVersion: string | null;
  /** `INSERT_BEFORE`, `REMOVE`. */
  operation: string;
  /** The filter that it stands beside, or whose place it takes; null for none. */
  anchor: string | null;
  /** Whether what it adds makes Istio's metrics. */
  isStats: boolean;
  /** Whether it asks for more than anybody can tell from here: single listeners, a proxy's metadata. */
  isNarrow: boolean;
  /** The metrics that it leaves out, without `istio_`. */
  dropped: readonly string[];
}

/** An EnvoyFilter, as far as it is about Istio's metrics. */
export interface EnvoyFilter extends Policy, Aged {
  labels: Readonly<Record<string, string>>;
  priority: number;
  patches: readonly StatsPatch[];
}

/** A filter on one side of a proxy that makes Istio's metrics. */
export interface StatsFilter {
  /** A provider of the Telemetry API, or an EnvoyFilter. */
  from: { provider: string } | { envoyFilter: EnvoyFilter };
  /** False where it is on some listeners only, or nobody can tell from here. */
  isCertain: boolean;
  /** The metrics that it leaves out, without `istio_`. */
  dropped: readonly string[];
}

/** Longer ones fit nobody (pilot/pkg/model/envoyfilter.go, maxProxyVersionLen). */
const LONGEST = 1024;

/** Quantifiers of a pattern; one that has many, or one behind a group, could run for long on an engine that goes back. */
const QUANTIFIER = /(?<!\\)(?:[*+?]|\{\d)/g;
const isCheap = (pattern: string): boolean =>
  (pattern.match(QUANTIFIER)?.length ?? 0) <= 4 && !/\)[*+?{]/.test(pattern) && !/\\\d/.test(pattern);

/**
 * Whether a patch is for a proxy of this version (envoyfilter.go, proxyMatch); null where that cannot be told: what is no
 * regular expression here may be one of Go's, and what could run for long is not tried.
 */
export function fitsVersion(pattern: string | null, version: string | null): boolean | null {
  if (pattern === null || pattern === '') return true;
  if (pattern.length > LONGEST) return false;
  if (version === null || !isCheap(pattern)) return null;
  try {
    return new RegExp(pattern).test(version);
  } catch {
    return null;
  }
}

/** The order in which EnvoyFilters are applied (pilot/pkg/model/push_context.go, EnvoyFilters). */
const inOrder =
  (root: string) =>
  (a: EnvoyFilter, b: EnvoyFilter): number =>
    a.priority - b.priority ||
    Number(b.namespace === root) - Number(a.namespace === root) ||
    a.createdAt - b.createdAt ||
    compare(`${a.name}.${a.namespace}`, `${b.name}.${b.namespace}`);

/** The EnvoyFilters that are for a proxy: of the root namespace and of its own, by selector or targetRefs (push_context.go, EnvoyFilters). */
export const envoyFiltersFor = (all: readonly EnvoyFilter[], proxy: MeshProxy, root: string): readonly EnvoyFilter[] =>
  all
    .filter(({ namespace }) => namespace === root || namespace === proxy.namespace)
    .filter((each) => isAttached(each, proxy, root))
    .sort(inOrder(root));

const isFor = (patch: StatsPatch, context: PatchContext): boolean =>
  patch.context === 'ANY' || patch.context === context;

/** What an operation makes of filters; those beside which one stands that is not a stats filter are always there. */
function applied(
  filters: readonly StatsFilter[],
  { operation, anchor, isStats }: StatsPatch,
  added: StatsFilter,
): readonly StatsFilter[] {
  const isThere = anchor !== STATS || filters.length > 0;
  switch (operation) {
    case 'ADD':
    case 'INSERT_FIRST':
      return isStats ? [...filters, added] : filters;
    case 'INSERT_BEFORE':
    case 'INSERT_AFTER':
      return isStats && isThere ? [...filters, added] : filters;
    case 'REPLACE': {
      if (anchor === null || !isThere) return filters;
      // The first of its name.
      const rest = anchor === STATS ? filters.slice(1) : filters;
      return isStats ? [...rest, added] : rest;
    }
    case 'REMOVE':
      return anchor === STATS ? [] : filters;
    default:
      return filters;
  }
}

/** The stats filters of one side of a proxy, of those that are there already and those of EnvoyFilters (pilot/pkg/networking/core/envoyfilter/listener_patch.go, patchHTTPFilters and patchNetworkFilters). */
export function patched(
  own: readonly StatsFilter[],
  all: readonly EnvoyFilter[],
  { proxy, context, protocol }: { proxy: MeshProxy; context: PatchContext; protocol: 'http' | 'tcp' },
): readonly StatsFilter[] {
  let filters = own;
  for (const envoyFilter of all) {
    for (const patch of envoyFilter.patches.filter((each) => each.protocol === protocol && isFor(each, context))) {
      const fits = fitsVersion(patch.proxyVersion, proxy.version);
      if (fits === false) continue;
      const isCertain = fits === true && !patch.isNarrow;
      const next = applied(filters, patch, { from: { envoyFilter }, isCertain, dropped: patch.dropped });
      // What may be taken away may be there.
      const kept = isCertain ? next : [...new Set([...filters, ...next])];
      filters = isCertain || next.length > filters.length ? kept : kept.map((each) => ({ ...each, isCertain: false }));
    }
  }
  return filters;
}

/** Whether an EnvoyFilter adds a stats filter to listeners of one kind, whatever the proxy's version is. */
export const addsStats = ({ patches }: EnvoyFilter, context: PatchContext): boolean =>
  patches.some((patch) => patch.isStats && patch.operation !== 'MERGE' && isFor(patch, context));
