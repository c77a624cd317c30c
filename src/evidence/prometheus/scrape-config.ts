import { yamlIn } from '../../cluster/question/yaml.ts';

/** A job of a Prometheus configuration, as far as it tells whether Mixer's adapter is scraped. */
export interface ScrapeJob {
  name: string;
  staticTargets: readonly string[];
  /** The regular expressions of its `keep` rules. */
  keeps: readonly string[];
  /** Whether it finds its targets by itself, in Kubernetes or elsewhere. */
  discovers: boolean;
}

interface RawJob {
  job_name?: string;
  static_configs?: readonly { targets?: readonly string[] }[] | null;
  relabel_configs?: readonly { action?: string; regex?: string }[] | null;
}

/** The scrape jobs of a prometheus.yml, in its order. */
export async function scrapeJobsIn(text: string): Promise<readonly ScrapeJob[]> {
  const config = (await yamlIn(text)) as { scrape_configs?: readonly RawJob[] | null } | null;
  return (config?.scrape_configs ?? []).map((job) => ({
    name: job.job_name ?? '',
    staticTargets: (job.static_configs ?? []).flatMap(({ targets }) => targets ?? []),
    keeps: (job.relabel_configs ?? []).flatMap(({ action, regex }) => (action === 'keep' ? [String(regex)] : [])),
    discovers: Object.keys(job).some((key) => key.endsWith('_sd_configs') && key !== 'file_sd_configs'),
  }));
}

/**
 * Whether a job is meant to scrape the Prometheus adapter. The guide's static target was never in a chart: the charts
 * keep the endpoints of istio-telemetry's port `prometheus` (mixer.md 0, finding 6).
 */
export const scrapesAdapter = (job: ScrapeJob): boolean =>
  job.name === 'istio-mesh' ||
  job.staticTargets.some((target) => target.endsWith(':42422')) ||
  job.keeps.some((regex) => /istio-(telemetry|mixer)/.test(regex) && /prometheus|42422/.test(regex));
