import { unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { messageOf } from '../../errors.ts';
import { askApi } from './api.ts';
import { type ScrapeJob, scrapeJobsIn } from './scrape-config.ts';
import { type PrometheusServer, prometheusServers } from './server.ts';
import { type Targets, targetsOf } from './targets.ts';

/** What one Prometheus says about itself. */
export interface PrometheusReading {
  where: string;
  scrapes: Attempt<Targets>;
  jobs: Attempt<readonly ScrapeJob[]>;
}

/** Every server's targets and configuration. */
export const prometheusReadings = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly PrometheusReading[]> => {
    const { asked } = await ask.from(prometheusServers);
    return Promise.all(
      asked.map(async (server) => {
        const [scrapes, jobs] = await Promise.all([settle(targetsOf(ask, server)), settle(jobsOf(ask, server))]);
        return { where: server.where, scrapes, jobs };
      }),
    );
  },
);

async function jobsOf({ cluster }: Ask, server: PrometheusServer): Promise<readonly ScrapeJob[]> {
  const question = server.question('/api/v1/status/config');
  const { yaml } = (await askApi(cluster, question)).data as { yaml?: string };
  if (yaml === undefined) throw unanswered(question, 'BadAnswer', 'the answer holds no configuration');
  try {
    return await scrapeJobsIn(yaml);
  } catch (error) {
    throw unanswered(question, 'BadAnswer', `the configuration is not valid YAML: ${messageOf(error)}`);
  }
}
