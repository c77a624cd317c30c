import type { KubernetesObject } from '../cluster/cluster.ts';
import { gateways as gatewaysKind, type Resource, referenceGrants, routesOf, typedName } from '../cluster/resources.ts';
import type { Ask } from '../diagnosis/check.ts';
import { clusterSource } from '../diagnosis/source.ts';
import { type Json, list, object, text } from './json.ts';
import { type Listing, listAll } from './kubernetes.ts';
import { type Named, titleOf } from './named.ts';

const named = ({ metadata }: KubernetesObject): Named => ({
  name: metadata.name,
  namespace: metadata.namespace ?? '',
});

/** Of several versions the first that is served. */
async function listFirst<T>(
  ask: Ask,
  resources: readonly Resource[],
  parse: (object: KubernetesObject) => T,
): Promise<Listing<T>> {
  for (const resource of resources) {
    const listing = await listAll(ask, resource, parse);
    if (listing.served) return listing;
  }
  return { items: [], complete: true, refusal: null, served: false };
}

const KINDS = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'] as const;

/** A route of the Gateway API. */
export interface GatewayRoute extends Named {
  kind: (typeof KINDS)[number];
  /** Its parents that are Services: the mesh's. */
  services: readonly Named[];
  /** Its parents that are Gateways. */
  gateways: readonly Named[];
  /** The Services that it leads to. */
  backends: readonly Named[];
  /** Whether a controller has said yes. */
  accepted: boolean;
  /** What its controllers object to: `NotAllowedByListeners: …`. */
  refused: readonly string[];
}

const at =
  (own: Named) =>
  (ref: Json): Named => ({ name: text(ref.name), namespace: text(ref.namespace) || own.namespace });

const routeOf =
  (kind: GatewayRoute['kind']) =>
  (from: KubernetesObject): GatewayRoute => {
    const own = named(from);
    const { parentRefs, rules } = object(from.spec);
    const conditions = list(object(from.status).parents).flatMap((parent) => list(parent.conditions));
    const parents = list(parentRefs);
    const isKind = (wanted: string) => (ref: Json) => (text(ref.kind) || 'Gateway') === wanted;
    return {
      ...own,
      kind,
      services: parents.filter(isKind('Service')).map(at(own)),
      gateways: parents.filter(isKind('Gateway')).map(at(own)),
      backends: list(rules)
        .flatMap(({ backendRefs }) => list(backendRefs))
        .filter((ref) => (text(ref.kind) || 'Service') === 'Service')
        .map(at(own)),
      accepted: conditions.some(({ type, status }) => type === 'Accepted' && status === 'True'),
      refused: conditions
        .filter(({ type, status }) => /^(Accepted|ResolvedRefs)$/.test(text(type)) && status === 'False')
        .map(({ reason, message }) => `${text(reason)}: ${text(message)}`),
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

/** Who may lead to the Services of a namespace from another. */
export interface ReferenceGrant extends Named {
  /** `KIND NAMESPACE`. */
  from: readonly string[];
  /** The names of Services; empty for all. Null where it is for none. */
  services: readonly string[] | null;
}

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

/** Whether a route may lead to a Service: one of its own namespace, or where a ReferenceGrant lets it. */
export const isGranted = (route: GatewayRoute, backend: Named, all: readonly ReferenceGrant[]): boolean =>
  backend.namespace === route.namespace ||
  all.some(
    ({ namespace, from, services }) =>
      namespace === backend.namespace &&
      from.includes(`${route.kind} ${route.namespace}`) &&
      services !== null &&
      (services.length === 0 || services.includes(backend.name)),
  );

/** `HTTPRoute bookinfo/reviews`. */
export const routeTitle = (route: GatewayRoute): string => `${route.kind} ${titleOf(route)}`;

/** A waypoint of an ambient mesh. */
export interface Waypoint extends Named {
  programmed: boolean;
  /** Of its condition Programmed. */
  message: string;
  /** `service` (also when nothing is said), `workload`, `all` or `none`. */
  serves: string;
}

export const waypoints = clusterSource(
  [{ verb: 'list', resource: typedName(gatewaysKind('v1')) }],
  async (ask): Promise<Listing<Waypoint>> => {
    const all = await listFirst(ask, [gatewaysKind('v1'), gatewaysKind('v1beta1')], (from) => {
      const programmed = list(object(from.status).conditions).find(({ type }) => type === 'Programmed');
      return {
        ...named(from),
        className: text(object(from.spec).gatewayClassName),
        programmed: programmed?.status === 'True',
        message: text(programmed?.message),
        serves: from.metadata.labels?.['istio.io/waypoint-for'] ?? 'service',
      };
    });
    return { ...all, items: all.items.filter(({ className }) => /waypoint/.test(className)) };
  },
);
