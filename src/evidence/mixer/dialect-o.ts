import { numberOf } from '../../prometheus/numbers.ts';
import { dispatches, errorCounts, reportCalls, startedAt } from './common.ts';
import type { Dialect } from './reading.ts';

const NONE = {
  instance: '',
  rule: '',
  adapter: '',
  template: '',
  match: '',
  'unsatisfied-handler': '',
  'handler-validation': '',
  'handler-build': '',
};

/**
 * The old runtime: Istio 0.5 and older, 0.6 and 0.7 with --useNewRuntime=false. No metrics about its configuration;
 * resolutions by service instead (mixer.md 2.6, recorded in 8.2).
 */
export const dialectO: Dialect = {
  speaks: (page) => page.has('mixer_adapter_dispatch_count') || page.has('mixer_config_resolve_count'),
  read: (page) => ({
    dialect: 'O',
    releases: '0.5 - 0.7',
    reports: reportCalls(page),
    configId: null,
    configLoaded: true,
    counts: { attributes: null, handlers: null, instances: null, rules: null },
    countsOnlyAccepted: false,
    errors: errorCounts(NONE, () => null),
    dispatches: dispatches(page, 'mixer_adapter_dispatch_count'),
    dispatchProves: true,
    requestsWithInstances: null,
    resolutions: page.select('mixer_config_resolve_count').map(({ labels, value }) => ({
      target: labels.get('target') ?? '',
      failed: labels.get('error') === 'true',
      count: numberOf(value),
    })),
    throttled: 0,
    startedAt: startedAt(page),
  }),
};
