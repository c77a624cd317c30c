import type { Ask } from '../diagnosis/check.ts';
import { planeSource, settle } from '../diagnosis/source.ts';
import type { Unanswered } from '../errors.ts';
import { fullHost, isHostOf, isSubsetOf, isWildcard, servicesByHost } from '../istio/hosts.ts';
import { type Destination, type HttpRule, routesFor } from '../istio/http-rules.ts';
import { type View, viewOf } from '../istio/view.ts';
import { isForMesh, type MergedVirtualService } from '../istio/virtual-services.ts';
import { callers, calls } from './calls.ts';
import { type GatewayRoute, gatewayRoutes } from './gateway-api.ts';
import { type SelectedGateway, selectedGateways } from './gateways.ts';
import { allServices } from './kubernetes.ts';
import { type Named, titleOf } from './named.ts';
import type { DestinationRule } from './routing.ts';
import type { Service } from './service.ts';

/** Where a rule leads those who call through it, and what is there. */
export interface Target extends Destination {
  rule: MergedVirtualService;
  /** Whether this comes from a rule for HTTP. */
  http: boolean;
  service: Service | null;
  /** A ServiceEntry has this host, whoever sees it. */
  entered: boolean;
  /** The namespaces whose callers it is for. */
  callers: readonly string[];
  /** Of those, whose callers do not know the host. */
  hostless: readonly string[];
  /** Of those, whose callers know the host and not the subset. */
  subsetless: readonly string[];
  /** The labels of the subset, by the rules that callers apply. */
  labels: readonly Readonly<Record<string, string>>[];
  /** DestinationRules that define the subset, and that those callers do not apply. */
  elsewhere: readonly DestinationRule[];
}

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
  /** Why not everything could be seen. */
  missing: readonly Unanswered[];
}

const leadsTo = (rule: MergedVirtualService, service: Named): boolean =>
  [...rule.hosts, ...destinationsOf(rule).map(({ host }) => host)].some((host) =>
    isHostOf(host, rule.namespace, service),
  );

/** Every destination of a rule, for whomever. */
export const destinationsOf = ({ http, other }: MergedVirtualService): readonly Destination[] => [
  ...http.flatMap(({ destinations }) => destinations),
  ...other,
];

const isAbout = (rule: MergedVirtualService, { scope }: Ask): boolean =>
  (scope.workload === null || leadsTo(rule, scope.workload)) &&
  (scope.workload !== null || scope.namespace === null || rule.namespace === scope.namespace);

/** What a rule does for one caller: the rules for HTTP that are looked at, and those that are never reached. */
function partFor(
  rule: MergedVirtualService,
  view: View,
): { http: readonly HttpRule[]; unreached: readonly HttpRule[] } | null {
  const found = rule.hosts.flatMap((host) => {
    const known = isWildcard(host)
      ? [...view.services.values()].filter((service) => isHostOf(host, rule.namespace, service))
      : [view.services.get(host)];
    return known.flatMap((service) =>
      (service?.ports ?? [80]).flatMap((port) => {
        const decided = view.ruleFor(service?.host ?? host, port);
        return decided?.rule === rule ? [decided.routes] : [];
      }),
    );
  });
  if (found.length === 0) return null;
  const http = new Set(found.flatMap(({ routes }) => routes.map((route) => route.rule)));
  const behind = new Set(found.flatMap(({ unreached }) => unreached.map((route) => route.rule)));
  return { http: [...http], unreached: [...behind].filter((each) => !http.has(each)) };
}

/** Whether a caller's calls to one of a rule's hosts are decided by it, with rules for HTTP. */
export const isDecisive = (rule: MergedVirtualService, view: View): boolean =>
  view.rules.includes(rule) && (partFor(rule, view)?.http.length ?? 0) > 0;

/** Whether a caller could call what a rule is for: it knows one of its hosts, or lives where the rule does. */
const couldCall = (rule: MergedVirtualService, { caller, services }: View): boolean =>
  rule.namespace === caller.namespace || rule.hosts.some((host) => isWildcard(host) || services.has(host));

interface Part {
  view: View;
  http: readonly HttpRule[];
  unreached: readonly HttpRule[];
}

/** What a rule does for each caller that it decides for; where nobody has a sidecar, for one of its own namespace. */
function partsOf(rule: MergedVirtualService, callers: readonly View[], assumed: () => View): readonly Part[] {
  return (callers.length > 0 ? callers : [assumed()]).flatMap((view) => {
    if (!view.rules.includes(rule) || !couldCall(rule, view)) return [];
    const part = partFor(rule, view);
    if (part) return [{ view, ...part }];
    return rule.other.length > 0 ? [{ view, http: [], unreached: [] }] : [];
  });
}

/** A gateway that a rule is bound to, and the namespace of its proxies. */
interface Bound {
  namespace: string;
  gateway: string;
}

/** The gateways that a rule is bound to; where none of them has a proxy, one of the rule's own namespace. */
function boundTo(rule: MergedVirtualService, all: readonly SelectedGateway[]): readonly Bound[] {
  const named = rule.gateways.filter((each) => each !== 'mesh');
  const found = all
    .filter(({ gateway }) => named.includes(titleOf(gateway)))
    .flatMap(({ gateway, pods }) => {
      const namespaces = new Set(pods.map(({ namespace }) => namespace));
      return [...namespaces].map((namespace) => ({ namespace, gateway: titleOf(gateway) }));
    });
  const [first] = named;
  return found.length > 0 || first === undefined ? found : [{ namespace: rule.namespace, gateway: first }];
}

const key = ({ host, subset, port }: Destination, http: boolean): string => JSON.stringify([host, subset, port, http]);

/** Narrowed by -n, or to the rules about the service that is asked for. */
export const rules = planeSource([], async (ask): Promise<Rules> => {
  const { from, scope } = ask;
  const [all, told, services, routes, gateways] = await Promise.all([
    from(calls),
    from(callers),
    from(allServices),
    settle(from(gatewayRoutes)),
    settle(from(selectedGateways)),
  ]);
  const { routing } = all;
  const own = routing.virtualServices.filter((rule) => isAbout(rule, ask));
  const find = servicesByHost(services.items);
  const views = new Map<string, View>();
  // A gateway's proxy has no Sidecar: it knows every Service that its namespace sees.
  const viewFrom = (namespace: string): View => {
    const view = views.get(namespace) ?? viewOf({ ...routing, sidecars: [] }, { namespace, labels: {} });
    views.set(namespace, view);
    return view;
  };
  const allGateways = 'got' in gateways ? gateways.got.items : [];
  const parts = own.map((rule) => ({
    rule,
    parts: [
      ...(isForMesh(rule) ? partsOf(rule, told, () => viewFrom(rule.namespace)) : []),
      ...boundTo(rule, allGateways).map(({ namespace, gateway }): Part => {
        const view = viewFrom(namespace);
        const { routes, unreached } = routesFor(rule.http, view.caller, gateway, null);
        const http = [...new Set(routes.map((route) => route.rule))];
        return { view, http, unreached: unreached.map((route) => route.rule).filter((each) => !http.includes(each)) };
      }),
    ],
  }));
  const targets = parts.flatMap(({ rule, parts }) => {
    const found = new Map<string, { destination: Destination; http: boolean; views: View[] }>();
    const add = (destination: Destination, http: boolean, view: View): void => {
      const known = found.get(key(destination, http));
      if (!known) found.set(key(destination, http), { destination, http, views: [view] });
      else if (!known.views.includes(view)) known.views.push(view);
    };
    for (const { view, http } of parts) {
      for (const each of http) for (const destination of each.destinations) add(destination, true, view);
      for (const destination of rule.other) add(destination, false, view);
    }
    return [...found.values()].map(({ destination, http, views }): Target => {
      const { host, subset } = destination;
      const spaces = (some: readonly View[]): readonly string[] => [
        ...new Set(some.map(({ caller }) => caller.namespace)),
      ];
      const known = views.filter((view) => view.services.has(host));
      const defines = (view: View) => view.destinationRuleFor(host)?.subsets.find(({ name }) => name === subset);
      const without = subset === null ? [] : known.filter((view) => !defines(view));
      const applied = new Set(without.flatMap((view) => view.destinationRuleFor(host)?.from ?? []));
      return {
        ...destination,
        rule,
        http,
        service: find(host, rule.namespace),
        entered: (routing.registry.get(host) ?? []).some(({ kind }) => kind === 'ServiceEntry'),
        callers: spaces(views),
        hostless: spaces(views.filter((view) => !view.services.has(host))),
        subsetless: spaces(without),
        labels:
          subset === null
            ? []
            : known.flatMap((view) => {
                const labels = defines(view)?.labels;
                return labels ? [labels] : [];
              }),
        elsewhere:
          without.length === 0
            ? []
            : all.destinationRules.filter(
                (each) =>
                  !applied.has(each) &&
                  each.subsets.some(({ name }) => name === subset) &&
                  isSubsetOf(host, fullHost(each.host, each.namespace)),
              ),
      };
    });
  });
  const unreached = parts.flatMap(({ rule, parts }) => {
    const behind = [...new Set(parts.flatMap((part) => part.unreached))];
    return behind.filter((http) => !parts.some((part) => part.http.includes(http))).map((http) => ({ rule, http }));
  });
  const routed = ('got' in routes ? routes.got.items : []).filter(({ namespace, services, backends }) =>
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
    missing: [
      ...all.missing,
      ...('missing' in routes ? [routes.missing] : routes.got.refusal ? [routes.got.refusal] : []),
    ],
  };
});
