import type { Attempt, ControlPlane } from '../../diagnosis/check.ts';
import { planeSource, proxySource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { GATEWAY_NAME, type MeshProxy, type Policy, type Served } from '../../istio/attachment.ts';
import { isDiscovered, leavesOutObjects } from '../../istio/discovery.ts';
import type { LabelSelector } from '../../istio/selector.ts';
import { type Stats, type StatsConfig, statsOf } from '../../istio/stats.ts';
import type { EnvoyFilter } from '../../istio/stats-filters.ts';
import { type Telemetry, telemetriesOf } from '../../istio/telemetry.ts';
import { isOfRevision } from '../../istio/visibility.ts';
import { servedByWaypoints } from '../ambient/served.ts';
import { meshConfig } from '../kubernetes/config-maps.ts';
import { allNamespaces, itemsOf, missingOf } from '../kubernetes/lists.ts';
import { titleOf } from '../kubernetes/named.ts';
import { variablesOf } from '../kubernetes/pod.ts';
import { detection, releaseOf } from './detection.ts';
import { meshMetrics } from './mesh-metrics.ts';
import { meshProxies } from './mesh-proxies.ts';
import { pilots } from './pilot.ts';
import { madeFor } from './plane-of-ztunnel.ts';
import type { Proxy as ProxyPod } from './population.ts';
import { statsEnvoyFilters, telemetries } from './telemetry.ts';

/** Proxies that nothing tells apart which decides about metrics. */
export interface ToldClass {
  proxy: MeshProxy;
  /** Of a waypoint: what it serves, for which it is told this. */
  served: readonly Served[];
  proxies: readonly ProxyPod[];
  /** What they are told, by the objects of the mesh; null where MeshConfig is not known. */
  stats: Stats | null;
}

/** What the proxies of a mesh are told about metrics, and by which objects. */
export interface MetricsTold {
  classes: readonly ToldClass[];
  /** Waypoints that an istiod of another revision made, and tells by its own MeshConfig. */
  elsewhere: readonly ProxyPod[];
  /** What this control plane reads; null where MeshConfig is not known. */
  config: StatsConfig | null;
  /** Every object, whichever control plane it is for. */
  all: { telemetries: readonly Telemetry[]; envoyFilters: readonly EnvoyFilter[] };
  /** The namespaces, with their labels, whose objects the istiod of this revision leaves out, by these selectors of MeshConfig. */
  left: {
    namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
    by: readonly LabelSelector[];
    revision: string | null;
  };
  /** Of the control planes that there are; empty where one has none, and reads every object. */
  revisions: readonly string[];
  /** Why not everything could be seen. */
  missing: readonly Unanswered[];
}

/** What a control plane reads of all objects. */
export const configOfPlane = (
  { telemetries: rules, envoyFilters }: MetricsTold['all'],
  { mesh, version }: Pick<StatsConfig, 'mesh' | 'version'>,
  isRead: (object: Telemetry | EnvoyFilter) => boolean,
): StatsConfig => ({
  mesh,
  version,
  telemetries: telemetriesOf(rules.filter(isRead)),
  envoyFilters: envoyFilters.filter(isRead),
});

/** The labels by which objects tell proxies apart. */
const namedIn = (policies: readonly Policy[]): readonly string[] => [
  ...new Set([GATEWAY_NAME, ...policies.flatMap(({ selector }) => Object.keys(selector ?? {}))]),
];

type Modelled = ProxyPod & Pick<MeshProxy, 'kind'>;

/** ztunnel knows no Telemetry (modern.md 2b, rule 10). */
const isModelled = (proxy: ProxyPod): proxy is Modelled => proxy.kind !== 'ztunnel';

const modelOf = ({ pod, kind, container }: Modelled, names: readonly string[]): MeshProxy => ({
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
  servedBy: (proxy: ProxyPod) => readonly Served[] = () => [],
): readonly ToldClass[] {
  const names = namedIn([...all.telemetries, ...all.envoyFilters]);
  const found = new Map<string, { proxy: MeshProxy; served: readonly Served[]; proxies: ProxyPod[] }>();
  for (const each of proxies.filter(isModelled)) {
    const proxy = modelOf(each, names);
    const key = JSON.stringify(proxy);
    const known = found.get(key);
    if (known) known.proxies.push(each);
    else found.set(key, { proxy, served: each.kind === 'waypoint' ? servedBy(each) : [], proxies: [each] });
  }
  return [...found.values()].flatMap((each) => apart(each, config));
}

/** Of a waypoint one class for all that it serves under the same objects: it is told for each what is for that. */
function apart(of: Omit<ToldClass, 'stats'>, config: StatsConfig | null): readonly ToldClass[] {
  const { proxy, served } = of;
  if (config === null || served.length === 0) return [{ ...of, stats: config && statsOf(config, proxy) }];
  const byChain = new Map<string, { stats: Stats; served: Served[] }>();
  for (const each of served) {
    const stats = statsOf(config, proxy, each);
    const key = JSON.stringify(stats.chain.map(titleOf));
    const known = byChain.get(key);
    if (known) known.served.push(each);
    else byChain.set(key, { stats, served: [each] });
  }
  return [...byChain.values()].map((each) => ({ ...of, ...each }));
}

/** What the labels of objects may name; nothing where a control plane without a revision reads them all. */
function revisionsOf(planes: readonly ControlPlane[]): readonly string[] {
  const found = planes.filter(({ generation }) => generation === 'telemetry-v2').map(({ revision }) => revision);
  return found.includes(null) ? [] : found.filter((revision) => revision !== null);
}

/** Where istiod looks at every namespace. */
export const NOTHING_LEFT: MetricsTold['left'] = { namespaces: new Map(), by: [], revision: null };

/** Which namespaces this control plane’s istiod does not look at. */
const leftOut = planeSource(
  [],
  async ({ from, plane: { revision, version } }): Promise<Attempt<MetricsTold['left']>> => {
    const [mesh, own] = await Promise.all([settle(from(meshConfig)), from(pilots)]);
    const by = 'got' in mesh ? (mesh.got?.discoverySelectors ?? []) : [];
    const [said] = variablesOf(
      own.map(({ pod }) => pod),
      'ENABLE_ENHANCED_RESOURCE_SCOPING',
    );
    // Without MeshConfig nothing is worked out at all.
    if (by.length === 0 || !leavesOutObjects(version, said)) return { got: NOTHING_LEFT };
    const listed = await settle(from(allNamespaces));
    if ('missing' in listed) return listed;
    const { items, refusal } = listed.got;
    if (refusal) return { missing: refusal };
    const out = items.filter(({ labels }) => !isDiscovered(by, labels));
    return { got: { namespaces: new Map(out.map(({ name, labels }) => [name, labels])), by, revision } };
  },
);

/** Whether another istiod tells it that is there: it is labelled with the revision that made it (istio-discovery, files/waypoint.yaml). */
function isElsewhere({ pod, kind }: ProxyPod, { revision }: ControlPlane, planes: readonly ControlPlane[]): boolean {
  if (kind !== 'waypoint') return false;
  const own = madeFor(pod);
  const isThere = planes.some((each) => each.generation === 'telemetry-v2' && (each.revision ?? 'default') === own);
  return isThere && own !== (revision ?? 'default');
}

/** What every proxy of this control plane's mesh is told about metrics. */
export const metricsTold = proxySource([], async ({ from, plane }): Promise<MetricsTold> => {
  const [{ proxies, refusal }, servedBy, rules, filters, mesh, { all: planes }, out] = await Promise.all([
    from(meshProxies),
    plane.generation === 'ambient' ? from(servedByWaypoints) : undefined,
    settle(from(telemetries)),
    settle(from(statsEnvoyFilters)),
    settle(from(meshMetrics)),
    from(detection),
    from(leftOut),
  ]);
  const all = { telemetries: itemsOf(rules), envoyFilters: itemsOf(filters) };
  const left = 'got' in out ? out.got : NOTHING_LEFT;
  const missing = [...missingOf(rules), ...missingOf(filters), ...('missing' in out ? [out.missing] : [])];
  const known = missing.length === 0 && 'got' in mesh ? mesh.got : null;
  const config =
    known &&
    configOfPlane(
      all,
      { mesh: known, version: plane.version },
      ({ namespace, labels }) => isOfRevision(labels, plane.revision) && !left.namespaces.has(namespace),
    );
  const elsewhere = new Set(proxies.filter((each) => isElsewhere(each, plane, planes)));
  return {
    classes: classesOf(
      proxies.filter((each) => !elsewhere.has(each)),
      all,
      config,
      servedBy,
    ),
    elsewhere: [...elsewhere],
    config,
    all,
    left,
    revisions: revisionsOf(planes),
    missing: [...(refusal ? [refusal] : []), ...missing, ...('missing' in mesh ? [mesh.missing] : [])],
  };
});
