import type { ControlPlane } from '../../diagnosis/check.ts';
import { planeSource } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { isAtLeast } from '../../istio/release.ts';
import { allPods } from '../kubernetes/lists.ts';
import { type Container, isRunning, type Pod } from '../kubernetes/pod.ts';
import { selectedPods } from '../kubernetes/workload.ts';
import { controlPlanesOf, detection, releaseOf } from './detection.ts';
import { belongsTo } from './pilot.ts';

/** Before this age a proxy may not have its first configuration yet (ms; guide.md b, 3). */
const SETTLED = 60_000;

/** Whether a proxy may not have its first configuration yet. */
export const isYoung = ({ startedAt }: Pod, now: number): boolean => startedAt !== null && now - startedAt < SETTLED;

/** Names of the container that runs Envoy or ztunnel, in every release (guide.md 0.3). */
export const PROXY_CONTAINERS = ['istio-proxy', 'ingressgateway', 'egressgateway', 'ingress'];

/** Envoy's user in a sidecar: what it sends is not redirected to it again. */
export const PROXY_USER = 1337;

/** The container of a proxy: a sidecar's, a gateway's of 0.8, a waypoint's, ztunnel's. */
export const proxyContainerOf = ({ containers }: Pod): Container | undefined =>
  containers.find(({ name, image }) => PROXY_CONTAINERS.includes(name) && !/pilot/.test(image));

/** Whether its Envoy runs by itself at the mesh's border, beside no application. */
export const runsRouter = (pod: Pod): boolean => proxyContainerOf(pod)?.args.includes('router') === true;

/** Envoy's admin port, which the injector may have moved. */
export const adminPortOf = ({ args }: Container): number => {
  const at = args.indexOf('--proxyAdminPort');
  return Number(at < 0 ? 15000 : args[at + 1]) || 15000;
};

/** Envoy of 0.8's image `proxy` polls Pilot's old REST pages: no page of Pilot lists it (guide.md b, B3). */
export const isPolling = ({ image }: Container): boolean => /\/proxy(_debug)?:0\.[5-8]/.test(image);

/** Control-plane pods have a proxy for their own port, which is no workload's. */
const isControlPlanes = ({ labels }: Pod): boolean =>
  /^(pilot|mixer|citadel|galley|sidecar-injector)$/.test(labels.istio ?? '') || labels.app === 'istiod';

const isMixer = ({ generation }: ControlPlane): boolean => generation === 'mixer';

/** Proxies of 1.4 and older know no metrics but Mixer's: where there is a Mixer, they are its. */
export function isMixers(pod: Pod, planes: readonly ControlPlane[]): boolean {
  if (!planes.some(isMixer)) return false;
  const release = releaseOf(proxyContainerOf(pod)?.image ?? '');
  return release !== null && !isAtLeast(release, '1.5');
}

/** Whether a proxy is a workload's that is this control plane's to serve. */
export function ofPlane(plane: ControlPlane, planes: readonly ControlPlane[]): (pod: Pod) => boolean {
  const own = controlPlanesOf(planes);
  // Two meshes in one cluster, of which one is old: neither has a revision that tells.
  const areMixed = own.some(isMixer) && !own.every(isMixer);
  const isAlike = (each: ControlPlane): boolean => isMixer(each) === isMixer(plane);
  const belongs = belongsTo(plane, areMixed ? own.filter(isAlike) : own);
  return (pod) => !isControlPlanes(pod) && (!areMixed || isMixers(pod, own) === isMixer(plane)) && belongs(pod);
}

/** The proxies that should have their configuration from this control plane. */
export interface Expected {
  pods: readonly Pod[];
  /** Running, and too young to be judged. */
  young: number;
  /** Why not every pod could be listed; null when all were. */
  refusal: Unanswered | null;
}

export const expectedProxies = planeSource([], async (ask): Promise<Expected> => {
  const { from, scope, plane, now } = ask;
  const [all, selected, { all: planes }] = await Promise.all([from(allPods), from(selectedPods), from(detection)]);
  const isOwn = ofPlane(plane, planes);
  const proxies = (selected ?? all).items.filter((pod) => {
    const container = proxyContainerOf(pod);
    return container !== undefined && isRunning(pod) && !isPolling(container) && isOwn(pod);
  });
  const judged = proxies.filter(({ namespace }) => scope.namespace === null || namespace === scope.namespace);
  const young = judged.filter((pod) => isYoung(pod, now));
  return { pods: judged.filter((pod) => !isYoung(pod, now)), young: young.length, refusal: all.refusal };
});
