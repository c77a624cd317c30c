import type { Verdict } from '../../../diagnosis/check.ts';
import { skip, sorted, unknown } from '../../../diagnosis/verdict.ts';
import type { Unanswered } from '../../../errors.ts';
import type { MeshStore } from '../../../evidence/prometheus/mesh-store.ts';
import type { Series } from '../../../evidence/prometheus/query.ts';
import type { StoreAnswer } from '../../../evidence/prometheus/store.ts';
import { partlyAnswered } from './partial.ts';

const isNumber = ({ value }: Series): boolean => Number.isFinite(value);

/** What is there to be judged: what is not a number tells nothing. Nearly always that is all of it. */
export function seriesIn(answer: StoreAnswer | null | undefined): readonly Series[] {
  if (!answer || !('got' in answer.series)) return [];
  const series = answer.series.got;
  return series.every(isNumber) ? series : series.filter(isNumber);
}

/** Why some answers are missing, or not whole. */
export interface Gaps {
  missing: readonly Unanswered[];
  partial: readonly string[];
}

/** Of no store there is nothing to be missed. */
export function gapsIn(asked: readonly (StoreAnswer | null)[]): Gaps {
  const answers = asked.flatMap((each) => each ?? []);
  return {
    missing: sorted(answers.map(({ series }) => series)).missing,
    partial: answers.flatMap(({ partial }) => partial),
  };
}

/** What is not known because an answer is missing or not whole; null where every answer is whole. */
export function notWhole({ missing, partial }: Gaps, about?: string): Verdict | null {
  const [first, ...more] = missing;
  if (first) return unknown([first, ...more], about);
  return partial.length > 0 ? partlyAnswered(partial, about ?? 'nothing is proven by what is not seen') : null;
}

/** Why a question to the mesh's own store brings nothing to judge; null where it does. */
export function nothingIn(answer: StoreAnswer | null): Verdict | null {
  if (answer === null) return skip('no store holds series of Istio’s proxies');
  return 'missing' in answer.series ? unknown([answer.series.missing]) : null;
}

/** `istio-system/prometheus-0; monitoring/prometheus-1 has none`: which store is judged, and what of the others. */
export function namedStore({ where, without, beside, silent }: MeshStore): string {
  const others = [
    ...(without.length > 0 ? [`${without.join(', ')} has none`] : []),
    ...(beside.length > 0 ? [`${beside.join(', ')} has some`] : []),
    ...(silent.length > 0 ? [`${silent.join(', ')} did not tell`] : []),
  ];
  return others.length === 0 ? where : `${where}; ${others.join('; ')}`;
}
