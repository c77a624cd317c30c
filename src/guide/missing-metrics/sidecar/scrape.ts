import type { Step } from '../../../diagnosis/check.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import type { Scraping } from '../../../evidence/prometheus/scraping.ts';
import { scrapeChecks } from '../prometheus/scrape/index.ts';
import { DOCS, SCRAPE } from './steps.ts';

/** The pods whose proxies are scraped, and their scrapes succeed; null where it is not known of those that are not. */
export const scrapedOf = ({
  servers,
  pods,
  targeted,
  up,
  missing,
  partial,
  leftOut,
}: Scraping): ReadonlySet<Pod> | null => {
  if (servers.length === 0) return null;
  const isProven = missing.length === 0 && partial.length === 0 && leftOut === 0;
  return isProven || targeted.size === pods.length ? up : null;
};

export const scrape: Step = {
  id: SCRAPE,
  title: 'Verify that Prometheus scrapes every proxy',
  hop: 'page->prometheus',
  docs: () => DOCS.prometheus,
  headline: 'proxies-are-targets',
  checks: scrapeChecks,
};
