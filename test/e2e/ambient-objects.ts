import type { LabelSelector } from '../../src/istio/selector.ts';
import { podObject } from '../support/modern.ts';
import type { RecordedObject } from '../support/recordings.ts';

type Labels = Readonly<Record<string, string>>;

export const namespaceOf = (name: string, labels: Labels = {}): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

/** A namespace whose pods ask for ambient. */
export const ambientNamespace = (name: string, labels: Labels = {}): RecordedObject =>
  namespaceOf(name, { 'istio.io/dataplane-mode': 'ambient', ...labels });

/** For the pods with the label `app` of its name. */
export const serviceOf = (name: string, namespace: string, labels: Labels = {}): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, labels },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 }] },
});

export interface WaypointOptions {
  labels?: Labels;
  gatewayClassName?: string;
  /** Which namespaces may use it; its own by default. */
  from?: 'All' | 'Same' | LabelSelector;
}

/** As `istioctl waypoint generate` writes it. */
export function waypointGateway(
  name: string,
  namespace: string,
  { labels = {}, gatewayClassName = 'istio-waypoint', from }: WaypointOptions = {},
): RecordedObject {
  const namespaces = typeof from === 'object' ? { from: 'Selector', selector: from } : { from };
  const listener = { name: 'mesh', port: 15008, protocol: 'HBONE' };
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name, namespace, labels },
    spec: { gatewayClassName, listeners: [{ ...listener, ...(from && { allowedRoutes: { namespaces } }) }] },
  };
}

export interface PodPlace {
  node?: string;
  ip?: string;
  ready?: boolean;
}

export interface WorkloadOptions extends PodPlace {
  labels?: Labels;
  annotations?: Labels;
  /** What the CNI agent has written on it. */
  redirection?: 'enabled' | 'pending';
  hostNetwork?: boolean;
}

/** A pod of the application, of one container, with the label `app`. */
export function workloadPod(
  name: string,
  namespace: string,
  app: string,
  { labels = {}, annotations = {}, redirection, hostNetwork, node = 'node-1', ...place }: WorkloadOptions = {},
): RecordedObject {
  const pod = podObject(name, {
    namespace,
    labels: { app, ...labels },
    annotations: { ...annotations, ...(redirection && { 'ambient.istio.io/redirection': redirection }) },
    containers: [{ name: app, image: `${app}:1`, ports: [{ containerPort: 80 }] }],
    ...place,
  });
  const network = hostNetwork === undefined ? {} : { hostNetwork };
  return { ...pod, spec: { ...pod.spec, ...network, nodeName: node, automountServiceAccountToken: false } };
}

type Template = { metadata: RecordedObject['metadata']; spec: Record<string, unknown> & { containers: object[] } };

export const templateOf = ({ spec }: RecordedObject): Template => (spec as { template: Template }).template;

/** A pod as a controller makes it of its owner's template, and a kubelet runs it. */
export function podFrom(owner: RecordedObject, name: string, { node = 'node-1', ...place }: PodPlace): RecordedObject {
  const { apiVersion, kind, metadata } = owner;
  const { uid } = metadata as { uid?: string };
  const template = templateOf(owner);
  const { labels = {}, annotations = {} } = template.metadata;
  const { containers } = template.spec;
  const pod = podObject(name, { namespace: metadata.namespace ?? '', labels, annotations, containers, ...place });
  const owners = [{ apiVersion, kind, name: metadata.name, uid, controller: true }];
  return {
    ...pod,
    metadata: { ...pod.metadata, ...(uid !== undefined && { ownerReferences: owners }) },
    spec: { ...template.spec, nodeName: node, automountServiceAccountToken: false },
  };
}

/** What the Deployment's controller would make of it: pods have its hash in their names and labels. */
export function replicaSetOf(deployment: RecordedObject, hash: string): RecordedObject {
  const { apiVersion, kind, metadata } = deployment;
  const { uid } = metadata as { uid?: string };
  const template = templateOf(deployment);
  const labels = { ...template.metadata.labels, 'pod-template-hash': hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels,
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid, controller: true }],
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: { ...labels } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** What the endpoints' controller would make of a Service whose one pod this is. */
export function endpointSliceOf(service: RecordedObject, pod: RecordedObject): RecordedObject {
  const { name, namespace = '' } = service.metadata;
  const { ports } = service.spec as { ports: readonly { name: string; port: number }[] };
  const { podIP, conditions } = pod.status as {
    podIP: string;
    conditions: readonly { type: string; status: string }[];
  };
  const ready = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-made`, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: [podIP],
        conditions: { ready, serving: ready, terminating: false },
        nodeName: pod.spec?.nodeName,
        targetRef: { kind: 'Pod', name: pod.metadata.name, namespace },
      },
    ],
    ports: ports.map((each) => ({ name: each.name, port: each.port, protocol: 'TCP' })),
  };
  return slice;
}
