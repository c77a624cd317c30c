import { REVISION } from '../../cluster/bundle/kept.ts';
import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import type { ListQuestion } from '../../cluster/question/question.ts';
import { events, type Resource, replicaSets, typedName } from '../../cluster/question/resources.ts';
import type { Ask, Attempt, Source } from '../../diagnosis/check.ts';
import type { Change } from '../../diagnosis/history.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';

/** What the cluster itself did, or saw, of one object. */
export interface Happened extends Pick<Change, 'kind' | 'name' | 'manager' | 'operation' | 'fields'> {
  namespace: string;
  /** Milliseconds since 1970: when it happened first. */
  at: number;
}

/** Of what every pod goes through, and what its own times tell already (pkg/kubelet/events/event.go). */
const EVERYDAY = ['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started', 'SuccessfulCreate', 'SuccessfulDelete'];

/**
 * What took something away, kept it from running, or rolled it out: reasons of the kubelet, of the scheduler, of a node's
 * watchers and of Kubernetes' controllers. Others tell of no change.
 */
const TOLD =
  /^(Killing|Evicted|Preempt(ed|ing)|(System|Pod)?OOM(Killing)?|TaintManagerEviction|Node(NotReady|NotSchedulable)|Unhealthy|BackOff|Failed|Failed(Create|Scheduling|Mount|CreatePodSandBox|PostStartHook)|ScalingReplicaSet|DeploymentRollback)$/;

/** Events of one namespace, which live for an hour; a repeated one counts from its first time on. */
function eventIn({ involvedObject, ...event }: KubernetesObject): readonly Happened[] {
  const { reason = '', message = '', source, reportingComponent, firstTimestamp, eventTime, lastTimestamp } = event;
  const at = Date.parse(firstTimestamp ?? eventTime ?? lastTimestamp ?? '');
  const { kind, name, namespace } = involvedObject ?? {};
  if (!TOLD.test(reason) || Number.isNaN(at) || !kind || !name || namespace === undefined) return [];
  const manager = source?.component || reportingComponent || null;
  return [{ kind, namespace, name, at, manager, operation: 'Event', fields: [`${reason}: ${message.trim()}`] }];
}

/** Each revision of a Deployment is a ReplicaSet, made when it was rolled out; ten of them are kept. */
function rolloutIn({ metadata }: KubernetesObject): readonly Happened[] {
  const { name, namespace = '', annotations, ownerReferences = [], creationTimestamp } = metadata;
  const at = Date.parse(creationTimestamp ?? '');
  const owner = ownerReferences.find(({ kind }) => kind === 'Deployment');
  const revision = annotations?.[REVISION];
  if (!owner || revision === undefined || Number.isNaN(at)) return [];
  const fields = [`revision ${revision}`, `ReplicaSet ${name}`];
  return [{ kind: 'Deployment', namespace, name: owner.name, at, manager: null, operation: 'Rollout', fields }];
}

type Kind = readonly [Resource, Partial<ListQuestion>, (object: KubernetesObject) => readonly Happened[]];

const KINDS: readonly Kind[] = [
  [events, { fields: EVERYDAY.map((reason) => `reason!=${reason}`).join(',') }, eventIn],
  [replicaSets, { managed: true }, rolloutIn],
];

/** For whoever may do without: it is asked of the namespaces of a loss, and of no others. */
export const happenedRights: Source<null> = clusterSource(
  KINDS.map(([resource]) => ({ verb: 'list', resource: typedName(resource) })),
  () => Promise.resolve(null),
);

/** What happened in these namespaces: an answer for each of them and each kind of trace. */
export const happenedIn = (
  { cluster }: Pick<Ask, 'cluster'>,
  namespaces: readonly string[],
): Promise<readonly Attempt<readonly Happened[]>[]> =>
  Promise.all(
    namespaces.flatMap((namespace) =>
      KINDS.map(async ([resource, which, read]) => {
        const listed = await settle(cluster.list({ ask: 'list', resource, namespace, ...which }));
        return 'got' in listed ? { got: listed.got.flatMap(read) } : listed;
      }),
    ),
  );
