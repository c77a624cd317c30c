export { CONFIG_DELIVERY, CONSUMERS, IN_MESH, PROXY_EMITS, SCRAPE, STORED, TELEMETRY_CONFIG } from '../steps.ts';

/** The id of the step that is this walk's alone. */
export const PROTOCOL = 'protocol';

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
