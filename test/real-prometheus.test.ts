import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe } from 'node:test';
import { ended, listening } from './support/loopback.ts';
import { it } from './support/programs.ts';
import { startPrometheus } from './support/prometheus.ts';
import { loadRecording } from './support/recordings.ts';
import { checkOf, reported } from './support/run.ts';
import { withStandIn } from './support/standing.ts';

const PROMETHEUS = 'istio-system/prometheus-1cb6f872bd-e55ee:9090';

/** A real Prometheus that scrapes the recorded adapter page, as job istio-mesh; `status` is what the page answers. */
async function withPrometheus(page: string, status: number, use: (port: number) => Promise<void>): Promise<void> {
  const adapter = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(page);
  });
  const target = `127.0.0.1:${await listening(adapter)}`;
  try {
    const prometheus = await startPrometheus([{ name: 'istio-mesh', target }]);
    try {
      await use(prometheus.port);
    } finally {
      await prometheus.close();
    }
  } finally {
    await ended(adapter);
  }
}

describe('a real Prometheus behind the port-forward', { concurrency: true }, () => {
  const pageOf = (name: string): string => {
    const page = [...loadRecording(name).pages].find(([key]) => key.includes(':42422/'))?.[1].body;
    return String(page);
  };

  for (const [name, metric] of [
    ['istio-1.0.6/healthy', 'istio_requests_total'],
    ['istio-0.8.0/healthy', 'istio_request_count'],
  ] as const) {
    it(`holds the series of ${name}, by our own queries`, async () => {
      await withPrometheus(pageOf(name), 200, async (port) => {
        await withStandIn(
          name,
          async (_, env) => {
            const { report, code } = await reported(['missing-metrics', 'service/details', '-n', 'bookinfo'], { env });
            const checks = report.steps.flatMap((step) => step.checks);
            const stored = checks.find(({ id }) => id === 'series-stored');
            assert.equal(stored?.status, 'pass', stored?.message);
            assert.match(stored?.message ?? '', new RegExp(`^\\d+ series of ${metric}`));
            assert.equal(checks.find(({ id }) => id === 'scrape-target-up')?.status, 'pass');
            assert.equal(checks.find(({ id }) => id === 'workload-stored')?.status, 'pass');
            assert.deepEqual([report.verdict, code], ['healthy', 0]);
          },
          { forwardTo: new Map([[PROMETHEUS, port]]) },
        );
      });
    });
  }

  it('is where the metrics are lost when the adapter’s page is HTTP 500', async () => {
    const words = 'An error has occurred during metrics gathering:\n\ncollected metric x was collected before\n';
    await withPrometheus(words, 500, async (port) => {
      await withStandIn(
        'istio-1.0.6/healthy',
        async (_, env) => {
          const { report } = await reported(['missing-metrics'], { env });
          assert.deepEqual(
            report.losses.map(({ step, reason }) => [step, reason]),
            [['prometheus-scrape', 'PageInconsistent']],
          );
          const target = checkOf(report, 'scrape-target-up');
          assert.match(target?.message ?? '', /HTTP status 500/);
        },
        {
          forwardTo: new Map([[PROMETHEUS, port]]),
          change: ({ pages }) => {
            for (const [key, page] of pages)
              if (key.includes(':42422/')) pages.set(key, { ...page, status: 500, body: words });
          },
        },
      );
    });
  });

  it('is named with --prometheus-url, and its password is never shown', async () => {
    await withPrometheus(pageOf('istio-1.0.6/healthy'), 200, async (port) => {
      await withStandIn('istio-1.0.6/healthy', async (_, env) => {
        const { report, stdout } = await reported(
          ['missing-metrics', '--prometheus-url', `http://sre:hunter2@127.0.0.1:${port}/`],
          { env },
        );
        assert.equal(checkOf(report, 'series-stored')?.status, 'pass');
        assert.ok(!stdout.includes('hunter2'));
      });
    });
  });
});
