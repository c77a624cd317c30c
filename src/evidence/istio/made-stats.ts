import { unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { proxySource, settle } from '../../diagnosis/source.ts';
import { isSome, sorted } from '../../diagnosis/verdict.ts';
import { NoAnswer } from '../../errors.ts';
import type { SideStats } from '../../istio/stats.ts';
import { type MadeStats, madeStatsIn } from './config-dump.ts';
import { firstSyncs, type Pilot, pageOf, readPage } from './pilot.ts';
import type { Proxy as ProxyPod } from './population.ts';
import { proxyNamed } from './sync.ts';
import { metricsTold, type ToldClass } from './told.ts';

/** What istiod itself makes for one proxy of a class. */
export interface Made {
  of: ToldClass;
  asked: ProxyPod;
  made: Attempt<MadeStats>;
}

const isSuspect = (side: SideStats | null): boolean =>
  side !== null && (side.http.length !== 1 || side.http.some(({ isCertain }) => !isCertain));

/**
 * The classes whose proxies istiod is asked about: those that are told nothing, twice, or nobody knows what, those of most
 * proxies first. Where there is none, one other: what istiod answers grows with the mesh.
 */
export function doubtful(classes: readonly ToldClass[]): readonly ToldClass[] {
  const isDoubtful = ({ stats }: ToldClass): boolean =>
    stats === null || isSuspect(stats.inbound) || isSuspect(stats.outbound);
  const byNumber = [...classes].sort((a, b) => b.proxies.length - a.proxies.length);
  const suspects = byNumber.filter(isDoubtful);
  return suspects.length > 0 ? suspects : byNumber.slice(0, 1);
}

/**
 * A proxy of a class of which istiod can be asked: it looks for one whose name holds the name that is asked for
 * (pilot/pkg/xds/debug.go, getProxyConnection), and `redis-0.shop` is a part of `redis-0.shop-test`.
 */
export function askable(proxies: readonly ProxyPod[], connected: readonly string[]): ProxyPod | null {
  const isOnly = (name: string): boolean => connected.every((each) => each === name || !`${each}-`.includes(name));
  const own = new Set(connected);
  return proxies.find(({ pod }) => own.has(proxyNamed(pod)) && isOnly(proxyNamed(pod))) ?? null;
}

async function askMade(ask: Ask, pilot: Pilot, { pod }: ProxyPod): Promise<MadeStats> {
  const path = `/debug/config_dump?proxyID=${proxyNamed(pod)}`;
  const question = pageOf(pilot, { port: pilot.debugPort, path });
  const text = await readPage(ask, question);
  const made = madeStatsIn(text);
  if (made) return made;
  throw unanswered(question, 'BadAnswer', 'not a dump of a proxy’s configuration');
}

/**
 * What istiod makes for a few proxies, one of each class whose metrics the mesh's objects leave out. It
 * decides over what we work out. Each is asked of the replica that it is connected to.
 */
export const madeStats = proxySource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly Made[]> => {
    const [{ classes }, syncs] = await Promise.all([ask.from(metricsTold), ask.from(firstSyncs)]);
    const { got, missing } = sorted(syncs.map(({ proxies }) => proxies));
    if (got.length === 0 && isSome(missing)) throw new NoAnswer(missing[0]);
    const replicas = syncs.flatMap(({ pilot, proxies }) =>
      'got' in proxies ? [{ pilot, connected: proxies.got.map(({ proxy }) => proxy) }] : [],
    );
    const asked = doubtful(classes).flatMap((of) => {
      for (const { pilot, connected } of replicas) {
        const proxy = askable(of.proxies, connected);
        if (proxy) return [{ of, pilot, proxy }];
      }
      return [];
    });
    return Promise.all(
      asked
        .slice(0, ask.scope.sample)
        .map(async ({ of, pilot, proxy }) => ({ of, asked: proxy, made: await settle(askMade(ask, pilot, proxy)) })),
    );
  },
);
