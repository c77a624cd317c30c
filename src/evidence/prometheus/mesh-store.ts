import { commandOf } from '../../cluster/question/question.ts';
import type { Ask, Source } from '../../diagnosis/check.ts';
import { planeSource } from '../../diagnosis/source.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { fresh, loaded } from './proxies.ts';
import type { Series } from './query.ts';
import { prometheusServers } from './server.ts';
import { askStore, type StoreAnswer } from './store.ts';

/** The store that holds the mesh's series, of all that were found. */
export interface MeshStore {
  where: string;
  /** Its place among the answers of `inEachStore`. */
  index: number;
  /** Whether it holds any series of Istio's proxies; null where it did not tell. */
  holds: boolean | null;
  /** Those beside it that hold none, that hold some, and that did not tell. */
  without: readonly string[];
  beside: readonly string[];
  silent: readonly string[];
  /** Null of one at a URL. */
  pod: Pod | null;
  /** The command that prints its configuration. */
  readConfig: string;
}

/** Not istiod: where it is scraped alone, nothing of the mesh is. */
const isOfMesh = ({ labels }: Series): boolean => /^(proxy|ztunnel|)$/.test(labels.get('component') ?? '');

/** How much an answer holds of who makes Istio's metrics; null where there is none. */
const sizeOf = (answer: StoreAnswer | undefined): number | null =>
  answer && 'got' in answer.series ? answer.series.got.filter(isOfMesh).length : null;

/** The store to judge by: the one with most proxies that report, then with most that could. */
export function meshStoreOf(
  fresh: readonly StoreAnswer[],
  loaded: readonly StoreAnswer[],
): Omit<MeshStore, 'pod' | 'readConfig'> | null {
  const stores = fresh.map(({ where }, index) => {
    const [reporting, proxies] = [sizeOf(fresh[index]), sizeOf(loaded[index])];
    const isSilent = reporting === null && proxies === null;
    const holds = (reporting ?? 0) + (proxies ?? 0) > 0 ? true : isSilent ? null : false;
    return { where, index, holds, reporting: reporting ?? 0, proxies: proxies ?? 0 };
  });
  const [best, ...others] = [...stores].sort(
    (a, b) => b.reporting - a.reporting || b.proxies - a.proxies || a.index - b.index,
  );
  if (!best) return null;
  const named = (holds: boolean | null): readonly string[] =>
    others.filter((each) => each.holds === holds).map(({ where }) => where);
  const { where, index, holds } = best;
  return { where, index, holds, without: named(false), beside: named(true), silent: named(null) };
}

/** Null where no store was found. */
export const meshStore = planeSource([], async ({ from }): Promise<MeshStore | null> => {
  const [reporting, proxies, { asked }] = await Promise.all([from(fresh), from(loaded), from(prometheusServers)]);
  const store = meshStoreOf(reporting, proxies);
  const server = store && asked[store.index];
  return server ? { ...store, pod: server.pod, readConfig: commandOf(server.question('/api/v1/status/config')) } : null;
});

/**
 * Asks the store that holds the mesh's series; null where no store was found, or none holds any. Where there is one alone, it
 * is asked before it is known to hold them.
 */
export async function askMeshStore(ask: Ask, promql: string): Promise<StoreAnswer | null> {
  const { asked } = await ask.from(prometheusServers);
  const [only, ...others] = asked;
  // Awaited whatever it turns out to hold: no question outlives its source.
  const [early, store] = await Promise.all([
    only && others.length === 0 ? askStore(ask, only, promql) : null,
    ask.from(meshStore),
  ]);
  const server = store && store.holds !== false ? asked[store.index] : undefined;
  return server ? (early ?? askStore(ask, server, promql)) : null;
}

/** The same as a source: asked once, whoever needs it. */
export const inMeshStore = (promql: string): Source<StoreAnswer | null> =>
  planeSource([{ verb: 'create', resource: 'pods/portforward' }], (ask) => askMeshStore(ask, promql));
