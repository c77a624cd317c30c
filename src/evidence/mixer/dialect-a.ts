import type { Metrics } from '../../prometheus/metrics.ts';
import {
  dispatches,
  errorCounts,
  newestConfigId,
  reportCalls,
  requestsWithInstances,
  startedAt,
  valueAt,
} from './common.ts';
import type { Dialect } from './reading.ts';

const NAMES = {
  instance: 'mixer_config_instance_config_error_count',
  rule: 'mixer_config_rule_config_error_count',
  adapter: 'mixer_config_adapter_info_config_error_count',
  // Created but never registered (mixer.md 2.2).
  template: '',
  match: 'mixer_config_rule_config_match_error_count',
  'unsatisfied-handler': 'mixer_config_unsatisfied_action_handler_count',
  'handler-validation': 'mixer_config_handler_validation_error_count',
  'handler-build': 'mixer_handler_handler_build_failure_count',
};

/** 1.0 counts errors of instances; 0.8 does not, and that tells them apart (mixer.md 2.0). */
const isOnePointZero = (page: Metrics): boolean => page.has(NAMES.instance);

/**
 * Counters with a configID, a series for every configuration since the process started: Istio 0.6 - 1.0 (mixer.md 2.2).
 * Old ids stay and may hold errors long cured. 0.8's first real configuration is 2, that of 1.0 is 1 (mixer.md 2.3).
 */
export const dialectA: Dialect = {
  speaks: (page) => page.has('mixer_config_attribute_count'),
  read(page) {
    const id = newestConfigId(page, 'mixer_config_rule_config_count') ?? -1;
    const at = (metric: string): number | null => (page.has(metric) ? (valueAt(page, metric, id) ?? 0) : null);
    const onePointZero = isOnePointZero(page);
    const reports = reportCalls(page);
    return {
      dialect: 'A',
      releases: onePointZero ? '1.0' : '0.6 - 0.8',
      reports,
      configId: id,
      configLoaded: id >= (onePointZero ? 1 : 2),
      counts: {
        attributes: at('mixer_config_attribute_count'),
        handlers: at('mixer_config_handler_config_count'),
        instances: at('mixer_config_instance_config_count'),
        rules: at('mixer_config_rule_config_count'),
      },
      countsOnlyAccepted: false,
      errors: errorCounts(NAMES, at),
      dispatches: dispatches(page, 'mixer_runtime_dispatch_count'),
      dispatchProves: !onePointZero,
      requestsWithInstances: requestsWithInstances(page, '1'),
      resolutions: null,
      throttled: 0,
      startedAt: startedAt(page),
    };
  },
};
