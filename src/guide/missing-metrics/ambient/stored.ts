import type { Step } from '../../../diagnosis/check.ts';
import { clustersStored } from '../prometheus/clusters.ts';
import { scrapedOnce } from '../prometheus/copies.ts';
import { samplesFresh } from '../prometheus/freshness.ts';
import { rulesKeepMetrics } from '../prometheus/metric-rules.ts';
import { namesKept } from '../prometheus/names.ts';
import { proxiesStored } from '../prometheus/stored/proxies.ts';
import { proxiesToldApart } from '../prometheus/told-apart.ts';
import { DOCS, STORED } from './steps.ts';
import { peersBehindGateways } from './stored/gateways.ts';
import { workloadsCounted } from './stored/traffic.ts';

/** Whether what was scraped is stored: of every ztunnel and waypoint, and of the workloads that they carry. */
export const stored: Step = {
  id: STORED,
  title: 'Verify Prometheus holds the series of every ztunnel and waypoint',
  hop: 'page->prometheus',
  docs: () => DOCS.prometheus,
  checks: [
    rulesKeepMetrics,
    namesKept,
    proxiesToldApart,
    samplesFresh,
    proxiesStored,
    scrapedOnce,
    workloadsCounted,
    clustersStored,
    peersBehindGateways,
  ],
  headline: proxiesStored.id,
};
