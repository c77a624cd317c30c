import type { Step } from '../../../diagnosis/check.ts';
import { clustersStored } from '../prometheus/clusters.ts';
import { callersKnown, destinationsKnown } from '../prometheus/peers.ts';
import { storedChecks } from '../prometheus/stored/index.ts';
import { proxiesStored } from '../prometheus/stored/proxies.ts';
import { callersStored } from './callers/checks.ts';
import { DOCS, STORED } from './steps.ts';
import { servicesToldApart } from './stored/shared-ports.ts';
import { bothSidesReport } from './stored/sides.ts';

/** Whether what was scraped is stored: of every proxy, lately, under its own name, once. */
export const stored: Step = {
  id: STORED,
  title: 'Verify Prometheus holds the series of every proxy',
  hop: 'page->prometheus',
  docs: () => DOCS.prometheus,
  checks: [
    ...storedChecks,
    bothSidesReport,
    servicesToldApart,
    callersKnown,
    destinationsKnown,
    clustersStored,
    callersStored,
  ],
  headline: proxiesStored.id,
};
