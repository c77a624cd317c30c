import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { proxySource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { isNo, isYes } from '../../istio/asking.ts';
import { GATEWAY_NAME } from '../../istio/attachment.ts';
import { wantsAmbient } from '../../istio/enrolment.ts';
import { INJECT, INJECTION, isCalledIn } from '../../istio/injection.ts';
import { allPods } from '../kubernetes/lists.ts';
import { type Container, isAmbient, isOn, isRunning, type Pod } from '../kubernetes/pod.ts';
import { narrowed, selectedPods } from '../kubernetes/workload.ts';
import { type Callers, callers } from '../prometheus/callers.ts';
import { type Bare, bareIn } from './bare.ts';
import { detection, isWaypointPod, isZtunnel } from './detection.ts';
import { type Injection, injection, isInjectedOtherwise, mayBeInjected } from './injection.ts';
import { isMixers, ofPlane, proxyContainerOf } from './proxies.ts';

/**
 * A sidecar reports both sides, a gateway what it sends only, a waypoint what it passes on (modern.md 2b, rule 7); ztunnel both
 * sides of what the pods of its node do.
 */
export type ProxyKind = 'sidecar' | 'gateway' | 'waypoint' | 'ztunnel';

/** A pod whose proxy makes Istio's metrics. */
export interface Proxy {
  pod: Pod;
  kind: ProxyKind;
  container: Container;
}

const podsOfProxies = new WeakMap<readonly Proxy[], readonly Pod[]>();

/** Their pods: one list for one list of proxies, since what is known of pods is kept by their list. */
export function podsOf(proxies: readonly Proxy[]): readonly Pod[] {
  const pods = podsOfProxies.get(proxies) ?? proxies.map(({ pod }) => pod);
  podsOfProxies.set(proxies, pods);
  return pods;
}

/** The pods of one control plane's mesh: what the funnel of its metrics begins with. Only pods that run. */
export interface Population {
  proxies: readonly Proxy[];
  /** Pods that should have a proxy and have none. Unknown where webhooks, or namespaces' labels, could not be read. */
  outsiders: Attempt<readonly Bare[]>;
  /** Pods that were given something else than an Envoy: they make no such metrics, and lose none. */
  envoyless: readonly Pod[];
  /** Why not every pod could be listed; null when all were. */
  refusal: Unanswered | null;
}

/** Whether a container fetches certificates for another Envoy beside it, as kgateway's does (reports.md 4b): no injector gave it. */
const isCertificates = ({ annotations, containers }: Pod, { ports, args }: Container): boolean =>
  annotations['sidecar.istio.io/status'] === undefined &&
  ports.length === 0 &&
  !args.includes('router') &&
  containers.some(({ name, image }) => name === 'sds' || /envoy/i.test(image));

/** Whether the proxy's container runs the agent alone: for gRPC without a proxy (reports.md 4a), or for certificates. */
const isEnvoyless = (pod: Pod, container: Container): boolean =>
  isOn(container.variables.DISABLE_ENVOY) ||
  /(^|,)\s*grpc-agent\s*(,|$)/.test(pod.annotations['inject.istio.io/templates'] ?? '') ||
  isCertificates(pod, container);

/** By what it was started as; an application's sidecar may carry the label of another implementation's Gateway. */
const kindOf = ({ labels }: Pod, { args }: Container): ProxyKind =>
  args.includes('router') || (!args.includes('sidecar') && labels[GATEWAY_NAME] !== undefined) ? 'gateway' : 'sidecar';

export const population = proxySource([], async (ask): Promise<Population> => {
  const { from, plane } = ask;
  const [{ pods, refusal }, { all: planes }, asked] = await Promise.all([
    lookedAt(ask),
    from(detection),
    settle(from(injection)),
  ]);
  const isOwn = ofPlane(plane, planes);
  const looked = pods.filter((pod) => !isZtunnel(pod) && !isWaypointPod(pod) && !isMixers(pod, planes) && isOwn(pod));
  const proxies: Proxy[] = [];
  const envoyless: Pod[] = [];
  for (const pod of looked) {
    const container = proxyContainerOf(pod);
    if (container ? isEnvoyless(pod, container) : isInjectedOtherwise(pod)) envoyless.push(pod);
    // `auto` is an image that no injector filled in.
    else if (container && container.image !== 'auto') proxies.push({ pod, container, kind: kindOf(pod, container) });
  }
  return {
    proxies,
    envoyless,
    outsiders:
      'missing' in asked ? asked : { got: outsidersOf(asked.got, pods.filter(mayBeInjected(planes)), plane.version) },
    refusal,
  };
});

/** The running pods that were asked for, and why there may be more. */
export async function scopedPods({ from, scope }: Ask): Promise<Pick<Callers, 'pods' | 'refusal'>> {
  const [all, selected, own] = await Promise.all([from(allPods), from(selectedPods), from(narrowed)]);
  const named = own && new Set(own.pods);
  const pods = (selected ?? all).items.filter(
    (pod) =>
      isRunning(pod) &&
      (scope.namespace === null || pod.namespace === scope.namespace) &&
      (named === null || named.has(pod)),
  );
  return { pods, refusal: all.refusal };
}

/** Those, or those of the callers. */
const lookedAt = (ask: Ask): Promise<Pick<Callers, 'pods' | 'refusal'>> =>
  ask.whose === 'callers' ? ask.from(callers) : scopedPods(ask);

/** Whether the pod itself says, in whatever words, that it wants no proxy. */
const saysNo = ({ labels, annotations }: Pod): boolean =>
  [labels[INJECT], annotations[INJECT]].some((word = '') => isNo(word));

/**
 * Pods that an injector would give a proxy now, and those whose wish no webhook answers. Not those that are excepted: by a word
 * of their own, by hostNetwork, by the injector's settings, by what the webhooks of their namespace select, or for ambient.
 */
function outsidersOf(seen: Injection, looked: readonly Pod[], version: string | null): readonly Bare[] {
  const isMeant = ({ pod, namespace, called, refusal, asked }: Bare): boolean => {
    if (asked === null && (saysNo(pod) || wantsAmbient(namespace) || wantsAmbient(pod.labels))) return false;
    if (called.length > 0) return refusal === null;
    // A namespace of which plain pods are taken leaves this one out.
    if (asked === 'namespace') return !seen.webhooks.some((webhook) => isCalledIn(webhook, namespace));
    return asked !== null || isYes(namespace[INJECTION] ?? '');
  };
  return bareIn({ ...seen, pods: looked }, { version }).filter(
    (bare) => !isAmbient(bare.pod) && proxyContainerOf(bare.pod) === undefined && isMeant(bare),
  );
}
