import type { KubernetesObject } from '../cluster/cluster.ts';
import {
  destinationPolicies,
  destinationRules as destinationRulesKind,
  egressRules,
  gateways as gatewaysKind,
  httpRoutes as httpRoutesKind,
  type Resource,
  routeRules,
  serviceEntries as serviceEntriesKind,
  sidecars as sidecarsKind,
  typedName,
  virtualServices as virtualServicesKind,
} from '../cluster/resources.ts';
import type { Ask, Source } from '../diagnosis/check.ts';
import { clusterSource } from '../diagnosis/source.ts';
import { durationIn } from './duration.ts';
import { type Listing, listAll } from './kubernetes.ts';
import type { Named } from './named.ts';

type Json = Record<string, unknown>;
const object = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : []);
const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const named = ({ metadata }: KubernetesObject): Named => ({
  name: metadata.name,
  namespace: metadata.namespace ?? '',
});

const kind = <T>(resource: Resource, parse: (object: KubernetesObject) => T): Source<Listing<T>> =>
  clusterSource([{ verb: 'list', resource: typedName(resource) }], (ask) => listAll(ask, resource, parse));

export interface Destination {
  host: string;
  subset: string | null;
  port: number | null;
}

export interface VirtualService extends Named {
  /** The control plane that it is for, by its label; null for all. */
  revision: string | null;
  hosts: readonly string[];
  /** Empty means `mesh`: the sidecars. */
  gateways: readonly string[];
  exportTo: readonly string[];
  /** Where its rules for HTTP lead; null when it has none. */
  http: readonly Destination[] | null;
  /** Where its other rules lead. */
  other: readonly Destination[];
  /** Whether all its rules for HTTP are for some callers or gateways only: others have no route of it. */
  forSome: boolean;
}

const destinationOf = (raw: Json): Destination => {
  const { host, subset, port } = object(raw.destination);
  const number = Number(object(port).number);
  return { host: text(host), subset: text(subset) || null, port: number > 0 ? number : null };
};

/** Of a route with weight 0 nothing is asked: a canary that waits. */
const destinationsIn = (rules: unknown): readonly Destination[] =>
  list(rules)
    .flatMap(({ route, mirror, mirrors }) => [
      ...list(route).filter(({ weight }) => weight !== 0 || list(route).length === 1),
      ...(mirror ? [{ destination: mirror }] : []),
      ...list(mirrors),
    ])
    .map(destinationOf)
    .filter(({ host }) => host !== '');

/** What of a match is about who calls, and not about the request. */
const ABOUT_CALLERS = ['sourceLabels', 'sourceNamespace', 'gateways'];

const isForSome = ({ match }: Json): boolean =>
  list(match).length > 0 && list(match).every((each) => ABOUT_CALLERS.some((name) => each[name] !== undefined));

export const virtualServices = kind(virtualServicesKind, (from): VirtualService => {
  const { hosts, gateways, exportTo, http, tcp, tls } = object(from.spec);
  return {
    ...named(from),
    revision: from.metadata.labels?.['istio.io/rev'] ?? null,
    hosts: texts(hosts),
    gateways: texts(gateways),
    exportTo: texts(exportTo),
    http: list(http).length > 0 ? destinationsIn(http) : null,
    other: [...destinationsIn(tcp), ...destinationsIn(tls)],
    forSome: list(http).length > 0 && list(http).every(isForSome),
  };
});

export interface DestinationRule extends Named {
  host: string;
  exportTo: readonly string[];
  subsets: readonly { name: string; labels: Readonly<Record<string, string>> }[];
  /** The shortest that any of its policies ends a TCP connection after, in milliseconds; null for Envoy's own hour. */
  ends: { what: 'idleTimeout' | 'maxConnectionDuration'; after: number } | null;
}

/** The settings of TCP of every policy in a DestinationRule. */
function endsIn(spec: Json): DestinationRule['ends'] {
  const policies = [spec, ...list(spec.subsets)].flatMap((each) => {
    const policy = object(each.trafficPolicy);
    return [policy, ...list(policy.portLevelSettings)];
  });
  const ends = policies.flatMap((policy) => {
    const tcp = object(object(policy.connectionPool).tcp);
    return (['idleTimeout', 'maxConnectionDuration'] as const).flatMap((what) => {
      const after = durationIn(tcp[what]);
      return after === null || after === 0 ? [] : [{ what, after }];
    });
  });
  return ends.sort((a, b) => a.after - b.after)[0] ?? null;
}

export const destinationRules = kind(destinationRulesKind, (from): DestinationRule => {
  const spec = object(from.spec);
  return {
    ...named(from),
    host: text(spec.host) || text(spec.name),
    exportTo: texts(spec.exportTo),
    subsets: list(spec.subsets).map((each) => ({
      name: text(each.name),
      labels: object(each.labels) as Record<string, string>,
    })),
    ends: endsIn(spec),
  };
});

export interface ServiceEntry extends Named {
  hosts: readonly string[];
}

export const serviceEntries = kind(
  serviceEntriesKind,
  (from): ServiceEntry => ({ ...named(from), hosts: texts(object(from.spec).hosts) }),
);

/** What limits the configuration that the proxies of a namespace get. */
export interface SidecarScope extends Named {
  /** The pods that it is for; null for all of its namespace, or in the root namespace of the mesh. */
  selector: Readonly<Record<string, string>> | null;
  /** `NAMESPACE/HOST`, of all its egress listeners; null when it leaves egress alone. */
  hosts: readonly string[] | null;
}

export const sidecarScopes = kind(sidecarsKind, (from): SidecarScope => {
  const { workloadSelector, egress } = object(from.spec);
  const labels = object(workloadSelector).labels;
  return {
    ...named(from),
    selector: labels ? (object(labels) as Record<string, string>) : null,
    hosts: list(egress).length > 0 ? list(egress).flatMap(({ hosts }) => texts(hosts)) : null,
  };
});

/** A route of the Gateway API that is for a Service: the mesh's. */
export interface HttpRoute extends Named {
  services: readonly Named[];
  /** Whether a controller has said yes. */
  accepted: boolean;
  /** What its controllers object to: `NotAllowedByListeners: …`. */
  refused: readonly string[];
}

/** v1, or where that is not served v1beta1: the Gateway API before 1.0. */
async function listGatewayApi<T>(
  ask: Ask,
  resource: (version: 'v1' | 'v1beta1') => Resource,
  parse: (object: KubernetesObject) => T,
): Promise<Listing<T>> {
  const newest = await listAll(ask, resource('v1'), parse);
  return newest.served ? newest : listAll(ask, resource('v1beta1'), parse);
}

const httpRouteOf = (from: KubernetesObject): HttpRoute => {
  const own = named(from);
  const conditions = list(object(from.status).parents).flatMap((parent) => list(parent.conditions));
  const parents = list(object(from.spec).parentRefs).filter((parent) => parent.kind === 'Service');
  return {
    ...own,
    services: parents.map((parent) => ({
      name: text(parent.name),
      namespace: text(parent.namespace) || own.namespace,
    })),
    accepted: conditions.some(({ type, status }) => type === 'Accepted' && status === 'True'),
    refused: conditions
      .filter(({ type, status }) => /^(Accepted|ResolvedRefs)$/.test(text(type)) && status === 'False')
      .map(({ reason, message }) => `${text(reason)}: ${text(message)}`),
  };
};

export const httpRoutes = clusterSource([{ verb: 'list', resource: typedName(httpRoutesKind('v1')) }], (ask) =>
  listGatewayApi(ask, httpRoutesKind, httpRouteOf),
);

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
    const all = await listGatewayApi(ask, gatewaysKind, (from) => {
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

/** A rule of the old kind. */
export interface OldRule extends Named {
  kind: 'RouteRule' | 'DestinationPolicy' | 'EgressRule';
}

const OLD_KINDS = [
  ['RouteRule', routeRules],
  ['DestinationPolicy', destinationPolicies],
  ['EgressRule', egressRules],
] as const;

export const oldRules = clusterSource(
  OLD_KINDS.map(([, resource]) => ({ verb: 'list', resource: typedName(resource) })),
  async (ask): Promise<readonly OldRule[]> => {
    const listings = await Promise.all(
      OLD_KINDS.map(([kind, resource]) => listAll(ask, resource, (from): OldRule => ({ kind, ...named(from) }))),
    );
    return listings.flatMap(({ items }) => items);
  },
);
