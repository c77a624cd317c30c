import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, isWhole, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { bindings, podsOfWaypoint } from '../../../../evidence/ambient/bindings.ts';
import { ownBindings } from '../../../../evidence/ambient/own-bindings.ts';
import { detection } from '../../../../evidence/istio/detection.ts';
import { type ApiGateway, saying } from '../../../../evidence/istio/gateway-api.ts';
import { allPods } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { GATEWAY_NAME } from '../../../../istio/attachment.ts';
import { beforeLabels, lines, NOBODY_ASKS } from './words.ts';

type State = 'WaypointOfNobody' | 'WaypointNotProgrammed' | 'WaypointHasNoPod';

/** Of Gateways that only say where something is: istiod makes no pods for them (pkg/config/kube/gatewaycommon/classinfo.go). */
const REMOTE = 'istio-remote';

/** What istiod says of a Gateway; an untouched one says what the Gateway API's definition fills in. */
const conditionOf = ({ conditions }: ApiGateway, type: string) => conditions.find((each) => each.type === type);

function stateOf(gateway: ApiGateway, pods: readonly Pod[]): State | null {
  const accepted = conditionOf(gateway, 'Accepted');
  const programmed = conditionOf(gateway, 'Programmed');
  if ((accepted?.status ?? 'Unknown') === 'Unknown' && (programmed?.status ?? 'Unknown') === 'Unknown')
    return 'WaypointOfNobody';
  // An address is never taken away again: that it is programmed says nothing of its pods. Some are others' to make.
  if (gateway.className !== REMOTE && !gateway.isManual && !podsOfWaypoint(gateway, pods).some(({ ready }) => ready))
    return 'WaypointHasNoPod';
  return programmed?.status === 'True' ? null : 'WaypointNotProgrammed';
}

const WORDS: Readonly<Record<State, string>> = {
  WaypointOfNobody: 'no istiod has taken it',
  WaypointHasNoPod: 'no pod of it is ready',
  WaypointNotProgrammed: 'it is not programmed',
};

export const waypointsProgrammed = defineCheck({
  id: 'waypoints-programmed',
  title: 'each waypoint is taken by an istiod, and has a pod that is ready',
  explains:
    'A waypoint is a Gateway of the Gateway API. Until an istiod takes it (its class is one that istiod knows, and its revision, by the label istio.io/rev of itself or its namespace, is one that runs) its conditions stay Unknown, “Waiting for controller”. Once it had an address it keeps it, and Services stay bound to it, when its pods are gone: so its pods are looked at.',
  reasons: {
    WaypointOfNobody: 'No istiod has taken the Gateway: its class is not known, or its revision does not run.',
    WaypointNotProgrammed: 'istiod could not program the Gateway.',
    WaypointHasNoPod: 'The waypoint has no pod that is ready: what is bound to it reaches nobody, or goes around it.',
  },
  needs: { own: ownBindings, bindings: attempt(bindings), pods: allPods, detection },
  judge({ own, bindings, pods, detection: { all: planes } }, { plane, scope }): Verdict {
    const old = beforeLabels(plane);
    if (old) return old;
    if ('missing' in bindings) return unknown([bindings.missing], 'which waypoints there are');
    const { waypoints, missing } = bindings.got;
    const wished = own.flatMap(({ gateway }) => gateway ?? []);
    const isAskedFor = ({ namespace, name }: ApiGateway): boolean => {
      const { workload } = scope;
      if (workload === null) return isWhole(scope) || namespace === scope.namespace;
      return (
        ['deployment', 'service'].includes(workload.kind) && namespace === workload.namespace && name === workload.name
      );
    };
    const judged = [...new Set([...wished, ...waypoints.filter(isAskedFor)])];
    const [why, ...more] = missing;
    if (judged.length === 0)
      return why
        ? unknown([why, ...more], 'which waypoints there are')
        : skip(own.length === 0 ? NOBODY_ASKS : 'none of those that are asked for is there');
    const isWished = new Set(wished);
    const all = judged
      .map((gateway) => ({ gateway, state: stateOf(gateway, pods.items) }))
      .sort((a, b) => Number(isWished.has(b.gateway)) - Number(isWished.has(a.gateway)));
    const found = all.flatMap(({ gateway, state }) => (state === null ? [] : [{ gateway, state }]));
    const [first] = found;
    if (!first)
      return why
        ? unknown([why, ...more], 'which other waypoints there are')
        : { status: 'pass', message: `${count(judged.length, 'waypoint')}: ${some(judged.map(titleOf))}` };
    if (pods.refusal && first.state === 'WaypointHasNoPod')
      return unknown([pods.refusal], `whether ${titleOf(first.gateway)} has pods`);
    const { gateway, state } = first;
    const said = conditionOf(gateway, 'Programmed');
    const revisions = planes.flatMap(({ generation, revision }) =>
      generation === 'telemetry-v2' ? [revision ?? 'default'] : [],
    );
    const itsPods = podsOfWaypoint(gateway, pods.items);
    const line = (each: typeof first): string =>
      `Gateway ${titleOf(each.gateway)}, class ${each.gateway.className}: ${WORDS[each.state]}`;
    return {
      status: isWished.has(gateway) ? 'fail' : 'warn',
      reason: state,
      message: `${found.length} of ${count(judged.length, 'waypoint')}: ${line(first)}${said && state !== 'WaypointHasNoPod' ? ` (${saying(said)})` : ''}`,
      evidence: [...lines(found.map(line)), ...linesOf(subjectsOf(itsPods))],
      hint:
        state === 'WaypointOfNobody'
          ? `${shellLine('kubectl', '-n', gateway.namespace, 'get', 'gateways.gateway.networking.k8s.io', gateway.name, '-o', 'yaml')}   # gatewayClassName (istio-waypoint), and the label istio.io/rev: ${some(revisions) || 'an istiod’s'}`
          : shellLine(
              'kubectl',
              '-n',
              gateway.namespace,
              'describe',
              ...(state === 'WaypointHasNoPod'
                ? ['deployment', '-l', `${GATEWAY_NAME}=${gateway.name}`]
                : ['gateways.gateway.networking.k8s.io', gateway.name]),
            ),
    };
  },
});
