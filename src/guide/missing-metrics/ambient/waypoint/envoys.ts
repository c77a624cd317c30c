import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { skip } from '../../../../diagnosis/verdict.ts';
import { ownBindings } from '../../../../evidence/ambient/own-bindings.ts';
import { allPods } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { edges } from '../../../../evidence/prometheus/mesh-series.ts';
import { isAtLeast } from '../../../../istio/release.ts';
import { INGRESS_USES_WAYPOINT } from '../../../../istio/waypoints.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { isTraffic, perSecond } from '../../prometheus/rates.ts';
import { callersIn } from './callers.ts';
import { servedOf } from './passed.ts';
import { requestsPast } from './traffic.ts';
import { beforeLabels, callers, lines, NOBODY_ASKS, rates } from './words.ts';

export const envoysPassWaypoints = defineCheck({
  id: 'envoys-pass-waypoints',
  title: 'gateways and sidecars send through the waypoint what is for it',
  explains: `An ingress gateway sends to a Service’s pods, past its waypoint, unless the Service or its namespace is labelled ${INGRESS_USES_WAYPOINT}=true (the namespace’s label counts since 1.25). Sidecars never use waypoints. Such requests are counted by the caller (reporter="source"), and by no waypoint.`,
  reasons: {
    IngressBypassesWaypoint: 'An ingress gateway sends to the pods, past the waypoint of their Service.',
    SidecarsBypassWaypoint:
      'Callers with sidecars send to the pods, past the waypoint of their Service: sidecars use none.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { own: ownBindings, requests: edges, pods: allPods },
  judge({ own, requests, pods }, { plane }): Verdict {
    const old = beforeLabels(plane);
    if (old) return old;
    if (own.length === 0) return skip(NOBODY_ASKS);
    const nothing = nothingIn(requests);
    if (nothing) return nothing;
    const served = servedOf(own);
    if (served.length === 0) return skip('nothing that asks for a waypoint is bound to it');
    const known = callersIn(pods.items);
    const { gateways, members } = known;
    const all = requestsPast(served, seriesIn(requests), known);
    const by = (isOne: (caller: string) => boolean) =>
      all.flatMap((each) => {
        const from = [...each.past].filter(([caller, rate]) => isOne(caller) && isTraffic(rate));
        return from.length > 0 ? [{ ...each, from: new Map(from) }] : [];
      });
    const ingress = by((caller) => gateways.has(caller));
    const isTold = plane.version === null || isAtLeast(plane.version, '1.24');
    const [first] = ingress;
    if (first) {
      const { of, ingress: isLabelled } = first.binding;
      return {
        status: 'warn',
        reason: 'IngressBypassesWaypoint',
        message: `${perSecond(rates(first.from))} from ${callers(first.from)} go to the pods of ${titleOf(of)}, past its waypoint${isLabelled === true ? `, though ${INGRESS_USES_WAYPOINT} says true` : ''}`,
        evidence: lines(
          ingress.map(
            (each) => `${titleOf(each.binding.of)}: ${perSecond(rates(each.from))} from ${callers(each.from)}`,
          ),
        ),
        hint: !isTold
          ? 'istioctl version   # gateways go through waypoints since 1.24; until then their own reporter="source" counts these requests'
          : isLabelled === true
            ? `${shellLine('kubectl', '-n', of.namespace, 'get', 'service', of.name, '-o', 'yaml')}   # it needs an address of its own; where a second cluster has the Service too, an istiod newer than 1.29.6 or 1.30.3`
            : shellLine(
                'kubectl',
                '-n',
                of.namespace,
                'label',
                '--overwrite',
                of.kind.toLowerCase(),
                of.name,
                `${INGRESS_USES_WAYPOINT}=true`,
              ),
      };
    }
    const sidecars = by(
      // Of a caller in ambient ztunnel tells.
      (caller) => !gateways.has(caller) && !members.has(caller) && !caller.endsWith('/unknown'),
    );
    const [second] = sidecars;
    if (second)
      return {
        status: 'warn',
        reason: 'SidecarsBypassWaypoint',
        message: `${perSecond(rates(second.from))} from ${callers(second.from)}, which have sidecars, go to the pods of ${titleOf(second.binding.of)}, past its waypoint`,
        evidence: lines(
          sidecars.map(
            (each) => `${titleOf(each.binding.of)}: ${perSecond(rates(each.from))} from ${callers(each.from)}`,
          ),
        ),
        hint: 'kubectl istio-diag missing-metrics   # bring the callers into ambient too; until then their own reporter="source" counts these requests',
      };
    return (
      notWhole(gapsIn([requests])) ?? {
        status: 'pass',
        message: 'no gateway and no sidecar goes past a waypoint',
      }
    );
  },
});
