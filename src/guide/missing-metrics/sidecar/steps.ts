export { IN_MESH, PROXY_EMITS, SCRAPE } from '../steps.ts';

/** The ids of this walk's other steps, in order, for `mayFollowFrom`. */
export const TELEMETRY_CONFIG = 'telemetry-config';
export const CONFIG_DELIVERY = 'config-delivery';
export const PROTOCOL = 'protocol';
export const STORED = 'stored';
export const CONSUMERS = 'consumers';

/** Where the walk's instructions are written: Istio has no page on metrics that are missing any more (modern.md 3). */
export const DOCS = {
  injection: 'https://istio.io/latest/docs/ops/common-problems/injection/',
  telemetry: 'https://istio.io/latest/docs/tasks/observability/metrics/telemetry-api/',
  delivery: 'https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/',
  metrics: 'https://istio.io/latest/docs/reference/config/metrics/',
  protocol: 'https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/',
  prometheus: 'https://istio.io/latest/docs/ops/integrations/prometheus/',
  grafana: 'https://istio.io/latest/docs/ops/integrations/grafana/',
} as const;
