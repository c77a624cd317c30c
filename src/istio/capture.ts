/** What of a pod decides which of its traffic goes through its sidecar. */
export interface Captured {
  annotations: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  /** `REDIRECT`, `TPROXY`, `NONE`, as the injector told the sidecar; undefined where it did not. */
  interception: string | undefined;
  /** The arguments of istio-iptables, where a container of the pod carries them: they hold what the whole mesh is told too. */
  redirection: readonly string[];
}

/** What keeps traffic from a sidecar, and where it is said. */
export interface Keeping {
  /** The setting with its value. */
  words: string;
  /** The pod's own annotation; a value of the installation, for every pod that says nothing itself; a Sidecar's captureMode. */
  by: 'annotation' | 'values' | { sidecar: { namespace: string; name: string } };
}

/** The sidecar's own pages, which the injector keeps from redirection (injection-template.yaml): no workload's ports. */
export const SIDECAR_PORTS: readonly number[] = [15020, 15021, 15090];

const SIDECAR = 'traffic.sidecar.istio.io';
/** The annotation that says which inbound ports go through the sidecar. */
export const INCLUDE = `${SIDECAR}/includeInboundPorts`;
const EXCLUDE_INTERFACES = `${SIDECAR}/excludeInterfaces`;

/** Settings by the end of their annotation: the argument (istio-iptables) and the value that a pod without it is given. */
const SETTINGS = {
  includeInboundPorts: { flag: '-b', value: 'includeInboundPorts', fallback: '*' },
  excludeInboundPorts: { flag: '-d', value: 'excludeInboundPorts', fallback: '' },
  includeOutboundIPRanges: { flag: '-i', value: 'includeIPRanges', fallback: '*' },
  excludeOutboundIPRanges: { flag: '-x', value: 'excludeIPRanges', fallback: '' },
  includeOutboundPorts: { flag: '-q', value: 'includeOutboundPorts', fallback: '' },
} as const;

/** What the injector names it since the older name is deprecated (istio.io/api, annotation/annotations.gen.go). */
const VIRTUAL = ['istio.io/reroute-virtual-interfaces', `${SIDECAR}/kubevirtInterfaces`];

const listOf = (value: string): readonly string[] =>
  value.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));

/** The value that is in force: what was carried out counts before what was said. */
function inForce({ annotations, redirection }: Captured, name: keyof typeof SETTINGS): string {
  const { flag, fallback } = SETTINGS[name];
  const at = redirection.indexOf(flag);
  return (at < 0 ? undefined : redirection[at + 1]) ?? annotations[`${SIDECAR}/${name}`] ?? fallback;
}

const keeping = (pod: Captured, name: keyof typeof SETTINGS): Keeping => {
  const annotation = `${SIDECAR}/${name}`;
  const said = pod.annotations[annotation];
  return said === undefined
    ? { words: `global.proxy.${SETTINGS[name].value}: ${JSON.stringify(inForce(pod, name))}`, by: 'values' }
    : { words: `${annotation}: ${JSON.stringify(said)}`, by: 'annotation' };
};

const own = (words: string): Keeping => ({ words, by: 'annotation' });

/** Why nothing at all is captured, on either side; null where something is. */
function nothingBy({ annotations, interception }: Captured): Keeping | null {
  if (interception === 'NONE') return own('sidecar.istio.io/interceptionMode: NONE');
  // Kubernetes calls a pod's own interface so, whatever network plugin makes it.
  if (listOf(annotations[EXCLUDE_INTERFACES] ?? '').includes('eth0')) return own(`${EXCLUDE_INTERFACES}: eth0`);
  return null;
}

/**
 * What keeps the traffic to a port of a pod from its sidecar; null where it goes through, and for the sidecar's own pages
 * (tools/istio-iptables/pkg/capture/run.go, handleInboundPortsInclude and shortCircuitExcludeInterfaces): what is excluded is
 * looked at only where every port is included.
 */
export function inboundKeptBy(pod: Captured, port: number): Keeping | null {
  const nothing = nothingBy(pod);
  if (nothing !== null || SIDECAR_PORTS.includes(port)) return nothing;
  const included = inForce(pod, 'includeInboundPorts').trim();
  if (included !== '*') return listOf(included).includes(String(port)) ? null : keeping(pod, 'includeInboundPorts');
  return listOf(inForce(pod, 'excludeInboundPorts')).includes(String(port))
    ? keeping(pod, 'excludeInboundPorts')
    : null;
}

/** Ranges that leave no address of their kind. */
const ALL = ['0.0.0.0/0', '::/0'];

/** What keeps all that a pod sends from its sidecar; null where some goes through (run.go, handleOutboundIncludeRules). */
export function outboundKeptBy(pod: Captured): Keeping | null {
  const nothing = nothingBy(pod);
  if (nothing !== null) return nothing;
  if (listOf(inForce(pod, 'excludeOutboundIPRanges')).some((range) => ALL.includes(range)))
    return keeping(pod, 'excludeOutboundIPRanges');
  if (inForce(pod, 'includeOutboundIPRanges').trim() === '' && inForce(pod, 'includeOutboundPorts').trim() === '')
    return keeping(pod, 'includeOutboundIPRanges');
  // What a virtual machine sends comes in by an interface of its own.
  if (pod.labels['kubevirt.io'] === 'virt-launcher' && VIRTUAL.every((name) => pod.annotations[name] === undefined))
    return own(`no annotation ${VIRTUAL[0]}`);
  return null;
}
