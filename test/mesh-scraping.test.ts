import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { ScrapePlan, ScrapeTarget } from './support/mesh/plan.ts';
import { startScraping } from './support/mesh/scraping.ts';
import { loadMesh } from './support/meshes.ts';
import { it } from './support/programs.ts';

interface Said {
  discoveredLabels: Record<string, string>;
  labels: Record<string, string>;
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  health: string;
  scrapeInterval: string;
}

/** What the mesh's Prometheus answers, once it has scraped a changed plan of the healthy mesh. */
async function withScraping(
  change: (plan: ScrapePlan) => ScrapePlan,
  use: (ask: (path: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const { recording, plan } = loadMesh('healthy-telemetry-api-1.31');
  const { port, close } = await startScraping(recording, change(plan));
  try {
    await use(async (path) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
      return ((await answer.json()) as { data: unknown }).data;
    });
  } finally {
    await close();
  }
}

const targetsOf = async (ask: (path: string) => Promise<unknown>): Promise<readonly Said[]> =>
  ((await ask('targets?state=active')) as { activeTargets: Said[] }).activeTargets;

const numberOf = async (ask: (path: string) => Promise<unknown>, promql: string): Promise<number> => {
  const { result } = (await ask(`query?query=${encodeURIComponent(promql)}`)) as {
    result: { value: [number, string] }[];
  };
  return Number(result[0]?.value[1] ?? Number.NaN);
};

describe('the Prometheus of a composed mesh', { concurrency: true }, () => {
  it('scrapes each pod at its own address, and says what a discovery of pods found', async () => {
    await withScraping(
      (plan) => plan,
      async (ask) => {
        const found = (await targetsOf(ask)).find(({ labels }) => labels.app === 'details');
        assert.equal(found?.health, 'up');
        assert.equal(found?.scrapeUrl, 'http://10.244.0.12:15020/stats/prometheus');
        assert.deepEqual([found?.labels.instance, found?.labels.job], ['10.244.0.12:15020', 'kubernetes-pods']);
        assert.equal(found?.discoveredLabels.__meta_kubernetes_pod_name, 'details-v1-bfb4cd244f-24151');
        assert.equal(found?.discoveredLabels.__meta_kubernetes_pod_annotation_prometheus_io_port, '15020');
        assert.equal(found?.scrapeInterval, '15s');
        assert.match(((await ask('status/config')) as { yaml: string }).yaml, /kubernetes_sd_configs/);
        assert.equal(await numberOf(ask, 'count(istio_build{component="proxy"})'), 10);
        assert.ok((await numberOf(ask, 'sum(rate(istio_requests_total[5m]))')) > 0);
      },
    );
  });

  it('is told in its own words why a target is down', async () => {
    const down = (page: string, index: number): ScrapeTarget => ({
      job: 'pods',
      labels: { instance: `10.244.9.${index}:15020` },
      metricsPath: '/stats/prometheus',
      page,
    });
    const pages = ['down:403', 'down:503', 'down:timeout', 'down:refused', 'down:reset', 'nowhere'];
    await withScraping(
      (plan) => ({ ...plan, targets: pages.map(down) }),
      async (ask) => {
        const targets = await targetsOf(ask);
        const errors = pages.map((_, index) =>
          targets.find(({ labels }) => labels.instance === `10.244.9.${index}:15020`),
        );
        assert.deepEqual([...new Set(targets.map(({ scrapePool }) => scrapePool))], ['pods']);
        assert.deepEqual(
          errors.map((error) => error?.lastError.replace(/127\.0\.0\.1:\d+/g, 'LOCAL')),
          [
            'server returned HTTP status 403 Forbidden',
            'server returned HTTP status 503 Service Unavailable',
            'Get "http://10.244.9.2:15020/stats/prometheus": context deadline exceeded',
            'Get "http://10.244.9.3:15020/stats/prometheus": dial tcp 10.244.9.3:15020: connect: connection refused',
            'Get "http://10.244.9.4:15020/stats/prometheus": read tcp LOCAL->LOCAL: read: connection reset by peer',
            'server returned HTTP status 404 Not Found',
          ],
        );
      },
    );
  });

  it('keeps to a job’s limit and rules, and to what stands still', async () => {
    await withScraping(
      (plan) => ({
        ...plan,
        still: true,
        jobs: {
          limited: { sample_limit: 5 },
          'kubernetes-pods': {
            metric_relabel_configs: [{ action: 'drop', source_labels: ['__name__'], regex: 'istio_request_.*' }],
          },
        },
        targets: plan.targets.map((target, index) => (index === 1 ? { ...target, job: 'limited' } : target)),
      }),
      async (ask) => {
        const targets = await targetsOf(ask);
        assert.equal(targets.find(({ labels }) => labels.job === 'limited')?.lastError, 'sample limit exceeded');
        assert.ok(Number.isNaN(await numberOf(ask, 'count(istio_request_bytes_count)')));
        assert.equal(await numberOf(ask, 'sum(rate(istio_requests_total[5m]))'), 0);
      },
    );
  });
});
