import type { Binding } from '../../../../evidence/ambient/bindings.ts';
import { grouped } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import { endOf, isTunnelled, ratesBy, reportedBy, total } from '../../prometheus/rates.ts';
import type { Callers } from './callers.ts';

type Rates = ReadonlyMap<string, number>;

/** What comes to a Service that is bound to a waypoint, by who counted it and which way it went. */
export interface Traffic {
  binding: Binding;
  /** Requests a second that the waypoint counted, whatever became of them. */
  requests: number;
  /** Whether the waypoint counted anything: requests, or of TCP connections or bytes. */
  isCounted: boolean;
  /** Whether it counted requests of which no ztunnel led any to it: of a Service to which a route of this one may lead. */
  isRouting: boolean;
  /** Bytes a second that ztunnels led to a waypoint, over connections however old. */
  through: number;
  /** Connections a second that ztunnels opened to a waypoint. */
  opened: number;
  /** Connections a second that ztunnels opened to the Service's pods themselves, by the caller. */
  past: Rates;
  /** Those of callers in ambient that had the addresses of pods though the Service has its own, and knew no Service. */
  dialled: Rates;
  /** Those of callers that no proxy carries: nobody leads them through a waypoint. */
  outside: Rates;
}

/** What the store has of the mesh's traffic, by edges. */
export interface Edges {
  /** What waypoints counted of requests. */
  requests: readonly Series[];
  flows: readonly Series[];
  openings: readonly Series[];
}

/** What tells whose request a waypoint counted. */
export interface Counters {
  /** All that is known to ask for a waypoint: those that are not judged are counted too. */
  bindings: readonly Binding[];
  /** The waypoint that counted a series, as `NAMESPACE/GATEWAY`; null where a series may be anybody's. */
  counterOf: (each: Series) => string | null;
}

/**
 * The waypoints that count requests of callers in ambient for what ztunnels lead to none, null for one that no series tells. An Envoy counts for the
 * Service that a request was sent on to (istio/proxy, istio_stats.cc), ztunnel for the one that was called: with a route those are two.
 */
function routingIn(
  requests: readonly Series[],
  led: ReadonlySet<string>,
  { proxied }: Callers,
  { bindings, counterOf }: Counters,
): ReadonlySet<string | null> {
  const called = new Set([...led, ...bindings.filter(({ of }) => led.has(titleOf(of))).flatMap(byEnvoys)]);
  const elsewhere = reportedBy(requests, 'waypoint').filter(
    (each) => each.value > 0 && !called.has(endOf(each, 'destination_service')) && !proxied.has(callerOf(each)),
  );
  return new Set(elsewhere.map(counterOf));
}

const byService = (series: readonly Series[]): ReadonlyMap<string, readonly Series[]> =>
  grouped(series, (each) => endOf(each, 'destination_service'));

const callerOf = (each: Series): string => endOf(each, 'source_workload');
const calledOf = (each: Series): string => endOf(each, 'destination_workload');
const pairOf = (each: Series): string => `${callerOf(each)} ${calledOf(each)}`;

/** What Envoys call the Service: a ServiceEntry by its hosts (pilot/pkg/serviceregistry/serviceentry/conversion.go). */
const byEnvoys = ({ of, hosts }: Binding): readonly string[] =>
  hosts.length > 0 ? hosts.map((name) => titleOf({ namespace: of.namespace, name })) : [titleOf(of)];

/**
 * What of the traffic to each Service passed its waypoint: on ztunnel's own series of a call the destination is the waypoint then.
 * A caller that has a pod's address knows no Service; where it arrives, one is guessed by the port (ztunnel, src/proxy.rs).
 */
export function trafficOf(
  bindings: readonly Binding[],
  { requests, flows, openings }: Edges,
  callers: Callers,
  counters: Counters,
): readonly Traffic[] {
  const { waypoints, members, proxied, scrapers } = callers;
  const [counted, carried, opened] = [requests, flows, openings].map(byService);
  const unnamed = reportedBy(opened?.get('unknown/unknown') ?? [], 'source');
  const dialling = new Set([...ratesBy(unnamed, pairOf)].filter(([, rate]) => rate > 0).map(([pair]) => pair));
  const isAnyWaypoint = (each: Series): boolean => waypoints.has(calledOf(each));
  const toWaypoints = reportedBy([...flows, ...openings], 'source').filter(
    (each) => each.value > 0 && isAnyWaypoint(each),
  );
  const led = new Set(toWaypoints.map((each) => endOf(each, 'destination_service')));
  const routing = routingIn(requests, led, callers, counters);
  return bindings.map((binding): Traffic => {
    const service = titleOf(binding.of);
    const own = titleOf(binding.wish);
    const isWaypoint = (workload: string): boolean => workload === own || waypoints.has(workload);
    const of = (
      known: ReadonlyMap<string, readonly Series[]> | undefined,
      names: readonly string[] = [service],
    ): readonly Series[] =>
      names.flatMap((name) => known?.get(name) ?? []).filter((each) => !isWaypoint(callerOf(each)));
    const [bytes, connections] = [of(carried), of(opened)];
    const envoys = byEnvoys(binding);
    const asked = total(reportedBy(of(counted, envoys), 'waypoint'));
    const isLed = (each: Series): boolean => isWaypoint(calledOf(each));
    const [sent, received] = ['source', 'destination'].map((side) => reportedBy(connections, side));
    const by = (series: readonly Series[] = [], isOne: (each: Series) => boolean): Rates =>
      ratesBy(series.filter(isOne), callerOf);
    return {
      binding,
      requests: asked,
      isCounted: asked + total(reportedBy([...of(carried, envoys), ...of(opened, envoys)], 'waypoint')) > 0,
      isRouting: routing.has(own) || routing.has(null),
      through: total(reportedBy(bytes, 'source').filter(isLed)),
      opened: total((sent ?? []).filter(isLed)),
      past: by(sent, (each) => !isLed(each) && !proxied.has(callerOf(each))),
      // Pods of one workload may well know each other.
      dialled: by(
        binding.address === null ? [] : received,
        (each) => members.has(callerOf(each)) && callerOf(each) !== calledOf(each) && dialling.has(pairOf(each)),
      ),
      outside: by(received, (each) => {
        const caller = callerOf(each);
        // What comes from another cluster comes through the tunnel, and has passed a waypoint there.
        return !isTunnelled(each) && ![members, proxied, scrapers].some((known) => known.has(caller));
      }),
    };
  });
}

/** Requests a second that gateways and sidecars sent to the pods of a Service themselves, by the caller. */
export function requestsPast(
  bindings: readonly Binding[],
  edges: readonly Series[],
  { waypoints }: Callers,
): readonly { binding: Binding; past: Rates }[] {
  const sent = byService(reportedBy(edges, 'source'));
  return bindings.map((binding) => {
    const own = titleOf(binding.wish);
    const isPast = (each: Series): boolean =>
      [callerOf(each), calledOf(each)].every((workload) => workload !== own && !waypoints.has(workload));
    return {
      binding,
      past: ratesBy(
        byEnvoys(binding)
          .flatMap((name) => sent.get(name) ?? [])
          .filter(isPast),
        callerOf,
      ),
    };
  });
}
