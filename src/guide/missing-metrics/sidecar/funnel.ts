import { defineMeter, type Flow } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { consumerStores } from '../../../evidence/consumers/consumer-stores.ts';
import { type Emission, emission } from '../../../evidence/envoy/emission.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { madeStats } from '../../../evidence/istio/made-stats.ts';
import { type Population, population } from '../../../evidence/istio/population.ts';
import { metricsTold } from '../../../evidence/istio/told.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { fresh, loaded } from '../../../evidence/prometheus/proxies.ts';
import { proxyScraping } from '../../../evidence/prometheus/scraping.ts';
import { askingOf } from '../prometheus/consumers/asks-store.ts';
import { inMeshOf, workloadsOf } from './in-mesh.ts';
import { emittingOf } from './proxy-emits.ts';
import { scrapedOf } from './scrape.ts';
import {
  CONFIG_DELIVERY,
  CONSUMERS,
  IN_MESH,
  PROTOCOL,
  PROXY_EMITS,
  SCRAPE,
  STORED,
  TELEMETRY_CONFIG,
} from './steps.ts';
import { storedOf } from './stored/proxies.ts';
import { toldPods } from './telemetry-config.ts';

type Pods = ReadonlySet<Pod> | null;

/** Pods that nothing is known of yet, and that nobody can blame. */
function youngOf({ judged, proven }: Emission, { proxies }: Population): ReadonlySet<Pod> {
  const old = new Set(judged.map(({ pod }) => pod));
  return new Set(proxies.flatMap(({ pod }) => (old.has(pod) || proven.has(pod) ? [] : [pod])));
}

/** A line of the funnel: what it is called, who is left, and the steps that lose pods there. */
interface Line {
  name: string;
  hop: string;
  steps: readonly string[];
  pods: Pods;
}

/** Each number is a subset of the one before: a pod that was lost does not come back. */
function narrowed(lines: readonly Line[]): readonly Line[] {
  let left: Pods = null;
  return lines.map((line) => {
    const known: Pods = left;
    const pods = line.pods && known ? new Set([...line.pods].filter((pod) => known.has(pod))) : line.pods;
    left = pods ?? left;
    return { ...line, pods };
  });
}

/** Pods whose proxies may not have begun yet are nowhere: neither there nor lost. */
const without = (pods: Pods, young: ReadonlySet<Pod>): Pods =>
  pods && new Set([...pods].filter((pod) => !young.has(pod)));

/** How many pods of the mesh are left at each line; null where that is not known. */
export const funnel = defineMeter({
  needs: {
    population: attempt(population),
    emitters: attempt(emitters),
    told: attempt(metricsTold),
    made: attempt(madeStats),
    emission: attempt(emission),
    scraping: attempt(proxyScraping),
    fresh: attempt(fresh),
    loaded: attempt(loaded),
    consumers: attempt(consumerStores),
    store: attempt(meshStore),
  },
  measure({ population, emitters, told, made, emission, scraping, fresh, loaded, consumers, store }): readonly Flow[] {
    if ('missing' in population) return [];
    const young = 'got' in emission ? youngOf(emission.got, population.got) : new Set<Pod>();
    const all = without(workloadsOf(population.got), young);
    const lines = narrowed([
      {
        name: 'in mesh',
        hop: 'workload->proxy',
        steps: [IN_MESH],
        pods: without(inMeshOf(population.got), young),
      },
      {
        name: 'told',
        hop: 'workload->proxy',
        steps: [TELEMETRY_CONFIG],
        pods: 'got' in told ? toldPods({ told: told.got, made }) : null,
      },
      {
        name: 'emit',
        hop: 'proxy->page',
        steps: [CONFIG_DELIVERY, PROXY_EMITS, PROTOCOL],
        pods: 'got' in emission ? emittingOf(emission.got) : null,
      },
      {
        name: 'scraped',
        hop: 'page->prometheus',
        steps: [SCRAPE],
        pods: 'got' in scraping ? scrapedOf(scraping.got) : null,
      },
      {
        name: 'stored',
        hop: 'page->prometheus',
        steps: [STORED],
        pods:
          'got' in emitters && 'got' in fresh && 'got' in loaded
            ? storedOf(emitters.got, { fresh: fresh.got, loaded: loaded.got })
            : null,
      },
    ]);
    const before = [{ name: 'workloads', pods: all }, ...lines];
    const counted = lines.map(
      ({ name, hop, steps, pods }, index): Flow => ({
        hop,
        between: [before[index]?.name ?? '', name],
        steps,
        in: before[index]?.pods?.size ?? null,
        out: pods?.size ?? null,
        unit: 'pods',
      }),
    );
    if ('missing' in consumers || 'missing' in store || consumers.got.consuming.length === 0) return counted;
    const { all: number, asking } = askingOf(consumers.got, store.got);
    return [
      ...counted,
      {
        hop: 'prometheus->consumer',
        between: ['stored', 'consumers'],
        steps: [CONSUMERS],
        in: number,
        out: asking,
        unit: number === 1 ? 'consumer' : 'consumers',
      },
    ];
  },
});
