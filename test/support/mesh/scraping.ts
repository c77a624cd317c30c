import { launchPrometheus } from '../prometheus.ts';
import type { RecordedObject, Recording } from '../recordings.ts';
import { addressOf, startAddresses } from './addresses.ts';
import { NOBODY, startFront } from './front.ts';
import { discoveredAt, ipOf, type ScrapePlan, type ScrapeTarget } from './plan.ts';

/** How often a test scrapes: rates need two scrapes, and nobody waits for 15 s. */
const INTERVAL = '1s';

const staticConfig = (target: ScrapeTarget, pod: RecordedObject | undefined): object => ({
  targets: [addressOf(target)],
  labels: {
    ...(pod && discoveredAt(pod)),
    ...target.labels,
    job: target.job,
    __metrics_path__: target.metricsPath,
  },
});

/** A job of a plan as Prometheus is told it: twice where some of its targets refuse, which needs another way to them. */
function scrapeConfigs(plan: ScrapePlan, job: string, url: string, podAt: ReadonlyMap<string, RecordedObject>) {
  const { pool = job, interval: _, ...told } = plan.jobs?.[job] ?? {};
  const parts = [
    { name: pool, way: url, refused: false },
    { name: `${pool} (refused)`, way: NOBODY, refused: true },
  ];
  return parts.flatMap(({ name, way, refused }) => {
    const own = plan.targets.filter((each) => each.job === job && (each.page === 'down:refused') === refused);
    if (own.length === 0) return [];
    const found = own.map((each) => staticConfig(each, podAt.get(addressOf(each).replace(/:\d+$/, ''))));
    return [
      {
        job_name: name,
        scrape_interval: INTERVAL,
        scrape_timeout: INTERVAL,
        proxy_url: way,
        ...told,
        static_configs: found,
      },
    ];
  });
}

/** A real Prometheus that has scraped all of a plan, twice by default; resolves to the port at which it is to be asked. */
export async function startScraping(
  recording: Recording,
  plan: ScrapePlan,
  scrapes = 2,
): Promise<{ port: number; close: () => Promise<void> }> {
  const podAt = new Map(recording.objects.filter(({ kind }) => kind === 'Pod').map((pod) => [ipOf(pod), pod]));
  const addresses = await startAddresses(recording, plan);
  const ends = [addresses.close];
  const close = async (): Promise<void> => {
    for (const end of ends.reverse()) await end();
  };
  try {
    const jobs = [...new Set(plan.targets.map(({ job }) => job))];
    const prometheus = await launchPrometheus(
      {
        global: { evaluation_interval: INTERVAL },
        scrape_configs: jobs.flatMap((job) => scrapeConfigs(plan, job, addresses.url, podAt)),
      },
      { targets: plan.targets.length, scrapes, rules: plan.rules ?? [], ...(plan.past && { past: plan.past }) },
    );
    ends.push(prometheus.close);
    const front = await startFront(prometheus.port, plan);
    ends.push(front.close);
    return { port: front.port, close };
  } catch (error) {
    await close();
    throw error;
  }
}
