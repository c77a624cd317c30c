import { yamlIn } from '../../cluster/question/yaml.ts';
import type { Rule } from '../../scraping/relabel.ts';
import { keep, type Way } from '../../scraping/ways.ts';
import { durationIn } from '../text/duration.ts';
import { list, object, text, texts } from '../text/json.ts';
import { rulesIn } from './monitors.ts';

/** A job of a Prometheus configuration, as far as it tells what it scrapes in Kubernetes. */
export interface ScrapeJob {
  name: string;
  staticTargets: readonly string[];
  /** The regular expressions of its `keep` rules. */
  keeps: readonly string[];
  /** Whether it finds its targets by itself, in Kubernetes or elsewhere. */
  discovers: boolean;
  /** How it finds pods in this cluster. */
  ways: readonly Way[];
  /** What it does with samples before they are stored. */
  metricRules: readonly Rule[];
}

interface RawJob {
  job_name?: string;
  static_configs?: readonly { targets?: readonly string[] }[] | null;
  relabel_configs?: readonly { action?: string; regex?: string }[] | null;
  metrics_path?: string;
  metric_relabel_configs?: unknown;
  kubernetes_sd_configs?: unknown;
}

/** What a prometheus.yml has scraped. */
export interface ScrapeConfig {
  /** In its order. */
  jobs: readonly ScrapeJob[];
  /** How often jobs scrape that say nothing themselves (ms): a minute by default (docs, configuration). */
  interval: number;
}

export async function scrapeConfigIn(text: string): Promise<ScrapeConfig> {
  const config = (await yamlIn(text)) as {
    scrape_configs?: readonly RawJob[] | null;
    global?: { scrape_interval?: unknown } | null;
  } | null;
  return {
    jobs: (config?.scrape_configs ?? []).map(jobOf),
    interval: durationIn(config?.global?.scrape_interval) ?? 60_000,
  };
}

export const scrapeJobsIn = async (text: string): Promise<readonly ScrapeJob[]> => (await scrapeConfigIn(text)).jobs;

const jobOf = (job: RawJob): ScrapeJob => ({
  name: job.job_name ?? '',
  staticTargets: (job.static_configs ?? []).flatMap(({ targets }) => targets ?? []),
  keeps: (job.relabel_configs ?? []).flatMap(({ action, regex }) => (action === 'keep' ? [String(regex)] : [])),
  discovers: Object.keys(job).some((key) => key.endsWith('_sd_configs') && key !== 'file_sd_configs'),
  ways: waysIn(job),
  metricRules: rulesIn(job.metric_relabel_configs),
});

/** Goes by what only the API server or the server's own pod knows: nothing is decided by it here. */
const UNTOLD = keep('__meta_kubernetes_untold', '.+');

const ROLES: Readonly<Record<string, Way['of']>> = { pod: 'pods', endpoints: 'endpoints', endpointslice: 'endpoints' };

/** Those of another cluster are left out. */
function waysIn({ metrics_path, relabel_configs, kubernetes_sd_configs }: RawJob): readonly Way[] {
  return list(kubernetes_sd_configs).flatMap(({ role, namespaces, selectors, api_server, kubeconfig_file }): Way[] => {
    const of = ROLES[text(role)];
    if (!of || text(api_server) !== '' || text(kubeconfig_file) !== '') return [];
    const { names, own_namespace } = object(namespaces);
    const isUntold = list(selectors).length > 0 || own_namespace === true;
    const rules = rulesIn(relabel_configs);
    return [
      {
        of,
        namespaces: texts(names).length > 0 ? texts(names) : 'any',
        selector: null,
        path: metrics_path ?? '/metrics',
        rules: isUntold ? [UNTOLD, ...rules] : rules,
        port: null,
      },
    ];
  });
}

/**
 * Whether a job is meant to scrape the Prometheus adapter. The guide's static target was never in a chart: the charts
 * keep the endpoints of istio-telemetry's port `prometheus` (mixer.md 0, finding 6).
 */
export const scrapesAdapter = (job: ScrapeJob): boolean =>
  job.name === 'istio-mesh' ||
  job.staticTargets.some((target) => target.endsWith(':42422')) ||
  job.keeps.some((regex) => /istio-(telemetry|mixer)/.test(regex) && /prometheus|42422/.test(regex));
