import { defineCheck } from '../../../diagnosis/check.ts';
import { skip, some } from '../../../diagnosis/verdict.ts';
import { judgeLosses, needs, part, UNDECIDED } from './family.ts';
import { sidesOf } from './sides.ts';
import { makerOf } from './words.ts';

/** Of proxies whose metrics are meant for another store. */
export const PUSHED = 'the proxies push their metrics to Stackdriver: there are none for a Prometheus, by design';

export const providersMakeMetrics = defineCheck({
  id: 'providers-make-metrics',
  title: 'Istio is told to make metrics for every proxy',
  explains:
    'The last Telemetry object that names providers decides, else MeshConfig’s defaultProviders.metrics. A name that MeshConfig does not define is skipped without a word, and only a provider of type prometheus puts metrics on a proxy’s page. EnvoyFilters of Istio 1.5 to 1.20, and of one’s own, do so without a provider. Istiod’s own word for a few proxies decides over what we work out.',
  reasons: {
    NoMetricsProvider:
      'No provider of metrics is named, by MeshConfig or a Telemetry object: Istio gives the proxies nothing that counts their calls.',
    ProviderUnknown: 'The provider that is named is not defined in MeshConfig: Istio skips it without a word.',
    ProviderMakesNone:
      'The provider that is named makes no metrics that are on a proxy’s page: only those of type prometheus do.',
    IstiodMakesNone:
      'Istiod itself makes no filter that counts for these proxies, whatever the objects say that we know of: one that we do not know of, or an istiod that has not read them.',
    ...UNDECIDED,
  },
  needs,
  judge(evidence, { plane }) {
    return judgeLosses(
      evidence,
      plane,
      ['NoMetricsProvider', 'ProviderUnknown', 'ProviderMakesNone', 'IstiodMakesNone'],
      () => {
        const all = sidesOf(evidence);
        const own = all.filter(({ sides }) => sides.some(({ told }) => told === 'yes'));
        if (own.length === 0)
          return skip(
            all.some(({ sides }) => sides.some(({ told }) => told === 'pushed'))
              ? PUSHED
              : 'no proxy is told to make metrics, for another reason',
          );
        const filters = own.flatMap(({ sides }) =>
          sides.flatMap(({ stats }) => (stats ? [...stats.http, ...stats.tcp] : [])),
        );
        const makers = filters.map(makerOf);
        return {
          status: 'pass',
          message: `${part(
            own.map(({ of }) => of),
            evidence,
          )} told to make metrics${makers.length > 0 ? ` by ${some([...new Set(makers)])}` : ', as istiod says'}`,
        };
      },
    );
  },
});
