import type { Attempt } from '../../diagnosis/check.ts';
import { planeSource } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { countsLate } from '../../istio/late-bytes.ts';
import { type Proxy as Injected, population } from '../istio/population.ts';
import type { Named } from '../kubernetes/named.ts';
import { loaded, releasesIn } from './proxies.ts';
import { allSeries, answersIn, inEachStore, type StoreAnswer } from './store.ts';

const BY = 'reporter, destination_service, destination_workload';

/** Requests of HTTP and gRPC that are counted for each Service and workload, and by which side. */
export const requestsByService = inEachStore(`sum by (${BY}) (istio_requests_total)`);

const connections = inEachStore(`sum by (${BY}) (istio_tcp_connections_opened_total)`);

/** Whether anything of a whole mesh is judged by its connections: a sidecar, or a proxy that counts late. */
export const judgesConnections = (proxies: readonly Injected[], builds: readonly StoreAnswer[]): boolean =>
  proxies.some(({ kind }) => kind === 'sidecar') || releasesIn(builds).some((each) => countsLate(each) === true);

/**
 * Connections of TCP likewise: of what proxies do not take for HTTP. No store is asked where nothing is judged by them: a mesh in
 * ambient has no other series than these.
 */
export const connectionsByService = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async ({ from, scope }): Promise<readonly StoreAnswer[]> => {
    const { proxies } = await from(population, 'asked');
    const isJudged =
      scope.workload !== null || judgesConnections(proxies, []) || judgesConnections([], await from(loaded));
    return isJudged ? from(connections) : [];
  },
);

/** Which side counted something for which workload behind a Service. */
export interface Counted {
  reporter: string;
  /** As the series has them; '' where it does not. */
  workload: string;
}

/** What all stores together count for each Service. */
export interface ByService {
  readonly of: (service: Named) => readonly Counted[];
  /** Why a store is missing from it. */
  missing: readonly Unanswered[];
  /** Why a store says that there may be more. */
  partial: readonly string[];
  /** How many stores were asked. */
  stores: number;
}

/** Whether what it does not have is nowhere. */
export const isWhole = ({ missing, partial }: ByService): boolean => missing.length + partial.length === 0;

/** `cart.shop` of `cart.shop.svc.cluster.local`, or of a host of two words; null of one that is no Service's. */
function keyOf(host: string): string | null {
  const [name, namespace, svc] = host.split('.');
  return namespace !== undefined && (svc === undefined || svc === 'svc') ? `${name}.${namespace}` : null;
}

/** Series that stand at 0 count nothing. */
export function byService(answers: Attempt<readonly StoreAnswer[]>): ByService {
  const { got, missing } = answersIn(answers);
  const known = new Map<string, Counted[]>();
  for (const { labels, value } of allSeries(got)) {
    if (!(value > 0)) continue;
    const key = keyOf(labels.get('destination_service') ?? '');
    if (key === null) continue;
    const counted = {
      reporter: labels.get('reporter') ?? '',
      workload: labels.get('destination_workload') ?? '',
    };
    const own = known.get(key);
    if (own) own.push(counted);
    else known.set(key, [counted]);
  }
  return {
    of: ({ name, namespace }) => known.get(`${name}.${namespace}`) ?? [],
    missing,
    partial: got.flatMap(({ partial }) => partial),
    stores: 'got' in answers ? answers.got.length : 0,
  };
}
