import { planeSource } from '../../diagnosis/source.ts';
import { queryAny } from './query.ts';

/** The requests of the last hour by their code, in whatever the release calls them (mixer.md 5); null without a Prometheus. */
const PROMQL = 'sum by (response_code) (increase({__name__=~"istio_requests_total|istio_request_count"}[1h]))';

export const responseCodes = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<ReadonlyMap<string, number> | null> => {
    const found = await queryAny(ask, PROMQL);
    if (found === null) return null;
    const counted = found.series.filter(({ value }) => Number.isFinite(value));
    return new Map(counted.map(({ labels, value }) => [labels.get('response_code') ?? '', Math.round(value)]));
  },
);
