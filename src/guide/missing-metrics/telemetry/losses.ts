import type { MetricsTold, ToldClass } from '../../../evidence/istio/told.ts';
import { GATEWAY_NAME, isNamespaceWide, WAYPOINT_CLASS } from '../../../istio/attachment.ts';
import { hasLabels } from '../../../istio/destination-rules.ts';
import { contextOf, ofOtherVersions, type Side, type StatsConfig, statsOf } from '../../../istio/stats.ts';
import { addsStats, type EnvoyFilter, fitsVersion } from '../../../istio/stats-filters.ts';
import { passedOver, type Telemetry, withObjects } from '../../../istio/telemetry.ts';
import { isOfRevision } from '../../../istio/visibility.ts';
import { type Evidence, type JudgedSide, onceFor, sidesOf } from './sides.ts';

/** Why one side of a proxy is told to make no metrics. */
export type Reason =
  | 'NoMetricsProvider'
  | 'ProviderUnknown'
  | 'ProviderMakesNone'
  | 'IstiodMakesNone'
  | 'MetricsDisabled'
  | 'OneSideDisabled'
  | 'TelemetryIgnored'
  | 'TelemetryOfAnotherRevision'
  | 'TelemetryNotDiscovered'
  | 'TelemetryNotForWaypoint'
  | 'StatsFilterVersionMismatch'
  | 'StatsFilterElsewhere'
  | 'StatsFilterOfAnotherRevision'
  | 'StatsFilterRemoved';

/** An object of the mesh that a loss is about. */
export type Culprit = { kind: 'Telemetry'; object: Telemetry } | { kind: 'EnvoyFilter'; object: EnvoyFilter };

/** A cause, and all proxies that it has. */
export interface Loss {
  reason: Reason;
  culprits: readonly Culprit[];
  /** Names of providers that are in vain. */
  providers: readonly string[];
  sides: readonly Side[];
  /** Whether these proxies make no metrics at all. */
  isWhole: boolean;
  classes: readonly ToldClass[];
}

type Cause = Pick<Loss, 'reason' | 'culprits' | 'providers'>;

const telemetry = (object: Telemetry): Culprit => ({ kind: 'Telemetry', object });
const envoyFilter = (object: EnvoyFilter): Culprit => ({ kind: 'EnvoyFilter', object });
const cause = (reason: Reason, culprits: readonly Culprit[] = [], providers: readonly string[] = []): Cause => ({
  reason,
  culprits,
  providers,
});

const isTold = (config: StatsConfig, { of, side }: JudgedSide): boolean => {
  const stats = statsOf(config, of.proxy, of.served[0])[side];
  return stats !== null && stats.http.length + stats.tcp.length > 0;
};

/** Objects that no control plane reads, since their label names none: often a tag. */
export const isUnread =
  (revisions: readonly string[]) =>
  ({ labels }: { labels: Readonly<Record<string, string>> }): boolean =>
    revisions.length > 0 && revisions.every((revision) => !isOfRevision(labels, revision));

/** Where an object can be for a proxy, and for what it serves. */
const spacesOf = ({ mesh }: StatsConfig, { of }: JudgedSide): ReadonlySet<string> =>
  new Set([mesh.rootNamespace, of.proxy.namespace, ...of.served.map(({ namespace }) => namespace)]);

/** Objects that nobody reads, of which one would make metrics here if it were read. */
function unread({ all, left, revisions }: MetricsTold, config: StatsConfig, side: JudgedSide): Cause | null {
  const isOfNobody = isUnread(revisions);
  const isNobodys = (each: Telemetry | EnvoyFilter): boolean =>
    isOfNobody(each) || (left.namespaces.has(each.namespace) && isOfRevision(each.labels, left.revision));
  const near = spacesOf(config, side);
  const isAmong = (each: Telemetry | EnvoyFilter): boolean => near.has(each.namespace) && isNobodys(each);
  const rule = all.telemetries.find((each) => {
    if (!isAmong(each)) return false;
    const own = config.telemetries.get(each.namespace) ?? [];
    return isTold({ ...config, telemetries: withObjects(config.telemetries, each.namespace, [...own, each]) }, side);
  });
  if (rule) return cause(isOfNobody(rule) ? 'TelemetryOfAnotherRevision' : 'TelemetryNotDiscovered', [telemetry(rule)]);
  const filters = all.envoyFilters.filter(
    (each) =>
      isAmong(each) && isOfNobody(each) && isTold({ ...config, envoyFilters: [...config.envoyFilters, each] }, side),
  );
  return filters.length > 0 ? cause('StatsFilterOfAnotherRevision', filters.map(envoyFilter)) : null;
}

/** An object that is passed over for an older one, and would make metrics here. */
function ignored(config: StatsConfig, side: JudgedSide): Cause | null {
  const found = passedOver(config.telemetries, spacesOf(config, side)).find(({ ignored: one, by }) => {
    const others = (config.telemetries.get(one.namespace) ?? []).filter((each) => each !== by);
    // As if it were the oldest.
    const first = others.map((each) => (each === one ? { ...each, createdAt: 0 } : each));
    return isTold({ ...config, telemetries: withObjects(config.telemetries, one.namespace, first) }, side);
  });
  return found ? cause('TelemetryIgnored', [telemetry(found.ignored), telemetry(found.by)]) : null;
}

/**
 * An object that names a waypoint or what it serves, or selects its pods, is not for it, and would make metrics here if it were:
 * one that is for another waypoint, of the same name as most have, is right as it is.
 */
function notForWaypoint({ classes }: MetricsTold, config: StatsConfig, side: JudgedSide): Cause | null {
  const { proxy, served } = side.of;
  if (proxy.kind !== 'waypoint') return null;
  const near = spacesOf(config, side);
  const read = new Set(
    classes.flatMap(({ proxy: each, stats }) => (each.kind === 'waypoint' ? (stats?.chain ?? []) : [])),
  );
  const isMeant = ({ selector, targets }: Telemetry): boolean =>
    targets.some(
      ({ kind, name }) =>
        (kind === 'Gateway' && name === proxy.labels[GATEWAY_NAME]) ||
        (kind === 'GatewayClass' && name === WAYPOINT_CLASS) ||
        served.some((each) => each.kind === kind && each.name === name),
    ) ||
    (selector !== null && hasLabels(selector, proxy.labels));
  const found = [...config.telemetries.values()].flat().find((each) => {
    if (isNamespaceWide(each) || !near.has(each.namespace) || read.has(each) || !isMeant(each)) return false;
    // As if it were for the waypoint's whole namespace, and the oldest there.
    const own = { ...each, selector: null, targets: [], createdAt: 0 };
    const others = config.telemetries.get(proxy.namespace) ?? [];
    return isTold({ ...config, telemetries: withObjects(config.telemetries, proxy.namespace, [own, ...others]) }, side);
  });
  return found ? cause('TelemetryNotForWaypoint', [telemetry(found)]) : null;
}

/** EnvoyFilters that were meant for the whole mesh, and lie where only their own namespace sees them. */
const elsewhere = ({ all }: MetricsTold, { mesh }: StatsConfig, { of, side }: JudgedSide): readonly EnvoyFilter[] =>
  all.envoyFilters.filter(
    (each) =>
      ![mesh.rootNamespace, of.proxy.namespace].includes(each.namespace) &&
      isNamespaceWide(each) &&
      /^(tcp-)?stats-filter-/.test(each.name) &&
      addsStats(each, contextOf(of.proxy, side)) &&
      each.patches.some(({ proxyVersion }) => fitsVersion(proxyVersion, of.proxy.version) !== false),
  );

function causeOf(told: MetricsTold, judged: JudgedSide): Cause {
  const { of, side, stats } = judged;
  const { config } = told;
  if (!config || !of.stats || !stats || stats.http.length + stats.tcp.length > 0) return cause('IstiodMakesNone');
  const counterfactual =
    unread(told, config, judged) ?? ignored(config, judged) ?? notForWaypoint(told, config, judged);
  if (counterfactual) return counterfactual;
  const { absence } = stats;
  if (absence === null) return cause('StatsFilterRemoved', of.stats.envoyFilters.map(envoyFilter));
  if (absence.why === 'disabled') return cause('MetricsDisabled', absence.by.map(telemetry));
  if (absence.why === 'no-provider') {
    const others = ofOtherVersions(of.stats, of.proxy, side);
    if (others.length > 0) return cause('StatsFilterVersionMismatch', others.map(envoyFilter));
    const far = elsewhere(told, config, judged);
    return far.length > 0 ? cause('StatsFilterElsewhere', far.map(envoyFilter)) : cause('NoMetricsProvider');
  }
  const by = absence.by ? [telemetry(absence.by)] : [];
  return cause(absence.why === 'unknown' ? 'ProviderUnknown' : 'ProviderMakesNone', by, absence.providers);
}

const keyOf = ({ reason, culprits, providers }: Cause, sides: readonly Side[]): string =>
  JSON.stringify([
    reason,
    culprits.map(({ kind, object }) => `${kind} ${object.namespace}/${object.name}`),
    providers,
    // A gateway has one side, and loses all with it.
    sides.length > 1 ? 'both' : sides,
  ]);

const isAlike = (a: Cause, b: Cause): boolean => keyOf(a, []) === keyOf(b, []);

/**
 * What is lost, one for each cause, those of most proxies first; with a side, what is lost of that side, and why it is. Both
 * sides of a proxy are lost for one reason where the same objects take them.
 */
function lossesIn(evidence: Evidence, which: Side | null): readonly Loss[] {
  const found = new Map<string, Loss & { classes: ToldClass[] }>();
  for (const { of, sides } of sidesOf(evidence)) {
    const lost = sides.filter(({ told }) => told === 'no');
    const first = which === null ? lost[0] : lost.find(({ side }) => side === which);
    if (!first) continue;
    const why = causeOf(evidence.told, first);
    const own = which === null ? lost : lost.filter((each) => isAlike(causeOf(evidence.told, each), why));
    const isWhole = own.length === sides.length;
    const reason = !isWhole && why.reason === 'MetricsDisabled' ? 'OneSideDisabled' : why.reason;
    const named = own.map(({ side }) => side);
    const key = `${keyOf({ ...why, reason }, isWhole ? ['inbound', 'outbound'] : named)}`;
    const known = found.get(key);
    if (known) known.classes.push(of);
    else found.set(key, { ...why, reason, sides: named, isWhole, classes: [of] });
  }
  return [...found.values()].sort(
    (a, b) => Number(b.isWhole) - Number(a.isWhole) || sizeOf(b.classes) - sizeOf(a.classes),
  );
}

export const lossesOf = onceFor((evidence) => lossesIn(evidence, null));

/** What is lost of one side, where that is the side that matters: none of it is a part only. */
export const lossesOfSide = (evidence: Evidence, side: Side): readonly Loss[] =>
  lossesIn(evidence, side).map((loss) => ({ ...loss, isWhole: true }));

/** How many proxies are of these classes: a waypoint is of one for each kind of Service that it serves. */
export const sizeOf = (classes: readonly ToldClass[]): number =>
  new Set(classes.flatMap(({ proxies }) => proxies)).size;
