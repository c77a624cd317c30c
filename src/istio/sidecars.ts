import { hasLabels } from './destination-rules.ts';
import { isSubsetOf, isWildcard, overlap } from './hosts.ts';
import type { Caller } from './http-rules.ts';
import { byAge, type Exported } from './visibility.ts';

/** What limits the configuration that the proxies of a namespace get. */
export interface Sidecar extends Omit<Exported, 'exportTo'> {
  /** The pods that it is for; null for all of its namespace, or in the root namespace of the mesh. */
  selector: Readonly<Record<string, string>> | null;
  /** What its proxies may reach; null when it leaves egress alone. */
  egress: readonly EgressListener[] | null;
  /** What its captureMode NONE keeps from redirection: all that is sent, and ports that are served. Left out where it says nothing. */
  uncaptured?: { outbound: boolean; inbound: readonly number[] };
}

export interface EgressListener {
  /** The port that it is for; null for all the others. */
  port: number | null;
  /** `NAMESPACE/HOST`. */
  hosts: readonly string[];
}

/**
 * The Sidecar that is a caller's: the oldest of its namespace that selects its pod, else the oldest without a selector,
 * else the mesh's, of the root namespace (push_context.go, initSidecarScopes and doGetSidecarScope).
 */
export function sidecarOf(sidecars: readonly Sidecar[], caller: Caller, root: string): Sidecar | null {
  const sorted = sidecars
    .filter(({ namespace }) => namespace === caller.namespace || namespace === root)
    .map((each) => ({ ...each, exportTo: [] }))
    .sort(byAge);
  const own = sorted.filter(({ namespace }) => namespace === caller.namespace);
  const selected = own.find(({ selector }) => selector !== null && hasLabels(selector, caller.labels));
  const whole = own.find(({ selector }) => selector === null);
  return selected ?? whole ?? sorted.find(({ namespace, selector }) => namespace === root && selector === null) ?? null;
}

/** Everything: what a proxy without a Sidecar gets. */
const ALL: readonly EgressListener[] = [{ port: null, hosts: ['*/*'] }];

export const listenersOf = (sidecar: Sidecar | null): readonly EgressListener[] =>
  sidecar?.egress && sidecar.egress.length > 0 ? sidecar.egress : ALL;

/** The listener that a port's routes are of: the first for it, or for any (sidecar.go, GetEgressListenerForRDS). */
export const listenerFor = <T extends Pick<EgressListener, 'port'>>(listeners: readonly T[], port: number): T | null =>
  listeners.find((each) => each.port === null || each.port === port) ?? null;

/** The entries of a listener that are about objects of a namespace; `excluded` for those that begin with `~`. */
function entriesFor(
  { hosts }: EgressListener,
  namespace: string,
  caller: string,
): { included: readonly string[]; excluded: readonly string[] } {
  const included: string[] = [];
  const excluded: string[] = [];
  for (const entry of hosts) {
    const [place = '', host = ''] = entry.split('/', 2);
    const isExcluded = place.startsWith('~');
    const bare = isExcluded ? place.slice(1) || '*' : place;
    const of = bare === '.' ? caller : bare;
    if (of === '*' || of === namespace) (isExcluded ? excluded : included).push(host);
  }
  return { included, excluded };
}

/** Whether a listener takes in a Service's host (sidecar.go, hostClassification.Matches). */
export function takesService(listener: EgressListener, host: string, namespace: string, caller: string): boolean {
  const { included, excluded } = entriesFor(listener, namespace, caller);
  if (excluded.some((each) => isSubsetOf(host, each))) return false;
  return included.some((each) => isSubsetOf(host, each));
}

/** Whether a listener takes in a rule, by one of its hosts (sidecar.go, hostClassification.VSMatches). */
export function takesRule(
  listener: EgressListener,
  rule: { hosts: readonly string[]; namespace: string },
  caller: string,
): boolean {
  const { included, excluded } = entriesFor(listener, rule.namespace, caller);
  return rule.hosts.some(
    (host) =>
      included.some((each) => (isWildcard(each) || isWildcard(host) ? overlap(host, each) : host === each)) &&
      !excluded.some((each) => isSubsetOf(host, each)),
  );
}
