import { fullHost, isWildcard, mostSpecific } from './hosts.ts';
import { byAge, type Exported } from './visibility.ts';

/** What of a DestinationRule decides where a call goes. */
export interface DestinationRule extends Exported {
  host: string;
  subsets: readonly Subset[];
  /** The labels of the calling pods that it is for; null for all. Such a rule stays in its namespace. */
  workloadSelector: Readonly<Record<string, string>> | null;
}

export interface Subset {
  name: string;
  labels: Readonly<Record<string, string>>;
}

/** Rules of one host and namespace, taken together: the first word on each subset counts. */
export interface MergedRule {
  from: readonly DestinationRule[];
  host: string;
  namespace: string;
  exportTo: readonly string[];
  subsets: readonly Subset[];
  workloadSelector: Readonly<Record<string, string>> | null;
}

/** By full host. Wildcards lie apart: of thousands of hosts few are. */
interface Pool {
  specific: Map<string, MergedRule[]>;
  wildcards: Map<string, MergedRule[]>;
}

const emptyPool = (): Pool => ({ specific: new Map(), wildcards: new Map() });

/** Every rule of a pool. */
export const rulesIn = ({ specific, wildcards }: Pool): readonly MergedRule[] =>
  [...specific.values(), ...wildcards.values()].flat();

export interface DestinationRules {
  /** By namespace: those that its own proxies look at first. */
  local: ReadonlyMap<string, Pool>;
  /** By namespace: those that proxies of other namespaces look at. */
  exported: ReadonlyMap<string, Pool>;
  /** Of the root namespace: those that its own gateways alone look at. */
  rootLocal: Pool;
}

const isSubset = (inner: readonly string[], outer: readonly string[]): boolean =>
  inner.every((each) => outer.includes(each));
const isSame = (a: readonly string[], b: readonly string[]): boolean => isSubset(a, b) && isSubset(b, a);

const sameLabels = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  isSame(
    Object.entries(a).map((each) => each.join('=')),
    Object.entries(b).map((each) => each.join('=')),
  );

/** The names of subsets that are not there yet are added, nothing is overwritten. */
const joined = (merged: MergedRule, rule: DestinationRule): MergedRule => ({
  ...merged,
  from: [...merged.from, rule],
  subsets: [
    ...merged.subsets,
    ...rule.subsets.filter(({ name }) => !merged.subsets.some((subset) => subset.name === name)),
  ],
});

/**
 * Adds a rule to those of its host. Equal `exportTo` are merged; a wider one is merged and stands for itself too; any
 * other stands apart (pilot/pkg/model/destination_rule.go, mergeDestinationRule, with ENABLE_ENHANCED_DESTINATIONRULE_MERGE,
 * which is on by default).
 */
function add(pool: Pool, rule: DestinationRule, exportTo: readonly string[]): void {
  const host = fullHost(rule.host, rule.namespace);
  const hosts = isWildcard(host) ? pool.wildcards : pool.specific;
  const known = hosts.get(host) ?? [];
  const own: MergedRule = { ...rule, host, exportTo, from: [rule] };
  let isApart = true;
  const merged = known.map((each) => {
    if (isSame(exportTo, each.exportTo)) isApart = false;
    else {
      isApart = true;
      if (each.exportTo.length === 0 || !isSubset(each.exportTo, exportTo)) return each;
    }
    const [theirs, ours] = [each.workloadSelector, rule.workloadSelector];
    if (theirs && ours && !sameLabels(theirs, ours)) {
      isApart = true;
      return each;
    }
    if ((theirs === null) === (ours === null)) isApart = false;
    return joined(each, rule);
  });
  hosts.set(host, isApart ? [...merged, own] : merged);
}

const poolOf = (pools: Map<string, Pool>, namespace: string): Pool => {
  const pool = pools.get(namespace) ?? emptyPool();
  pools.set(namespace, pool);
  return pool;
};

/** All rules of a mesh, made ready to be looked up (push_context.go, setDestinationRules). */
export function indexDestinationRules(
  rules: readonly DestinationRule[],
  { root, exportTo: byDefault }: { root: string; exportTo: readonly string[] },
): DestinationRules {
  const local = new Map<string, Pool>();
  const exported = new Map<string, Pool>();
  const rootLocal = emptyPool();
  const sorted = [...rules].sort(
    (a, b) => Number(a.workloadSelector === null) - Number(b.workloadSelector === null) || byAge(a, b),
  );
  for (const rule of sorted) {
    const exportTo = rule.workloadSelector === null ? [...new Set(rule.exportTo)] : ['.'];
    const isOwn = exportTo.length === 0 || ['*', '.', rule.namespace].some((each) => exportTo.includes(each));
    if (isOwn) add(poolOf(local, rule.namespace), rule, exportTo);
    const isPrivate =
      exportTo.length === 0 ? byDefault.includes('.') : isSame(exportTo, ['.']) || isSame(exportTo, [rule.namespace]);
    if (!isPrivate) add(poolOf(exported, rule.namespace), rule, exportTo);
    else if (rule.namespace === root) add(rootLocal, rule, exportTo);
  }
  return { local, exported, rootLocal };
}

const lookUp = (pool: Pool | undefined, host: string): readonly MergedRule[] =>
  pool ? (mostSpecific(host, pool.specific, pool.wildcards) ?? []) : [];

/** Those of another namespace's rules for a host that reach a caller; the most specific host is taken before `exportTo` is looked at. */
const exportedTo = (pool: Pool | undefined, host: string, namespace: string): readonly MergedRule[] =>
  lookUp(pool, host).filter(
    ({ exportTo }) => exportTo.length === 0 || exportTo.includes('*') || exportTo.includes(namespace),
  );

/** Whether labels carry all that a selector asks for; an empty one asks for nothing. */
export const hasLabels = (
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean => Object.entries(selector).every(([name, value]) => labels[name] === value);

/**
 * The one rule that a caller's proxy applies to a Service, or null: of the caller's namespace, else of the Service's, else
 * of the root namespace; in each the most specific host wins whole (push_context.go, destinationRule; sidecar.go,
 * SidecarScope.DestinationRule).
 */
export function destinationRuleFor(
  { local, exported, rootLocal }: DestinationRules,
  root: string,
  caller: { namespace: string; labels: Readonly<Record<string, string>> },
  service: { host: string; namespace: string },
): MergedRule | null {
  const own = lookUp(caller.namespace === root ? rootLocal : local.get(caller.namespace), service.host);
  const theirs = (): readonly MergedRule[] =>
    exportedTo(exported.get(service.namespace), service.host, caller.namespace);
  const roots = (): readonly MergedRule[] => exportedTo(exported.get(root), service.host, caller.namespace);
  const found = [() => own, theirs, roots].map((each) => each()).find((each) => each.length > 0) ?? [];
  const selected = found.find(
    ({ workloadSelector, namespace }) =>
      workloadSelector !== null && namespace === caller.namespace && hasLabels(workloadSelector, caller.labels),
  );
  return selected ?? found.filter(({ workloadSelector }) => workloadSelector === null).at(-1) ?? null;
}
