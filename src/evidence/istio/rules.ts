import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { mergeServers, serves } from '../../istio/gateways.ts';
import { isHostOf, isWildcard, servicesByHost } from '../../istio/hosts.ts';
import type { Destination, HttpRule } from '../../istio/http-rules.ts';
import { gatewayPart, type Part, sidecarPart, type Uncalled, uncalledBy } from '../../istio/parts.ts';
import { type Rivals, rivalsIn } from '../../istio/rivals.ts';
import type { Routing } from '../../istio/routing.ts';
import type { Registry } from '../../istio/services.ts';
import { type View, viewsOf } from '../../istio/view.ts';
import { gatewaysOf, isForMesh, type MergedVirtualService, streamDestinations } from '../../istio/virtual-services.ts';
import { allPods, allServices, itemsOf, type Listing } from '../kubernetes/lists.ts';
import { type Named, titleOf } from '../kubernetes/named.ts';
import type { Service } from '../kubernetes/service.ts';
import { callers, calls } from './calls.ts';
import { type GatewayRoute, gatewayRoutes } from './gateway-api.ts';
import { type SelectedGateway, selectedGateways } from './gateways.ts';
import { type Target, targetsOf } from './targets.ts';

/** The rules that are judged, and what they are about. */
export interface Rules {
  /** With hosts of their own: those without are parts of others. */
  virtualServices: readonly MergedVirtualService[];
  targets: readonly Target[];
  /** Those with a host that is a Service's, by `NAMESPACE/NAME`: of the others a proxy may have nothing. */
  hosted: ReadonlySet<string>;
  /** The Services that sidecars and waypoints have rules for HTTP for: by their hosts. A gateway routes to any port. */
  services: readonly Service[];
  routes: readonly GatewayRoute[];
  /** Rules for HTTP that no request reaches, whoever calls. */
  unreached: readonly { rule: MergedVirtualService; http: HttpRule }[];
  /** Rules for sidecars that never apply: for ports alone that their hosts do not have. */
  uncalled: readonly Uncalled[];
  /** Hosts for which one proxy gets two rules. */
  rivals: readonly Rivals[];
  /** Why not everything could be seen. */
  missing: readonly Unanswered[];
}

const leadsTo = (rule: MergedVirtualService, service: Named): boolean =>
  [...rule.hosts, ...destinationsOf(rule).map(({ host }) => host)].some((host) =>
    isHostOf(host, rule.namespace, service),
  );

/** Every destination of a rule, for whomever. */
export const destinationsOf = (rule: MergedVirtualService): readonly Destination[] => [
  ...rule.http.flatMap(({ destinations }) => destinations),
  ...streamDestinations(rule),
];

const isAbout = (rule: MergedVirtualService, { scope }: Ask): boolean =>
  (scope.workload === null || leadsTo(rule, scope.workload)) &&
  (scope.workload !== null || scope.namespace === null || rule.namespace === scope.namespace);

/** Whether a caller could call what a rule is for: it knows one of its hosts, or nobody knows it, or it lives where the rule does. */
const couldCall = (rule: MergedVirtualService, { caller, services }: View, registry: Registry): boolean =>
  rule.namespace === caller.namespace ||
  rule.hosts.some((host) => isWildcard(host) || services.has(host) || !registry.has(host));

/** What a rule does for each caller that it decides for; where it decides for none, for one of its own namespace. */
function partsOf(
  rule: MergedVirtualService,
  callers: readonly View[],
  { registry }: Routing,
  assumed: () => View | null,
): readonly Part[] {
  const partFor = (view: View): readonly Part[] => {
    const part = view.has(rule) && couldCall(rule, view, registry) ? sidecarPart(rule, view) : null;
    return part ? [part] : [];
  };
  const found = callers.flatMap(partFor);
  const one = found.length > 0 ? null : assumed();
  return one ? partFor(one) : found;
}

/** A gateway that a rule is bound to, and the namespace of its proxies. */
interface Bound {
  namespace: string;
  gateway: string;
  /** The ports that it opens. */
  ports: readonly number[];
}

/** The gateways that a rule is bound to; where none of them has a proxy, one of the rule's own namespace. */
function boundTo(rule: MergedVirtualService, all: readonly SelectedGateway[]): readonly Bound[] {
  const named = gatewaysOf(rule);
  const found = all
    .filter(({ gateway }) => named.includes(titleOf(gateway)))
    .flatMap(({ gateway, pods }) => {
      // What is sent on to HTTPS is led nowhere.
      const serving = mergeServers([gateway]).filter(
        ({ server }) => !server.redirects && rule.hosts.some((host) => serves(server, rule, host)),
      );
      const ports = [...new Set(serving.map(({ server }) => server.port))];
      const namespaces = new Set(pods.map(({ namespace }) => namespace));
      return [...namespaces].map((namespace) => ({ namespace, gateway: titleOf(gateway), ports }));
    });
  const [first] = named;
  return found.length > 0 || first === undefined ? found : [{ namespace: rule.namespace, gateway: first, ports: [] }];
}

const refusalIn = (listing: Attempt<Listing<unknown>>): readonly Unanswered[] =>
  'missing' in listing ? [listing.missing] : listing.got.refusal ? [listing.got.refusal] : [];

/** Narrowed by -n, or to the rules about the service that is asked for. */
export const rules = planeSource([], async (ask): Promise<Rules> => {
  const { from, scope } = ask;
  const [all, told, services, pods, routes, gateways] = await Promise.all([
    from(calls),
    from(callers),
    from(allServices),
    from(allPods),
    settle(from(gatewayRoutes)),
    settle(from(selectedGateways)),
  ]);
  const { routing } = all;
  const own = routing.virtualServices.filter((rule) => isAbout(rule, ask));
  const find = servicesByHost(services.items);
  const views = new Map<string, View>();
  // A gateway's proxy has no Sidecar: it knows every Service that its namespace sees.
  const viewWhole = viewsOf({ ...routing, sidecars: [] });
  const viewFrom = (namespace: string): View => {
    const view = views.get(namespace) ?? viewWhole({ namespace, labels: {} });
    views.set(namespace, view);
    return view;
  };
  const allGateways = itemsOf(gateways);
  const parts = own.map((rule) => ({
    rule,
    parts: [
      ...(isForMesh(rule) ? partsOf(rule, told, routing, () => (scope.from ? null : viewFrom(rule.namespace))) : []),
      ...boundTo(rule, allGateways).map(({ namespace, gateway, ports }) =>
        gatewayPart(rule, viewFrom(namespace), gateway, ports),
      ),
    ],
  }));
  const targets = parts.flatMap((each) => targetsOf(each.rule, each.parts, all, find));
  const unreached = parts.flatMap(({ rule, parts }) => {
    const behind = [...new Set(parts.flatMap((part) => part.unreached))];
    return behind.filter((http) => !parts.some((part) => part.http.has(http))).map((http) => ({ rule, http }));
  });
  const routed = itemsOf(routes).filter(({ namespace, services, backends }) =>
    scope.workload === null
      ? scope.namespace === null || namespace === scope.namespace
      : [...services, ...backends].some(
          (each) => each.name === scope.workload?.name && each.namespace === scope.workload.namespace,
        ),
  );
  const ofHosts = own.flatMap((rule) =>
    rule.http.length > 0 && isForMesh(rule) ? rule.hosts.flatMap((host) => find(host, rule.namespace) ?? []) : [],
  );
  return {
    virtualServices: own,
    targets,
    hosted: new Set(
      own.filter(({ hosts, namespace }) => hosts.some((host) => find(host, namespace) !== null)).map(titleOf),
    ),
    services: [...new Set(ofHosts)],
    routes: routed,
    unreached,
    uncalled: own.flatMap((rule) => (gatewaysOf(rule).length === 0 ? (uncalledBy(rule, told) ?? []) : [])),
    rivals: rivalsIn(
      told.length > 0 ? told : [...new Set(own.map(({ namespace }) => namespace))].map(viewFrom),
      new Set(own),
    ),
    missing: [
      ...all.missing,
      // Pods that were not seen may call, too.
      ...(pods.refusal ? [pods.refusal] : []),
      ...(own.some((rule) => gatewaysOf(rule).length > 0) ? refusalIn(gateways) : []),
      ...refusalIn(routes),
    ],
  };
});
