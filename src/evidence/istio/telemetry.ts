import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import {
  envoyFilters as envoyFiltersKind,
  telemetries as telemetriesKind,
  typedName,
} from '../../cluster/question/resources.ts';
import { clusterSource } from '../../diagnosis/source.ts';
import type { Policy, TargetRef } from '../../istio/attachment.ts';
import { type EnvoyFilter, type PatchContext, STATS, type StatsPatch } from '../../istio/stats-filters.ts';
import { BOTH, type MetricsOverride, type Mode, type TagChange, type Telemetry } from '../../istio/telemetry.ts';
import { type Listing, listAll, listFirst } from '../kubernetes/lists.ts';
import { dated } from '../kubernetes/named.ts';
import { type Json, list, number, object, text, textMap } from '../text/json.ts';

const isSaid = (value: unknown): boolean => value !== undefined && value !== null;

const targetOf = (raw: Json): TargetRef => ({
  group: text(raw.group),
  kind: text(raw.kind),
  name: text(raw.name),
  namespace: text(raw.namespace),
});

/** `targetRefs`, or the one `targetRef` that came before them (istio/istio pilot/pkg/model/policyattachment.go, GetTargetRefs). */
function targetsIn(spec: Json): readonly TargetRef[] {
  const all = list(spec.targetRefs).map(targetOf);
  return all.length === 0 && isSaid(spec.targetRef) ? [targetOf(object(spec.targetRef))] : all;
}

const selectorIn = (labels: unknown): Policy['selector'] => (isSaid(labels) ? textMap(labels) : null);

const MODES: Readonly<Record<string, readonly Mode[]>> = { CLIENT: ['CLIENT'], SERVER: ['SERVER'] };

function overrideOf(raw: Json): MetricsOverride {
  const { metric, customMetric, mode } = object(raw.match);
  return {
    metric: text(customMetric) || text(metric) || null,
    modes: MODES[text(mode)] ?? BOTH,
    disabled: typeof raw.disabled === 'boolean' ? raw.disabled : null,
    tags: Object.entries(object(raw.tagOverrides)).map(([name, tag]): TagChange => {
      const { operation, value } = object(tag);
      return { name, value: operation === 'REMOVE' ? null : text(value) };
    }),
  };
}

/** A Telemetry object, as far as it is about metrics. */
export function telemetryOf(from: KubernetesObject): Telemetry {
  const spec = object(from.spec);
  return {
    ...dated(from),
    labels: from.metadata.labels ?? {},
    selector: selectorIn(object(spec.selector).matchLabels),
    targets: targetsIn(spec),
    metrics: list(spec.metrics).map((each) => ({
      providers: list(each.providers).map(({ name }) => text(name)),
      overrides: list(each.overrides).map(overrideOf),
    })),
  };
}

/** Every Telemetry object as it is: about metrics, tracing or logs. A kind that is not installed has none. */
export const telemetryObjects = clusterSource(
  [{ verb: 'list', resource: typedName(telemetriesKind('v1alpha1')) }],
  (ask): Promise<Listing<KubernetesObject>> =>
    listFirst(ask, [telemetriesKind('v1alpha1'), telemetriesKind('v1')], (from) => from),
);

/** What they say of metrics, whichever control plane each is for. */
export const telemetries = clusterSource([], async ({ from }): Promise<Listing<Telemetry>> => {
  const listing = await from(telemetryObjects);
  return { ...listing, items: listing.items.map(telemetryOf) };
});

const PROTOCOLS: Readonly<Record<string, StatsPatch['protocol']>> = { HTTP_FILTER: 'http', NETWORK_FILTER: 'tcp' };
const CONTEXTS: readonly string[] = ['SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY'] satisfies PatchContext[];

/** Whether a filter makes Istio's metrics: by its name, by its native type, or as the extension that it was until 1.16. */
function makesStats({ name, typed_config: typed }: Json): boolean {
  const { value, ...type } = object(typed);
  const { local } = object(object(object(object(value).config).vm_config).code);
  const { inline_string: inline, filename } = object(local);
  return (
    name === STATS ||
    Object.values(type).some((each) => text(each).endsWith('stats.PluginConfig')) ||
    inline === 'envoy.wasm.stats' ||
    text(filename).includes('stats-filter')
  );
}

/** What a patch does about stats filters; nothing where it is about others. */
function patchOf({ applyTo, match: raw, patch }: Json): readonly StatsPatch[] {
  const protocol = PROTOCOLS[text(applyTo)];
  if (!protocol) return [];
  const match = object(raw);
  const { filterChain, name, portNumber } = object(match.listener);
  const { filter, ...chain } = object(filterChain);
  const { subFilter } = object(filter);
  const { operation, value } = object(patch);
  const anchor = text(protocol === 'http' ? object(subFilter).name : object(filter).name) || null;
  const isStats = makesStats(object(value));
  if (!isStats && anchor !== STATS) return [];
  const { typed_config: typed } = object(value);
  const metrics = [...list(object(typed).metrics), ...list(object(object(typed).value).metrics)];
  const { proxyVersion, metadata } = object(match.proxy);
  const context = text(match.context);
  return [
    {
      protocol,
      context: CONTEXTS.includes(context) ? (context as PatchContext) : 'ANY',
      proxyVersion: text(proxyVersion) || null,
      operation: text(operation),
      anchor,
      isStats,
      isNarrow: [name, portNumber, ...Object.values(chain), ...Object.keys(object(metadata))].some(isSaid),
      dropped: metrics.filter(({ drop }) => drop === true).map((each) => text(each.name)),
    },
  ];
}

/** An EnvoyFilter, as far as it is about Istio's metrics. */
export function envoyFilterOf(from: KubernetesObject): EnvoyFilter {
  const spec = object(from.spec);
  return {
    ...dated(from),
    labels: from.metadata.labels ?? {},
    selector: selectorIn(object(spec.workloadSelector).labels),
    targets: targetsIn(spec),
    priority: number(spec.priority) ?? 0,
    patches: list(spec.configPatches).flatMap(patchOf),
  };
}

/** Every EnvoyFilter that is about Istio's metrics, whichever control plane it is for. */
export const statsEnvoyFilters = clusterSource(
  [{ verb: 'list', resource: typedName(envoyFiltersKind) }],
  async (ask): Promise<Listing<EnvoyFilter>> => {
    const listing = await listAll(ask, envoyFiltersKind, envoyFilterOf);
    return { ...listing, items: listing.items.filter(({ patches }) => patches.length > 0) };
  },
);
