import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import {
  type ApiGateway,
  apiGateways,
  type Condition,
  type GatewayRoute,
  saying,
} from '../../evidence/istio/gateway-api.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';

type Reason = 'GatewayRefused' | 'ListenerRefused' | 'GatewayNotProgrammed' | 'GatewayWithoutAddress';

interface Fault {
  gateway: ApiGateway;
  reason: Reason;
  words: string;
}

/** What controllers object to; `Conflicted` is the one condition that is bad when it is true. */
const objections = (conditions: readonly Condition[], ...types: readonly string[]): readonly Condition[] =>
  conditions.filter(
    ({ type, status }) => (types.includes(type) && status === 'False') || (type === 'Conflicted' && status === 'True'),
  );

/** By their names of today, and of Istio 1.16 and older. */
const TAKEN_UP = ['Accepted', 'Scheduled'];
const READY = ['Programmed', 'Ready'];

const ORDER: readonly Reason[] = ['GatewayRefused', 'ListenerRefused', 'GatewayNotProgrammed', 'GatewayWithoutAddress'];

function faultsOf(gateway: ApiGateway): readonly Fault[] {
  const title = `Gateway ${titleOf(gateway)}`;
  const as = (reason: Reason, condition: Condition, at = ''): Fault => ({
    gateway,
    reason,
    words: `${title}${at}: ${saying(condition)}`,
  });
  const programmed = objections(gateway.conditions, ...READY).map((each) =>
    as(each.reason === 'AddressNotAssigned' ? 'GatewayWithoutAddress' : 'GatewayNotProgrammed', each),
  );
  return [
    ...objections(gateway.conditions, ...TAKEN_UP, 'ResolvedRefs').map((each) => as('GatewayRefused', each)),
    ...gateway.listeners.flatMap(({ name, conditions }) =>
      objections(conditions, ...TAKEN_UP, 'ResolvedRefs', ...READY).map((each) =>
        as('ListenerRefused', each, `, listener ${name}`),
      ),
    ),
    ...programmed,
  ];
}

/** Whether a controller has said yes or no to it: of what is `Unknown` it has said nothing yet. */
const isSeen = ({ conditions }: ApiGateway): boolean => {
  const own = conditions.filter(({ type }) => [...TAKEN_UP, ...READY].includes(type));
  return own.length > 0 && own.every(({ status }) => status !== 'Unknown');
};

/** Of Istio's own classes: `istio`, `istio-waypoint`, `istio-east-west`, `istio-remote`, `istio-agentgateway`. */
const isOfIstiosClass = ({ className }: ApiGateway): boolean => className.startsWith('istio');

/** Tells the Gateways of other controllers: taken up, of no class of Istio's, and Istio says nothing of a route for them. */
export function othersBeside(routes: readonly GatewayRoute[]): (gateway: ApiGateway) => boolean {
  const istios = new Set(
    routes.flatMap(({ parents }) =>
      parents.filter(({ kind, conditions }) => kind === 'Gateway' && conditions.length > 0).map(titleOf),
    ),
  );
  return (gateway) => !isOfIstiosClass(gateway) && isSeen(gateway) && !istios.has(titleOf(gateway));
}

export const apiGatewaysProgrammed = defineCheck({
  id: 'api-gateways-programmed',
  title: 'Gateways of the Gateway API are programmed',
  explains:
    'Looks at what its controller says of a Gateway of the Gateway API (gateway.networking.k8s.io) and of each of its listeners: Accepted, Programmed, ResolvedRefs (a certificate’s Secret, a ReferenceGrant) and Conflicted. `istioctl analyze` calls a negative one of the Gateway IST0171. Where nobody says anything, no controller has taken it up: its class is nobody’s, or istiod runs without the Gateway API. Those of other controllers than Istio’s are left out.',
  reasons: {
    GatewayRefused: 'The controller does not accept a Gateway, or cannot resolve what it names (IST0171).',
    ListenerRefused: 'A listener of a Gateway is not valid, in conflict with another, or names a Secret in vain.',
    GatewayNotProgrammed:
      'A Gateway is accepted, and no proxy has it: no Service, no pod, or an address in vain (IST0171).',
    GatewayWithoutAddress: 'A Gateway has no address from outside yet (IST0171): inside of the cluster it is reached.',
    GatewayUnseen: 'No controller says anything of a Gateway: its class is nobody’s, or its controller does not run.',
  },
  needs: { rules, gateways: attempt(apiGateways) },
  judge({ rules: { routes, missing }, gateways }, { scope }) {
    if ('missing' in gateways) return unknown([gateways.missing]);
    const named = new Set(
      routes.flatMap(({ parents }) =>
        parents.filter(({ kind, isOthers }) => kind === 'Gateway' && !isOthers).map(titleOf),
      ),
    );
    const isIn = ({ namespace }: ApiGateway): boolean =>
      scope.workload === null && (scope.namespace === null || namespace === scope.namespace);
    const isOthers = othersBeside(routes);
    const judged = gateways.got.items.filter(
      (each) => !isOthers(each) && (named.has(titleOf(each)) || (isIn(each) && isOfIstiosClass(each))),
    );
    const faults = judged.flatMap(faultsOf).sort((a, b) => ORDER.indexOf(a.reason) - ORDER.indexOf(b.reason));
    const [first] = faults;
    if (first)
      return {
        status: first.reason === 'GatewayWithoutAddress' ? 'warn' : 'fail',
        reason: first.reason,
        message: some([...new Set(faults.map(({ words }) => words))]),
        hint: shellLine(
          'kubectl',
          '-n',
          first.gateway.namespace,
          'describe',
          'gateways.gateway.networking.k8s.io',
          first.gateway.name,
        ),
      };
    // A waypoint is judged where it is used.
    const unseen = judged.filter((each) => !isSeen(each) && !each.isWaypoint);
    if (unseen.length > 0)
      return {
        status: 'unknown',
        reason: 'GatewayUnseen',
        message: some(
          unseen.map((each) => `no controller has taken up Gateway ${titleOf(each)} of class ${each.className}`),
        ),
        hint: 'kubectl get gatewayclasses',
        missing: [],
      };
    if (gateways.got.refusal) return unknown([gateways.got.refusal], 'not every Gateway was seen');
    const seen = judged.filter(isSeen);
    if (seen.length === 0)
      return isSome(missing) ? unknown(missing) : skip('no Gateway of the Gateway API is about these workloads');
    return { status: 'pass', message: count(seen.length, 'Gateway') };
  },
});
