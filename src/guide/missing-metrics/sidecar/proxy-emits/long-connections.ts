import { defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { connectionsByService } from '../../../../evidence/prometheus/by-service.ts';
import { loaded } from '../../../../evidence/prometheus/proxies.ts';
import type { Series } from '../../../../evidence/prometheus/query.ts';
import { allSeries, answersIn } from '../../../../evidence/prometheus/store.ts';
import { countsLate } from '../../../../istio/late-bytes.ts';

/** The releases of these proxies, each once, that count late. */
const lateIn = (builds: readonly Series[]): readonly string[] => [
  ...new Set(
    builds.flatMap(({ labels }) => {
      const tag = labels.get('tag') ?? '';
      return labels.get('component') === 'proxy' && countsLate(tag) ? [tag] : [];
    }),
  ),
];

/** Where connections go that are counted on this side. */
const goingTo = (connections: readonly Series[], reporter: 'source' | 'destination'): ReadonlySet<string> =>
  new Set(
    connections.flatMap(({ labels, value }) =>
      labels.get('reporter') === reporter && value > 0 ? (labels.get('destination_service') ?? []) : [],
    ),
  );

export const longConnectionsCounted = defineCheck({
  id: 'long-connections-counted',
  title: 'bytes of long connections are counted while they last',
  explains:
    'Proxies of Istio 1.19.0 to 1.22.1 count the bytes of a TCP connection to what has no proxy, a database outside of the mesh most often, only when the connection ends: sums stand still while a pool keeps its connections, and all seems well after each restart. Where a store has such proxies, it is looked whether callers alone count connections to some destination.',
  reasons: {
    BytesCountedLate:
      'Istio 1.19.0 to 1.22.1 count the bytes of connections to what has no proxy only when they end: fixed in 1.20.8, 1.21.4 and 1.22.2.',
  },
  needs: { loaded: attempt(loaded), connections: attempt(connectionsByService) },
  judge({ loaded, connections }) {
    const builds = answersIn(loaded);
    const late = lateIn(allSeries(builds.got));
    if (late.length === 0)
      // A store that answers has them all, or those that matter are lost for another reason.
      return isSome(builds.missing) && builds.got.length === 0
        ? unknown(builds.missing)
        : skip('no proxy of 1.19.0 to 1.22.1, which count late, is stored');
    const { got, missing } = answersIn(connections);
    const [called, counted] = [goingTo(allSeries(got), 'source'), goingTo(allSeries(got), 'destination')];
    // What callers alone count has no proxy that could.
    const services = [...called].filter((service) => !counted.has(service)).sort();
    if (services.length === 0) {
      if (isSome(missing)) return unknown(missing);
      return called.size === 0
        ? skip('no connection of TCP is stored')
        : { status: 'pass', message: `all ${count(called.size, 'destination')} of TCP count their connections, too` };
    }
    return {
      status: 'warn',
      reason: 'BytesCountedLate',
      effect: 'wrong',
      message: `proxies of ${some(late)} count bytes to ${count(services.length, 'destination')} without a proxy when a connection ends, and not before`,
      evidence: services.slice(0, 10),
      hint: 'kubectl istio-diag debug sync   # upgrade to 1.20.8, 1.21.4, 1.22.2 or newer, then restart the workloads whose VERSION is older',
    };
  },
});
