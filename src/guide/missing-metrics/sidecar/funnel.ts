import { defineMeter, type Flow } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { consumerStores } from '../../../evidence/consumers/consumer-stores.ts';
import { emission } from '../../../evidence/envoy/emission.ts';
import { emitters } from '../../../evidence/istio/emitters.ts';
import { madeStats } from '../../../evidence/istio/made-stats.ts';
import { population } from '../../../evidence/istio/population.ts';
import { metricsTold } from '../../../evidence/istio/told.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { meshStore } from '../../../evidence/prometheus/mesh-store.ts';
import { fresh, loaded } from '../../../evidence/prometheus/proxies.ts';
import { proxyScraping } from '../../../evidence/prometheus/scraping.ts';
import { consumersLine, flowOf, type Pods, scrapedOf, youngOf } from '../prometheus/funnel.ts';
import { storedOf } from '../prometheus/stored/proxies.ts';
import { inMeshOf, workloadsOf } from './in-mesh.ts';
import { emittingOf } from './proxy-emits.ts';
import { CONFIG_DELIVERY, IN_MESH, PROTOCOL, PROXY_EMITS, SCRAPE, STORED, TELEMETRY_CONFIG } from './steps.ts';
import { toldPods } from './telemetry-config.ts';

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
    const flow = flowOf(all, [
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
    if ('missing' in consumers || 'missing' in store) return flow;
    return [...flow, ...consumersLine(consumers.got, store.got)];
  },
});
