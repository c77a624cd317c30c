import type { Attempt, Source } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { prometheusServers, query, type Series } from './server.ts';

/** What one store answers to one question in PromQL. */
export interface StoreAnswer {
  /** Which store: for messages. */
  where: string;
  series: Attempt<readonly Series[]>;
}

/** Asks every store that was found for the same, all at once. The answers of all such sources are in the same order. */
export const inEachStore = (promql: string): Source<readonly StoreAnswer[]> =>
  planeSource([{ verb: 'create', resource: 'pods/portforward' }], async (ask) => {
    const { asked } = await ask.from(prometheusServers);
    return Promise.all(
      asked.map(async (server) => ({ where: server.where, series: await settle(query(ask, server, promql)) })),
    );
  });
