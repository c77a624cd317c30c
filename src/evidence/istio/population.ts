import type { Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { isAsking, type Outcome, outcomeOf } from '../../istio/injection.ts';
import { allPods } from '../kubernetes/lists.ts';
import { type Container, isAmbient, isOn, isRunning, type Pod } from '../kubernetes/pod.ts';
import { narrowed, selectedPods } from '../kubernetes/workload.ts';
import { detection, isZtunnel } from './detection.ts';
import { hasProxy, type Injection, type InjectionWebhook, injection } from './injection.ts';
import { isOfPlane, proxyContainerOf } from './proxies.ts';

/** A sidecar reports both sides, a gateway what it sends only (modern.md 2b, rule 7). */
export type ProxyKind = 'sidecar' | 'gateway';

/** A pod whose proxy makes Istio's metrics. */
export interface Proxy {
  pod: Pod;
  kind: ProxyKind;
  container: Container;
}

/** A pod that should have a proxy and has none. */
export interface Outsider {
  pod: Pod;
  outcome: Outcome<InjectionWebhook>;
}

/** The pods of one control plane's mesh: what the funnel of its metrics begins with. Only pods that run. */
export interface Population {
  proxies: readonly Proxy[];
  /** Why they are not known: the webhooks, or the namespaces' labels, could not be read. */
  outsiders: Attempt<readonly Outsider[]>;
  /** Pods with a container of the proxy's name in which no Envoy runs: they make no such metrics, and lose none. */
  envoyless: readonly Pod[];
  /** Why not every pod could be listed; null when all were. */
  refusal: Unanswered | null;
}

const WAYPOINT = 'istio-waypoint';

/** Whose class is a waypoint's belongs to ambient. */
const isWaypoint = ({ labels }: Pod): boolean =>
  labels['gateway.networking.k8s.io/gateway-class-name'] === WAYPOINT ||
  labels['gateway.istio.io/managed'] === 'istio.io-mesh-controller';

/** Whether the proxy's container runs the agent alone, for gRPC without a proxy (reports.md 4). */
const isEnvoyless = (pod: Pod, { variables }: Container): boolean =>
  isOn(variables.DISABLE_ENVOY) ||
  /(^|,)\s*grpc-agent\s*(,|$)/.test(pod.annotations['inject.istio.io/templates'] ?? '');

const kindOf = ({ labels }: Pod, { args }: Container): ProxyKind =>
  args.includes('router') || labels['gateway.networking.k8s.io/gateway-name'] !== undefined ? 'gateway' : 'sidecar';

export const population = planeSource([], async (ask): Promise<Population> => {
  const { from, plane, scope } = ask;
  const [all, selected, own, { all: planes }, asked] = await Promise.all([
    from(allPods),
    from(selectedPods),
    from(narrowed),
    from(detection),
    settle(from(injection)),
  ]);
  const named = own && new Set(own.pods.map(({ namespace, name }) => `${namespace}/${name}`));
  const isLookedAt = (pod: Pod): boolean =>
    isRunning(pod) &&
    (scope.namespace === null || pod.namespace === scope.namespace) &&
    (named === null || named.has(`${pod.namespace}/${pod.name}`));
  const found = (selected ?? all).items.flatMap((pod) => {
    const container = proxyContainerOf(pod);
    const isOwn = container && isLookedAt(pod) && !isZtunnel(pod) && !isWaypoint(pod) && isOfPlane(pod, plane, planes);
    return isOwn ? [{ pod, container, kind: kindOf(pod, container) }] : [];
  });
  return {
    proxies: found.filter(({ pod, container }) => !isEnvoyless(pod, container)),
    envoyless: found.filter(({ pod, container }) => isEnvoyless(pod, container)).map(({ pod }) => pod),
    outsiders: 'missing' in asked ? asked : { got: outsidersOf(asked.got, isLookedAt, plane.version) },
    refusal: all.refusal,
  };
});

/** Pods that an injector would give a proxy now, and those whose wish nobody answers. */
function outsidersOf(
  { webhooks, namespaces, pods, answersForOthers }: Injection,
  isLookedAt: (pod: Pod) => boolean,
  version: string | null,
): readonly Outsider[] {
  return pods.flatMap((pod) => {
    if (!isLookedAt(pod) || hasProxy(pod) || isAmbient(pod)) return [];
    const labels = namespaces.get(pod.namespace) ?? {};
    const outcome = outcomeOf(pod, labels, webhooks, version);
    const isOwn = outcome.called.length > 0 ? outcome.called.some((each) => each.isOwn) : answersForOthers;
    const isMeant = outcome.called.length > 0 ? outcome.refusal === null : isAsking(labels) || isAsking(pod.labels);
    return isOwn && isMeant ? [{ pod, outcome }] : [];
  });
}
