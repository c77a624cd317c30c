import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import { peerAuthentications as kind } from '../../cluster/question/resources.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { calledBy } from '../../istio/called.ts';
import type { Subset } from '../../istio/destination-rules.ts';
import { hostOf } from '../../istio/hosts.ts';
import {
  autoModeOf,
  clientModeOf,
  indexPeerAuthentications,
  isByPeerAuthentication,
  type MtlsMode,
  modeAbove,
  type PeerAuthentication,
} from '../../istio/mtls.ts';
import { type Protocol, protocolOf } from '../../istio/protocol.ts';
import { meshConfig } from '../kubernetes/config-maps.ts';
import { allPods, allServices, byNamespace } from '../kubernetes/lists.ts';
import { dated, titleOf } from '../kubernetes/named.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { type Service, type ServicePort, targetOf } from '../kubernetes/service.ts';
import { object } from '../text/json.ts';
import { callers, calls } from './calls.ts';
import { configuration } from './configuration.ts';
import type { DestinationRule } from './routing.ts';
import { answersOn, behind, takesTls } from './servers.ts';

const modeIn = (value: unknown): MtlsMode | null => {
  const { mode } = object(value);
  return mode === 'STRICT' || mode === 'PERMISSIVE' || mode === 'DISABLE' ? mode : null;
};

export const peerAuthentications = configuration(kind, (from: KubernetesObject): PeerAuthentication => {
  const { selector, mtls, portLevelMtls } = object(from.spec);
  const labels = object(object(selector).matchLabels) as Record<string, string>;
  return {
    ...dated(from),
    exportTo: [],
    selector: Object.keys(labels).length > 0 ? labels : null,
    mode: modeIn(mtls),
    ports: new Map(Object.entries(object(portLevelMtls)).map(([port, each]) => [Number(port), modeIn(each)])),
  };
});

/** What callers speak to a port of a Service, or of a subset of it. */
export interface ClientTls {
  service: Service;
  port: ServicePort;
  /** Null for the Service as a whole. */
  subset: Subset | null;
  /** The rule that says so, and its word: `DISABLE`, `SIMPLE`, `MUTUAL`, `ISTIO_MUTUAL`; null where Istio finds out by itself. */
  said: { rule: DestinationRule; mode: string } | null;
  /** Mutual TLS to those pods that their label says take it; `by pod`, where their own rule does not say DISABLE. Null for a TLS of its own, and where not everything was seen. */
  speaks: 'plain' | 'mutual' | 'by pod' | 'by label' | 'other' | null;
  /** The namespaces of the callers. */
  callers: readonly string[];
}

const SPOKEN: Readonly<Record<string, ClientTls['speaks']>> = {
  DISABLE: 'plain',
  SIMPLE: 'plain',
  ISTIO_MUTUAL: 'mutual',
};

/** What callers speak to one pod, whose own rule says `mode`. By itself Istio looks at that and at the pod's label, and not at what is there. */
export function spokenTo(
  { speaks }: Pick<ClientTls, 'speaks'>,
  pod: Pod,
  mode: MtlsMode | null,
): Exclude<ClientTls['speaks'], 'by pod' | 'by label'> {
  if (speaks !== 'by pod' && speaks !== 'by label') return speaks;
  return takesTls(pod) && (speaks === 'by label' || mode !== 'DISABLE') ? 'mutual' : 'plain';
}

/** Whether a pod's label says of its port what is not so. Of a gateway's and of ztunnel's nothing depends on it. */
function isMistaken(pod: Pod, port: number): boolean {
  const by = answersOn(pod, port);
  return by !== null && by !== 'ztunnel' && (by === 'sidecar') !== takesTls(pod);
}

/** What is said of one port, and by which of the rules that are taken together; or that Istio finds out by labels alone. */
function saidOf(
  rules: readonly DestinationRule[],
  { port, subset, headless }: { port: number; subset: string | null; headless: boolean },
): ClientTls['said'] | 'by label' {
  // The first rule with a policy counts, and the first that has the subset.
  const main = rules.find(({ hasPolicy }) => hasPolicy);
  const own = rules.find(({ subsets }) => subsets.some(({ name }) => name === subset));
  const all = main?.tls?.all ?? null;
  const part = (subset === null ? undefined : own?.tls?.subsets.get(subset)) ?? null;
  const mode = clientModeOf(all, part, { port, headless });
  if (mode === null && !headless && modeAbove(all, part, port) !== null) return 'by label';
  const rule = main && mode === clientModeOf(all, null, { port, headless }) ? main : own;
  return mode === null || !rule ? null : { rule, mode };
}

type Port = Pick<ClientTls, 'service' | 'port' | 'subset'>;

/** What Istio finds out by itself, where that may not be what pods take; undefined where it is. */
async function autoModes({
  from,
  plane,
}: Ask): Promise<(port: Port, byLabel: boolean) => ClientTls['speaks'] | undefined> {
  const [{ routing }, pods, peers, mesh] = await Promise.all([
    from(calls),
    from(allPods),
    settle(from(peerAuthentications)),
    settle(from(meshConfig)),
  ]);
  const podsOf = byNamespace(pods.items);
  const isOn = !('got' in mesh) || mesh.got?.autoMtls !== false;
  const rules = 'got' in peers && !peers.got.refusal ? indexPeerAuthentications(peers.got.items) : null;
  const isOld = !isByPeerAuthentication(plane.version);
  const ofPort = ({ service, port, subset }: Port, byLabel: boolean): ClientTls['speaks'] | undefined => {
    const { namespace, headless } = service;
    const own = behind(service, podsOf(namespace), subset).flatMap((pod) => {
      const target = targetOf(port, pod);
      return target === null ? [] : [{ pod, target }];
    });
    if (isOld || own.length === 0) return undefined;
    const scope = { namespace, headless, isOn, root: routing.root };
    const mode =
      rules &&
      autoModeOf(
        rules,
        scope,
        own.map(({ pod }) => takesTls(pod)),
      );
    if (byLabel) return mode === 'by pod' ? 'by label' : mode;
    return headless || mode === 'plain' || own.some(({ pod, target }) => isMistaken(pod, target)) ? mode : undefined;
  };
  const known = new Map<ServicePort, ClientTls['speaks'] | undefined>();
  // Every caller asks for the same ports of whole Services.
  return (each, byLabel) => {
    if (each.subset !== null || byLabel) return ofPort(each, byLabel);
    if (!known.has(each.port)) known.set(each.port, ofPort(each, byLabel));
    return known.get(each.port);
  };
}

/** Every port of a Service, or of a subset, to which calls may go and for which a DestinationRule names a mode of TLS; and those whose pods may not take what Istio makes of it. */
export const clientTls = planeSource([], async (ask): Promise<readonly ClientTls[]> => {
  const { from, plane } = ask;
  const [{ destinationRules }, told, services, auto] = await Promise.all([
    from(calls),
    from(callers),
    from(allServices),
    autoModes(ask),
  ]);
  const byName = new Map(destinationRules.map((rule) => [titleOf(rule), rule]));
  const byHost = new Map(services.items.map((service) => [hostOf(service), service]));
  const portOf = (host: string, number: number): ServicePort | undefined =>
    byHost.get(host)?.ports.find(({ port, protocol }) => port === number && protocol === 'TCP');
  const protocolAt = (host: string, number: number): Protocol | null => {
    const port = portOf(host, number);
    return port ? protocolOf(port, plane.version) : null;
  };
  const found = new Map<string, Omit<ClientTls, 'callers'> & { callers: Set<string> }>();
  for (const view of told) {
    for (const called of calledBy(view, protocolAt)) {
      const service = byHost.get(called.host);
      const port = portOf(called.host, called.port);
      if (!service || !port) continue;
      const merged = view.destinationRuleFor(called.host);
      const subset = merged?.subsets.find(({ name }) => name === called.subset) ?? null;
      if (called.subset !== null && !subset) continue;
      const rules = merged?.from.flatMap((each) => byName.get(titleOf(each)) ?? []) ?? [];
      const decided = saidOf(rules, { port: port.port, subset: called.subset, headless: service.headless });
      const said = decided === 'by label' ? null : decided;
      const speaks = said ? (SPOKEN[said.mode] ?? 'other') : auto({ service, port, subset }, decided === 'by label');
      if (speaks === undefined) continue;
      const key = `${called.host} ${called.port} ${called.subset} ${said ? `${titleOf(said.rule)} ${said.mode}` : speaks}`;
      const same = found.get(key);
      if (same) same.callers.add(view.caller.namespace);
      else found.set(key, { service, port, subset, said, speaks, callers: new Set([view.caller.namespace]) });
    }
  }
  return [...found.values()].map((each) => ({ ...each, callers: [...each.callers] }));
});
