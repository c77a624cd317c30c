import type { Attempt } from '../../diagnosis/check.ts';
import { settle } from '../../diagnosis/source.ts';
import { adminPage, ofEachEnvoy, readAdmin } from './asked.ts';

/** Counters and gauges by their names: `cluster_manager.cds.update_success`. What was never counted is not there. */
export type Stats = ReadonlyMap<string, number>;

/** Two readings of the same counters. */
export interface Counted {
  stats: Stats;
  /** `scope.window` later; null when no window was asked for. */
  later: Attempt<Stats> | null;
}

/** One page for all topics. Istio 1.1 and newer keep little more than these (guide.md 0.4); 0.8 knows no filter. */
const FILTER = '^(cluster_manager|listener_manager|server|http).';
const WANTED = new RegExp(FILTER);

/** `listener_manager.lds.update_success: 3`; a histogram is no number. */
export function statsIn(page: string): Stats | null {
  const stats = new Map<string, number>();
  let lines = 0;
  for (const [, name = '', value] of page.matchAll(/^([^\s:][^:\n]*): (\d+)$/gm)) {
    lines++;
    if (WANTED.test(name)) stats.set(name, Number(value));
  }
  return lines === 0 && page.trim() !== '' ? null : stats;
}

export const envoyStats = ofEachEnvoy(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask, envoy): Promise<Counted> => {
    const path = `/stats?usedonly&filter=${FILTER}`;
    const stats = await readAdmin(ask, adminPage(envoy, path), statsIn);
    if (ask.scope.window === 0) return { stats, later: null };
    await ask.sleep(ask.scope.window);
    return { stats, later: await settle(readAdmin(ask, adminPage(envoy, path, 2), statsIn)) };
  },
);

/** How much counters rose between the readings, together; null when there is no second one. A restart begins at 0. */
export function riseOf({ stats, later }: Counted, ...names: readonly string[]): number | null {
  if (later === null || 'missing' in later) return null;
  return names.reduce((sum, name) => {
    const [before, after] = [stats.get(name) ?? 0, later.got.get(name) ?? 0];
    return sum + (after >= before ? after - before : after);
  }, 0);
}

/** What counters stood at in the first reading, together. */
export const totalOf = ({ stats }: Counted, ...names: readonly string[]): number =>
  names.reduce((sum, name) => sum + (stats.get(name) ?? 0), 0);
