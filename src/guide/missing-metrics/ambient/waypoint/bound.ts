import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { type Binding, bindings, isBound } from '../../../../evidence/ambient/bindings.ts';
import { ownBindings } from '../../../../evidence/ambient/own-bindings.ts';
import { AGENTS_MAP, agentSettings } from '../../../../evidence/ambient/settings.ts';
import { allPods, grouped, selects } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { hasLabels } from '../../../../istio/destination-rules.ts';
import { protocolOf } from '../../../../istio/protocol.ts';
import { type Unbound, USE_WAYPOINT } from '../../../../istio/waypoints.ts';
import { WAYPOINT } from '../steps.ts';
import { beforeLabels, byWaypoint, lines, NOBODY_ASKS, named, titled } from './words.ts';

type Reason = 'WaypointMissing' | 'WaypointNotReady' | 'WaypointDenies' | 'WaypointServesOthers' | 'NotBound';

const REASONS: Readonly<Record<Unbound, Reason>> = {
  missing: 'WaypointMissing',
  'not-ready': 'WaypointNotReady',
  'namespace-denied': 'WaypointDenies',
  'serves-others': 'WaypointServesOthers',
};

/** What istiod says has the last word, where nothing of ours tells why. */
const reasonOf = ({ unbound }: Binding): Reason =>
  'got' in unbound && unbound.got !== null ? REASONS[unbound.got] : 'NotBound';

function wordsOf(reason: Reason, { wish, gateway, said, of }: Binding): string {
  const waypoint = titleOf(wish);
  switch (reason) {
    case 'WaypointMissing':
      return `there is no Gateway ${waypoint}`;
    case 'WaypointNotReady':
      return `Gateway ${waypoint} has never had a pod`;
    case 'WaypointDenies':
      return `Gateway ${waypoint} takes nobody of namespace ${of.namespace}`;
    case 'WaypointServesOthers':
      return `Gateway ${waypoint} is for ${gateway?.serves ?? 'others'}, not for ${of.kind === 'Pod' ? 'workloads' : 'services'}`;
    default:
      return said ? `istiod says: ${said.message}` : `istiod has not bound it to ${waypoint}`;
  }
}

/** The label that asks, on what carries it. */
function unlabel({ wish, of }: Binding): string {
  return wish.by === 'namespace'
    ? shellLine('kubectl', 'label', 'namespace', of.namespace, `${USE_WAYPOINT}-`)
    : shellLine('kubectl', '-n', of.namespace, 'label', of.kind.toLowerCase(), of.name, `${USE_WAYPOINT}-`);
}

function hintFor(reason: Reason, binding: Binding, others: readonly string[]): string {
  const { wish, of } = binding;
  switch (reason) {
    case 'WaypointMissing': {
      const near = others.length > 0 ? `; there is ${some(others)}` : '';
      return `${shellLine('istioctl', 'waypoint', 'apply', '-n', wish.namespace, '--name', wish.name)}   # or take the label away: ${unlabel(binding)}${near}`;
    }
    case 'WaypointDenies':
      return `${shellLine('kubectl', '-n', wish.namespace, 'edit', 'gateways.gateway.networking.k8s.io', wish.name)}   # allowedRoutes.namespaces.from of its listener: All, or a Selector`;
    case 'WaypointServesOthers':
      return shellLine(
        'kubectl',
        '-n',
        wish.namespace,
        'label',
        '--overwrite',
        'gateways.gateway.networking.k8s.io',
        wish.name,
        `istio.io/waypoint-for=${of.kind === 'Pod' || binding.gateway?.serves === 'workload' ? 'all' : 'service'}`,
      );
    case 'WaypointNotReady':
      return shellLine('kubectl', '-n', wish.namespace, 'describe', 'gateways.gateway.networking.k8s.io', wish.name);
    default:
      return shellLine('kubectl', '-n', of.namespace, 'describe', of.kind.toLowerCase(), of.name);
  }
}

/**
 * Whether a waypoint is missed by requests to a Service without an address of its own: unless its pods have a waypoint themselves,
 * or it only governs a StatefulSet beside a Service that is called.
 */
function isMissed(
  { of, service, address, wish, gateway }: Binding,
  own: readonly Binding[],
  pods: readonly Pod[],
  version: string | null,
): boolean {
  if (service === null || address !== null) return false;
  if (service.ports.every((port) => protocolOf(port, version).http === 'no')) return false;
  const servesPods = gateway !== null && ['workload', 'all'].includes(gateway.serves);
  const selected = pods.filter((pod) => pod.namespace === of.namespace && selects(service.selector, pod.labels));
  const isAsking = (pod: Pod): boolean =>
    pod.labels[USE_WAYPOINT] === undefined ? wish.by === 'namespace' : pod.labels[USE_WAYPOINT] !== 'none';
  if (servesPods && selected.length > 0 && selected.every(isAsking)) return false;
  const isBeside = ({ address, service: other }: Binding): boolean =>
    address !== null &&
    other !== null &&
    hasLabels(other.selector, service.selector) &&
    hasLabels(service.selector, other.selector);
  return wish.by === 'own' || !own.some((each) => each.of.namespace === of.namespace && isBeside(each));
}

/** istioctl’s own code for a condition that says False (pkg/config/analysis/analyzers/conditions). */
const analyzed = (all: readonly Binding[]): readonly string[] =>
  all.some(({ said }) => said?.bound === false) ? ['istioctl analyze: IST0171 (NegativeConditionStatus)'] : [];

/** What istiod adds to what is bound all the same (1.31; pilot/pkg/model/service.go, and ambient/waypoints.go there). */
const CANARY = /Canary waypoint not attached: (.*)$/;

export const waypointsBound = defineCheck({
  id: 'waypoints-bound',
  title: 'what asks for a waypoint is bound to it',
  explains:
    'A Service, a ServiceEntry or a pod asks for a waypoint by its own label istio.io/use-waypoint, else by its namespace’s (with istio.io/use-waypoint-namespace where it lies elsewhere). It is bound where the Gateway is there, has had a pod once, takes its namespace (allowedRoutes) and is for its kind (istio.io/waypoint-for: service by default). Worked out as istiod does, and held against what istiod says itself on Services and ServiceEntries (istio.io/WaypointBound, 1.24 and newer). What is not bound goes around it: no request is counted.',
  reasons: {
    WaypointMissing: 'The waypoint that is asked for is not there.',
    WaypointNotReady: 'The waypoint that is asked for has never had a pod.',
    WaypointDenies: 'The waypoint does not take Services of this namespace.',
    WaypointServesOthers: 'The waypoint is for another kind of traffic (istio.io/waypoint-for).',
    NotBound: 'istiod says that it is not bound to the waypoint.',
    HeadlessBound:
      'A Service without an address of its own is called by its pods’ addresses: its waypoint is never passed.',
    CanaryNotBound: 'istiod says that the canary waypoint, to which a part was to go, is not attached.',
    NoAddress:
      'Callers know no address of the ServiceEntry: they dial those that its host has outside of the mesh, past its waypoint.',
  },
  needs: { own: ownBindings, bindings: attempt(bindings), pods: allPods, settings: attempt(agentSettings) },
  judge({ own, bindings, pods, settings }, { plane }): Verdict {
    const old = beforeLabels(plane);
    if (old) return old;
    if ('missing' in bindings) return unknown([bindings.missing], 'who asks for a waypoint');
    const [why, ...more] = bindings.got.missing;
    if (own.length === 0) return why ? unknown([why, ...more], 'who asks for a waypoint') : skip(NOBODY_ASKS);
    const lost = own.filter((each) => isBound(each) === false);
    const [worst, ...others] = [...grouped(lost, (each) => `${reasonOf(each)} ${titleOf(each.wish)}`).values()].sort(
      (a, b) => b.length - a.length,
    );
    const [first] = worst ?? [];
    if (worst && first) {
      const reason = reasonOf(first);
      return {
        status: 'fail',
        reason,
        message: `${worst.length} of ${own.length} that ask for a waypoint ${worst.length === 1 ? 'is' : 'are'} not bound, ${wordsOf(reason, first)}: ${named(worst)}`,
        evidence: [
          ...lines(
            worst.map((each) => `${titled(each)}${each.wish.by === 'namespace' ? ', by its namespace’s label' : ''}`),
          ),
          ...(first.said && !first.said.bound ? [`istiod says: ${first.said.message}`] : []),
          ...analyzed(lost),
          ...others.flatMap(([each, ...rest]) =>
            each ? [`and ${rest.length + 1} more: ${wordsOf(reasonOf(each), each)}`] : [],
          ),
        ],
        hint: hintFor(
          reason,
          first,
          bindings.got.waypoints.filter(({ namespace }) => namespace === first.wish.namespace).map(titleOf),
        ),
        ...(reason === 'WaypointNotReady' && { mayFollowFrom: [WAYPOINT] }),
      };
    }
    const open = own.filter((each) => isBound(each) === null);
    if (open.length > 0) {
      const [missing] = open.flatMap(({ unbound }) => ('missing' in unbound ? [unbound.missing] : []));
      if (missing) return unknown([missing], `whether ${count(open.length, 'Service')} are bound`);
    }
    const headless = own.filter((each) => isMissed(each, own, pods.items, plane.version));
    const [bare] = headless;
    if (bare)
      return {
        status: 'warn',
        reason: 'HeadlessBound',
        message: `${named(headless)} ${headless.length === 1 ? 'has' : 'have'} no address of ${headless.length === 1 ? 'its' : 'their'} own: callers dial the pods, past the waypoint`,
        hint: `${shellLine('kubectl', '-n', bare.of.namespace, 'get', 'service', bare.of.name, '-o', 'yaml')}   # a second Service with a clusterIP; or a waypoint for workloads (istio.io/waypoint-for: all) and the label on the pods`,
      };
    const isDns = !('got' in settings) || settings.got.isDns;
    const entries = own.filter(
      ({ of, address }) => of.kind === 'ServiceEntry' && (address === null || (address === 'given' && !isDns)),
    );
    const [entry] = entries;
    if (entry)
      return {
        status: 'warn',
        reason: 'NoAddress',
        message: `${named(entries)} ${entries.length === 1 ? 'is' : 'are'} bound, and ${entry.address === null ? 'without an address' : 'ztunnel tells nobody the address that istiod gave'}: callers dial what the host has outside of the mesh, past the waypoint`,
        hint:
          entry.address === null
            ? `${shellLine('kubectl', '-n', entry.of.namespace, 'edit', 'serviceentries.networking.istio.io', entry.of.name)}   # spec.addresses; istiod of 1.25 and newer gives one, unless PILOT_ENABLE_IP_AUTOALLOCATE is false or resolution is NONE`
            : `${shellLine('kubectl', '-n', ('got' in settings && settings.got.namespace) || 'istio-system', 'get', 'configmap', AGENTS_MAP, '-o', 'yaml')}   # AMBIENT_DNS_CAPTURE: the value ambient.dnsCapture of the chart istio-cni`,
      };
    const halves = own.filter(({ said }) => said?.bound && CANARY.test(said.message));
    const [half] = halves;
    if (half)
      return {
        status: 'warn',
        reason: 'CanaryNotBound',
        message: `${named(halves)} ${halves.length === 1 ? 'is' : 'are'} bound, and not to the canary waypoint beside it: ${CANARY.exec(half.said?.message ?? '')?.[1] ?? ''}`,
        hint: shellLine('kubectl', '-n', half.of.namespace, 'describe', half.of.kind.toLowerCase(), half.of.name),
      };
    if (why) return unknown([why, ...more], 'who else asks for a waypoint');
    return {
      status: 'pass',
      message: `${own.length} bound to ${count(byWaypoint(own).size, 'waypoint')}: ${named(own)}`,
    };
  },
});
