import type { Ask, Attempt, Source } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { sorted } from '../../diagnosis/verdict.ts';
import type { Unanswered } from '../../errors.ts';
import { query, type Series } from './query.ts';
import { ofServer, type PrometheusServer, prometheusServers } from './server.ts';

/** What one store answers to one question in PromQL. */
export interface StoreAnswer {
  /** Which store: for messages. */
  where: string;
  series: Attempt<readonly Series[]>;
  /** Why there may be more than it answers, in its own words: what is absent then may be there all the same. */
  partial: readonly string[];
}

/** What one store answers, or why it does not. */
export const askStore = ({ from }: Ask, server: PrometheusServer, promql: string): Promise<StoreAnswer> =>
  from(
    ofServer(server, `query ${promql}`, async (ask) => {
      const { where } = server;
      const answer = await settle(query(ask, server, promql));
      return 'got' in answer
        ? { where, series: { got: answer.got.series }, partial: answer.got.partial }
        : { where, series: answer, partial: [] };
    }),
  );

/** Asks every store that was found for the same, all at once. The answers of all such sources are in the same order. */
export const inEachStore = (promql: string): Source<readonly StoreAnswer[]> =>
  planeSource([{ verb: 'create', resource: 'pods/portforward' }], async (ask) => {
    const { asked } = await ask.from(prometheusServers);
    return Promise.all(asked.map((server) => askStore(ask, server, promql)));
  });

/** What the stores that answered hold, all together. */
export const allSeries = (answers: readonly StoreAnswer[]): readonly Series[] =>
  answers.flatMap(({ series }) => ('got' in series ? series.got : []));

/** How many stores answered, with what, and why others did not. */
export interface Answers {
  got: readonly StoreAnswer[];
  missing: readonly Unanswered[];
}

export function answersIn(asked: Attempt<readonly StoreAnswer[]>): Answers {
  if ('missing' in asked) return { got: [], missing: [asked.missing] };
  const { missing } = sorted(asked.got.map(({ series }) => series));
  return { got: asked.got.filter(({ series }) => 'got' in series), missing };
}
