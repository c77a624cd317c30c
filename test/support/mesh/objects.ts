import { createHash } from 'node:crypto';
import type { RecordedObject } from '../recordings.ts';

/** Some digits that are always the same for the same words. */
const digits = (words: string, length: number): string =>
  createHash('sha1').update(words).digest('hex').slice(0, length);

const MADE = '2026-11-20T08:00:00Z';

type Metadata = RecordedObject['metadata'];

/** An object with what every object has. */
export const object = (
  apiVersion: string,
  kind: string,
  metadata: Metadata,
  rest: Partial<RecordedObject> & { webhooks?: unknown } = {},
): RecordedObject => ({
  apiVersion,
  kind,
  metadata: { creationTimestamp: MADE, uid: uidOf(kind, metadata), ...metadata } as Metadata,
  ...rest,
});

const uidOf = (kind: string, { namespace = '', name }: Metadata): string => {
  const all = digits(`${kind}/${namespace}/${name}`, 32);
  return [all.slice(0, 8), all.slice(8, 12), all.slice(12, 16), all.slice(16, 20), all.slice(20)].join('-');
};

export const configMap = (
  namespace: string,
  name: string,
  data: Record<string, string>,
  labels: Record<string, string> = {},
): RecordedObject => object('v1', 'ConfigMap', { name, namespace, labels }, { data });

/** The definition of a kind, in the versions in which it is served. */
export const definition = (
  kind: string,
  plural: string,
  group: string,
  versions: readonly string[],
  scope = 'Namespaced',
): RecordedObject =>
  object(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { name: `${plural}.${group}` },
    {
      spec: {
        group,
        scope,
        names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
        versions: versions.map((name, index) => ({
          name,
          served: true,
          storage: index === 0,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        })),
      },
    },
  );

export interface Template {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  spec: { containers: object[]; initContainers?: object[]; [field: string]: unknown };
}

interface Owned {
  kind: 'Deployment' | 'DaemonSet' | 'Job';
  name: string;
  namespace: string;
  selector: Record<string, string>;
  /** What the Deployment says; pods may have more, by injection. */
  template: Template;
  pod: Template;
  addresses: readonly string[];
  /** Where its pods run, in turn; on the first node where it is not given. */
  nodes?: readonly string[];
  /** Whether each of its pods is ready; all are where it is not given. */
  ready?: readonly boolean[];
  phase?: 'Running' | 'Succeeded';
  createdAt?: string;
}

const stateOf = (container: object, phase: string, isInit: boolean, isReady: boolean): object => {
  const { name, image, restartPolicy } = container as { name: string; image: string; restartPolicy?: string };
  const ended = phase === 'Succeeded' || (isInit && restartPolicy === undefined);
  return {
    name,
    image,
    imageID: '',
    ready: isReady,
    started: phase === 'Running',
    restartCount: 0,
    lastState: {},
    state: ended
      ? { terminated: { exitCode: 0, reason: 'Completed', startedAt: MADE, finishedAt: MADE } }
      : { running: { startedAt: MADE } },
  };
};

/** Where a pod runs that nothing else is said of. */
export const FIRST_NODE = 'node-1';

/** The address of a node by its name. */
export const hostOf = (node: string): string => `192.168.1.${9 + Number(/\d+$/.exec(node)?.[0] ?? 90)}`;

/** Who owns the pods, from the outermost on: a Deployment and its ReplicaSet, a DaemonSet or a Job. */
function ownersOf(what: Owned, set: string, hash: string): readonly RecordedObject[] {
  const { kind, name, namespace, selector, template, addresses, ready = [] } = what;
  const { labels, annotations, spec } = template;
  const written = { metadata: { labels, annotations }, spec };
  const replicas = addresses.length;
  if (kind === 'Job') return [object('batch/v1', 'Job', { name, namespace, labels }, { spec: { template: written } })];
  const selecting = { selector: { matchLabels: selector }, template: written };
  if (kind === 'DaemonSet') {
    const unready = ready.filter((each) => !each).length;
    const status = {
      desiredNumberScheduled: replicas,
      currentNumberScheduled: replicas,
      numberReady: replicas - unready,
      numberAvailable: replicas - unready,
      ...(unready > 0 && { numberUnavailable: unready }),
    };
    return [object('apps/v1', kind, { name, namespace, labels }, { spec: selecting, status })];
  }
  return [
    object('apps/v1', kind, { name, namespace, labels }, { spec: { replicas, ...selecting }, status: { replicas } }),
    object(
      'apps/v1',
      'ReplicaSet',
      {
        name: set,
        namespace,
        labels: { ...labels, 'pod-template-hash': hash },
        ownerReferences: [reference('Deployment', namespace, name)],
      },
      { spec: { replicas, ...selecting } },
    ),
  ];
}

/** How a kind names its pods, marks them, and which kind owns them. */
const OWNERS = {
  Deployment: { owner: 'ReplicaSet', isHashed: true, mark: 'pod-template-hash' },
  DaemonSet: { owner: 'DaemonSet', isHashed: false, mark: 'controller-revision-hash' },
  Job: { owner: 'Job', isHashed: false, mark: null },
} as const;

/** A Deployment with its ReplicaSet and its pods, or a DaemonSet or a Job with its pods. */
export function owned(what: Owned): readonly RecordedObject[] {
  const { kind, name, namespace, pod, addresses, phase = 'Running', createdAt = MADE } = what;
  const { nodes = [FIRST_NODE], ready = [] } = what;
  const hash = digits(`${namespace}/${name}`, 10);
  const set = `${name}-${hash}`;
  const { owner, isHashed, mark } = OWNERS[kind];
  const prefix = isHashed ? set : name;
  const pods = addresses.map((podIP, index) => {
    const node = nodes[index % nodes.length] ?? FIRST_NODE;
    const isReady = phase === 'Running' && ready[index] !== false;
    return object(
      'v1',
      'Pod',
      {
        name: `${prefix}-${digits(`${set}/${index}`, 5)}`,
        namespace,
        labels: { ...pod.labels, ...(mark !== null && { [mark]: hash }) },
        annotations: pod.annotations,
        creationTimestamp: createdAt,
        ownerReferences: [reference(owner, namespace, prefix)],
      },
      {
        spec: { nodeName: node, serviceAccountName: pod.labels.app ?? name, ...pod.spec },
        status: {
          phase,
          podIP,
          podIPs: [{ ip: podIP }],
          hostIP: hostOf(node),
          startTime: createdAt,
          conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
          containerStatuses: pod.spec.containers.map((each) => stateOf(each, phase, false, isReady)),
          initContainerStatuses: (pod.spec.initContainers ?? []).map((each) => stateOf(each, phase, true, isReady)),
        },
      },
    );
  });
  return [...ownersOf(what, set, hash), ...pods];
}

const reference = (kind: string, namespace: string, name: string): object => ({
  apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
  kind,
  name,
  uid: uidOf(kind, { namespace, name }),
  controller: true,
});
