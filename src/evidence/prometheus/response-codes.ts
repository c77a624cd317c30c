import { planeSource } from '../../diagnosis/source.ts';
import { query } from './query.ts';
import { prometheusServers } from './server.ts';

/** The requests of the last hour by their code, in whatever the release calls them (mixer.md 5); null without a Prometheus. */
const PROMQL = 'sum by (response_code) (increase({__name__=~"istio_requests_total|istio_request_count"}[1h]))';

export const responseCodes = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<ReadonlyMap<string, number> | null> => {
    const [server] = (await ask.from(prometheusServers)).asked;
    if (!server) return null;
    const { series } = await query(ask, server, PROMQL);
    return new Map(series.map(({ labels, value }) => [labels.get('response_code') ?? '', Math.round(value)]));
  },
);
