import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import {
  gatewayClasses,
  gateways as gatewaysKind,
  referenceGrants,
  routesOf,
  typedName,
} from '../../cluster/question/resources.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import type { ReferenceGrant } from '../../istio/grants.ts';
import { type Barrier, barrierOf, type Listener } from '../../istio/parents.ts';
import { isSelected, type LabelSelector } from '../../istio/selector.ts';
import { itemsOf, type Listing, listFirst, missingOf } from '../kubernetes/lists.ts';
import { type Named, named, titleOf } from '../kubernetes/named.ts';
import { type Json, list, number, object, text, texts } from '../text/json.ts';

const KINDS = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'] as const;

/** What a controller says of an object. */
export interface Condition {
  type: string;
  /** `True`, `False`, `Unknown`. */
  status: string;
  reason: string;
  message: string;
}

const conditionsIn = (status: Json): readonly Condition[] =>
  list(status.conditions).map(({ type, status, reason, message }) => ({
    type: text(type),
    status: text(status),
    reason: text(reason),
    message: text(message),
  }));

/** `REASON: what the controller says`. */
export const saying = ({ reason, message }: Condition): string => `${reason}: ${message}`;

/** Whom a route is for, and what controllers say of that. */
export interface RouteParent extends Named {
  kind: string;
  /** The name of a listener; null for each. */
  section: string | null;
  port: number | null;
  /** What Istio says. */
  conditions: readonly Condition[];
  /** Whether others say something, and Istio nothing: it is for another controller. */
  isOthers: boolean;
}

/** Of a route's parent, what names it. */
type Reference = Omit<RouteParent, 'conditions' | 'isOthers'>;

/** A route of the Gateway API. */
export interface GatewayRoute extends Named {
  kind: (typeof KINDS)[number];
  /** None for every host. */
  hostnames: readonly string[];
  parents: readonly RouteParent[];
  /** Its parents that are Services: the mesh's. */
  services: readonly Named[];
  /** The Services that it leads to. */
  backends: readonly Named[];
  /** What Istio objects to: `NotAllowedByListeners: …`. */
  refused: readonly string[];
}

const at =
  (own: Named) =>
  (ref: Json): Named => ({ name: text(ref.name), namespace: text(ref.namespace) || own.namespace });

const parentOf =
  (own: Named) =>
  (ref: Json): Reference => ({
    ...at(own)(ref),
    kind: text(ref.kind) || 'Gateway',
    section: text(ref.sectionName) || null,
    port: number(ref.port) || null,
  });

const keyOf = ({ kind, namespace, name, section, port }: Reference): string =>
  JSON.stringify([kind, namespace, name, section, port]);

/** Whether what is said is said by Istio: its controllers are `istio.io/…`. */
const isIstios = ({ controllerName }: Json): boolean => /^(istio\.io\/|$)/.test(text(controllerName));

const routeOf =
  (kind: GatewayRoute['kind']) =>
  (from: KubernetesObject): GatewayRoute => {
    const own = named(from);
    const { parentRefs, rules, hostnames } = object(from.spec);
    const said = list(object(from.status).parents);
    const parents = list(parentRefs).map((ref): RouteParent => {
      const parent = parentOf(own)(ref);
      const same = said.filter((each) => keyOf(parentOf(own)(object(each.parentRef))) === keyOf(parent));
      const istios = same.filter(isIstios);
      return {
        ...parent,
        conditions: istios.flatMap(conditionsIn),
        isOthers: same.length > 0 && istios.length === 0,
      };
    });
    return {
      ...own,
      kind,
      hostnames: texts(hostnames),
      parents,
      services: parents.filter((parent) => parent.kind === 'Service'),
      backends: list(rules)
        .flatMap(({ backendRefs }) => list(backendRefs))
        .filter((ref) => (text(ref.kind) || 'Service') === 'Service')
        .map(at(own)),
      // What is said of a parent that it no longer names is over.
      refused: [
        ...new Set(
          parents
            .flatMap(({ conditions }) => conditions)
            .filter(({ type, status }) => /^(Accepted|ResolvedRefs|Programmed)$/.test(type) && status === 'False')
            .map(saying),
        ),
      ],
    };
  };

export const gatewayRoutes = clusterSource(
  KINDS.map((kind) => ({ verb: 'list', resource: typedName(routesOf(kind)[0]) })),
  async (ask): Promise<Listing<GatewayRoute>> => {
    const all = await Promise.all(KINDS.map((kind) => listFirst(ask, routesOf(kind), routeOf(kind))));
    return {
      items: all.flatMap(({ items }) => items),
      complete: all.every(({ complete }) => complete),
      refusal: all.map(({ refusal }) => refusal).find((refusal) => refusal !== null) ?? null,
      served: all.some(({ served }) => served),
    };
  },
);

export const grants = clusterSource([{ verb: 'list', resource: typedName(referenceGrants('v1beta1')) }], (ask) =>
  listFirst(ask, [referenceGrants('v1beta1'), referenceGrants('v1')], (from): ReferenceGrant => {
    const spec = object(from.spec);
    const services = list(spec.to).filter(({ kind }) => kind === 'Service');
    return {
      ...named(from),
      from: list(spec.from).map(({ kind, namespace }) => `${text(kind)} ${text(namespace)}`),
      services:
        services.length === 0 ? null : services.every(({ name }) => name) ? services.map(({ name }) => text(name)) : [],
    };
  }),
);

/** `HTTPRoute bookinfo/reviews`. */
export const routeTitle = (route: GatewayRoute): string => `${route.kind} ${titleOf(route)}`;

/** A Gateway of the Gateway API. */
export interface ApiGateway extends Named {
  className: string;
  /** Whether its class is one of waypoints. */
  isWaypoint: boolean;
  /** The controller of its class; null where the class is not known. */
  controller: string | null;
  conditions: readonly Condition[];
  listeners: readonly (Listener & { selector: LabelSelector | null; conditions: readonly Condition[] })[];
  /** For whom it is a waypoint: `service` (also when nothing is said), `workload`, `all` or `none`. */
  serves: string;
  /** Why that is not known: it says nothing itself, and its class could not be read; null where it is known. */
  unsaid: Unanswered | null;
  /** Whether it has been given an address: istiod gives one when it has a pod, ready or not, and never takes it away. */
  hasAddress: boolean;
  /** Whether somebody else deploys what it is: istiod makes no pods for it (gatewaycommon, IsManaged). */
  isManual: boolean;
}

function listenersIn({ spec, status }: KubernetesObject): ApiGateway['listeners'] {
  const said = new Map(list(object(status).listeners).map((each) => [text(each.name), conditionsIn(each)]));
  return list(object(spec).listeners).map(({ name, port, protocol, hostname, tls, allowedRoutes }) => {
    const { namespaces, kinds } = object(allowedRoutes);
    const { from, selector } = object(namespaces);
    return {
      name: text(name),
      port: number(port) ?? 0,
      protocol: text(protocol),
      hostname: text(hostname) || null,
      passesOn: text(object(tls).mode) === 'Passthrough',
      from: text(from) || 'Same',
      selector: selector ? object(selector) : null,
      kinds: list(kinds).map(({ kind }) => text(kind)),
      conditions: said.get(text(name)) ?? [],
    };
  });
}

/** For whom a waypoint is; of a class for those that say nothing (pilot/pkg/serviceregistry/ambient/waypoints.go). */
const WAYPOINT_FOR = 'istio.io/waypoint-for';

/** The controllers of waypoints (pilot/pkg/config/kube/gatewaycommon/classinfo.go): a class may have any name. */
const WAYPOINTS = /^istio\.io\/(mesh|agentgateway-waypoint)-controller$/;

/** Who may not list them knows classes by their names. */
export const allGatewayClasses = clusterSource([{ verb: 'list', resource: typedName(gatewayClasses('v1')) }], (ask) =>
  listFirst(ask, [gatewayClasses('v1'), gatewayClasses('v1beta1')], (from) => ({
    ...named(from),
    controller: text(object(from.spec).controllerName),
    serves: from.metadata.labels?.[WAYPOINT_FOR] ?? null,
  })),
);

/** One address may be the IP that its Service is to have; a host, or several, name a Service that is there. */
export function isManual(spec: Json): boolean {
  const [first, ...more] = list(spec.addresses);
  return first !== undefined && (more.length > 0 || (text(first.type) || 'IPAddress') !== 'IPAddress');
}

export const apiGateways = clusterSource(
  [{ verb: 'list', resource: typedName(gatewaysKind('v1')) }],
  async (ask): Promise<Listing<ApiGateway>> => {
    const [gateways, asked] = await Promise.all([
      listFirst(ask, [gatewaysKind('v1'), gatewaysKind('v1beta1')], (from) => from),
      settle(ask.from(allGatewayClasses)),
    ]);
    const known = new Map(itemsOf(asked).map((each) => [each.name, each]));
    const gatewayOf = (from: KubernetesObject): ApiGateway => {
      const className = text(object(from.spec).gatewayClassName);
      const own = known.get(className);
      const serves = from.metadata.labels?.[WAYPOINT_FOR] ?? own?.serves;
      return {
        ...named(from),
        className,
        controller: own?.controller ?? null,
        isWaypoint: own ? WAYPOINTS.test(own.controller) : /waypoint/.test(className),
        conditions: conditionsIn(object(from.status)),
        listeners: listenersIn(from),
        serves: serves ?? 'service',
        unsaid: (!serves && !own && missingOf(asked)[0]) || null,
        hasAddress: list(object(from.status).addresses).length > 0,
        isManual: isManual(object(from.spec)),
      };
    };
    return { ...gateways, items: gateways.items.map(gatewayOf) };
  },
);

/** Why a Gateway does not take a route of a namespace with these labels; null where it does. */
export const barrierTo = (
  gateway: ApiGateway,
  route: GatewayRoute,
  { section, port }: RouteParent,
  labels: Readonly<Record<string, string>>,
): Barrier | null =>
  barrierOf(gateway.listeners, { ...route, section, port }, ({ from, selector }) => {
    if (from === 'Same') return route.namespace === gateway.namespace;
    // Older releases of Kubernetes do not give this label themselves.
    const all = { ...labels, 'kubernetes.io/metadata.name': route.namespace };
    return from !== 'Selector' || isSelected(selector, all);
  });

/** A waypoint of an ambient mesh. */
export interface Waypoint extends Named {
  programmed: boolean;
  /** Of its condition Programmed. */
  message: string;
  serves: string;
}

export const waypoints = clusterSource(apiGateways.rights, async ({ from }): Promise<Listing<Waypoint>> => {
  const all = await from(apiGateways);
  return {
    ...all,
    items: all.items
      .filter((each) => each.isWaypoint)
      .map(({ name, namespace, conditions, serves }) => {
        const programmed = conditions.find(({ type }) => type === 'Programmed');
        return {
          name,
          namespace,
          serves,
          programmed: programmed?.status === 'True',
          message: programmed?.message ?? '',
        };
      }),
  };
});
