import type { Attempt } from '../../../diagnosis/check.ts';
import type { MadeSide } from '../../../evidence/istio/config-dump.ts';
import type { Made } from '../../../evidence/istio/made-stats.ts';
import type { MetricsTold, ToldClass } from '../../../evidence/istio/told.ts';
import { titleOf } from '../../../evidence/kubernetes/named.ts';
import type { ProxyKind } from '../../../istio/attachment.ts';
import type { Side, SideStats } from '../../../istio/stats.ts';

/** What the checks of this step judge. */
export interface Evidence {
  told: MetricsTold;
  made: Attempt<readonly Made[]>;
}

/** What is known of one side of the proxies of a class. */
export interface JudgedSide {
  of: ToldClass;
  side: Side;
  /** By the objects of the mesh; null where MeshConfig is not known. */
  stats: SideStats | null;
  /** By istiod itself; null where it was not asked, did not answer, or has no listener there. */
  made: MadeSide | null;
  /** Whether its calls are counted: `pushed` where the proxies push to another store. */
  told: 'yes' | 'no' | 'pushed' | 'unknown';
  /** How often each call is counted, for what is known. */
  times: number;
}

const isThere = ({ http, tcp }: MadeSide): boolean => http.chains + tcp.chains > 0;
const hasFilter = ({ http, tcp }: MadeSide): boolean => http.filters.length + tcp.filters.length > 0;

function toldBy(stats: SideStats): JudgedSide['told'] {
  const filters = [...stats.http, ...stats.tcp];
  if (filters.some(({ isCertain }) => isCertain)) return 'yes';
  if (filters.length > 0) return 'unknown';
  return stats.absence?.why === 'pushed' ? 'pushed' : 'no';
}

const most = (numbers: readonly number[]): number => Math.max(0, ...numbers);

function sideOf(of: ToldClass, side: Side, made: Made | undefined): JudgedSide {
  const stats = of.stats?.[side] ?? null;
  const answer = made && 'got' in made.made ? made.made.got[side] : null;
  const own = answer && isThere(answer) ? answer : null;
  const byObjects = stats ? toldBy(stats) : 'unknown';
  const certain = (filters: SideStats['http']): number => filters.filter(({ isCertain }) => isCertain).length;
  return {
    of,
    side,
    stats,
    made: own,
    told: own === null ? byObjects : hasFilter(own) ? 'yes' : byObjects === 'pushed' ? 'pushed' : 'no',
    times: own
      ? most([...own.http.filters, ...own.tcp.filters].map(({ length }) => length))
      : stats
        ? most([certain(stats.http), certain(stats.tcp)])
        : 0,
  };
}

const SIDES: Readonly<Record<ProxyKind, readonly Side[]>> = {
  sidecar: ['inbound', 'outbound'],
  gateway: ['outbound'],
  waypoint: ['inbound'],
};

/** Why a side is told nothing, as the objects of the mesh have it: the same for many. */
function whyOf({ stats }: JudgedSide): string {
  if (!stats?.absence) return '';
  const { why, ...rest } = stats.absence;
  const by = 'by' in rest ? [rest.by].flat() : [];
  return JSON.stringify([why, by.map((each) => each && titleOf(each)), 'providers' in rest ? rest.providers : []]);
}

/** Where istiod makes filters though the objects say that it makes none, it is not known of others of which they say the same. */
function doubted(sides: readonly JudgedSide[]): (side: JudgedSide) => JudgedSide {
  const isContradicted = ({ stats, told }: JudgedSide): boolean =>
    told === 'yes' && stats !== null && toldBy(stats) === 'no';
  const wrong = new Set(sides.filter(isContradicted).map(whyOf));
  if (wrong.size === 0) return (side) => side;
  return (side) =>
    side.made === null && side.told === 'no' && wrong.has(whyOf(side)) ? { ...side, told: 'unknown' } : side;
}

/** A function of evidence that is worked out once: every check of the step is handed the same. */
export function onceFor<T>(work: (evidence: Evidence) => T): (evidence: Evidence) => T {
  const known = new WeakMap<MetricsTold, { made: Evidence['made']; result: T }>();
  return (evidence) => {
    const before = known.get(evidence.told);
    if (before && before.made === evidence.made) return before.result;
    const result = work(evidence);
    known.set(evidence.told, { made: evidence.made, result });
    return result;
  };
}

/** The sides of each class of proxies. */
export const sidesOf = onceFor(({ told, made }): readonly { of: ToldClass; sides: readonly JudgedSide[] }[] => {
  const asked = new Map(('got' in made ? made.got : []).map((each) => [each.of, each]));
  const all = told.classes.map((of) => ({
    of,
    sides: SIDES[of.proxy.kind].map((side) => sideOf(of, side, asked.get(of))),
  }));
  const doubt = doubted(all.flatMap(({ sides }) => sides));
  return all.map(({ of, sides }) => ({ of, sides: sides.map(doubt) }));
});
