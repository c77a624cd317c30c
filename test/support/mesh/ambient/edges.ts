import type { Call, Spec, Workload } from '../spec.ts';
import { type Peer, shareOf } from '../traffic.ts';
import { waypointOf } from './binding.ts';
import type { Waypoint } from './spec.ts';

/** One side of connections, as a ztunnel counts it. */
export interface SeenEdge {
  reporter: 'source' | 'destination';
  /** Null where nobody knows anything. */
  from: Peer | null;
  to: Peer | null;
  service: Call['service'];
  /** Whether the connections go through the tunnel. */
  mutual: boolean;
  connections: number;
}

export const nodesOf = ({ node }: { node: string | readonly string[] }): readonly string[] =>
  typeof node === 'string' ? [node] : node;

/** Whether a node's ztunnel has the traffic of a workload's pods there. */
const isTakenOn = ({ ambient }: Spec, { proxy, redirection, hostNetwork, phase }: Workload, node: string): boolean =>
  proxy === 'ambient' &&
  redirection === 'enabled' &&
  phase === 'Running' &&
  !hostNetwork &&
  (ambient?.nodes[node]?.ztunnel ?? null) !== null;

/** Whether ztunnels have the traffic of a workload. */
export const isTaken = (spec: Spec, workload: Workload): boolean =>
  nodesOf(workload).some((node) => isTakenOn(spec, workload, node));

/**
 * Whether a sidecar takes tunnels: one that was injected since ambient is there does (the label `networking.istio.io/tunnel`
 * of injection-template.yaml), and it knows by istiod who calls (pkg/bootstrap/config.go, MetadataDiscovery).
 */
export function takesTunnels({ mesh }: Spec, { proxy, env }: Workload): boolean {
  const { proxyMetadata = {} } = (mesh.defaultConfig ?? {}) as { proxyMetadata?: Record<string, string> };
  return proxy === 'sidecar' && { ...proxyMetadata, ...env }.ISTIO_META_ENABLE_HBONE === 'true';
}

/** Which part of a workload's traffic those of its pods have that are on such nodes. */
function partWhere({ replicas, ...workload }: Workload, isOn: (node: string) => boolean): number {
  const nodes = nodesOf(workload);
  const shares = Array.from({ length: replicas }, (_, pod) => shareOf(pod, replicas));
  return shares.filter((_, pod) => isOn(nodes[pod % nodes.length] ?? '')).reduce((sum, share) => sum + share, 0);
}

/** Which part of a workload's traffic a node's ztunnel has. */
const partOn = (spec: Spec, workload: Workload, node: string): number =>
  partWhere(workload, (each) => each === node && isTakenOn(spec, workload, node));

/** Which part of a workload's traffic goes anywhere: what is led to a ztunnel that does not take it is lost. */
const aliveOf = (spec: Spec, workload: Workload | null): number =>
  workload?.proxy !== 'ambient' || workload.redirection === null || workload.hostNetwork
    ? 1
    : partWhere(workload, (node) => isTakenOn(spec, workload, node));

/** What istiod tells ztunnels of a workload, whether it is in the mesh or not. */
export const peerOf = ({ name, namespace, app, version }: Workload): Peer => ({
  workload: name,
  namespace,
  app,
  version,
  account: app,
});

export const waypointPeer = ({ name, namespace }: Waypoint): Peer => ({
  workload: name,
  namespace,
  app: name,
  version: 'latest',
  account: name,
});

/** How many requests share a connection. */
const PER_CONNECTION = 10;

const sumOf = ({ codes }: Call): number => Object.values(codes).reduce((sum, count) => sum + count, 0);

const connectionsOf = (call: Call): number => (call.protocol === 'tcp' ? sumOf(call) : sumOf(call) / PER_CONNECTION);

const isReady = ({ replicas, ready }: Waypoint): boolean =>
  Array.from({ length: replicas }, (_, pod) => ready[pod] !== false).includes(true);

/** The ends of a call, and the waypoint through which it goes: one without a ready pod takes nothing, and nobody counts. */
export function endsOf(spec: Spec, call: Call) {
  const [from = null, to = null] = [call.from, call.to].map((name) =>
    spec.workloads.find((each) => each.name === name),
  );
  const by = from && (isTaken(spec, from) ? 'ztunnel' : from.proxy === 'gateway' ? 'gateway' : null);
  const waypoint = by && waypointOf(spec, call, by);
  return { from, to, waypoint, isStuck: waypoint !== null && !isReady(waypoint) };
}

/** The calls that go through a waypoint, which answers itself where nobody else does. */
export const callsThrough = (spec: Spec, waypoint: Waypoint): readonly Call[] =>
  spec.calls.flatMap((call) => {
    const ends = endsOf(spec, call);
    if (ends.waypoint !== waypoint || ends.isStuck) return [];
    const isLost = call.protocol !== 'tcp' && aliveOf(spec, ends.to) === 0;
    return [isLost ? { ...call, codes: { '503': sumOf(call) } } : call];
  });

/** Edges that a ztunnel cannot tell apart, counted together: two callers behind one waypoint. */
function merged(edges: readonly SeenEdge[]): readonly SeenEdge[] {
  const found = new Map<string, SeenEdge>();
  for (const { connections, ...edge } of edges) {
    const key = JSON.stringify(edge);
    found.set(key, { ...edge, connections: connections + (found.get(key)?.connections ?? 0) });
  }
  return [...found.values()];
}

/**
 * What the ztunnel of a node counts (ztunnel, src/proxy/outbound.rs, inbound.rs and inbound_passthrough.rs). Behind a
 * waypoint each side has the waypoint for its peer; what comes or goes without the tunnel has no identity.
 */
export const edgesOn = (spec: Spec, node: string): readonly SeenEdge[] =>
  merged(
    spec.calls.flatMap((call): readonly SeenEdge[] => {
      const { from, to, waypoint, isStuck } = endsOf(spec, call);
      if (isStuck) return [];
      const { reporters } = call;
      // Who is sent to a pod knows no Service; where it arrives one is guessed by the port.
      const asked = call.past === 'by-addresses' ? { name: 'unknown', namespace: null } : call.service;
      const edge = (reporter: SeenEdge['reporter'], part: number, ends: Pick<SeenEdge, 'from' | 'to' | 'mutual'>) =>
        part > 0 && reporters.includes(reporter)
          ? [
              {
                reporter,
                service: reporter === 'source' ? asked : call.service,
                ...ends,
                connections: Math.round(connectionsOf(call) * part),
              },
            ]
          : [];
      const [sender, receiver] = [from && peerOf(from), to && peerOf(to)];
      const through = waypoint && waypointPeer(waypoint);
      const isTunnelled =
        from !== null && (isTaken(spec, from) || from.proxy === 'sidecar' || from.proxy === 'gateway');
      return [
        ...edge('source', from ? partOn(spec, from, node) * aliveOf(spec, waypoint ? null : to) : 0, {
          from: sender,
          to: through ?? receiver,
          mutual: call.mutual && (through !== null || (to !== null && (isTaken(spec, to) || takesTunnels(spec, to)))),
        }),
        ...edge('destination', to ? partOn(spec, to, node) * aliveOf(spec, from) : 0, {
          from: through ?? sender,
          to: receiver,
          mutual: call.mutual && isTunnelled,
        }),
      ];
    }),
  );
