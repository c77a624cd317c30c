import type { KubernetesObject } from '../../cluster/question/cluster.ts';

export interface Container {
  name: string;
  image: string;
  args: readonly string[];
  /** Of its command, those arguments that are read (trim.ts). */
  command: readonly string[];
  /** Of its environment, what decides something here (trim.ts): the proxy, Pilot's features, Istio's metadata. */
  variables: Readonly<Record<string, string>>;
  ports: readonly { name: string | null; port: number }[];
  /** In cores; null without a limit. */
  cpuLimit: number | null;
  /** The user that it or its pod names; null when the image decides. */
  user: number | null;
}

/** Whether a variable switches something on. */
export const isOn = (value: string | undefined): boolean => /^(1|true)$/i.test(value ?? '');

/** What became of a container. */
export interface Instance {
  container: string;
  restarts: number;
  /** Of a proxy: whether it has had its configuration. */
  ready: boolean;
  /** How the last instance ended; null when none did. */
  ended: { exitCode: number; reason: string; at: number | null } | null;
}

export interface Pod {
  name: string;
  namespace: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Those that keep running: native sidecars among the init containers too. */
  containers: readonly Container[];
  /** The arguments of the init container that redirects to the sidecar, or checks that the CNI plugin did; none without one. */
  redirection: readonly string[];
  phase: string;
  node: string | null;
  /** Since when it has run, in milliseconds since 1970; null when it does not tell. */
  startedAt: number | null;
  ready: boolean;
  ip: string | null;
  hostNetwork: boolean;
  deleting: boolean;
  restarts: number;
  instances: readonly Instance[];
  /** The ConfigMaps that it mounts. */
  configMaps: readonly string[];
  /** Why a container is not running: `CrashLoopBackOff`, `OOMKilled`. */
  trouble: string | null;
  owner: { kind: string; name: string } | null;
}

export interface RawContainer {
  name?: string;
  image?: string;
  args?: readonly string[];
  command?: readonly string[];
  env?: readonly { name?: string; value?: string }[];
  ports?: readonly { name?: string; containerPort?: number }[];
  restartPolicy?: string;
  resources?: { limits?: { cpu?: string | number } };
  securityContext?: { runAsUser?: number };
}

/** `500m` as 0.5; of metrics also `12345678n` and `250u`. */
export function coresOf(quantity: string | number | undefined): number | null {
  const [, number, unit = ''] = /^([\d.]+)([mnu]?)$/.exec(String(quantity ?? '')) ?? [];
  const per: Record<string, number> = { '': 1, m: 1e3, u: 1e6, n: 1e9 };
  return number === undefined ? null : Number(number) / (per[unit] ?? 1);
}

const containerOf = (
  { name = '', image = '', args = [], command = [], env = [], ports = [], resources, securityContext }: RawContainer,
  podUser: number | null,
): Container => ({
  name,
  image,
  args,
  command,
  variables: Object.fromEntries(env.map((each) => [each.name ?? '', each.value ?? ''])),
  ports: ports.map((port) => ({ name: port.name ?? null, port: port.containerPort ?? 0 })),
  cpuLimit: coresOf(resources?.limits?.cpu),
  user: securityContext?.runAsUser ?? podUser,
});

/** Replicas share what they were listed with (cluster/ways/pool.ts), and so what is read of it. */
const read = new WeakMap<RawContainer, Container>();

function sharedContainerOf(raw: RawContainer, podUser: number | null): Container {
  // Another pod may name another user, and a bundle hold anything.
  if (podUser !== null || typeof raw !== 'object') return containerOf(raw, podUser);
  const container = read.get(raw) ?? containerOf(raw, null);
  read.set(raw, container);
  return container;
}

interface RawPod {
  spec: {
    containers?: readonly RawContainer[];
    initContainers?: readonly RawContainer[];
    hostNetwork?: boolean;
    nodeName?: string;
    securityContext?: { runAsUser?: number };
    volumes?: readonly { configMap?: { name?: string } }[];
  };
  status: {
    phase?: string;
    startTime?: string;
    podIP?: string;
    reason?: string;
    conditions?: readonly { type?: string; status?: string }[];
    containerStatuses?: readonly RawInstance[];
    initContainerStatuses?: readonly RawInstance[];
  };
}

interface RawInstance {
  name?: string;
  ready?: boolean;
  restartCount?: number;
  state?: Record<string, { reason?: string } | undefined>;
  lastState?: Record<string, { reason?: string; exitCode?: number; finishedAt?: string } | undefined>;
}

function instanceOf({ name = '', ready = false, restartCount = 0, lastState }: RawInstance): Instance {
  const ended = lastState?.terminated;
  return {
    container: name,
    restarts: restartCount,
    ready,
    ended: ended
      ? { exitCode: ended.exitCode ?? 0, reason: ended.reason ?? '', at: Date.parse(ended.finishedAt ?? '') || null }
      : null,
  };
}

/** By the injector's templates of every release. */
const REDIRECTING = ['istio-init', 'istio-validation'];

export function podOf({ metadata, ...rest }: KubernetesObject): Pod {
  const { spec, status } = rest as RawPod;
  const statuses = status.containerStatuses ?? [];
  const redirecting = spec.initContainers?.find(({ name = '' }) => REDIRECTING.includes(name));
  const native = (spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  const owner = metadata.ownerReferences?.[0];
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    containers: [...(spec.containers ?? []), ...native].map((each) =>
      sharedContainerOf(each, spec.securityContext?.runAsUser ?? null),
    ),
    redirection: redirecting?.args ?? [],
    phase: status.phase ?? 'Unknown',
    node: spec.nodeName ?? null,
    startedAt: Date.parse(status.startTime ?? '') || null,
    ready: (status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    ip: status.podIP ?? null,
    hostNetwork: spec.hostNetwork ?? false,
    deleting: metadata.deletionTimestamp !== undefined,
    restarts: statuses.reduce((sum, each) => sum + (each.restartCount ?? 0), 0),
    instances: [...statuses, ...(status.initContainerStatuses ?? [])].map(instanceOf),
    configMaps: (spec.volumes ?? []).flatMap(({ configMap }) => configMap?.name ?? []),
    trouble:
      statuses.map((each) => each.state?.waiting?.reason ?? each.state?.terminated?.reason).find(Boolean) ??
      status.reason ??
      null,
    owner: owner ? { kind: owner.kind, name: owner.name } : null,
  };
}

/** Whether a pod's connections go through its node's ztunnel. */
export const isAmbient = ({ annotations }: Pod): boolean => annotations['ambient.istio.io/redirection'] === 'enabled';

/** A pod that runs and is not on its way out. */
export const isRunning = (pod: Pod): boolean => pod.phase === 'Running' && !pod.deleting;

export const proxyOf = (pod: Pod): Container | undefined => pod.containers.find(({ name }) => name === 'istio-proxy');

/** What containers of these pods are told by a variable. */
export const variablesOf = (pods: readonly Pod[], name: string): readonly string[] =>
  pods.flatMap(({ containers }) => containers.flatMap(({ variables }) => variables[name] ?? []));
