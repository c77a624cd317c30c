import { defineMeter, type Flow } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { type Enrolled, enrolled } from '../../../evidence/ambient/enrolled.ts';
import { consumerStores } from '../../../evidence/consumers/consumer-stores.ts';
import { type Emission, emission } from '../../../evidence/envoy/emission.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { meshProxies } from '../../../evidence/istio/mesh-proxies.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { fresh, loaded } from '../../../evidence/prometheus/proxies.ts';
import { proxyScraping } from '../../../evidence/prometheus/scraping.ts';
import { consumersLine, flowOf, type Pods, scrapedOf, youngOf } from '../prometheus/funnel.ts';
import { storedOf } from '../prometheus/stored/proxies.ts';
import { ENROLLED, SCRAPE, STORED, WAYPOINT, ZTUNNEL_EMITS } from './steps.ts';
import { shownOf } from './ztunnel-emits/emitting.ts';

/** The pods of which nothing is too young to be judged, with what carries each: its node's ztunnel, or a waypoint itself. */
function carriedIn(
  { members, waypoints }: Pick<Enrolled, 'members' | 'waypoints'>,
  young: ReadonlySet<Pod>,
): ReadonlyMap<Pod, Pod | null> {
  const all: readonly (readonly [Pod, Pod | null])[] = [
    ...members.flatMap(({ pod, node, isYoung }) => (isYoung ? [] : [[pod, node.ztunnel] as const])),
    ...waypoints.map((pod) => [pod, pod] as const),
  ];
  return new Map(all.filter(([, by]) => by === null || !young.has(by)));
}

/** Those whose ztunnels, or who themselves, are among `those`. */
const carriedBy = (carried: ReadonlyMap<Pod, Pod | null>, those: Pods): Pods =>
  those && new Set([...carried].flatMap(([pod, by]) => (by !== null && those.has(by) ? [pod] : [])));

/** Pods that are redirected, and whose node has a ztunnel that is ready. */
const inMeshOf = ({ members, waypoints, refusal }: Enrolled): Pods =>
  refusal === null
    ? new Set([
        ...members.flatMap(({ pod, redirection, node }) =>
          redirection === 'enabled' && node.ztunnel?.ready === true ? [pod] : [],
        ),
        ...waypoints,
      ])
    : null;

/** Those of which it is known that they make metrics; null where some were not asked, and others show none. */
function emittingOf(emission: Emission): Pods {
  const all = (['ztunnel', 'waypoint'] as const).map((kind) => shownOf(emission, kind));
  if (emission.refusal !== null || all.some(({ unread }) => unread.length > 0)) return null;
  const silent = new Set(all.flatMap((each) => each.silent.map(({ pod }) => pod)));
  const known = all.flatMap(({ proven, seen }) => [...proven, ...seen]);
  const judged = all.flatMap((each) => each.judged);
  if (judged.length > 0 && known.length === 0 && silent.size === 0) return null;
  if (silent.size > 0 && known.length + silent.size < judged.length) return null;
  // Of those that were not asked each is as the others are, and the youngest are not judged.
  return new Set([...emission.proven, ...judged].filter((pod) => !silent.has(pod)));
}

/** How many pods of ambient are left at each line; null where that is not known. */
export const funnel = defineMeter({
  needs: {
    enrolled: attempt(enrolled),
    emitters: attempt(emitters),
    proxies: attempt(meshProxies),
    emission: attempt(emission),
    scraping: attempt(proxyScraping),
    fresh: attempt(fresh),
    loaded: attempt(loaded),
    consumers: attempt(consumerStores),
    store: attempt(meshStore),
  },
  measure({ enrolled, emitters, proxies, emission, scraping, fresh, loaded, consumers, store }): readonly Flow[] {
    if ('missing' in enrolled) return [];
    const young = 'got' in emission && 'got' in proxies ? youngOf(emission.got, proxies.got) : new Set<Pod>();
    const carried = carriedIn(enrolled.got, young);
    const own = (pods: Pods): Pods => pods && new Set([...pods].filter((pod) => carried.has(pod)));
    const isAsked = enrolled.got.unasked.length === 0 && enrolled.got.refusal === null;
    const flow = flowOf(isAsked ? new Set(carried.keys()) : null, [
      { name: 'in mesh', hop: 'workload->proxy', steps: [ENROLLED], pods: own(inMeshOf(enrolled.got)) },
      {
        name: 'emit',
        hop: 'proxy->page',
        steps: [ZTUNNEL_EMITS, WAYPOINT],
        pods: carriedBy(carried, 'got' in emission ? emittingOf(emission.got) : null),
      },
      {
        name: 'scraped',
        hop: 'page->prometheus',
        steps: [SCRAPE],
        pods: carriedBy(carried, 'got' in scraping ? scrapedOf(scraping.got) : null),
      },
      {
        name: 'stored',
        hop: 'page->prometheus',
        steps: [STORED],
        pods: carriedBy(
          carried,
          'got' in emitters && 'got' in fresh && 'got' in loaded
            ? storedOf(emitters.got, { fresh: fresh.got, loaded: loaded.got })
            : null,
        ),
      },
    ]);
    if ('missing' in consumers || 'missing' in store) return flow;
    return [...flow, ...consumersLine(consumers.got, store.got)];
  },
});
