import { isSelected, type LabelSelector } from '../istio/selector.ts';

type Labels = Readonly<Record<string, string>>;

/** Who may come in at which ports. */
export interface Ingress {
  /** Empty for all. */
  ports: readonly { port: number | string | null; endPort: number | null }[];
  /** Empty for everybody. */
  from: readonly Peer[];
}

export interface Peer {
  pods: LabelSelector | null;
  namespaces: LabelSelector | null;
  /** Whether it names addresses: whose they are is not worked out. */
  isBlock: boolean;
}

/** A NetworkPolicy, as far as it says who may come in; null where it says nothing of that. */
export interface NetworkPolicy {
  namespace: string;
  name: string;
  selector: LabelSelector;
  ingress: readonly Ingress[] | null;
}

/** A pod that calls, or is called. */
export interface End {
  namespace: string;
  labels: Labels;
  containers: readonly { ports: readonly { name: string | null; port: number }[] }[];
}

/** Whether a rule of a policy may admit a caller at some port. */
export function admits(
  { namespace }: Pick<NetworkPolicy, 'namespace'>,
  { from }: Ingress,
  caller: End,
  spaces: ReadonlyMap<string, Labels> | null,
): boolean {
  return (
    from.length === 0 ||
    from.some(({ pods, namespaces: places, isBlock }) => {
      if (isBlock) return true;
      const labels = spaces?.get(caller.namespace);
      const isPlace =
        places === null ? caller.namespace === namespace : labels === undefined || isSelected(places, labels);
      return isPlace && (pods === null || isSelected(pods, caller.labels));
    })
  );
}

/**
 * The NetworkPolicies that keep a caller from a port of a pod: those that select it, where none of them admits the caller
 * (kubernetes.io/docs/concepts/services-networking/network-policies: they add up). What may admit it, such as a range of
 * addresses, or a selector of namespaces whose labels are not known, does.
 */
export function barring(
  policies: readonly NetworkPolicy[],
  {
    pod,
    port,
    caller,
    namespaces,
  }: {
    pod: End;
    port: number;
    /** Null where it is no pod of this cluster: then nobody is asked for. */
    caller: End | null;
    namespaces: ReadonlyMap<string, Labels> | null;
  },
): readonly NetworkPolicy[] {
  const own = policies.filter(
    ({ namespace, selector, ingress }) =>
      ingress !== null && namespace === pod.namespace && isSelected(selector, pod.labels),
  );
  const fitsPort = ({ ports }: Ingress): boolean =>
    ports.length === 0 ||
    ports.some(({ port: each, endPort }) => {
      if (each === null) return true;
      const named = pod.containers.flatMap(({ ports }) => ports).find(({ name }) => name === each)?.port;
      const first = typeof each === 'number' ? each : named;
      return first !== undefined && port >= first && port <= (endPort ?? first);
    });
  const isAdmitted = own.some((policy) =>
    policy.ingress?.some((each) => fitsPort(each) && (caller === null || admits(policy, each, caller, namespaces))),
  );
  return isAdmitted ? [] : own;
}
