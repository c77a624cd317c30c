import { unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { clusterSource, planeSource, settle } from '../../diagnosis/source.ts';
import { inMeshStore } from '../prometheus/mesh-store.ts';
import { allSeries } from '../prometheus/store.ts';
import { list, listOf, text } from '../text/json.ts';
import { allPilots, isReady, type Pilot, pageOf, readPage } from './pilot.ts';

/** Whose series the store has: who counted, and which clusters the labels name. */
export const byCluster = inMeshStore(
  'group by (reporter, source_cluster, destination_cluster) ({__name__=~"istio_requests_total|istio_tcp_connections_opened_total"})',
);

/** A label without a cluster's name says `unknown`. */
export const isNamed = (cluster: string | undefined): cluster is string =>
  cluster !== undefined && cluster !== '' && cluster !== 'unknown';

/** A cluster of the mesh, as istiod knows it. */
export interface KnownCluster {
  id: string;
  /** `synced`, `syncing`, `timeout`, `closed`. */
  state: string;
}

/** The clusters on istiod's page (pkg/cluster/debug.go). Null where it is none of that name. */
export function clustersIn(page: string): readonly KnownCluster[] | null {
  const clusters = listOf(page);
  return clusters && list(clusters).map(({ id, syncStatus }) => ({ id: text(id), state: text(syncStatus) }));
}

async function askClusters(ask: Ask, pilot: Pilot): Promise<readonly KnownCluster[]> {
  const question = pageOf(pilot, { port: pilot.debugPort, path: '/debug/clusterz' });
  const known = clustersIn(await readPage(ask, question));
  if (known) return known;
  throw unanswered(question, 'BadAnswer', 'not a list of clusters');
}

/** What one istiod knows: each knows all. */
const clustersOfIstiod = clusterSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly KnownCluster[]> => {
    const pilot = (await ask.from(allPilots)).find(isReady);
    return pilot ? askClusters(ask, pilot) : [];
  },
);

/**
 * The clusters that istiod knows, without the Secrets that lead to them; asked only where series name more than one. Nothing
 * where they do not.
 */
export const knownClusters = planeSource([], async ({ from }): Promise<Attempt<readonly KnownCluster[]>> => {
  const stored = await from(byCluster);
  const named = new Set(
    (stored ? allSeries([stored]) : []).flatMap(({ labels }) =>
      ['source_cluster', 'destination_cluster'].map((label) => labels.get(label)).filter(isNamed),
    ),
  );
  return named.size > 1 ? settle(from(clustersOfIstiod)) : { got: [] };
});
