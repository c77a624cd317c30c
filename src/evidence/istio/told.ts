import type { ControlPlane } from '../../diagnosis/check.ts';
import { proxySource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { GATEWAY_NAME, type MeshProxy, type Policy } from '../../istio/attachment.ts';
import { type Stats, type StatsConfig, statsOf } from '../../istio/stats.ts';
import type { EnvoyFilter } from '../../istio/stats-filters.ts';
import { type Telemetry, telemetriesOf } from '../../istio/telemetry.ts';
import { isOfRevision } from '../../istio/visibility.ts';
import { itemsOf, missingOf } from '../kubernetes/lists.ts';
import { detection, releaseOf } from './detection.ts';
import { meshMetrics } from './mesh-metrics.ts';
import { type Proxy as ProxyPod, population } from './population.ts';
import { statsEnvoyFilters, telemetries } from './telemetry.ts';

/** Proxies that nothing tells apart which decides about metrics. */
export interface ToldClass {
  proxy: MeshProxy;
  proxies: readonly ProxyPod[];
  /** What they are told, by the objects of the mesh; null where MeshConfig is not known. */
  stats: Stats | null;
}

/** What the proxies of a mesh are told about metrics, and by which objects. */
export interface MetricsTold {
  classes: readonly ToldClass[];
  /** What this control plane reads; null where MeshConfig is not known. */
  config: StatsConfig | null;
  /** Every object, whichever control plane it is for. */
  all: { telemetries: readonly Telemetry[]; envoyFilters: readonly EnvoyFilter[] };
  /** Of the control planes that there are; empty where one has none, and reads every object. */
  revisions: readonly string[];
  /** Why not everything could be seen. */
  missing: readonly Unanswered[];
}

/** What a control plane reads of all objects. */
export const configOfPlane = (
  { telemetries: rules, envoyFilters }: MetricsTold['all'],
  { mesh, version }: Pick<StatsConfig, 'mesh' | 'version'>,
  isRead: (labels: Readonly<Record<string, string>>) => boolean,
): StatsConfig => ({
  mesh,
  version,
  telemetries: telemetriesOf(rules.filter(({ labels }) => isRead(labels))),
  envoyFilters: envoyFilters.filter(({ labels }) => isRead(labels)),
});

/** The labels by which objects tell proxies apart. */
const namedIn = (policies: readonly Policy[]): readonly string[] => [
  ...new Set([GATEWAY_NAME, ...policies.flatMap(({ selector }) => Object.keys(selector ?? {}))]),
];

const modelOf = ({ pod, kind, container }: ProxyPod, names: readonly string[]): MeshProxy => ({
  namespace: pod.namespace,
  labels: Object.fromEntries(
    names.flatMap((name) => {
      const value = pod.labels[name];
      return value === undefined ? [] : [[name, value]];
    }),
  ),
  kind,
  version: releaseOf(container.image),
});

/** The proxies by what decides about their metrics: a mesh of ten thousand has few kinds of them. */
export function classesOf(
  proxies: readonly ProxyPod[],
  all: MetricsTold['all'],
  config: StatsConfig | null,
): readonly ToldClass[] {
  const names = namedIn([...all.telemetries, ...all.envoyFilters]);
  const found = new Map<string, { proxy: MeshProxy; proxies: ProxyPod[] }>();
  for (const each of proxies) {
    const proxy = modelOf(each, names);
    const key = JSON.stringify(proxy);
    const known = found.get(key);
    if (known) known.proxies.push(each);
    else found.set(key, { proxy, proxies: [each] });
  }
  return [...found.values()].map((each) => ({ ...each, stats: config && statsOf(config, each.proxy) }));
}

/** What the labels of objects may name; nothing where a control plane without a revision reads them all. */
function revisionsOf(planes: readonly ControlPlane[]): readonly string[] {
  const found = planes.filter(({ generation }) => generation === 'telemetry-v2').map(({ revision }) => revision);
  return found.includes(null) ? [] : found.filter((revision) => revision !== null);
}

/** What every proxy of this control plane's mesh is told about metrics. */
export const metricsTold = proxySource([], async ({ from, plane }): Promise<MetricsTold> => {
  const [{ proxies, refusal }, rules, filters, mesh, { all: planes }] = await Promise.all([
    from(population),
    settle(from(telemetries)),
    settle(from(statsEnvoyFilters)),
    settle(from(meshMetrics)),
    from(detection),
  ]);
  const all = { telemetries: itemsOf(rules), envoyFilters: itemsOf(filters) };
  const missing = [...missingOf(rules), ...missingOf(filters)];
  const known = missing.length === 0 && 'got' in mesh ? mesh.got : null;
  const config =
    known &&
    configOfPlane(all, { mesh: known, version: plane.version }, (labels) => isOfRevision(labels, plane.revision));
  return {
    classes: classesOf(proxies, all, config),
    config,
    all,
    revisions: revisionsOf(planes),
    missing: [...(refusal ? [refusal] : []), ...missing, ...('missing' in mesh ? [mesh.missing] : [])],
  };
});
