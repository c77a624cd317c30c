import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { load as parse } from 'js-yaml';
import { ISTIOD, modernMesh } from '../support/modern.ts';
import type { Page, RecordedObject } from '../support/recordings.ts';
import { type Acknowledging, connectProxies, type Proxies } from './ads.ts';
import { endpointSliceOf, namespaceOf, podFrom, replicaSetOf, templateOf } from './ambient-objects.ts';
import { ISTIO, istioModule } from './build.ts';
import { charts } from './charts.ts';
import { childrenIn, until } from './children.ts';
import { freePorts, kubectlAt, startCluster, type TestCluster } from './cluster.ts';
import { startIstiod, textAt, writeMesh } from './istiod.ts';
import { addNode, load } from './load.ts';

/** A real istiod with ambient on, as the charts' ambient profile sets it, on the real API server. */
export interface Ambient {
  cluster: TestCluster;
  apply(...objects: readonly object[]): void;
  kubectl(...args: readonly string[]): string;
  /** An object as the API server has it. */
  get(kind: string, name: string, namespace?: string): RecordedObject;
  /** A debug page of istiod, parsed: `syncz`, `ambientz`. */
  debug<Page>(page: string): Promise<Page>;
  /** Says something besides in MeshConfig: to istiod that runs, and in its ConfigMap. */
  configure(mesh: object): void;
  /** Waits until it is so; where it throws it is not yet. */
  until(wanted: () => boolean | Promise<boolean>, late: () => string): Promise<void>;
  /** A node beside `node-1`, with the pods of ztunnel and of the CNI agent. */
  addNode(name: string, agents?: Partial<NodeAgents>): Promise<void>;
  /** Pods with their status: as they are when a kubelet runs them. */
  addPods(...pods: readonly RecordedObject[]): Promise<void>;
  /** Connects the ztunnel of a node to istiod; it refuses what it is sent with these words, if there are some. */
  connectZtunnel(node: string, refuses?: string): Acknowledging;
  connectWaypoint(gateway: string, namespace: string, refuses?: string): Acknowledging;
  /** What istiod's Deployment of a Gateway lacks where no controller works: a pod, and its Service's endpoint. */
  runWaypoint(gateway: string, namespace: string, place?: { ready?: boolean; node?: string }): Promise<void>;
  words(): string;
  close(): Promise<void>;
}

type State = 'ready' | 'unready' | 'missing';

export interface NodeAgents {
  ztunnel: State;
  cni: State;
}

export interface AmbientOptions {
  /** Switches of istiod, beside the profile's. */
  features?: Readonly<Record<string, string>>;
  /** Beside what the charts make. */
  objects?: readonly RecordedObject[];
  /** Of pods, also of those that are made later, by `NAMESPACE/POD:PORT/PATH`. */
  pages?: ReadonlyMap<string, Page>;
  /** Where a pod's port leads, by `NAMESPACE/POD:PORT`. */
  forwards?: ReadonlyMap<string, number>;
  scrapes?: readonly { name: string; target: string; pod: string }[];
  /** On `node-1`. */
  agents?: Partial<NodeAgents>;
}

/** What of the charts has a place in a cluster without controllers. Nobody is behind their webhooks. */
const KINDS = ['ServiceAccount', 'ConfigMap', 'DaemonSet', 'Deployment', 'Service'];

/** A cluster of somebody has controllers, which would run what the charts and istiod make, on somebody's nodes. */
export const ALONE = { skip: process.env.KUBECONFIG_E2E ? 'not in a cluster that has controllers' : false };

const HASH = '5d4f7c9b8';

/** The name of the pod of a DaemonSet on a node, and of a waypoint's pod: known before they are made. */
export const podOn = (daemonSet: 'ztunnel' | 'istio-cni-node', node: string): string => `${daemonSet}-${node}`;
export const podBehind = (gateway: string): string => `${gateway}-${HASH}-wq7xz`;

/**
 * Starts it, with `node-1`. What istiod needs, beside PILOT_ENABLE_AMBIENT, to work on Gateways and to write status:
 * - the kinds of the Gateway API: it makes its classes, and its controllers wait for the kinds;
 * - its ConfigMap istio-sidecar-injector, where waypoints' template is, and INJECT_ENABLED, which is its default;
 * - POD_NAME and POD_NAMESPACE, for its elections: Leases istio-gateway-deployment-default and
 *   istio-gateway-status-leader-default, of its revision, and istio-status-leader, all in istio-system;
 * - for Programmed, an endpoint of the Service that it made, on port 15008, ready or not: at Deployments it does not look.
 */
export async function startAmbient({
  features = {},
  objects = [],
  pages = new Map(),
  forwards,
  scrapes,
  agents,
}: AmbientOptions = {}): Promise<Ambient> {
  const made = charts({ profile: 'ambient', hub: 'docker.io/istio', tag: ISTIO });
  const chart = (kind: string, name: string): RecordedObject => {
    const found = made.find((each) => each.kind === kind && each.metadata.name === name);
    if (!found) throw new Error(`the charts make no ${kind} ${name}`);
    return found;
  };
  const cluster = await startCluster();
  const folder = join(cluster.folder, 'istiod');
  mkdirSync(folder);
  const children = childrenIn(folder);
  const kubectl = (args: readonly string[], input?: string): string => kubectlAt(cluster.kubeconfig, args, input);
  let unload = (): Promise<void> => Promise.resolve();
  let proxies: Proxies | undefined;
  async function close(): Promise<void> {
    try {
      proxies?.close();
      await children.end();
      await unload();
    } finally {
      await cluster.close();
    }
  }
  const apply: Ambient['apply'] = (...items) =>
    void kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const get: Ambient['get'] = (kind, name, namespace = 'default') =>
    JSON.parse(kubectl(['-n', namespace, 'get', kind, name, '-o', 'json'])) as RecordedObject;
  const untilSo: Ambient['until'] = (wanted, late) =>
    until(
      async () => {
        try {
          return await wanted();
        } catch {
          return false;
        }
      },
      60,
      () => `${late()}: ${children.words('pilot-discovery')}`,
    );

  const addPods: Ambient['addPods'] = async (...pods) => {
    for (const { status, ...pod } of pods) {
      const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods`;
      await cluster.api('POST', path, pod);
      await cluster.api('PATCH', `${path}/${pod.metadata.name}/status`, { status });
    }
  };

  let addresses = 0;
  const address = (): string => `10.244.9.${++addresses}`;

  async function addAgents(
    node: string,
    { ztunnel = 'ready', cni = 'ready' }: Partial<NodeAgents> = {},
  ): Promise<void> {
    for (const [name, state] of [['ztunnel', ztunnel] as const, ['istio-cni-node', cni] as const]) {
      if (state === 'missing') continue;
      const place = { node, ip: address(), ready: state === 'ready' };
      await addPods(podFrom(get('daemonset', name, 'istio-system'), podOn(name, node), place));
    }
  }

  const runWaypoint: Ambient['runWaypoint'] = async (gateway, namespace, place = {}) => {
    await untilSo(
      () => Boolean(get('service', gateway, namespace)),
      () => `istiod makes no Service of Gateway ${namespace}/${gateway}`,
    );
    apply(replicaSetOf(get('deployment', gateway, namespace), HASH));
    const owner = get('replicaset', `${gateway}-${HASH}`, namespace);
    const pod = podFrom(owner, podBehind(gateway), { ...place, ip: address() });
    await addPods(pod);
    apply(endpointSliceOf(get('service', gateway, namespace), pod));
  };

  try {
    for (const file of [
      'manifests/charts/base/files/crd-all.gen.yaml',
      'tests/integration/pilot/testdata/gateway-api-crd.yaml',
    ])
      kubectl(['create', '-f', join(istioModule(), file)]);
    const [http = 0, grpc = 0, secure = 0, https = 0, debug = 0] = await freePorts(5);
    const istiod = chart('Deployment', 'istiod');
    const mesh = {
      ...modernMesh(),
      objects: [
        namespaceOf('istio-system'),
        ...made.filter(({ kind }) => KINDS.includes(kind)),
        podFrom(istiod, ISTIOD, { ip: address() }),
        ...objects,
      ],
      pages: new Map(pages),
    };
    unload = await load(cluster, mesh, {
      forwards: new Map([
        [`istio-system/${ISTIOD}:15014`, debug],
        [`istio-system/${ISTIOD}:8080`, http],
        [`istio-system/${ISTIOD}:15012`, secure],
        ...(forwards ?? []),
      ]),
      ...(scrapes && { scrapes }),
    });
    await addAgents('node-1', agents);
    const { env } = templateOf(istiod).spec.containers[0] as { env: readonly { name: string; value?: string }[] };
    const own = parse(chart('ConfigMap', 'istio').data?.mesh ?? '') as object;
    await startIstiod({
      kubeconfig: cluster.kubeconfig,
      folder,
      children,
      ports: { http, grpc, secure, https, debug },
      mesh: own,
      env: {
        ...Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
        // A path in its pod.
        KUBECONFIG: cluster.kubeconfig,
        INJECTION_WEBHOOK_CONFIG_NAME: '',
        ...features,
      },
    });
    const connected = await connectProxies(grpc);
    proxies = connected;
    const connect = (kind: 'ztunnel' | 'waypoint', pod: string, namespace: string, refuses?: string): Acknowledging => {
      const { metadata, spec, status } = get('pod', pod, namespace);
      const { podIP: ip } = status as { podIP: string };
      const { nodeName: node } = spec as { nodeName: string };
      const proxy = { kind, pod, namespace, labels: metadata.labels ?? {}, version: ISTIO, ip, node };
      return connected.addAcknowledging(proxy, refuses);
    };
    return {
      cluster,
      apply,
      kubectl: (...args) => kubectl(args),
      get,
      debug: async (page) => JSON.parse(await textAt(debug, `/debug/${page}`)),
      configure(mesh) {
        writeMesh(folder, { ...own, ...mesh });
        const { apiVersion, kind, metadata, data } = chart('ConfigMap', 'istio');
        apply({ apiVersion, kind, metadata, data: { ...data, mesh: JSON.stringify({ ...own, ...mesh }) } });
      },
      until: untilSo,
      async addNode(name, its) {
        await addNode(cluster, name);
        await addAgents(name, its);
      },
      addPods,
      connectZtunnel: (node, refuses) => connect('ztunnel', podOn('ztunnel', node), 'istio-system', refuses),
      connectWaypoint: (gateway, namespace, refuses) => connect('waypoint', podBehind(gateway), namespace, refuses),
      runWaypoint,
      words: () => children.words('pilot-discovery'),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
