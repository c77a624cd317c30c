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
export const definition = (kind: string, plural: string, group: string, versions: readonly string[]): RecordedObject =>
  object(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { name: `${plural}.${group}` },
    {
      spec: {
        group,
        scope: 'Namespaced',
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
  kind: 'Deployment' | 'Job';
  name: string;
  namespace: string;
  selector: Record<string, string>;
  /** What the Deployment says; pods may have more, by injection. */
  template: Template;
  pod: Template;
  addresses: readonly string[];
  phase?: 'Running' | 'Succeeded';
  createdAt?: string;
}

const stateOf = (container: object, phase: string, isInit: boolean): object => {
  const { name, image, restartPolicy } = container as { name: string; image: string; restartPolicy?: string };
  const ended = phase === 'Succeeded' || (isInit && restartPolicy === undefined);
  return {
    name,
    image,
    imageID: '',
    ready: phase === 'Running',
    started: phase === 'Running',
    restartCount: 0,
    lastState: {},
    state: ended
      ? { terminated: { exitCode: 0, reason: 'Completed', startedAt: MADE, finishedAt: MADE } }
      : { running: { startedAt: MADE } },
  };
};

/** A Deployment with its ReplicaSet and its pods, or a Job with its pods. */
export function owned(what: Owned): readonly RecordedObject[] {
  const { kind, name, namespace, selector, template, pod, addresses, phase = 'Running', createdAt = MADE } = what;
  const hash = digits(`${namespace}/${name}`, 10);
  const set = `${name}-${hash}`;
  const { labels, annotations, spec } = template;
  const written = { metadata: { labels, annotations }, spec };
  const replicas = addresses.length;
  const ofJob = kind === 'Job';
  const [ownerKind, owner] = ofJob ? (['Job', name] as const) : (['ReplicaSet', set] as const);
  const owners: RecordedObject[] = ofJob
    ? [object('batch/v1', 'Job', { name, namespace, labels }, { spec: { template: written } })]
    : [
        object(
          'apps/v1',
          'Deployment',
          { name, namespace, labels },
          { spec: { replicas, selector: { matchLabels: selector }, template: written }, status: { replicas } },
        ),
        object(
          'apps/v1',
          'ReplicaSet',
          {
            name: set,
            namespace,
            labels: { ...labels, 'pod-template-hash': hash },
            ownerReferences: [reference('Deployment', namespace, name)],
          },
          { spec: { replicas, selector: { matchLabels: selector }, template: written } },
        ),
      ];
  const pods = addresses.map((podIP, index) =>
    object(
      'v1',
      'Pod',
      {
        name: `${ofJob ? name : set}-${digits(`${set}/${index}`, 5)}`,
        namespace,
        labels: { ...pod.labels, ...(!ofJob && { 'pod-template-hash': hash }) },
        annotations: pod.annotations,
        creationTimestamp: createdAt,
        ownerReferences: [reference(ownerKind, namespace, owner)],
      },
      {
        spec: { nodeName: 'node-1', serviceAccountName: pod.labels.app ?? name, ...pod.spec },
        status: {
          phase,
          podIP,
          podIPs: [{ ip: podIP }],
          hostIP: '192.168.1.10',
          startTime: createdAt,
          conditions: [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False' }],
          containerStatuses: pod.spec.containers.map((each) => stateOf(each, phase, false)),
          initContainerStatuses: (pod.spec.initContainers ?? []).map((each) => stateOf(each, phase, true)),
        },
      },
    ),
  );
  return [...owners, ...pods];
}

const reference = (kind: string, namespace: string, name: string): object => ({
  apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
  kind,
  name,
  uid: uidOf(kind, { namespace, name }),
  controller: true,
});
