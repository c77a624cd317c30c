import type { ToldClass } from '../../../evidence/istio/told.ts';
import type { Side, SideStats } from '../../../istio/stats.ts';
import type { Telemetry } from '../../../istio/telemetry.ts';
import { sizeOf } from './losses.ts';
import { type Evidence, type JudgedSide, sidesOf } from './sides.ts';

/** A metric of Istio's that is left out, by an object, and for which proxies. */
export interface Dropped {
  metric: string;
  by: Telemetry;
  /** Those that leave it out on every side that counts. */
  whole: readonly ToldClass[];
  classes: readonly ToldClass[];
}

/** The metric that stands for all requests. */
export const REQUESTS = 'requests_total';

/** Whether istiod leaves out a metric on a side; where it was not asked, the object is believed. */
const isLeftOut = ({ made }: JudgedSide, metric: string): boolean =>
  made === null ||
  [...made.http.filters, ...made.tcp.filters].some((chain) => chain.some((each) => each.includes(metric)));

/** What objects leave out on a side: of several providers once for each. */
const droppedOn = (side: JudgedSide): SideStats['dropped'] =>
  (side.stats?.dropped ?? []).filter(({ metric }) => isLeftOut(side, metric));

/** What is left out, on one side or on any; the requests themselves first, then what most proxies leave out. */
export function droppedIn(evidence: Evidence, which: Side | null = null): readonly Dropped[] {
  const found = new Map<string, { metric: string; by: Telemetry; whole: ToldClass[]; classes: ToldClass[] }>();
  for (const { of, sides } of sidesOf(evidence)) {
    const counting = sides.filter(({ side, told }) => told === 'yes' && (which === null || side === which));
    const own = counting.map(droppedOn);
    for (const { metric, by } of new Map(own.flat().map((each) => [each.metric, each])).values()) {
      const key = JSON.stringify([metric, by.namespace, by.name]);
      const known = found.get(key) ?? { metric, by, whole: [], classes: [] };
      known.classes.push(of);
      if (own.every((dropped) => dropped.some((each) => each.metric === metric))) known.whole.push(of);
      found.set(key, known);
    }
  }
  return [...found.values()].sort(
    (a, b) => Number(b.metric === REQUESTS) - Number(a.metric === REQUESTS) || sizeOf(b.classes) - sizeOf(a.classes),
  );
}
