import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { type Binding, isBound } from '../../../../evidence/ambient/bindings.ts';
import { type Enrolled, enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { ownBindings } from '../../../../evidence/ambient/own-bindings.ts';
import { countedByWaypoints, flows, openings } from '../../../../evidence/ambient/series.ts';
import { emission } from '../../../../evidence/envoy/emission.ts';
import { gatewayOf } from '../../../../evidence/istio/detection.ts';
import { proxyContainerOf } from '../../../../evidence/istio/proxies.ts';
import { allPods } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { isNameless, PodIndex } from '../../../../evidence/prometheus/pod-series.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import { protocolOf } from '../../../../istio/protocol.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { connections, isTraffic, perSecond } from '../../prometheus/rates.ts';
import { WAYPOINT } from '../steps.ts';
import { callersIn } from './callers.ts';
import { type Traffic, trafficOf } from './traffic.ts';
import { beforeLabels, callers, lines, NOBODY_ASKS, named, rates } from './words.ts';

/** So many bytes a second are more than a probe, within the window of ten minutes. */
const isFlow = (bytes: number): boolean => bytes * 600 >= 2_000;

/** So few connections within it are somebody's who tries; each may carry any number of requests. */
const areOpened = (rate: number): boolean => rate * 600 >= 3;

/** Connections of the window may all be older than a binding of so lately (ms). */
const SETTLING = 15 * 60_000;

/** The waypoints whose own series are stored, as `NAMESPACE/GATEWAY`. */
const storedOf = ({ waypoints }: Enrolled, proven: ReadonlySet<Pod>): ReadonlySet<string> =>
  new Set(waypoints.filter((pod) => proven.has(pod) && proxyContainerOf(pod) !== undefined).map(gatewayOf));

/** Whether ztunnels and waypoints say that there is nothing to it: others may carry something. */
const isQuiet = ({ through, past, dialled, outside }: Traffic): boolean =>
  through + rates(past) + rates(dialled) + rates(outside) === 0;

const QUIET = 'traffic that ztunnels led or waypoints counted';
const AS_ANOTHER =
  'of which the waypoint counts nothing, and counts what ztunnels led to none: as where a route leads to another Service';
const LITTLE = 'traffic too little, or over connections too old, to judge';

/** Services and ServiceEntries that are served. */
export const servedOf = (own: readonly Binding[]): readonly Binding[] =>
  own.filter((each) => isBound(each) === true && each.of.kind !== 'Pod');

const line = ({ binding, past, dialled, outside, through }: Traffic): string => {
  const all = new Map([...outside, ...dialled, ...past]);
  return `${titleOf(binding.of)}: ${connections(rates(all))} from ${callers(all) || 'nobody'} to its pods, ${Math.round(through)} bytes/s to ${titleOf(binding.wish)}`;
};

const DIALS =
  'callers must dial the Service: not its pods, as clients of a Service without an address do, or a CNI that balances inside of pods (Cilium: socketLB.hostNamespaceOnly=true)';

/** What is wrong, the worst first; null where nothing is. */
function wrongIn(
  all: readonly Traffic[],
  isStored: (traffic: Traffic) => boolean,
  isHttp: (traffic: Traffic) => boolean,
): Verdict | null {
  const isPassing = (each: Traffic): boolean => each.isCounted || isFlow(each.through);
  const finding = (found: readonly Traffic[]) => ({ evidence: lines(found.map(line)) });
  const names = (found: readonly Traffic[]): string => named(found.map(({ binding }) => binding));
  // A request that goes on for long is counted when it ends: new connections have brought some that did.
  const silent = all.filter(
    (each) => isStored(each) && !each.isCounted && !each.isRouting && isFlow(each.through) && areOpened(each.opened),
  );
  // Metrics of connections may be left out to save room; a mesh without requests is what nobody wants.
  const mute = silent.find(isHttp) ?? silent[0];
  if (mute) {
    const { wish } = mute.binding;
    return {
      status: isHttp(mute) ? 'fail' : 'warn',
      reason: 'WaypointCountsNothing',
      message: `${names(silent)}: ${Math.round(mute.through)} bytes/s to waypoint ${titleOf(wish)}, which counts no request and no connection`,
      ...finding(silent),
      hint: shellLine('istioctl', 'proxy-config', 'listeners', `deployment/${wish.name}`, '-n', wish.namespace),
      mayFollowFrom: [WAYPOINT],
    };
  }
  const past = all.filter((each) => !isPassing(each) && isHttp(each) && areOpened(rates(each.past)));
  // Who does not say since when it is bound may be bound since a minute ago.
  const lost = past.find(({ binding: { said } }) => said?.since != null) ?? past[0];
  if (lost) {
    const isDated = lost.binding.said?.since != null;
    return {
      status: isDated ? 'fail' : 'warn',
      reason: 'TrafficBypassesWaypoint',
      message: `${names(past)}: ${connections(rates(lost.past))} from ${callers(lost.past)} go to its pods, none to waypoint ${titleOf(lost.binding.wish)}${isDated ? '' : '; since when it is bound nobody says'}`,
      ...finding(past),
      hint: `${shellLine('istioctl', 'ztunnel-config', 'service', '--service-namespace', lost.binding.of.namespace)}   # the column WAYPOINT is what ztunnel knows`,
      mayFollowFrom: [WAYPOINT],
    };
  }
  const dialled = all.filter((each) => !isPassing(each) && isHttp(each) && areOpened(rates(each.dialled)));
  const [dial] = dialled;
  if (dial)
    return {
      status: 'fail',
      reason: 'CallersDialPods',
      message: `${names(dialled)}: ${connections(rates(dial.dialled))} from ${callers(dial.dialled)} have the addresses of its pods, none goes to waypoint ${titleOf(dial.binding.wish)}, which serves who dials the Service`,
      ...finding(dialled),
      hint: `${shellLine('kubectl', '-n', dial.binding.of.namespace, 'get', 'service', dial.binding.of.name, '-o', 'yaml')}   # ${DIALS}`,
      mayFollowFrom: [WAYPOINT],
    };
  const part = all.filter((each) => areOpened(rates(each.past) + rates(each.dialled)));
  const [partial] = part;
  if (partial) {
    const those = new Map([...partial.dialled, ...partial.past]);
    return {
      status: 'warn',
      reason: 'SomeBypassWaypoint',
      message: `${names(part)}: ${connections(rates(those))} from ${callers(those)} go to its pods, past waypoint ${titleOf(partial.binding.wish)}`,
      ...finding(part),
      hint: 'istioctl ztunnel-config service   # the column WAYPOINT; connections that are older than the label go on as they were',
    };
  }
  const strange = all.filter((each) => !isPassing(each) && isTraffic(rates(each.outside)));
  const [outsider] = strange;
  if (outsider)
    return {
      status: 'warn',
      reason: 'OutsidersBypassWaypoint',
      message: `${names(strange)}: ${connections(rates(outsider.outside))} from ${callers(outsider.outside)}, outside of the mesh, go to its pods, none to waypoint ${titleOf(outsider.binding.wish)}`,
      ...finding(strange),
      hint: 'kubectl istio-diag missing-metrics   # bring the callers into ambient: a ztunnel, or a gateway of Istio’s, leads what it carries through waypoints; nothing else does',
    };
  return null;
}

export const trafficPasses = defineCheck({
  id: 'traffic-passes',
  title: 'what is for a Service with a waypoint passes it, and is counted there',
  explains:
    'Held against each other for each Service that is bound: what ztunnels led to the waypoint (their own series of a call name the waypoint as the destination then, and the Service as the one that was asked for), what they led to the pods themselves, and what the waypoint counted (reporter="waypoint"). That everything is bound and programmed does not prove that anything passes: callers that dial pods’ addresses (a Service without one, a socket load balancer of the CNI) go around it, and so does whoever no ztunnel carries. Connections that are older than the binding stay where they are: only those that were opened within ten minutes count as going past, and none within a quarter of an hour of the binding. A waypoint counts for the Service that a request was sent on to: where a route leads from one to another, it counts the other.',
  reasons: {
    WaypointCountsNothing: 'ztunnels lead traffic to the waypoint, and it counts none of it.',
    TrafficBypassesWaypoint: 'What is for the Service goes to its pods, past its waypoint: no request is counted.',
    CallersDialPods:
      'Callers have the addresses of the Service’s pods, and not its own: ztunnel knows no Service then, and leads nothing to its waypoint.',
    SomeBypassWaypoint: 'A part of what is for the Service goes to its pods, past its waypoint.',
    OutsidersBypassWaypoint:
      'All callers of the Service are outside of the mesh: nobody leads them through its waypoint.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: {
    own: ownBindings,
    enrolled,
    emission,
    pods: allPods,
    requests: countedByWaypoints,
    flows: attempt(flows),
    openings: attempt(openings),
  },
  judge({ own, enrolled, emission, pods, requests, flows, openings }, { plane, now }): Verdict {
    const old = beforeLabels(plane);
    if (old) return old;
    if (own.length === 0) return skip(NOBODY_ASKS);
    const served = servedOf(own);
    if (served.length === 0)
      return skip(
        own.some((each) => isBound(each) === true)
          ? 'pods alone are bound to a waypoint: what callers send to their addresses is not held against it'
          : 'nothing that asks for a waypoint is bound to it',
      );
    const nothing = nothingIn(requests);
    if (nothing) return nothing;
    const missing = [flows, openings].flatMap((each) => ('missing' in each ? [each.missing] : []));
    if (isSome(missing)) return unknown(missing, 'what ztunnels lead to waypoints');
    const [led = null, opened = null] = [flows, openings].map((each) => ('got' in each ? each.got : null));
    const gap = notWhole(gapsIn([requests, led, opened]));
    if (gap) return gap;
    const judged = served.filter(({ said }) => !said?.since || now - said.since >= SETTLING);
    if (judged.length === 0) return skip(`${named(served)}: bound so lately that connections may be older`);
    const edges = { requests: seriesIn(requests), flows: seriesIn(led), openings: seriesIn(opened) };
    const index = PodIndex.of(pods.items);
    // A pod that is gone is nobody's; a series that tells no pod may be any waypoint's.
    const counterOf = ({ labels }: Series): string | null => {
      const pod = index.podOf(labels);
      return pod ? gatewayOf(pod) : isNameless(labels) ? null : '';
    };
    const all = trafficOf(judged, edges, callersIn(pods.items), { bindings: own, counterOf });
    const stored = storedOf(enrolled, emission.proven);
    const isStored = ({ binding }: Traffic): boolean => stored.has(titleOf(binding.wish));
    // Connections of others are counted by ztunnels as well as by a waypoint.
    const isHttp = ({ binding: { service } }: Traffic): boolean =>
      service === null || service.ports.some((port) => protocolOf(port, plane.version).http !== 'no');
    const wrong = wrongIn(all, isStored, isHttp);
    if (wrong) return wrong;
    if (!all.some(isStored)) return skip('no series of a waypoint that serves is stored: the steps below tell why');
    const stores = all.filter(isStored);
    const passing = stores.filter(({ isCounted }) => isCounted);
    const routed = stores.filter(({ isCounted, isRouting, through }) => !isCounted && isRouting && isFlow(through));
    const silent = stores.filter((each) => !each.isCounted && !routed.includes(each));
    const [quiet, little] = [silent.filter(isQuiet), silent.filter((each) => !isQuiet(each))];
    const rest = [
      ...(routed.length > 0 ? [`${routed.length} ${AS_ANOTHER}`] : []),
      ...(quiet.length > 0 ? [`${quiet.length} without ${QUIET}`] : []),
      ...(little.length > 0 ? [`${little.length} with ${LITTLE}`] : []),
      ...(all.length > stores.length
        ? [`${all.length - stores.length} behind waypoints whose series are not stored`]
        : []),
    ];
    if (passing.length === 0)
      return skip(
        quiet.length === all.length
          ? `no ${QUIET} in ten minutes, to ${named(judged)}`
          : `of ${named(judged)} ${rest.join('; ')}`,
      );
    return {
      status: 'pass',
      message: `${perSecond(passing.reduce((sum, each) => sum + each.requests, 0))} to ${named(passing.map(({ binding }) => binding))} counted by ${count(new Set(passing.map(({ binding }) => titleOf(binding.wish))).size, 'waypoint')}${rest.map((each) => `; ${each}`).join('')}`,
    };
  },
});
