import { hasLabels } from './destination-rules.ts';

/** As the API has it: one of the three, or nothing for any text. */
export interface StringMatch {
  exact?: string;
  prefix?: string;
  regex?: string;
}

/** What a rule for HTTP looks at, in the API's own words. */
export interface HttpMatch {
  uri?: StringMatch;
  scheme?: StringMatch;
  method?: StringMatch;
  authority?: StringMatch;
  headers?: Readonly<Record<string, StringMatch>>;
  withoutHeaders?: Readonly<Record<string, StringMatch>>;
  queryParams?: Readonly<Record<string, StringMatch>>;
  ignoreUriCase?: boolean;
  port?: number;
  sourceLabels?: Readonly<Record<string, string>>;
  sourceNamespace?: string;
  gateways?: readonly string[];
}

export interface Destination {
  host: string;
  subset: string | null;
  port: number | null;
}

export type Shares = readonly (number | null)[];

/** Where requests go of several destinations; of a weight of 0 nothing is asked, but for the only one (route.go, getRouteOperation). */
export const isAsked = (shares: Shares, index: number): boolean =>
  shares.length === 1 || Boolean(shares[index]) || !shares.some(Boolean);

/** A rule for HTTP of a VirtualService. */
export interface HttpRule {
  name: string;
  /** Empty: for all requests. */
  matches: readonly HttpMatch[];
  /** Where its requests, and copies of them, go; of a weight of 0 nothing is asked. */
  destinations: readonly Destination[];
  /** The weight of each of its routes, as it is written; null where none is. */
  shares: Shares;
  /** Whether it answers by itself: with a redirect, or directly. */
  answers: boolean;
  /** The VirtualService whose rules stand here, by its namespace, or '' for the rule's own, and its name. */
  delegate: { name: string; namespace: string } | null;
}

/** Who calls: the pod of a proxy. */
export interface Caller {
  namespace: string;
  labels: Readonly<Record<string, string>>;
}

const isEmpty = (map: object | undefined): boolean => Object.keys(map ?? {}).length === 0;
const entries = <T>(map: Readonly<Record<string, T>> | undefined): readonly [string, T][] => Object.entries(map ?? {});

/** Whether a match is for a caller, at `gateway` (`mesh` for a sidecar) and a port (route.go, sourceMatchHTTP and TranslateRoute). */
function isForCaller(match: HttpMatch, caller: Caller, gateway: string, port: number | null): boolean {
  if (match.port !== undefined && match.port !== 0 && port !== null && match.port !== port) return false;
  if (match.gateways && match.gateways.length > 0) return match.gateways.includes(gateway);
  return (
    hasLabels(match.sourceLabels ?? {}, caller.labels) &&
    (!match.sourceNamespace || match.sourceNamespace === caller.namespace)
  );
}

/** Whether a match is every request's (route.go, IsCatchAllRoute). */
export function takesAll({ uri, scheme, method, authority, headers, withoutHeaders, queryParams }: HttpMatch): boolean {
  const anyPath = uri === undefined || isEmpty(uri) || uri.prefix === '/' || uri.regex === '.*';
  const rest = [headers, withoutHeaders, queryParams].every(isEmpty);
  return anyPath && rest && [scheme, method, authority].every((each) => each === undefined || isEmpty(each));
}

/** A match in words that are the same for the same match, in whatever order. */
const canonical = (match: HttpMatch): string =>
  JSON.stringify(match, (_, value: unknown) =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))),
  );

/** Rules of which every match is one of a rule before: no request is left to them (pkg/config/validation/validation.go, analyzeUnreachableHTTPRules). */
export function repeatedIn(rules: readonly HttpRule[]): readonly HttpRule[] {
  const seen = new Set<string>();
  return rules.filter(({ matches }) => {
    const own = matches.map(canonical);
    const isRepeated = own.length > 0 && own.every((match) => seen.has(match));
    for (const match of own) seen.add(match);
    return isRepeated;
  });
}

/** A rule that a caller's proxy has, and what of it is looked at. */
export interface Route {
  rule: HttpRule;
  /** Its match; null for all requests. */
  match: HttpMatch | null;
}

/** Whether a route takes every request: none after it is looked at. */
export const isCatchAll = ({ match }: Pick<Route, 'match'>): boolean => match === null || takesAll(match);

/** What a caller's proxy has of a VirtualService's rules for HTTP, in order. */
export interface Routes {
  routes: readonly Route[];
  /** Rules, or matches of them, that stand behind one that takes every request. */
  unreached: readonly Route[];
}

/** The routes that a caller's proxy gets for a port: it gets none behind the first that takes all (route.go, BuildHTTPRoutesForVirtualService). */
export function routesFor(rules: readonly HttpRule[], caller: Caller, gateway: string, port: number | null): Routes {
  const routes: Route[] = [];
  const unreached: Route[] = [];
  let isOver = false;
  for (const rule of rules) {
    for (const match of rule.matches.length === 0 ? [null] : rule.matches) {
      if (match !== null && !isForCaller(match, caller, gateway, port)) continue;
      (isOver ? unreached : routes).push({ rule, match });
      if (isCatchAll({ match })) isOver = true;
    }
  }
  return { routes, unreached };
}

/** Whether one text's match leaves a delegate's nothing (virtualservice.go, stringMatchConflict). */
function excludes(root: StringMatch | undefined, leaf: StringMatch | undefined): boolean {
  if (root === undefined || leaf === undefined || isEmpty(root) || isEmpty(leaf)) return false;
  if (root.regex || leaf.regex) return true;
  if (root.exact) return Boolean(leaf.prefix) || leaf.exact !== root.exact;
  return !(leaf.prefix ?? leaf.exact ?? '').startsWith(root.prefix ?? '');
}

/** Whether a delegate's match is none of its root's (virtualservice.go, hasConflict). */
function conflicts(root: HttpMatch, leaf: HttpMatch): boolean {
  const texts = (['uri', 'scheme', 'method', 'authority'] as const).some((name) => excludes(root[name], leaf[name]));
  const maps = (['headers', 'withoutHeaders', 'queryParams'] as const).some((name) =>
    entries(leaf[name]).some(([key, value]) => excludes(root[name]?.[key], value)),
  );
  const labels = entries(leaf.sourceLabels).some(
    ([key, value]) => root.sourceLabels?.[key] !== undefined && root.sourceLabels[key] !== value,
  );
  const [ours, theirs] = [root.gateways ?? [], leaf.gateways ?? []];
  const gateways =
    ours.length > 0 &&
    theirs.length > 0 &&
    (ours.length < theirs.length || theirs.some((each) => !ours.includes(each)));
  return (
    texts ||
    maps ||
    labels ||
    gateways ||
    (root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false) ||
    Boolean(root.port && leaf.port && root.port !== leaf.port) ||
    Boolean(root.sourceNamespace && leaf.sourceNamespace !== root.sourceNamespace)
  );
}

const both = (root: HttpMatch, leaf: HttpMatch): HttpMatch => ({
  ...root,
  ...Object.fromEntries(Object.entries(leaf).filter(([, value]) => value !== undefined)),
  headers: { ...root.headers, ...leaf.headers },
  withoutHeaders: { ...root.withoutHeaders, ...leaf.withoutHeaders },
  queryParams: { ...root.queryParams, ...leaf.queryParams },
  sourceLabels: { ...root.sourceLabels, ...leaf.sourceLabels },
  gateways: leaf.gateways && leaf.gateways.length > 0 ? leaf.gateways : (root.gateways ?? []),
});

/** The matches of a delegate's rule below its root's, or null where they exclude each other (virtualservice.go, mergeHTTPMatchRequests). */
export function mergedMatches(root: readonly HttpMatch[], leaf: readonly HttpMatch[]): readonly HttpMatch[] | null {
  if (root.length === 0) return leaf;
  if (leaf.length === 0) return root;
  const merged = leaf.map((own) => root.filter((each) => !conflicts(each, own)).map((each) => both(each, own)));
  return merged.some((each) => each.length === 0) ? null : merged.flat();
}
