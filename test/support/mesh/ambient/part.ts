import type { Page, RecordedObject } from '../../recordings.ts';
import type { Reported } from '../families.ts';
import type { Connected } from '../istiod-pages.ts';
import { pagesOf } from '../pages.ts';
import { app, type Spec } from '../spec.ts';
import { shareOf } from '../traffic.ts';
import { callsThrough, edgesOn, isTaken, nodesOf, peerOf } from './edges.ts';
import { agentPage, nodeObjects } from './node-objects.ts';
import type { Waypoint } from './spec.ts';
import { waypointObjects } from './waypoint-objects.ts';
import { ztunnelPage } from './ztunnel-page.ts';

/** What of a mesh ambient brings: its objects, its pages, and whom istiod knows. */
interface AmbientPart {
  objects: readonly RecordedObject[];
  /** By `NAMESPACE/POD:PORT/PATH`. */
  pages: ReadonlyMap<string, Page>;
  connected: readonly Connected[];
}

const podsIn = (objects: readonly RecordedObject[]): readonly RecordedObject[] =>
  objects.filter(({ kind }) => kind === 'Pod');

const nameOf = ({ metadata }: RecordedObject): string => `${metadata.namespace}/${metadata.name}`;

/** As istiod names a proxy. */
const proxyOf = ({ metadata }: RecordedObject): string => `${metadata.name}.${metadata.namespace}`;

/** How many pods of a node a ztunnel serves. */
const activeOn = (spec: Spec, node: string): number =>
  spec.workloads
    .filter((each) => isTaken(spec, each))
    .reduce((sum, each) => {
      const nodes = nodesOf(each);
      return (
        sum +
        Array.from({ length: each.replicas }, (_, pod) => nodes[pod % nodes.length]).filter((at) => at === node).length
      );
    }, 0);

/** What runs on the nodes: ztunnels and agents, with their pages. */
function ofNodes(spec: Spec, ambient: NonNullable<Spec['ambient']>, address: () => string): AmbientPart {
  const objects = nodeObjects(spec, ambient, address);
  const pages = new Map<string, Page>();
  const connected: Connected[] = [];
  for (const pod of podsIn(objects)) {
    const node = String(pod.spec?.nodeName);
    const { ztunnel, agent } = ambient.nodes[node] ?? {};
    if (pod.metadata.labels?.app === 'ztunnel' && ztunnel) {
      const page = ztunnelPage(spec.release, activeOn(spec, node), edgesOn(spec, node), ztunnel.page);
      for (const path of ['metrics', 'stats/prometheus']) pages.set(`${nameOf(pod)}:15020/${path}`, page);
      if (ztunnel.isConnected) connected.push({ pod: proxyOf(pod), type: 'ztunnel', of: app('ztunnel') });
    } else if (agent) {
      const body = agentPage(agent.isReady);
      pages.set(`${nameOf(pod)}:15014/metrics`, { status: 200, contentType: 'text/plain; version=0.0.4', body });
    }
  }
  return { objects, pages, connected };
}

/** What a waypoint reports: the calls that go through it. */
const reportedBy = (spec: Spec, waypoint: Waypoint): readonly Reported[] => {
  const peer = (name: string | null) => {
    const found = spec.workloads.find((each) => each.name === name);
    return found ? peerOf(found) : null;
  };
  return callsThrough(spec, waypoint).map((call) => ({
    edge: { ...call, from: peer(call.from), to: peer(call.to) },
    reporter: 'waypoint',
  }));
};

function ofWaypoint(spec: Spec, waypoint: Waypoint, address: () => string): AmbientPart {
  const { name, told, dropped, refusal, page } = waypoint;
  const objects = waypointObjects(spec, waypoint, address);
  const pods = podsIn(objects);
  const pages = new Map<string, Page>();
  for (const [index, pod] of pods.entries()) {
    const own = pagesOf(spec.release, reportedBy(spec, waypoint), {
      hasFilter: told && refusal === '',
      ...(dropped.length > 0 && { without: new RegExp(`^istio_(${dropped.join('|')})$`) }),
      ...page,
      times: (page.times ?? 1) * shareOf(index, pods.length),
    });
    for (const [path, each] of own) pages.set(`${nameOf(pod)}:${path}`, each);
  }
  const of = app(name, { told: told ? ['inbound'] : [], dropped, refusal, page });
  return { objects, pages, connected: pods.map((pod) => ({ pod: proxyOf(pod), type: 'waypoint', of })) };
}

/** Ambient's part of a mesh: nothing where it has none. */
export function ambientPart(spec: Spec, address: () => string): AmbientPart {
  const { ambient } = spec;
  const parts = ambient
    ? [ofNodes(spec, ambient, address), ...ambient.waypoints.map((each) => ofWaypoint(spec, each, address))]
    : [];
  return {
    objects: parts.flatMap(({ objects }) => objects),
    pages: new Map(parts.flatMap(({ pages }) => [...pages])),
    connected: parts.flatMap(({ connected }) => connected),
  };
}
