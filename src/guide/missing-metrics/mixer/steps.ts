/** The ids of this walk's steps, in the guide's order, for `mayFollowFrom`. */
export const REPORT_CALLS = 'report-calls';
export const RULES = 'rules';
export const PROMETHEUS_HANDLER = 'prometheus-handler';
export const METRIC_INSTANCES = 'metric-instances';
export const CONFIG_ERRORS = 'config-errors';
export const CONFIG_RESOLUTION = 'config-resolution';
export const DISPATCHES = 'dispatches';
export const PROMETHEUS_SCRAPE = 'prometheus-scrape';

/** What must be right in the configuration before an instance can be dispatched. */
export const CONFIGURATION = [RULES, PROMETHEUS_HANDLER, METRIC_INSTANCES] as const;

/** Everything before the scrape. */
export const UPSTREAM = [REPORT_CALLS, ...CONFIGURATION, CONFIG_ERRORS, DISPATCHES] as const;
