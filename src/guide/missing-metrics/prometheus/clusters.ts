import { defineCheck, type Verdict } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { skip, some, unknown } from '../../../diagnosis/verdict.ts';
import { byCluster, isNamed, knownClusters } from '../../../evidence/istio/remote-clusters.ts';
import type { Series } from '../../../evidence/prometheus/query.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from './answers.ts';
import { PARTIAL_ANSWER } from './partial.ts';

/**
 * Whose proxy counted: at the caller's end, or at the callee's. A waypoint counts in its own cluster what goes to any, which tells
 * where it is only of a call within one cluster.
 */
function counterOf(reporter: string | undefined, source: string | undefined, destination: string | undefined) {
  if (reporter === 'waypoint') return source === destination ? source : undefined;
  return reporter === 'source' ? source : destination;
}

/** The clusters that series name, at either end. */
export const namedIn = (series: readonly Series[]): ReadonlySet<string> => clustersIn(series).named;

/** The clusters that series name, and those whose own proxies counted some of them. */
function clustersIn(series: readonly Series[]): { named: ReadonlySet<string>; counting: ReadonlySet<string> } {
  const named = new Set<string>();
  const counting = new Set<string>();
  for (const { labels } of series) {
    const [source, destination] = [labels.get('source_cluster'), labels.get('destination_cluster')];
    for (const each of [source, destination]) if (isNamed(each)) named.add(each);
    const own = counterOf(labels.get('reporter'), source, destination);
    if (isNamed(own)) counting.add(own);
  }
  return { named, counting };
}

export const clustersStored = defineCheck({
  id: 'clusters-stored',
  title: 'the store has what each cluster of the mesh counts',
  explains:
    'A mesh may span clusters, and a Prometheus scrapes its own. The labels source_cluster and destination_cluster name the others that this one’s workloads call, or are called by; what their own proxies count (reporter="source" of calls from there, "destination" of calls to there; "waypoint" only of calls within a cluster, since a waypoint serves calls to any) is in this store only where it is federated, or where a Thanos or the like stands before all. istiod is asked which clusters it knows (/debug/clusterz, 1.8 and newer), and whether it sees them: one whose series are stored nowhere need not be named by any. Secrets that lead to other clusters are never read.',
  reasons: {
    ClusterNotStored:
      'Series or istiod name a cluster of the mesh, and the store has nothing that its own proxies counted.',
    ClusterNotSynced: 'istiod does not see another cluster: who is called there has no name in the metrics.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { clusters: attempt(byCluster), known: attempt(knownClusters) },
  judge({ clusters, known }): Verdict {
    if ('missing' in clusters) return unknown([clusters.missing], 'which clusters are counted');
    const nothing = nothingIn(clusters.got);
    if (nothing || clusters.got === null) return nothing ?? skip('no store holds series of the mesh');
    const { named, counting } = clustersIn(seriesIn(clusters.got));
    const told = 'got' in known ? known.got.filter(({ id }) => isNamed(id)) : [];
    const all = [...new Set([...named, ...told.map(({ id }) => id)])].sort();
    if (all.length <= 1)
      return skip(
        named.size === 1 ? `one cluster alone is named: ${some([...named])}` : 'no series names another cluster',
      );
    const gap = notWhole(gapsIn([clusters.got]));
    const unsynced = told.filter(({ state }) => /^(timeout|closed)$/.test(state));
    // Where nobody has called anybody nobody is missed.
    const silent = counting.size === 0 ? [] : all.filter((each) => !counting.has(each));
    if (silent.length > 0)
      return (
        gap ?? {
          status: 'warn',
          reason: 'ClusterNotStored',
          message: `nothing that proxies of ${some(silent)} counted is in ${clusters.got.where}`,
          evidence: [
            `named by series: ${some([...named].sort(), 10)}`,
            `counted by proxies of: ${some([...counting].sort(), 10)}`,
            ...told.map(({ id, state }) => `known to istiod: ${id} (${state})`),
          ],
          hint: 'kubectl istio-diag missing-metrics --prometheus-url URL   # of a store that has all clusters; or run it with --context of the other cluster',
        }
      );
    const [first] = unsynced;
    if (first)
      return {
        status: 'warn',
        reason: 'ClusterNotSynced',
        effect: 'wrong',
        message: `istiod does not see ${some(unsynced.map(({ id, state }) => `${id} (${state})`))}`,
        hint: 'istioctl remote-clusters',
      };
    if (counting.size === 0) return gap ?? skip('no series names a cluster that counted it');
    // A release before 1.8 has no such page, which is a bad answer.
    if ('missing' in known && known.missing.hindrance !== 'BadAnswer')
      return unknown([known.missing], `${some([...counting].sort(), 5)} counted; whether istiod sees each cluster`);
    return { status: 'pass', message: `what proxies of ${some([...counting].sort(), 5)} counted` };
  },
});
