import type { Step } from '../../../diagnosis/check.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import type { Scraping } from '../../../evidence/prometheus/scraping.ts';
import { scrapeChecks } from '../prometheus/scrape/index.ts';
import { unproven } from '../prometheus/scrape/scope.ts';
import { callersScraped } from './callers/checks.ts';
import { DOCS, SCRAPE } from './steps.ts';

/** The pods whose proxies are scraped, and their scrapes succeed; null where it is not known of those that are not. */
export const scrapedOf = (scraping: Scraping): ReadonlySet<Pod> | null =>
  scraping.servers.length > 0 && unproven(scraping) === null ? scraping.up : null;

export const scrape: Step = {
  id: SCRAPE,
  title: 'Verify that Prometheus scrapes every proxy',
  hop: 'page->prometheus',
  docs: () => DOCS.prometheus,
  headline: 'proxies-are-targets',
  checks: [...scrapeChecks, callersScraped],
};
