import { pods as podsResource } from '../../cluster/question/resources.ts';
import type { Attempt, Workload } from '../../diagnosis/check.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import { isEnabled, isKubernetes } from '../../istio/injection.ts';
import { detection } from '../istio/detection.ts';
import {
  allDeployments,
  allNamespaces,
  allPods,
  allServices,
  type Deployment,
  type Listing,
  listAll,
  selects,
} from './lists.ts';
import { isRunning, type Pod, podOf } from './pod.ts';
import type { Service } from './service.ts';

/** The one workload that the user asked about, as the cluster has it. */
export interface Narrowed {
  workload: Workload;
  /** Whether the Service or Deployment itself is there. */
  found: boolean;
  pods: readonly Pod[];
  /** Services that lead to its pods: 0.8's metrics name services only. */
  services: readonly Service[];
}

/** null when the user asked about the whole mesh. */
export const narrowed = clusterSource([], async ({ from, scope }): Promise<Narrowed | null> => {
  const { workload } = scope;
  if (workload === null) return null;
  const isIt = ({ name, namespace }: { name: string; namespace: string }): boolean =>
    name === workload.name && namespace === workload.namespace;
  const [pods, services, kind] = await Promise.all([
    from(allPods),
    from(allServices),
    from<Listing<Service | Deployment>>(workload.kind === 'service' ? allServices : allDeployments),
  ]);
  const object = kind.items.find(isIt);
  const own = pods.items.filter(
    (pod) => pod.namespace === workload.namespace && isRunning(pod) && selects(object?.selector ?? {}, pod.labels),
  );
  const leadsToIt = ({ namespace, selector }: Service): boolean =>
    namespace === workload.namespace && own.some((pod) => selects(selector, pod.labels));
  return {
    workload,
    // Where not every namespace may be listed, its own was.
    found: object !== undefined,
    pods: own,
    services: services.items.filter(workload.kind === 'service' ? isIt : leadsToIt),
  };
});

/** Whether a series is about the workload. Labels by release: mixer.md 5. */
export function matchesWorkload({ workload, services }: Narrowed, labels: ReadonlyMap<string, string>): boolean {
  const { name, namespace } = workload;
  if (workload.kind === 'deployment') {
    if (labels.get('destination_workload') === name && labels.get('destination_workload_namespace') === namespace)
      return true;
    if (labels.get('source_workload') === name && labels.get('source_workload_namespace') === namespace) return true;
    if (labels.has('destination_workload')) return false;
  }
  const host = labels.get('destination_service') ?? '';
  return services.some((service) => host === service.name || host.startsWith(`${service.name}.${service.namespace}.`));
}

/** What -l selects, by the API server's own reading of it; null without -l. */
export const selectedPods = clusterSource([], async (ask) =>
  ask.scope.selector === null ? null : listAll(ask, podsResource, podOf, { selector: ask.scope.selector }),
);

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
