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

/** Where a job finds its page: a target, and a proxy on the way to it. */
export interface Job {
  name: string;
  target: string;
  proxy?: string;
}

/** A real Prometheus that has scraped every job once. Resolves to its port and to what ends it. */
export async function startPrometheus(jobs: readonly Job[]): Promise<{ port: number; close: () => Promise<void> }> {
  needed('prometheus');
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const port = await freePort();
  const config = {
    scrape_configs: jobs.map(({ name, target, proxy }) => ({
      job_name: name,
      scrape_interval: '1s',
      scrape_timeout: '1s',
      static_configs: [{ targets: [target] }],
      ...(proxy && { proxy_url: proxy }),
    })),
  };
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
    for (const until = Date.now() + 20_000; ; ) {
      const targets = await fetch(`http://127.0.0.1:${port}/api/v1/targets`)
        .then((answer) => answer.text())
        .catch(() => '');
      if (targets.match(/"health":"(up|down)"/g)?.length === jobs.length) return { port, close };
      assert.ok(Date.now() < until, 'Prometheus has not scraped within 20 s');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } catch (error) {
    await close();
    throw error;
  }
}
