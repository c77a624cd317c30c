import { hasLabels } from './destination-rules.ts';
import { isAtLeast } from './release.ts';
import { byAge, type Exported } from './visibility.ts';

export type MtlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

/** What servers take: plain text, mutual TLS, or both. */
export interface PeerAuthentication extends Exported {
  /** The pods that it is for; null for all of its namespace, or in the root namespace of the mesh. */
  selector: Readonly<Record<string, string>> | null;
  /** Null where it leaves the mode to whoever stands above. */
  mode: MtlsMode | null;
  /** Of single ports of the pods. */
  ports: ReadonlyMap<number, MtlsMode | null>;
}

/** What of a pod decides what it takes. */
interface Server {
  namespace: string;
  labels: Readonly<Record<string, string>>;
}

/** The release since which PeerAuthentications alone say what pods take: 1.5 obeys Policy and MeshPolicy beside, which are not read. */
const ALONE_SINCE = '1.6';
export const isByPeerAuthentication = (version: string | null): boolean =>
  version === null || isAtLeast(version, ALONE_SINCE);

/** Why nothing is said of older ones. */
export const NOT_LOOKED_AT = `what pods take is not looked at before ${ALONE_SINCE}`;

/** All PeerAuthentications of a mesh by their namespace, made ready to be looked up: the oldest first, which counts. */
export interface PeerAuthentications {
  /** Those for some pods. */
  selecting: ReadonlyMap<string, readonly PeerAuthentication[]>;
  /** Those for all pods. */
  general: ReadonlyMap<string, readonly PeerAuthentication[]>;
}

export function indexPeerAuthentications(rules: readonly PeerAuthentication[]): PeerAuthentications {
  const selecting = new Map<string, PeerAuthentication[]>();
  const general = new Map<string, PeerAuthentication[]>();
  for (const rule of [...rules].sort(byAge)) {
    const own = rule.selector === null ? general : selecting;
    const same = own.get(rule.namespace);
    if (same) same.push(rule);
    else own.set(rule.namespace, [rule]);
  }
  return { selecting, general };
}

/** The oldest rule that selects a pod. One with a selector in the root namespace is nobody's. */
export const selectingRuleOf = (
  { selecting }: PeerAuthentications,
  { namespace, labels }: Server,
  root: string,
): PeerAuthentication | undefined =>
  namespace === root
    ? undefined
    : selecting.get(namespace)?.find(({ selector }) => selector !== null && hasLabels(selector, labels));

/**
 * What a pod's proxy takes on a port: by the oldest rule that selects it, its port first, else by the oldest of its
 * namespace, else by the mesh's, else both. The ports of a rule without a selector say nothing (istio/istio
 * pilot/pkg/security/authn/policy_applier.go, ComposePeerAuthentication;
 * pilot/pkg/serviceregistry/ambient/authorization.go the same for ztunnel).
 */
export function mtlsModeOf(rules: PeerAuthentications, pod: Server, port: number, root: string): MtlsMode {
  const workload = selectingRuleOf(rules, pod, root);
  return workload?.ports.get(port) ?? workload?.mode ?? namespaceModeOf(rules, pod.namespace, root);
}

/** What a namespace or the mesh says for all of its pods (pilot/pkg/model/authentication.go, GetNamespaceMutualTLSMode). */
function namespaceModeOf({ general }: PeerAuthentications, namespace: string, root: string): MtlsMode {
  const of = (name: string): MtlsMode | null => general.get(name)?.[0]?.mode ?? null;
  return of(namespace) ?? of(root) ?? 'PERMISSIVE';
}

/**
 * What callers speak to a Service where no DestinationRule names a mode: mutual TLS to those pods that their label says take it,
 * unless their namespace says DISABLE, whatever their own rule says. Of a headless Service single pods are not told
 * apart: mutual TLS to all where each has the label, else plain text to all (pilot/pkg/model/push_context.go,
 * BestEffortInferServiceMTLSMode; cluster_tls.go, buildUpstreamTLSSettings and applyUpstreamTLSSettings).
 */
export function autoModeOf(
  rules: PeerAuthentications,
  { namespace, root, headless, isOn }: { namespace: string; root: string; headless: boolean; isOn: boolean },
  takeTls: readonly boolean[],
): 'plain' | 'mutual' | 'by pod' {
  const isMixed = takeTls.length === 0 || takeTls.includes(false);
  if (!isOn || (headless && isMixed) || namespaceModeOf(rules, namespace, root) === 'DISABLE') return 'plain';
  return headless ? 'mutual' : 'by pod';
}

/** What a DestinationRule, or one of its subsets, makes callers speak: `ISTIO_MUTUAL`, `DISABLE`, `SIMPLE`… */
export interface ClientPolicy {
  /** Null where it leaves that to Istio. */
  mode: string | null;
  /** Of single ports of the Service: what stands there replaces the rest whole, also where it names no mode. */
  ports: ReadonlyMap<number, string | null>;
}

/**
 * What a caller's proxy speaks to a port of a Service, or to a subset; null where Istio finds out by itself: a subset's word
 * before the rule's, a port's before that for all (pilot/pkg/networking/util/util.go, GetPortLevelTrafficPolicy and
 * MergeSubsetTrafficPolicy). Where a port's settings name no mode, Istio finds out, and yet not where the mode above them is
 * another than its own: then it speaks plain text, and where it is its own, mutual TLS by the pods' label alone
 * (pilot/pkg/xds/endpoints/mtls_checker.go, tlsModeForDestinationRule and checkMtlsEnabled);
 * pods of a headless Service it does not look at one by one.
 */
export function clientModeOf(
  rule: ClientPolicy | null,
  subset: ClientPolicy | null,
  { port, headless }: { port: number; headless: boolean },
): string | null {
  const here = (policy: ClientPolicy | null): string | null =>
    policy?.ports.has(port) ? (policy.ports.get(port) ?? null) : (policy?.mode ?? null);
  const said = subset?.ports.has(port) ? here(subset) : (here(subset) ?? here(rule));
  if (said !== null || headless) return said;
  const above = modeAbove(rule, subset, port);
  return above === null || above === 'ISTIO_MUTUAL' ? null : 'DISABLE';
}

/** The mode that stands above a port's settings without one. */
export const modeAbove = (rule: ClientPolicy | null, subset: ClientPolicy | null, port: number): string | null =>
  subset?.mode ?? rule?.ports.get(port) ?? rule?.mode ?? null;
