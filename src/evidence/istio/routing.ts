import {
  destinationPolicies,
  destinationRules as destinationRulesKind,
  egressRules,
  routeRules,
  serviceEntries as serviceEntriesKind,
  sidecars as sidecarsKind,
  typedName,
  virtualServices as virtualServicesKind,
} from '../../cluster/question/resources.ts';
import { clusterSource } from '../../diagnosis/source.ts';
import type { DestinationRule as LookedUp } from '../../istio/destination-rules.ts';
import {
  type Destination,
  type HttpMatch,
  type HttpRule,
  isAsked,
  type Shares,
  type StringMatch,
} from '../../istio/http-rules.ts';
import type { ClientPolicy } from '../../istio/mtls.ts';
import { mayBeHttp } from '../../istio/protocol.ts';
import type { Sidecar } from '../../istio/sidecars.ts';
import type { StreamRule } from '../../istio/streams.ts';
import type { VirtualService } from '../../istio/virtual-services.ts';
import { listAll } from '../kubernetes/lists.ts';
import { dated, type Named, named } from '../kubernetes/named.ts';
import { type WaypointBound, waypointBoundIn } from '../kubernetes/service.ts';
import { durationIn } from '../text/duration.ts';
import { type Json, list, number, object, text, textMap, texts } from '../text/json.ts';
import { configuration } from './configuration.ts';

const isSaid = (value: unknown): boolean => value !== undefined && value !== null;

const labelsIn = (value: unknown): Readonly<Record<string, string>> | null => (isSaid(value) ? textMap(value) : null);

const destinationOf = (raw: Json): Destination => {
  const { host, subset, port } = object(raw.destination);
  // A port without a number, as one by a name, is port 0 to Istio.
  return { host: text(host), subset: text(subset) || null, port: port ? (number(object(port).number) ?? 0) : null };
};

const sharesIn = ({ route }: Json): Shares => list(route).map(({ weight }) => number(weight));

/** Where requests, and copies of them, go: to a canary that waits none do. */
function destinationsIn(raw: Json): readonly Destination[] {
  const { route, mirror, mirrors } = raw;
  const shares = sharesIn(raw);
  return [
    ...list(route).filter((_, index) => isAsked(shares, index)),
    ...(mirror ? [{ destination: mirror }] : []),
    ...list(mirrors),
  ]
    .map(destinationOf)
    .filter(({ host }) => host !== '');
}

/** One of the three, by what it names; what it names without a text is any. */
function stringMatchOf(value: unknown): StringMatch {
  const { exact, prefix, regex } = object(value);
  return {
    ...(isSaid(exact) && { exact: text(exact) }),
    ...(isSaid(prefix) && { prefix: text(prefix) }),
    ...(isSaid(regex) && { regex: text(regex) }),
  };
}

const stringMatches = (value: unknown): Readonly<Record<string, StringMatch>> =>
  Object.fromEntries(Object.entries(object(value)).map(([name, each]) => [name, stringMatchOf(each)]));

/** What a match names, each field in its own kind: a mesh without schemas of its CRDs may hold anything. */
function httpMatchOf(raw: Json): HttpMatch {
  const { uri, scheme, method, authority, headers, withoutHeaders, queryParams, sourceLabels } = raw;
  const port = number(raw.port);
  return {
    ...(isSaid(uri) && { uri: stringMatchOf(uri) }),
    ...(isSaid(scheme) && { scheme: stringMatchOf(scheme) }),
    ...(isSaid(method) && { method: stringMatchOf(method) }),
    ...(isSaid(authority) && { authority: stringMatchOf(authority) }),
    ...(isSaid(headers) && { headers: stringMatches(headers) }),
    ...(isSaid(withoutHeaders) && { withoutHeaders: stringMatches(withoutHeaders) }),
    ...(isSaid(queryParams) && { queryParams: stringMatches(queryParams) }),
    ...(raw.ignoreUriCase === true && { ignoreUriCase: true }),
    ...(port !== null && { port }),
    ...(isSaid(sourceLabels) && { sourceLabels: textMap(sourceLabels) }),
    ...(isSaid(raw.sourceNamespace) && { sourceNamespace: text(raw.sourceNamespace) }),
    ...(isSaid(raw.gateways) && { gateways: texts(raw.gateways) }),
  };
}

const httpRuleOf = (raw: Json): HttpRule => {
  const delegate = object(raw.delegate);
  return {
    name: text(raw.name),
    matches: list(raw.match).map(httpMatchOf),
    destinations: destinationsIn(raw),
    shares: sharesIn(raw),
    answers: Boolean(raw.redirect ?? raw.directResponse),
    delegate: raw.delegate ? { name: text(delegate.name), namespace: text(delegate.namespace) } : null,
  };
};

const streamRuleOf =
  (kind: StreamRule['kind']) =>
  (raw: Json): StreamRule => ({
    kind,
    matches: list(raw.match).map((match) => ({
      port: number(match.port) || null,
      gateways: texts(match.gateways),
      sourceLabels: labelsIn(match.sourceLabels) ?? {},
      sourceNamespace: text(match.sourceNamespace),
      sniHosts: texts(match.sniHosts),
      destinationSubnets: texts(match.destinationSubnets),
    })),
    destinations: destinationsIn(raw),
    shares: sharesIn(raw),
  });

export const virtualServices = configuration(virtualServicesKind, (from): VirtualService => {
  const { hosts, gateways, exportTo, http, tcp, tls } = object(from.spec);
  return {
    ...dated(from),
    hosts: texts(hosts),
    gateways: texts(gateways),
    exportTo: texts(exportTo),
    http: list(http).map(httpRuleOf),
    other: [...list(tcp).map(streamRuleOf('tcp')), ...list(tls).map(streamRuleOf('tls'))],
  };
});

export interface DestinationRule extends LookedUp {
  /** Whether it has a policy for all ports and subsets: of equal hosts the first that has one counts. */
  hasPolicy: boolean;
  /** What callers speak, and to which subsets something else; null where no part of it says anything of it. */
  tls: { all: ClientPolicy; subsets: ReadonlyMap<string, ClientPolicy> } | null;
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

/** A mode that is left out of its settings is the first of the API's (ClientTLSSettings). */
const modeIn = ({ tls }: Json): string | null => (tls ? text(object(tls).mode) || 'DISABLE' : null);

function clientPolicyIn(from: Json): ClientPolicy {
  const policy = object(from.trafficPolicy);
  // Of two settings of one port the first counts.
  const ports = list(policy.portLevelSettings).map(
    (each) => [number(object(each.port).number) ?? 0, modeIn(each)] as const,
  );
  return { mode: modeIn(policy), ports: new Map([...ports].reverse()) };
}

function tlsIn(spec: Json): DestinationRule['tls'] {
  const all = clientPolicyIn(spec);
  const subsets = new Map(list(spec.subsets).map((each) => [text(each.name), clientPolicyIn(each)]));
  // A port's settings without a mode take one away that another rule names.
  const saying = ({ mode, ports }: ClientPolicy): boolean => mode !== null || ports.size > 0;
  return [all, ...subsets.values()].some(saying) ? { all, subsets } : null;
}

export const destinationRules = configuration(destinationRulesKind, (from): DestinationRule => {
  const spec = object(from.spec);
  return {
    ...dated(from),
    host: text(spec.host) || text(spec.name),
    exportTo: texts(spec.exportTo),
    subsets: list(spec.subsets).map((each) => ({
      name: text(each.name),
      labels: textMap(each.labels),
    })),
    workloadSelector: spec.workloadSelector ? labelsIn(object(spec.workloadSelector).matchLabels ?? {}) : null,
    hasPolicy: spec.trafficPolicy !== undefined,
    tls: tlsIn(spec),
    ends: endsIn(spec),
  };
});

export interface ServiceEntry extends Named {
  hosts: readonly string[];
  exportTo: readonly string[];
  ports: readonly number[];
  /** Of those the ones that are HTTP, or may be. */
  http: readonly number[];
  createdAt: number;
  /** The labels of each endpoint, where they are found by DNS; null where they are found otherwise. */
  endpoints: readonly Readonly<Record<string, string>>[] | null;
  labels: Readonly<Record<string, string>>;
  /** What istiod says of its waypoint (1.24 and newer); null when it says nothing. */
  waypoint: WaypointBound | null;
  /** Whether it names an address, or istiod has given it one, which only those dial who ask ztunnel for names; null for neither. */
  address: 'own' | 'given' | null;
}

export const serviceEntries = configuration(serviceEntriesKind, (from): ServiceEntry => {
  const { hosts, exportTo, ports, resolution, endpoints, workloadSelector, addresses } = object(from.spec);
  const isByDns = text(resolution).startsWith('DNS') && !workloadSelector;
  // Without endpoints the host itself is one, without labels.
  const labels = list(endpoints).map((each) => labelsIn(each.labels) ?? {});
  const own = list(ports).flatMap((each) => {
    const port = number(each.number);
    const protocol = text(each.protocol);
    return port !== null && protocol.toUpperCase() !== 'UDP' ? [{ port, protocol }] : [];
  });
  return {
    ...dated(from),
    hosts: texts(hosts),
    exportTo: texts(exportTo),
    ports: own.map(({ port }) => port),
    http: own.flatMap(({ port, protocol }) => (mayBeHttp(protocol) ? [port] : [])),
    labels: from.metadata.labels ?? {},
    waypoint: waypointBoundIn(list(object(from.status).conditions)),
    address: texts(addresses).length > 0 ? 'own' : list(object(from.status).addresses).length > 0 ? 'given' : null,
    endpoints: isByDns ? (labels.length > 0 ? labels : [{}]) : null,
  };
});

/** Of egress the listener for every port; of ingress each for its own. */
function uncapturedIn({ egress, ingress }: Json): Pick<Sidecar, 'uncaptured'> {
  const none = (listeners: unknown): readonly Json[] => list(listeners).filter((each) => each.captureMode === 'NONE');
  const outbound = none(egress).some(({ port }) => !isSaid(port));
  const inbound = none(ingress).flatMap(({ port }) => number(object(port).number) ?? []);
  return outbound || inbound.length > 0 ? { uncaptured: { outbound, inbound } } : {};
}

export const sidecars = configuration(sidecarsKind, (from): Sidecar => {
  const spec = object(from.spec);
  const { workloadSelector, egress } = spec;
  return {
    ...dated(from),
    ...uncapturedIn(spec),
    selector: workloadSelector ? labelsIn(object(workloadSelector).labels ?? {}) : null,
    egress: Array.isArray(egress)
      ? list(egress).map(({ hosts, port }) => ({ port: number(object(port).number) || null, hosts: texts(hosts) }))
      : null,
  };
});

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
