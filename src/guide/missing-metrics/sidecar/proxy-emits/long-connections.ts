import { defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { connectionsByService } from '../../../../evidence/prometheus/by-service.ts';
import { loaded, releasesIn } from '../../../../evidence/prometheus/proxies.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import { allSeries, answersIn } from '../../../../evidence/prometheus/store.ts';
import { countsLate } from '../../../../istio/late-bytes.ts';
import { gapsIn, notWhole } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { reportedBy } from '../../prometheus/rates.ts';

const valuesOf = (series: readonly Series[], label: string): ReadonlySet<string> =>
  new Set(series.flatMap(({ labels }) => labels.get(label) ?? []));

/** Destinations of connections that callers alone count, and of whose workload no proxy counts any. */
function withoutProxy(connections: readonly Series[]): readonly string[] {
  const counted = connections.filter(({ value }) => value > 0);
  const taken = reportedBy(counted, 'destination');
  const [services, workloads] = [valuesOf(taken, 'destination_service'), valuesOf(taken, 'destination_workload')];
  const alone = reportedBy(counted, 'source').filter(
    ({ labels }) => !workloads.has(labels.get('destination_workload') ?? ''),
  );
  return [...valuesOf(alone, 'destination_service')].filter((each) => !services.has(each)).sort();
}

export const longConnectionsCounted = defineCheck({
  id: 'long-connections-counted',
  title: 'long connections are counted while they last',
  explains:
    'Proxies of Istio 1.19.0 to 1.22.1 count a TCP connection to what has no proxy, a database outside of the mesh most often, and its bytes, only when it ends: sums stand still while a pool keeps its connections, and all seems well after each restart. Where a store has such proxies, it is looked whether callers alone count connections to some destination. One that nobody has ended yet is not seen.',
  reasons: {
    CountedLate:
      'Istio 1.19.0 to 1.22.1 count connections to what has no proxy, and their bytes, only when they end: fixed in 1.20.8, 1.21.4 and 1.22.2.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { loaded: attempt(loaded), connections: attempt(connectionsByService) },
  judge({ loaded, connections }) {
    const builds = answersIn(loaded);
    const releases = releasesIn(builds.got);
    const late = releases.filter((each) => countsLate(each) === true);
    const unclear = releases.filter((each) => countsLate(each) === null);
    if (late.length === 0) {
      // A store that answers has them all, or those that matter are lost for another reason.
      if (isSome(builds.missing) && builds.got.length === 0) return unknown(builds.missing);
      if (releases.length === 0) return skip('no store tells the release of a proxy');
      return unclear.length > 0
        ? skip(`whether ${some([...new Set(unclear)])}, without its patch, counts late is not known`)
        : {
            status: 'pass',
            message: `none of ${count(releases.length, 'proxy', 'proxies')} is of a release that counts late`,
          };
    }
    const { got, missing } = answersIn(connections);
    const services = withoutProxy(allSeries(got));
    const gap = isSome(missing) ? unknown(missing) : notWhole(gapsIn(got));
    if (gap) return gap;
    const whose = `${late.length} of ${count(releases.length, 'proxy', 'proxies')} of ${some([...new Set(late)])}`;
    // What has not ended yet is seen nowhere: none of it is no proof.
    if (services.length === 0)
      return skip(`no connection to what has no proxy is stored; ${whose} would count it late`);
    return {
      status: 'warn',
      reason: 'CountedLate',
      effect: 'wrong',
      message: `${whose} count connections to ${count(services.length, 'destination')} without a proxy, and their bytes, only when they end`,
      evidence: services.slice(0, 10),
      hint: 'kubectl istio-diag debug sync   # upgrade to 1.20.8, 1.21.4, 1.22.2 or newer, then restart the workloads whose VERSION is older',
    };
  },
});
