import type { Step } from '../../../diagnosis/check.ts';
import { scrapeChecks } from '../prometheus/scrape/index.ts';
import { callersScraped } from './callers/checks.ts';
import { DOCS, SCRAPE } from './steps.ts';

export const scrape: Step = {
  id: SCRAPE,
  title: 'Verify that Prometheus scrapes every proxy',
  hop: 'page->prometheus',
  docs: () => DOCS.prometheus,
  headline: 'proxies-are-targets',
  checks: [...scrapeChecks, callersScraped],
};
