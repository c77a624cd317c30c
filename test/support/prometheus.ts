import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needed } from './programs.ts';

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Where a job finds its pages: a target, a proxy on the way to it, and, where they are many, how many: `/0`, `/1`, ... */
export interface Job {
  name: string;
  target: string;
  proxy?: string;
  pages?: number;
}

/** How often each target is scraped (s): what they are many of is spread over this time. */
const intervalOf = ({ pages = 1 }: Job): number => (pages > 1 ? 5 : 1);

/** A real Prometheus that has scraped every job once. Resolves to its port and to what ends it. */
export async function startPrometheus(jobs: readonly Job[]): Promise<{ port: number; close: () => Promise<void> }> {
  needed('prometheus');
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const port = await freePort();
  const config = {
    scrape_configs: jobs.map((job) => ({
      job_name: job.name,
      scrape_interval: `${intervalOf(job)}s`,
      scrape_timeout: `${intervalOf(job)}s`,
      static_configs:
        job.pages === undefined
          ? [{ targets: [job.target] }]
          : Array.from({ length: job.pages }, (_, page) => ({
              targets: [job.target],
              labels: { __metrics_path__: `/${page}`, page: String(page) },
            })),
      ...(job.proxy && { proxy_url: job.proxy }),
    })),
  };
  const targetCount = jobs.reduce((sum, { pages = 1 }) => sum + pages, 0);
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const server = spawn('prometheus', args, { stdio: 'ignore' });
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const close = async (): Promise<void> => {
    server.kill('SIGTERM');
    await ended;
    process.off('exit', kill);
    rmSync(folder, { recursive: true });
  };
  try {
    for (const until = Date.now() + 30_000; ; ) {
      const targets = await fetch(`http://127.0.0.1:${port}/api/v1/targets`)
        .then((answer) => answer.text())
        .catch(() => '');
      if (targets.match(/"health":"(up|down)"/g)?.length === targetCount) return { port, close };
      assert.ok(Date.now() < until, 'Prometheus has not scraped within 30 s');
      await new Promise((resolve) => setTimeout(resolve, targetCount > 100 ? 1000 : 100));
    }
  } catch (error) {
    await close();
    throw error;
  }
}
