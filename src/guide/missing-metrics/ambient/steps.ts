export { CONSUMERS, ENROLLED, SCRAPE, STORED, WAYPOINT, ZTUNNEL_EMITS } from '../steps.ts';

/** Where the walk's instructions are written. */
export const DOCS = {
  enrolled: 'https://istio.io/latest/docs/ambient/usage/add-workloads/',
  ztunnel: 'https://istio.io/latest/docs/ambient/usage/troubleshoot-ztunnel/',
  waypoint: 'https://istio.io/latest/docs/ambient/usage/troubleshoot-waypoint/',
  prometheus: 'https://istio.io/latest/docs/ops/integrations/prometheus/',
  metrics: 'https://istio.io/latest/docs/reference/config/metrics/',
  grafana: 'https://istio.io/latest/docs/ops/integrations/grafana/',
} as const;
