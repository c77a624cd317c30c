import type { Step } from '../../../diagnosis/check.ts';
import { grafanaAsksStore } from '../prometheus/consumers/asks-store.ts';
import { consumerChecks } from '../prometheus/consumers/index.ts';
import { dashboardsAnswered } from './consumers/dashboards.ts';
import { CONSUMERS, DOCS } from './steps.ts';

/** Whether those who draw pictures of the metrics ask where they are, for what there is. */
export const consuming: Step = {
  id: CONSUMERS,
  title: 'Verify Grafana and Kiali ask the store that has the metrics',
  hop: 'prometheus->consumer',
  docs: () => DOCS.grafana,
  checks: [...consumerChecks, dashboardsAnswered],
  headline: grafanaAsksStore.id,
};
