import { unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { messageOf } from '../../errors.ts';
import { askApi } from './api.ts';
import { type ScrapeConfig, type ScrapeJob, scrapeConfigIn } from './scrape-config.ts';
import { ofServer, type PrometheusServer, prometheusServers } from './server.ts';
import { type Targets, targetsOf } from './targets.ts';

/** What one Prometheus says about itself. */
export interface PrometheusReading {
  where: string;
  scrapes: Attempt<Targets>;
  jobs: Attempt<readonly ScrapeJob[]>;
  /** How often it scrapes where a job does not say (ms): what others take for all; null where it is not told. */
  interval: number | null;
}

/** Every server's targets and configuration. */
export const prometheusReadings = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly PrometheusReading[]> => {
    const { asked } = await ask.from(prometheusServers);
    return Promise.all(
      asked.map((server) => ask.from(ofServer(server, 'targets and configuration', (own) => readingOf(own, server)))),
    );
  },
);

async function readingOf(ask: Ask, server: PrometheusServer): Promise<PrometheusReading> {
  const [scrapes, config] = await Promise.all([settle(targetsOf(ask, server)), settle(configOf(ask, server))]);
  const { where } = server;
  return 'got' in config
    ? { where, scrapes, jobs: { got: config.got.jobs }, interval: config.got.interval }
    : { where, scrapes, jobs: config, interval: null };
}

async function configOf({ cluster }: Ask, server: PrometheusServer): Promise<ScrapeConfig> {
  const question = server.question('/api/v1/status/config');
  const { yaml } = (await askApi(cluster, question)).data as { yaml?: string };
  if (yaml === undefined) throw unanswered(question, 'BadAnswer', 'the answer holds no configuration');
  try {
    return await scrapeConfigIn(yaml);
  } catch (error) {
    throw unanswered(question, 'BadAnswer', `the configuration is not valid YAML: ${messageOf(error)}`);
  }
}
