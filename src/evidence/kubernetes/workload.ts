import { pods as podsResource } from '../../cluster/question/resources.ts';
import type { Ask, Attempt, Workload } from '../../diagnosis/check.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import { isEnabled, isKubernetes } from '../../istio/injection.ts';
import { detection } from '../istio/detection.ts';
import {
  allDeployments,
  allNamespaces,
  allPods,
  allServices,
  type Deployment,
  itemsOf,
  type Listing,
  listAll,
  selects,
} from './lists.ts';
import { type Named, titleOf } from './named.ts';
import { ownerOf, WORKLOAD_NAME } from './owner.ts';
import { isRunning, type Pod, podOf } from './pod.ts';
import type { Service } from './service.ts';

/** The one workload that the user asked about, as the cluster has it. */
export interface Narrowed {
  workload: Workload;
  /** Whether it is there; of a kind that is not listed, whether a pod is that it owns. */
  found: boolean;
  pods: readonly Pod[];
  /** Services that lead to its pods: 0.8's metrics name services only. */
  services: readonly Service[];
  /** What series call it as a workload: a pod is its owner's, a CronJob's Job the CronJob's; null of a Service. */
  named: string | null;
}

type Belongs = Pick<Narrowed, 'found'> & { isOwn: (pod: Pod) => boolean };

/** Which pods are a workload's. StatefulSets, DaemonSets and Jobs are not listed: their pods name them. */
async function belonging({ from }: Ask, { kind, name, namespace }: Workload, pods: readonly Pod[]): Promise<Belongs> {
  const isIt = (each: Named): boolean => each.name === name && each.namespace === namespace;
  if (kind === 'service' || kind === 'deployment') {
    const { items } = await from<Listing<Service | Deployment>>(kind === 'service' ? allServices : allDeployments);
    const object = items.find(isIt);
    const selector = object?.selector ?? {};
    // Where not every namespace may be listed, its own was.
    return { found: object !== undefined, isOwn: (pod) => selects(selector, pod.labels) };
  }
  const isOwn = (pod: Pod): boolean =>
    kind === 'pod' ? isIt(pod) : pod.owner?.kind.toLowerCase() === kind && pod.owner.name === name;
  return { found: pods.some((pod) => pod.namespace === namespace && isOwn(pod)), isOwn };
}

/** What series call a workload, by a pod of it. */
function nameIn({ kind, name }: Workload, pod: Pod | undefined): string {
  const called = pod?.labels[WORKLOAD_NAME];
  if (called !== undefined) return called;
  return pod && (kind === 'pod' || kind === 'job') ? ownerOf(pod).name : name;
}

/** null when the user asked about the whole mesh. */
export const narrowed = clusterSource([], async (ask): Promise<Narrowed | null> => {
  const { from, scope } = ask;
  const { workload } = scope;
  if (workload === null) return null;
  const { kind, name, namespace } = workload;
  const [pods, services] = await Promise.all([from(allPods), from(allServices)]);
  const { found, isOwn } = await belonging(ask, workload, pods.items);
  const all = pods.items.filter((pod) => pod.namespace === namespace && isOwn(pod));
  const own = all.filter(isRunning);
  const leadsToIt = (service: Service): boolean =>
    service.namespace === namespace && own.some((pod) => selects(service.selector, pod.labels));
  const isIt = (service: Service): boolean => service.name === name && service.namespace === namespace;
  const [first] = all;
  return {
    workload,
    found,
    pods: own,
    services: services.items.filter(kind === 'service' ? isIt : leadsToIt),
    named: kind === 'service' ? null : nameIn(workload, first),
  };
});

/** Whether a series is about the workload. Labels by release: mixer.md 5. */
export function matchesWorkload(
  { workload, services, named }: Narrowed,
  labels: Pick<ReadonlyMap<string, string>, 'get' | 'has'>,
): boolean {
  const { namespace } = workload;
  if (named !== null) {
    const isNamed = (side: string): boolean =>
      labels.get(`${side}_workload`) === named && labels.get(`${side}_workload_namespace`) === namespace;
    if (isNamed('destination') || isNamed('source')) return true;
    if (labels.has('destination_workload')) return false;
  }
  const host = labels.get('destination_service') ?? '';
  return services.some((service) => host === service.name || host.startsWith(`${service.name}.${service.namespace}.`));
}

/** What -l selects, by the API server's own reading of it; null without -l. */
export const selectedPods = clusterSource([], async (ask): Promise<Listing<Pod> | null> => {
  const { selector } = ask.scope;
  if (selector === null) return null;
  const [all, selected] = await Promise.all([
    settle(ask.from(allPods)),
    listAll(ask, podsResource, podOf, { selector }),
  ]);
  const known = new Map(itemsOf(all).map((pod) => [titleOf(pod), pod]));
  // One pod is one object, whichever list it was found in: what is known of pods is kept by them.
  return { ...selected, items: selected.items.map((pod) => known.get(titleOf(pod)) ?? pod) };
});

/** The workloads' pods that are judged, and whether each has a proxy. */
export interface Workloads {
  /** Narrowed by -n and -l. */
  pods: readonly Pod[];
  /** Of the whole mesh, whatever was asked for. */
  everywhere: readonly Pod[];
  /** Namespaces labelled for injection. */
  injected: Attempt<ReadonlySet<string>>;
  /** False when not every namespace could be listed. */
  complete: boolean;
}

/** Running pods of workloads: not of control planes, nor of Kubernetes itself; narrowed by -n and -l. */
export const workloads = clusterSource([], async (ask): Promise<Workloads> => {
  const { from, scope } = ask;
  const [all, selected, { planes }, namespaces] = await Promise.all([
    from(allPods),
    ask.from(selectedPods),
    from(detection),
    settle(from(allNamespaces)),
  ]);
  const controlPlanes = new Set(planes.map(({ namespace }) => namespace));
  const isWorkload = (pod: Pod): boolean =>
    isRunning(pod) && !controlPlanes.has(pod.namespace) && !isKubernetes(pod.namespace);
  const everywhere = all.items.filter(isWorkload);
  const pods = (selected ?? all).items.filter(
    (pod) => isWorkload(pod) && (scope.namespace === null || pod.namespace === scope.namespace),
  );
  const injected =
    'got' in namespaces
      ? {
          got: new Set(namespaces.got.items.filter(({ labels }) => isEnabled(labels)).map(({ name }) => name)),
        }
      : namespaces;
  return { pods, everywhere, injected, complete: all.complete };
});
