import type { Step } from '../../../diagnosis/check.ts';
import { grafanaAsksStore, kialiAsksStore } from '../prometheus/consumers/asks-store.ts';
import { kialiFindsLabels } from '../prometheus/consumers/kiali-labels.ts';
import { rateWindow } from '../prometheus/consumers/rate-window.ts';
import { dashboardsAnswered } from './consumers/dashboards.ts';
import { CONSUMERS, DOCS } from './steps.ts';

/** Whether those who draw pictures of the metrics ask where they are, for what there is. */
export const consuming: Step = {
  id: CONSUMERS,
  title: 'Verify Grafana and Kiali ask the store that has the metrics',
  hop: 'prometheus->consumer',
  docs: () => DOCS.grafana,
  checks: [grafanaAsksStore, kialiAsksStore, kialiFindsLabels, rateWindow, dashboardsAnswered],
  headline: grafanaAsksStore.id,
};
