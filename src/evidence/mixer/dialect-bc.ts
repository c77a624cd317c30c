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
import type { Dialect, MixerReading } from './reading.ts';

/** Singular and plural are Istio's own (mixer.md 7, trap 9). */
const NAMES = {
  instance: 'mixer_config_instance_config_errors_total',
  rule: 'mixer_config_rule_config_errors_total',
  adapter: 'mixer_config_adapter_info_config_errors_total',
  template: 'mixer_config_template_config_errors_total',
  match: 'mixer_config_rule_config_match_error_total',
  'unsatisfied-handler': 'mixer_config_unsatisfied_action_handler_total',
  'handler-validation': 'mixer_config_handler_validation_error_total',
  'handler-build': 'mixer_handler_handler_build_failures_total',
};

const ATTRIBUTES = 'mixer_config_attributes_total';

/** What a Mixer knows without any attributemanifest: the built-in vocabulary alone (mixer.md 2.2). */
const BUILT_IN_ATTRIBUTES = 23;

type Differences = Pick<
  MixerReading,
  'dialect' | 'releases' | 'configId' | 'configLoaded' | 'countsOnlyAccepted' | 'dispatchProves'
>;

/** What 1.1 and 1.2 - 1.7 have in common. `at` is a family's value in the configuration in force. */
const readWith = (page: Metrics, at: (metric: string) => number | null, differences: Differences): MixerReading => ({
  ...differences,
  reports: reportCalls(page),
  counts: {
    attributes: at(ATTRIBUTES),
    handlers: at('mixer_config_handler_configs_total'),
    instances: at('mixer_config_instance_configs_total'),
    rules: at('mixer_config_rule_configs_total'),
  },
  errors: errorCounts(NAMES, at),
  dispatches: dispatches(page, 'mixer_runtime_dispatches_total'),
  // OpenCensus counts a value that equals a bound in the next bucket: 1 is first counted at le="2".
  requestsWithInstances: requestsWithInstances(page, '2'),
  resolutions: null,
  throttled: page.total('mixer_loadshedding_requests_throttled'),
  startedAt: startedAt(page),
});

/**
 * Counters with a configID, absent while they are zero: Istio 1.1 (mixer.md 2.2). The newest id is that of the
 * attributes, which every configuration writes, even an empty one.
 */
export const dialectB: Dialect = {
  speaks: (page) => page.select(ATTRIBUTES).some((sample) => sample.labels.has('configID')),
  read(page) {
    const id = newestConfigId(page, ATTRIBUTES) ?? -1;
    const at = (metric: string): number => valueAt(page, metric, id) ?? 0;
    return readWith(page, at, {
      dialect: 'B',
      releases: '1.1',
      configId: id,
      configLoaded: id >= 1 || at(ATTRIBUTES) > BUILT_IN_ATTRIBUTES,
      countsOnlyAccepted: false,
      dispatchProves: false,
    });
  },
};

/** Gauges without configID, there even when zero: Istio 1.2 - 1.7 (mixer.md 2.2). */
export const dialectC: Dialect = {
  speaks: (page) => page.has(ATTRIBUTES) && page.select(ATTRIBUTES).every((sample) => !sample.labels.has('configID')),
  read(page) {
    const at = (metric: string): number | null => (page.has(metric) ? page.total(metric) : null);
    return readWith(page, at, {
      dialect: 'C',
      releases: '1.2 - 1.7',
      configId: null,
      configLoaded: (at('mixer_config_rule_configs_total') ?? 0) > 0 || (at(ATTRIBUTES) ?? 0) > BUILT_IN_ATTRIBUTES,
      countsOnlyAccepted: true,
      dispatchProves: true,
    });
  },
};
