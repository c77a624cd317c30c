import type { Flow } from '../../../diagnosis/check.ts';
import type { ConsumerStores } from '../../../evidence/consumers/consumer-stores.ts';
import type { Emission } from '../../../evidence/envoy/emission.ts';
import type { MeshProxies } from '../../../evidence/istio/mesh-proxies.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import type { MeshStore } from '../../../evidence/prometheus/mesh-store.ts';
import type { Scraping } from '../../../evidence/prometheus/scraping.ts';
import { CONSUMERS } from '../steps.ts';
import { askingOf } from './consumers/asks-store.ts';
import { unproven } from './scrape/scope.ts';

/** Pods whose proxies nothing is known of yet, and that nobody can blame. */
export function youngOf({ judged, proven }: Emission, { proxies }: Pick<MeshProxies, 'proxies'>): ReadonlySet<Pod> {
  const old = new Set(judged.map(({ pod }) => pod));
  return new Set(proxies.flatMap(({ pod }) => (old.has(pod) || proven.has(pod) ? [] : [pod])));
}

/** Null where it is not known. */
export type Pods = ReadonlySet<Pod> | null;

/** A line of the funnel: what it is called, who is left, and the steps that lose pods there. */
export interface Line {
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

/** The flow of pods, from those that should be in the mesh through each line. */
export function flowOf(workloads: Pods, all: readonly Line[]): readonly Flow[] {
  const lines = narrowed(all);
  const before = [{ name: 'workloads', pods: workloads }, ...lines];
  return lines.map(
    ({ name, hop, steps, pods }, index): Flow => ({
      hop,
      between: [before[index]?.name ?? '', name],
      steps,
      in: before[index]?.pods?.size ?? null,
      out: pods?.size ?? null,
      unit: 'pods',
    }),
  );
}

/** Who asks the store, as the last line; none where nobody does. */
export function consumersLine(found: ConsumerStores, store: MeshStore | null): readonly Flow[] {
  if (found.consuming.length === 0) return [];
  const { all: number, asking } = askingOf(found, store);
  return [
    {
      hop: 'prometheus->consumer',
      between: ['stored', 'consumers'],
      steps: [CONSUMERS],
      in: number,
      out: asking,
      unit: number === 1 ? 'consumer' : 'consumers',
    },
  ];
}

/** The pods whose proxies are scraped, and their scrapes succeed; null where it is not known of those that are not. */
export const scrapedOf = (scraping: Scraping): Pods =>
  scraping.servers.length > 0 && unproven(scraping) === null ? scraping.up : null;
