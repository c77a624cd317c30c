import type { Step } from '../../../diagnosis/check.ts';
import { clustersStored } from '../prometheus/clusters.ts';
import { scrapedOnce } from '../prometheus/copies.ts';
import { samplesFresh } from '../prometheus/freshness.ts';
import { rulesKeepMetrics } from '../prometheus/metric-rules.ts';
import { namesKept } from '../prometheus/names.ts';
import { callersKnown, destinationsKnown } from '../prometheus/peers.ts';
import { proxiesStored } from '../prometheus/stored/proxies.ts';
import { proxiesToldApart } from '../prometheus/told-apart.ts';
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
    rulesKeepMetrics,
    namesKept,
    proxiesToldApart,
    samplesFresh,
    proxiesStored,
    scrapedOnce,
    bothSidesReport,
    servicesToldApart,
    callersKnown,
    destinationsKnown,
    clustersStored,
    callersStored,
  ],
  headline: proxiesStored.id,
};
