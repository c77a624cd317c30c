import { isAtLeast } from './release.ts';
import { BOTH, type Mode, type Telemetry } from './telemetry.ts';

/** A provider of MeshConfig's extensionProviders: what it is called, and its key there, `prometheus`. */
export interface Provider {
  name: string;
  type: string;
}

/** What MeshConfig says of metrics. */
export interface MeshMetrics {
  rootNamespace: string;
  /** `defaultProviders.metrics`. */
  defaults: readonly string[];
  /** What else `defaultProviders` names: `tracing`, `accessLogging`. */
  otherDefaults: readonly string[];
  /** `extensionProviders`, as they are written. */
  providers: readonly Provider[];
}

/** Those that every mesh has (pkg/config/mesh/mesh.go, DefaultMeshConfig). */
const BUILT_IN: readonly Provider[] = [
  { name: 'prometheus', type: 'prometheus' },
  { name: 'stackdriver', type: 'stackdriver' },
  { name: 'envoy', type: 'envoyFileAccessLog' },
];

/** All providers of a mesh: its own take the place of those that every mesh has (mesh.go, ApplyMeshConfig). */
export function providersOf(own: readonly Provider[]): readonly Provider[] {
  const found = new Map(BUILT_IN.map((each) => [each.name, each]));
  for (const each of own) found.set(each.name, each);
  return [...found.values()];
}

/** The first with this name, in capitals or not (pilot/pkg/model/telemetry.go, fetchProvider). */
export const providerNamed = (providers: readonly Provider[], name: string): Provider | undefined =>
  providers.find((each) => each.name.toLowerCase() === name.toLowerCase());

/**
 * Where a provider's metrics go. Only Prometheus' are on the proxies' pages; Stackdriver's were pushed by the proxies until
 * 1.23, whose istiod makes no filter for them any more (buildHTTPTelemetryFilter; release notes 51044 and 51070).
 */
export function metricsOf({ type }: Provider, version: string | null): 'page' | 'pushed' | 'none' {
  if (type === 'prometheus') return 'page';
  return type === 'stackdriver' && version !== null && !isAtLeast(version, '1.23') ? 'pushed' : 'none';
}

/** What becomes of one metric. */
export interface MetricChange {
  isDropped: boolean;
  /** By the object that said so last. */
  by: Telemetry;
  /** Labels that are set, and removed (null). */
  tags: ReadonlyMap<string, string | null>;
}

/** What one side of a proxy's calls has of one provider. */
export interface ModeMetrics {
  /** By whom all of it is off; null where it is on. */
  disabledBy: Telemetry | null;
  /** By Istio's word for a metric, or its own name. */
  changes: ReadonlyMap<string, MetricChange>;
}

/** The words of Istio for its metrics, and their names without `istio_` (telemetry.go, metricToPrometheusMetric). */
export const METRICS: Readonly<Record<string, string>> = {
  REQUEST_COUNT: 'requests_total',
  REQUEST_DURATION: 'request_duration_milliseconds',
  REQUEST_SIZE: 'request_bytes',
  RESPONSE_SIZE: 'response_bytes',
  TCP_OPENED_CONNECTIONS: 'tcp_connections_opened_total',
  TCP_CLOSED_CONNECTIONS: 'tcp_connections_closed_total',
  TCP_SENT_BYTES: 'tcp_sent_bytes_total',
  TCP_RECEIVED_BYTES: 'tcp_received_bytes_total',
  GRPC_REQUEST_MESSAGES: 'request_messages_total',
  GRPC_RESPONSE_MESSAGES: 'response_messages_total',
};

/** The providers that count for a proxy, and the object that named them; null for the mesh's own. */
export function namedBy(
  chain: readonly Telemetry[],
  defaults: readonly string[],
): { providers: readonly string[]; by: Telemetry | null } {
  const naming = chain.flatMap((by) => by.metrics.map(({ providers }) => ({ providers, by })));
  return naming.filter(({ providers }) => providers.length > 0).at(-1) ?? { providers: defaults, by: null };
}

interface Merged {
  disabledBy: Telemetry | null;
  changes: Map<string, { isDropped: boolean; by: Telemetry; tags: Map<string, string | null> }>;
}

/** Whether an istiod is of this release or newer; one whose release nobody knows is new. */
const isNew = (version: string | null, release: string): boolean => version === null || isAtLeast(version, release);

/** All metrics: by their word, and from 1.19 on where none is named; before, each of them is meant alone (isAllMetrics). */
const isAll = (metric: string | null, version: string | null): boolean =>
  metric === 'ALL_METRICS' || (metric === null && isNew(version, '1.19'));

/**
 * What the objects that are for a proxy make of its metrics together, for each provider that counts (telemetry.go,
 * mergeMetrics). Switching all off is undone by any later override of the same side, be it of another metric; naming
 * providers again undoes nothing. Before 1.18 both sides went off and on together. `version` is istiod's.
 */
export function mergeMetrics(
  chain: readonly Telemetry[],
  defaults: readonly string[],
  version: string | null,
): ReadonlyMap<string, Readonly<Record<Mode, ModeMetrics>>> {
  const empty = (): Record<Mode, Merged> => ({
    CLIENT: { disabledBy: null, changes: new Map() },
    SERVER: { disabledBy: null, changes: new Map() },
  });
  const counting = new Set(namedBy(chain, defaults).providers);
  const found = new Map<string, Record<Mode, Merged>>();
  const rules = chain.flatMap((by) => by.metrics.map((rule) => ({ rule, by })));
  if (rules.length === 0) for (const name of defaults) found.set(name, empty());
  let named = defaults;
  for (const { rule, by } of rules) {
    if (rule.providers.length > 0) named = rule.providers;
    for (const name of named.filter((each) => counting.has(each))) {
      const modes = found.get(name) ?? empty();
      found.set(name, modes);
      for (const { metric, modes: meant, disabled, tags } of rule.overrides) {
        const isOff = disabled === true && isAll(metric, version);
        for (const mode of isNew(version, '1.18') ? meant : BOTH) modes[mode].disabledBy = isOff ? by : null;
        if (isOff) continue;
        for (const mode of meant) {
          for (const each of metric === null || metric === 'ALL_METRICS' ? Object.keys(METRICS) : [metric]) {
            const change = modes[mode].changes.get(each) ?? { isDropped: false, by, tags: new Map() };
            if (disabled !== null) Object.assign(change, { isDropped: disabled, by });
            for (const tag of tags) change.tags.set(tag.name, tag.value);
            modes[mode].changes.set(each, change);
          }
        }
      }
    }
  }
  return found;
}
