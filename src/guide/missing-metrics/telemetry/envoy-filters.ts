import { defineCheck } from '../../../diagnosis/check.ts';
import { skip, some } from '../../../diagnosis/verdict.ts';
import { titleOf } from '../../../evidence/kubernetes/named.ts';
import { judgeLosses, needs, UNDECIDED } from './family.ts';

export const statsFiltersFit = defineCheck({
  id: 'stats-filters-fit',
  title: 'the EnvoyFilters that make metrics are for these proxies',
  explains:
    'Istio 1.5 to 1.17 made metrics by EnvoyFilters, stats-filter-1.x, and 1.18 to 1.20 where they were customised. Each is for proxies of one version, and is read from the root namespace or the proxies’ own. They are known by what they add, whatever they are called.',
  reasons: {
    StatsFilterVersionMismatch:
      'EnvoyFilters make the metrics, and none of them is for the version of these proxies: nothing counts their calls.',
    StatsFilterElsewhere:
      'The EnvoyFilters that make metrics lie in a namespace that is not the root namespace: they are for proxies of that namespace alone.',
    StatsFilterOfAnotherRevision:
      'The label istio.io/rev of the EnvoyFilters names no revision that there is: no control plane reads them.',
    StatsFilterRemoved: 'An EnvoyFilter takes away the filter that makes metrics.',
    ...UNDECIDED,
  },
  needs,
  judge(evidence, { plane }) {
    return judgeLosses(
      evidence,
      plane,
      ['StatsFilterVersionMismatch', 'StatsFilterElsewhere', 'StatsFilterOfAnotherRevision', 'StatsFilterRemoved'],
      () => {
        const { envoyFilters } = evidence.told.all;
        if (envoyFilters.length === 0) return skip('no EnvoyFilter is about metrics: the Telemetry API makes them');
        return { status: 'pass', message: `no proxy lacks ${some(envoyFilters.map(titleOf))}` };
      },
    );
  },
});
