import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPrometheus } from '../support/prometheus.ts';
import type { RecordedObject, Recording } from '../support/recordings.ts';
import { NODE_LABEL, type TestCluster } from './cluster.ts';
import { type Movement, serveNames, servePages } from './page-server.ts';

const BUILT_IN: Record<string, string> = {
  Pod: 'pods',
  Service: 'services',
  ConfigMap: 'configmaps',
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  Event: 'events',
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  EndpointSlice: 'endpointslices',
  Job: 'jobs',
  NetworkPolicy: 'networkpolicies',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
};

/** The path of a kind's list, in its namespace. */
export function pathOf({ apiVersion, kind, metadata }: RecordedObject, plurals: ReadonlyMap<string, string>): string {
  const prefix = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const plural = BUILT_IN[kind] ?? plurals.get(kind);
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${prefix}${scope}/${plural}`;
}

/** What is read of a recorded definition. */
export interface Definition {
  group: string;
  scope?: string;
  names: { plural: string; kind: string };
  versions: readonly { name: string }[];
}

export const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** A definition that takes anything, as one of Istio 1.0 did, in each of its versions. */
export const definitionOf = (name: string, { group, scope, names, versions }: Definition) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name, annotations: { 'api-approved.kubernetes.io': 'unapproved, of a recording' } },
  spec: {
    group,
    scope: scope ?? 'Namespaced',
    names: { ...names, singular: names.kind.toLowerCase(), listKind: `${names.kind}List` },
    versions: versions.map((version, index) => ({
      name: version.name,
      served: true,
      storage: index === 0,
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })),
  },
});

/** Made before all else, or for the pods that are loaded. */
export const isMadeApart = ({ kind }: RecordedObject): boolean =>
  ['CustomResourceDefinition', 'Namespace', 'Node', 'ReplicaSet'].includes(kind);

/** Nobody is behind a webhook of a recording: whatever it is called for is made before it. */
export const isWebhook = ({ kind }: RecordedObject): boolean => kind.endsWith('WebhookConfiguration');

/** What the API server of today refuses of an object that was recorded elsewhere, or gives by itself. */
export function admitted(object: RecordedObject): RecordedObject {
  const { status: _, ...rest } = structuredClone(object);
  // Its pods are the recorded ones: no controller shall make others.
  if (rest.kind === 'Deployment' && rest.spec) rest.spec.paused = true;
  if (rest.kind === 'Pod' && rest.spec) {
    rest.spec.automountServiceAccountToken = false;
    // Its namespace has none but `default`.
    delete rest.spec.serviceAccountName;
    delete rest.spec.serviceAccount;
  }
  if (rest.kind === 'Service' && rest.spec) {
    const given = [
      'clusterIP',
      'clusterIPs',
      'ipFamilies',
      'ipFamilyPolicy',
      'healthCheckNodePort',
      'externalTrafficPolicy',
      'allocateLoadBalancerNodePorts',
    ];
    for (const field of given) delete rest.spec[field];
    // Nobody shall pay for a load balancer, and a port of a node may be taken.
    rest.spec.type = 'ClusterIP';
    for (const port of (rest.spec.ports ?? []) as { nodePort?: number }[]) delete port.nodePort;
  }
  return rest;
}

/** What kwok forwards and logs for each pod of the recording. */
function kubeletConfig(
  cluster: TestCluster,
  recording: Recording,
  ports: ReadonlyMap<string, number>,
  execs: readonly string[],
): string {
  const recorded = recording.objects.filter(({ kind }) => kind === 'Pod');
  const isRecorded = (name: string): boolean =>
    recorded.some(({ metadata }) => `${metadata.namespace}/${metadata.name}` === name);
  // A pod that a test makes later is forwarded to as well.
  const later = [...new Set([...ports.keys()].map((key) => key.slice(0, key.indexOf(':'))))].filter(
    (name) => !isRecorded(name),
  );
  const pods = [
    ...recorded,
    ...later.map((each): RecordedObject => {
      const [namespace = '', name = ''] = each.split('/');
      return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } };
    }),
  ];
  const kind = (kind: string, { metadata }: RecordedObject, spec: object) => ({
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind,
    metadata: { name: metadata.name, namespace: metadata.namespace },
    spec,
  });
  const documents = pods.flatMap((pod) => {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const mapped = [...ports.keys()]
      .filter((key) => key.startsWith(`${name}:`))
      .map((key) => Number(key.split(':')[1]));
    const asked = new Set([9090, 9093, 15000, 15014, 15090, 42422, ...mapped]);
    const forwards = [...asked].map((port) => ({
      ports: [port],
      // Where nobody answers for it, its own port, which nothing has here: a node's runtime names it when it is refused.
      target: { address: '127.0.0.1', port: ports.get(`${name}:${port}`) ?? port },
    }));
    const logs = [...recording.logs].filter(([key]) => key.startsWith(`${name}/`));
    return [
      kind('PortForward', pod, { forwards }),
      // What is run in such a pod is run here, beside the real program.
      ...(execs.includes(name) ? [kind('Exec', pod, { execs: [{ local: {} }] })] : []),
      ...(logs.length > 0
        ? [
            kind('Logs', pod, {
              logs: logs.map(([key, text]) => {
                const file = writeLog(cluster, key, text);
                return { containers: [key.slice(name.length + 1)], logsFile: file };
              }),
            }),
          ]
        : []),
    ];
  });
  const file = join(cluster.folder, 'kubelet.yaml');
  writeFileSync(file, documents.map((document) => JSON.stringify(document)).join('\n---\n'));
  return file;
}

/** The log of `NAMESPACE/POD/CONTAINER`, in the format in which a kubelet finds it on its disk. */
export function writeLog(cluster: TestCluster, key: string, text: string): string {
  const file = join(cluster.folder, `${key.replaceAll('/', '_')}.log`);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => `2026-11-22T04:00:00.000000001Z stdout F ${line}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** Waits for all of them, also after one has failed: what is still being made could not be deleted. */
async function allDone(promises: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

/** Namespaces that every cluster has, with a Service or two. */
const isGiven = (namespace: string | undefined): boolean => /^(default|kube-.*)$/.test(namespace ?? '');

export interface LoadOptions {
  /** Where a pod's port leads, by `NAMESPACE/POD:PORT`: a real program. */
  forwards?: ReadonlyMap<string, number>;
  /** Pods, `NAMESPACE/POD`, in which commands can be run. */
  execs?: readonly string[];
  movement?: Movement;
  /** Job and target (a Service's name and port) of a real Prometheus, in place of the recorded one. */
  scrapes?: readonly { name: string; target: string; pod: string }[];
}

/**
 * Loads a recording into a cluster: kinds, objects, pods with their status, pages, logs. Resolves to what ends the
 * pages. Rejects where the cluster holds one of the objects already.
 */
export async function load(
  cluster: TestCluster,
  recording: Recording,
  { movement, scrapes, forwards = new Map(), execs = [] }: LoadOptions = {},
): Promise<() => Promise<void>> {
  const pages = await servePages(recording, movement);
  let prometheus: Awaited<ReturnType<typeof scraped>> | undefined;
  const unload = async (): Promise<void> => {
    await prometheus?.close();
    await pages.close();
  };
  try {
    if (scrapes) prometheus = await scraped(recording, pages.ports, scrapes);
    await fill(cluster, recording, new Map([...pages.ports, ...(prometheus?.ports ?? []), ...forwards]), execs);
    return unload;
  } catch (error) {
    await unload();
    throw error;
  }
}

/** A node whose kubelet is kwok. */
export async function addNode({ api, kubelet }: TestCluster, name: string): Promise<void> {
  await api('POST', '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: NODE_LABEL },
    // Only our pods, which name it themselves.
    spec: { unschedulable: true },
  });
  await api('PATCH', `/api/v1/nodes/${name}/status`, {
    status: {
      addresses: [{ type: 'InternalIP', address: kubelet.address }],
      conditions: [{ type: 'Ready', status: 'True' }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
    },
  });
}

async function fill(
  cluster: TestCluster,
  recording: Recording,
  ports: ReadonlyMap<string, number>,
  execs: readonly string[],
): Promise<void> {
  const { api } = cluster;
  await cluster.startKubelet(kubeletConfig(cluster, recording, ports, execs));

  const crds = recording.objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
  const plurals = new Map<string, string>();
  const define = async ({ metadata, spec }: RecordedObject): Promise<void> => {
    const definition = spec as unknown as Definition;
    plurals.set(definition.names.kind, definition.names.plural);
    const versions = definition.versions.slice(0, 1);
    await api('POST', DEFINITIONS, definitionOf(metadata.name, { ...definition, versions }));
  };
  await allDone(crds.map(define));
  await addNode(cluster, 'node-1');
  const namespaces = recording.objects.filter(({ kind, metadata }) => kind === 'Namespace' && !isGiven(metadata.name));
  for (const namespace of namespaces) {
    await api('POST', '/api/v1/namespaces', admitted(namespace));
    // A pod is refused without one; where there is a controller, it may have been faster.
    const accounts = `/api/v1/namespaces/${namespace.metadata.name}/serviceaccounts`;
    await api('POST', accounts, { metadata: { name: 'default' } }, [201, 409]);
  }
  const others = recording.objects.filter((object) => !isMadeApart(object) && !isGiven(object.metadata.namespace));
  const owners = await ownersOf(others, api);
  const create = async (object: RecordedObject): Promise<void> => {
    const path = pathOf(object, plurals);
    // A kind is served a moment after its definition.
    for (let attempt = 0; ; attempt++) {
      const { status } = await api('POST', path, admitted(withOwner(object, owners)), [201, 404]);
      if (status !== 404) break;
      if (attempt > 100) throw new Error(`${path} is not served`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (object.kind === 'Pod') await api('PATCH', `${path}/${object.metadata.name}/status`, { status: object.status });
  };
  await allDone(others.filter((object) => !isWebhook(object)).map(create));
  await allDone(others.filter(isWebhook).map(create));
}

type Owned = { ownerReferences?: { kind: string; name: string; uid: string }[] };

const ownerOf = ({ kind, metadata }: RecordedObject): string | undefined =>
  kind === 'Pod' ? (metadata as Owned).ownerReferences?.find((owner) => owner.kind === 'ReplicaSet')?.name : undefined;

/** The ReplicaSets that own the recorded pods, made to want just those: a garbage collector deletes orphans. */
async function ownersOf(
  objects: readonly RecordedObject[],
  api: TestCluster['api'],
): Promise<ReadonlyMap<string, string>> {
  const owned = new Map<string, RecordedObject[]>();
  for (const pod of objects) {
    const owner = ownerOf(pod);
    if (owner === undefined) continue;
    const key = `${pod.metadata.namespace}/${owner}`;
    owned.set(key, [...(owned.get(key) ?? []), pod]);
  }
  const uids = await Promise.all(
    [...owned].map(async ([key, pods]): Promise<[string, string]> => {
      const [namespace, name] = key.split('/');
      const labels = pods[0]?.metadata.labels ?? {};
      const containers = [{ name: 'x', image: 'x' }];
      const { body } = await api('POST', `/apis/apps/v1/namespaces/${namespace}/replicasets`, {
        metadata: { name, labels },
        spec: {
          replicas: pods.length,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers } },
        },
      });
      return [key, (JSON.parse(body) as { metadata: { uid: string } }).metadata.uid];
    }),
  );
  return new Map(uids);
}

function withOwner(object: RecordedObject, uids: ReadonlyMap<string, string>): RecordedObject {
  const uid = uids.get(`${object.metadata.namespace}/${ownerOf(object)}`);
  if (uid === undefined) return object;
  const { ownerReferences = [] } = object.metadata as Owned;
  const metadata = { ...object.metadata, ownerReferences: ownerReferences.map((owner) => ({ ...owner, uid })) };
  return { ...object, metadata };
}

/** A port where nothing listens: connection refused. */
const CLOSED = 1;

/** A real Prometheus behind the recorded one's port, which scrapes pages of pods by a Service's name. */
async function scraped(
  { objects }: Recording,
  ports: ReadonlyMap<string, number>,
  scrapes: NonNullable<LoadOptions['scrapes']>,
): Promise<{ ports: ReadonlyMap<string, number>; close: () => Promise<void> }> {
  const hosts = scrapes.map(
    ({ target, pod }) => [target, ports.get(`${pod}:${target.split(':')[1]}`) ?? CLOSED] as const,
  );
  const names = await serveNames(new Map(hosts));
  const jobs = scrapes.map(({ name, target }) => ({ name, target, proxy: names.url }));
  const { port, close } = await startPrometheus(jobs).catch(async (error: unknown) => {
    await names.close();
    throw error;
  });
  const pod = objects.find(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('prometheus-'));
  return {
    ports: new Map([[`${pod?.metadata.namespace}/${pod?.metadata.name}:9090`, port]]),
    async close() {
      await close();
      await names.close();
    },
  };
}
