import type { Step } from '../../../diagnosis/check.ts';
import { grafanaAsksStore } from '../prometheus/consumers/asks-store.ts';
import { consumerChecks } from '../prometheus/consumers/index.ts';
import { dashboardsShowWaypoints, ztunnelIsRecognised } from './consumers/dashboards.ts';
import { kialiShowsWaypoints } from './consumers/kiali.ts';
import { requestsCountedOnce } from './consumers/once.ts';
import { readersKeepCounters } from './consumers/readers.ts';
import { CONSUMERS, DOCS } from './steps.ts';

/** Whether those who draw pictures of the metrics ask where they are, and for what ambient has. */
export const consuming: Step = {
  id: CONSUMERS,
  title: 'Verify Grafana and Kiali ask the store that has the metrics',
  hop: 'prometheus->consumer',
  docs: () => DOCS.grafana,
  checks: [
    ...consumerChecks,
    dashboardsShowWaypoints,
    kialiShowsWaypoints,
    requestsCountedOnce,
    ztunnelIsRecognised,
    readersKeepCounters,
  ],
  headline: grafanaAsksStore.id,
};
