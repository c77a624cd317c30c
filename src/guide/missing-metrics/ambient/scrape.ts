import type { Step } from '../../../diagnosis/check.ts';
import { scrapeChecks } from '../prometheus/scrape/index.ts';
import { DOCS, SCRAPE } from './steps.ts';

/** Of ztunnel’s pages and of the waypoints’: the pods and namespaces that their targets name are their own. */
export const scrape: Step = {
  id: SCRAPE,
  title: 'Verify that Prometheus scrapes every ztunnel and waypoint',
  hop: 'page->prometheus',
  docs: () => DOCS.prometheus,
  headline: 'proxies-are-targets',
  checks: scrapeChecks,
};
