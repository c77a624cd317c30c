import { INCLUDE, isRedirected } from './mtls.ts';

/** What of a pod decides which of its traffic goes through its sidecar. */
export interface Captured {
  annotations: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  /** `REDIRECT`, `TPROXY`, `NONE`, as the injector told the sidecar; undefined where it did not. */
  interception: string | undefined;
}

const SIDECAR = 'traffic.sidecar.istio.io';
const EXCLUDE_INTERFACES = `${SIDECAR}/excludeInterfaces`;

/** What the injector names it since the older name is deprecated (istio.io/api, annotation/annotations.gen.go). */
const VIRTUAL = ['istio.io/reroute-virtual-interfaces', `${SIDECAR}/kubevirtInterfaces`];

const listOf = (value: string | undefined): readonly string[] => (value ?? '').split(',').map((each) => each.trim());

/** Why nothing at all is captured, on either side; null where something is. */
function nothingBy({ annotations, interception }: Captured): string | null {
  if (interception === 'NONE') return 'interceptionMode NONE';
  // Kubernetes calls a pod's own interface so, whatever network plugin makes it.
  if (listOf(annotations[EXCLUDE_INTERFACES]).includes('eth0')) return `${EXCLUDE_INTERFACES}: eth0`;
  return null;
}

/**
 * What keeps the traffic to a port of a pod from its sidecar; null where it goes through (tools/istio-iptables/pkg/capture/run.go,
 * handleInboundPortsInclude and shortCircuitExcludeInterfaces).
 */
export function inboundKeptBy(pod: Captured, port: number): string | null {
  const nothing = nothingBy(pod);
  if (nothing !== null) return nothing;
  if (isRedirected(pod, port)) return null;
  const included = pod.annotations[INCLUDE];
  if (included !== undefined && !listOf(included).includes('*')) return `${INCLUDE}: ${JSON.stringify(included)}`;
  const excluded = `${SIDECAR}/excludeInboundPorts`;
  return `${excluded}: ${JSON.stringify(pod.annotations[excluded] ?? '')}`;
}

/** Ranges that leave no address of their kind. */
const ALL = ['0.0.0.0/0', '::/0'];

/** What keeps all that a pod sends from its sidecar; null where some goes through (run.go, handleOutboundIncludeRules). */
export function outboundKeptBy(pod: Captured): string | null {
  const nothing = nothingBy(pod);
  if (nothing !== null) return nothing;
  const { annotations, labels } = pod;
  const said = (name: string): string | undefined => annotations[`${SIDECAR}/${name}`];
  const excluded = said('excludeOutboundIPRanges');
  if (listOf(excluded).some((range) => ALL.includes(range)))
    return `${SIDECAR}/excludeOutboundIPRanges: ${JSON.stringify(excluded)}`;
  if (said('includeOutboundIPRanges')?.trim() === '' && (said('includeOutboundPorts') ?? '').trim() === '')
    return `${SIDECAR}/includeOutboundIPRanges: ""`;
  // What a virtual machine sends comes in by an interface of its own.
  if (labels['kubevirt.io'] === 'virt-launcher' && VIRTUAL.every((name) => annotations[name] === undefined))
    return `no annotation ${VIRTUAL[0]}`;
  return null;
}
