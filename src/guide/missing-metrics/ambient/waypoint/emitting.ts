import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, skip, some } from '../../../../diagnosis/verdict.ts';
import { isBound } from '../../../../evidence/ambient/bindings.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { ownBindings } from '../../../../evidence/ambient/own-bindings.ts';
import { emission } from '../../../../evidence/envoy/emission.ts';
import type { ApiGateway } from '../../../../evidence/istio/gateway-api.ts';
import { proxyContainerOf } from '../../../../evidence/istio/proxies.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { GATEWAY_NAME } from '../../../../istio/attachment.ts';
import { emittingVerdict, NOT_LOOKED_AT } from '../ztunnel-emits/emitting.ts';
import { byWaypoint, NO_WAYPOINT, named } from './words.ts';

export const waypointsEmit = defineCheck({
  id: 'waypoints-emit',
  title: 'each waypoint’s Envoy makes Istio’s metrics',
  explains:
    'A waypoint is an Envoy with Istio’s stats filter, which makes istio_build{component="proxy"} once it is loaded. Where a store has it, or counts of requests, it is made; of the others a few are asked for their own pages.',
  reasons: {
    NotLookedAt: NOT_LOOKED_AT,
    WaypointSilent: 'The page of a waypoint holds nothing of Istio’s: the stats filter is not loaded.',
  },
  needs: { enrolled, emission },
  judge({ enrolled: { waypoints }, emission }): Verdict {
    if (waypoints.length === 0) return skip(NO_WAYPOINT);
    return emittingVerdict(emission, 'waypoint', ['waypoint pod', 'waypoint pods'], 'WaypointSilent');
  },
});

/** Whether it is known that a controller that is none of Istio’s works on it: istiod takes any class for a waypoint. */
const isOfOthers = (gateway: ApiGateway | null): boolean =>
  gateway?.controller != null && !gateway.controller.startsWith('istio.io/');

export const waypointsCountForIstio = defineCheck({
  id: 'waypoints-count-for-istio',
  title: 'the waypoints are of a class that makes Istio’s metrics',
  explains:
    'A waypoint of the class istio-agentgateway-waypoint counts requests as agentgateway_requests_total, with labels of its own, and one of another controller’s class (kgateway’s and others’) as that one likes: there is no istio_requests_total, Telemetry does not apply, and Kiali and Istio’s dashboards show nothing of it.',
  reasons: { OtherMetrics: 'These waypoints count under other names than Istio’s.' },
  needs: { enrolled, own: ownBindings },
  judge({ enrolled: { waypoints }, own }): Verdict {
    const others = waypoints.filter((pod) => proxyContainerOf(pod) === undefined);
    const [first] = others;
    const foreign = own.filter((each) => isOfOthers(each.gateway) && isBound(each) === true);
    const [stranger] = foreign;
    if (!first && stranger) {
      const { wish, gateway } = stranger;
      return {
        status: 'warn',
        reason: 'OtherMetrics',
        message: `${named(foreign)} ${foreign.length === 1 ? 'is' : 'are'} bound to ${some([...byWaypoint(foreign).keys()])}, of class ${gateway?.className ?? '?'}, which is none of Istio’s: what it counts has names of its own, and not istio_requests_total`,
        hint: `${shellLine('kubectl', '-n', wish.namespace, 'get', 'pods', '-l', `${GATEWAY_NAME}=${wish.name}`)}   # what their pages have is their controller’s to say; a Gateway of class istio-waypoint counts as Istio does`,
      };
    }
    if (waypoints.length === 0) return skip(NO_WAYPOINT);
    if (!first)
      return { status: 'pass', message: `${count(waypoints.length, 'waypoint pod')} with an Envoy of Istio’s` };
    const subjects = subjectsOf(others);
    return {
      status: 'warn',
      reason: 'OtherMetrics',
      message: `${count(others.length, 'waypoint pod')} without an Envoy of Istio’s: ${some(subjects.map(titleOf))} count as agentgateway_requests_total, not as istio_requests_total`,
      evidence: linesOf(subjects),
      subjects,
      hint: `kubectl istio-diag metrics ${shellLine(`pod/${first.name}`, '-n', first.namespace)}   # ask for these names, or use a Gateway of class istio-waypoint`,
    };
  },
});
