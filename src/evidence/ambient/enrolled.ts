import { type Attempt, isWhole } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import {
  DEFAULT_ENROLMENT,
  type Enrolment,
  type Exception,
  enrolmentOf,
  REDIRECTION,
  wantsAmbient,
} from '../../istio/enrolment.ts';
import { isKubernetes } from '../../istio/injection.ts';
import { gatewayOf, isPilotPod, isWaypointPod, isZtunnel } from '../istio/detection.ts';
import { scopedPods } from '../istio/population.ts';
import { isYoung, runsRouter } from '../istio/proxies.ts';
import { allNamespaces, allPods, byNamespace, selects } from '../kubernetes/lists.ts';
import { titleOf } from '../kubernetes/named.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import { type Binding, bindings } from './bindings.ts';
import { type AmbientNode, isNodeAgent, nodesIn } from './nodes.ts';
import { type AgentSettings, agentSettings } from './settings.ts';

/** A pod whose connections a ztunnel carries, or should. */
export interface Member {
  pod: Pod;
  /** Whether it is redirected, by the agent's own word: `pending` where ztunnel does not know it yet. */
  redirection: 'enabled' | 'pending' | null;
  /** What of ambient runs on its node; nothing where it has no node yet. */
  node: AmbientNode;
  /** Whether it started so lately that it may not be redirected yet. */
  isYoung: boolean;
}

/** A pod that something keeps out, though its namespace or itself asks. */
export interface Kept {
  pod: Pod;
  by: Exception;
}

/** The pods of ambient: what the funnel of its metrics begins with. Only pods that run. */
export interface Enrolled {
  members: readonly Member[];
  kept: readonly Kept[];
  /** Those of these pods, or of these pods' Services, that are waypoints. */
  waypoints: readonly Pod[];
  /** Pods of ztunnel that carry members, or that were named. */
  ztunnels: readonly Pod[];
  /** What runs on each node, of the whole cluster. */
  nodes: ReadonlyMap<string, AmbientNode>;
  /** The labels of each namespace. */
  namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Why it is not known who asks for ambient: namespaces, or the agents' settings, could not be read. */
  unasked: readonly Unanswered[];
  /** Why not every pod could be listed; null when all were. */
  refusal: Unanswered | null;
}

const NOTHING: AmbientNode = { ztunnel: null, agent: null };

/** Whether the injector gave it a sidecar: agents leave such pods alone (cni/pkg/util/podutil.go, podHasSidecar). */
export const isSidecar = ({ annotations }: Pod): boolean => 'sidecar.istio.io/status' in annotations;

const redirectionOf = ({ annotations }: Pod): Member['redirection'] => {
  const said = annotations[REDIRECTION];
  return said === 'enabled' || said === 'pending' ? said : null;
};

export const runsMesh = (pod: Pod): boolean =>
  isZtunnel(pod) || isNodeAgent(pod) || isPilotPod(pod) || isWaypointPod(pod);

/** What runs the mesh, or Kubernetes, is no workload of it, whatever its namespace asks. */
const isOfMesh = (pod: Pod): boolean => runsMesh(pod) || isKubernetes(pod.namespace);

/** Of who asks itself it is known what becomes of it where it is not known what the agents go by; of others it is not. */
function askedFor(pod: Pod, namespace: Pod['labels'], settings: Attempt<AgentSettings>): Enrolment {
  if ('got' in settings && settings.got.isAmbient) return enrolmentOf(pod, namespace, settings.got);
  if (!wantsAmbient(pod.labels)) return 'not-asked';
  // Where the agents enrol nobody no sidecar gives way.
  if ('got' in settings && isSidecar(pod)) return 'not-asked';
  return enrolmentOf(pod, {}, { ...DEFAULT_ENROLMENT, excluded: [] });
}

/** Whether something that asks for a waypoint is among these pods, or leads to one of them. */
export function isAbout(pods: readonly Pod[]): (binding: Binding) => boolean {
  const names = new Set(pods.map(titleOf));
  const podsIn = byNamespace(pods);
  return ({ of, service }) =>
    of.kind === 'Pod'
      ? names.has(titleOf(of))
      : service !== null && podsIn(of.namespace).some(({ labels }) => selects(service.selector, labels));
}

export const enrolled = planeSource([], async (ask): Promise<Enrolled> => {
  const { from, now, scope } = ask;
  const [{ pods, refusal }, { items: everyPod }, listed, settings, asked] = await Promise.all([
    scopedPods(ask),
    from(allPods),
    settle(from(allNamespaces)),
    settle(from(agentSettings)),
    settle(from(bindings)),
  ]);
  const nodes = nodesIn(everyPod);
  const namespaces = new Map('got' in listed ? listed.got.items.map(({ name, labels }) => [name, labels]) : []);
  const members: Member[] = [];
  const kept: Kept[] = [];
  for (const pod of pods) {
    if (isOfMesh(pod)) continue;
    const redirection = redirectionOf(pod);
    const labels = namespaces.get(pod.namespace) ?? {};
    const enrolment = askedFor(pod, labels, settings);
    // A mark that was written into a template, or that an agent could not take back: what has a sidecar goes through it.
    if (!isSidecar(pod) && (redirection !== null || enrolment === 'enrolled'))
      members.push({
        pod,
        redirection,
        node: (pod.node === null ? undefined : nodes.get(pod.node)) ?? NOTHING,
        isYoung: isYoung(pod, now),
      });
    // At the mesh's border nobody misses ambient.
    else if (enrolment !== 'not-asked' && enrolment !== 'enrolled' && !(enrolment === 'sidecar' && runsRouter(pod)))
      kept.push({ pod, by: enrolment });
  }
  const isOwn = isAbout(members.map(({ pod }) => pod));
  const serving = new Set(('got' in asked ? asked.got.bindings : []).filter(isOwn).map(({ wish }) => titleOf(wish)));
  const named = new Set(pods);
  return {
    members,
    kept,
    waypoints: everyPod.filter(
      (pod) =>
        isWaypointPod(pod) && isRunning(pod) && (isWhole(scope) || named.has(pod) || serving.has(gatewayOf(pod))),
    ),
    ztunnels: [
      ...new Set([
        ...pods.filter((pod) => isZtunnel(pod) && scope.workload !== null),
        ...members.flatMap(({ node: { ztunnel } }) => (ztunnel && isRunning(ztunnel) ? [ztunnel] : [])),
      ]),
    ],
    nodes,
    namespaces,
    unasked: [
      'missing' in listed ? [listed.missing] : listed.got.refusal ? [listed.got.refusal] : [],
      'missing' in settings ? [settings.missing] : [],
    ].flat(),
    refusal,
  };
});
