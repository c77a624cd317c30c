import type { Step } from '../../../diagnosis/check.ts';
import { clustersStored } from '../prometheus/clusters.ts';
import { storedChecks } from '../prometheus/stored/index.ts';
import { proxiesStored } from '../prometheus/stored/proxies.ts';
import { DOCS, STORED } from './steps.ts';
import { bothEndsReport } from './stored/ends.ts';
import { peersBehindGateways } from './stored/gateways.ts';
import { sourcesKnown } from './stored/sources.ts';
import { workloadsCounted } from './stored/traffic.ts';

/** Whether what was scraped is stored: of every ztunnel and waypoint, and of the workloads that they carry. */
export const stored: Step = {
  id: STORED,
  title: 'Verify Prometheus holds the series of every ztunnel and waypoint',
  hop: 'page->prometheus',
  docs: () => DOCS.prometheus,
  checks: [...storedChecks, workloadsCounted, bothEndsReport, sourcesKnown, clustersStored, peersBehindGateways],
  headline: proxiesStored.id,
};
