import { unanswered } from '../../cluster/question/text.ts';
import type { Ask } from '../../diagnosis/check.ts';
import { clusterSource, planeSource, settle } from '../../diagnosis/source.ts';
import { literal } from '../../scraping/ways.ts';
import { variablesOf } from '../kubernetes/pod.ts';
import { askMeshStore, inMeshStore } from '../prometheus/mesh-store.ts';
import { allSeries, type StoreAnswer } from '../prometheus/store.ts';
import { list, listOf, text } from '../text/json.ts';
import { allPilots, isReady, type Pilot, pageOf, pilots, readPage } from './pilot.ts';

/** A label without a cluster's name says `unknown`. */
export const isNamed = (cluster: string | undefined): cluster is string =>
  cluster !== undefined && cluster !== '' && cluster !== 'unknown';

/** The series that `matchers` choose, by who counted them, and which clusters their labels name. */
const byClusterOf = (matchers = ''): string =>
  `group by (reporter, source_cluster, destination_cluster) ({__name__=~"istio_requests_total|istio_tcp_connections_opened_total"${matchers}})`;

const all = inMeshStore(byClusterOf());

/** What istiod calls its own cluster; where nobody gave it a name it is Istio's own default. Null of an istiod that is elsewhere. */
const ownCluster = planeSource([], async ({ from }): Promise<string | null> => {
  const own = await from(pilots);
  const names = variablesOf(
    own.map(({ pod }) => pod),
    'CLUSTER_ID',
  );
  return own.length === 0 ? null : (names.find(isNamed) ?? 'Kubernetes');
});

/** Which series name another cluster than `own` at either end. */
export const ofOthers = (own: string): string =>
  ['source_cluster', 'destination_cluster']
    .map((label) => byClusterOf(`,${label}!~${JSON.stringify(`${literal(own)}|unknown|`)}`))
    .join(' or ');

/**
 * Whose series the store has: who counted, and which clusters the labels name. Series that name no other cluster than istiod's
 * are not read, unless istiod knows others: a store finds by its index that there are none, and of one cluster they are all that
 * it has.
 */
export const byCluster = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<StoreAnswer | null> => {
    const own = await ask.from(ownCluster);
    if (own === null) return ask.from(all);
    const [named, known] = await Promise.all([askMeshStore(ask, ofOthers(own)), settle(ask.from(knownClusters))]);
    const isTold = 'got' in known && known.got.some(({ isOwn }) => !isOwn);
    return named && (isTold || allSeries([named]).length > 0) ? ask.from(all) : named;
  },
);

/** A cluster of the mesh, as istiod knows it. */
export interface KnownCluster {
  id: string;
  /** `synced`, `syncing`, `timeout`, `closed`. */
  state: string;
  /** Whether it is istiod's own: no Secret leads there. */
  isOwn: boolean;
}

/** The clusters on istiod's page (pkg/cluster/debug.go). Null where it is none of that name. */
export function clustersIn(page: string): readonly KnownCluster[] | null {
  const clusters = listOf(page);
  return (
    clusters &&
    list(clusters).map(({ id, secretName, syncStatus }) => ({
      id: text(id),
      state: text(syncStatus),
      isOwn: text(secretName) === '',
    }))
  );
}

async function askClusters(ask: Ask, pilot: Pilot): Promise<readonly KnownCluster[]> {
  const question = pageOf(pilot, { port: pilot.debugPort, path: '/debug/clusterz' });
  const known = clustersIn(await readPage(ask, question));
  if (known) return known;
  throw unanswered(question, 'BadAnswer', 'not a list of clusters');
}

/** The clusters that istiod knows, without the Secrets that lead to them: series need not name one whose own are stored nowhere. */
export const knownClusters = clusterSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly KnownCluster[]> => {
    const pilot = (await ask.from(allPilots)).find(isReady);
    return pilot ? askClusters(ask, pilot) : [];
  },
);
