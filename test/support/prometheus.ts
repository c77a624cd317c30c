import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended, listening } from './loopback.ts';
import { needed } from './programs.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await ended(server);
  return port;
}

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
export const startPrometheus = (jobs: readonly Job[]): Promise<Running> =>
  launchPrometheus(
    {
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
    },
    { targets: jobs.reduce((sum, { pages = 1 }) => sum + pages, 0), scrapes: 1, rules: [] },
  );

interface Running {
  port: number;
  close: () => Promise<void>;
}

/** A real Prometheus with these scrape configurations, as soon as its targets are as awaited: the text of /api/v1/targets. */
export const startConfigured = (
  configurations: readonly object[],
  targets: (text: string) => boolean,
): Promise<Running> => launchPrometheus({ scrape_configs: configurations }, { targets, scrapes: 1, rules: [] });

/** What a server is waited for: its targets, each scraped so often; and the rules that it records by. */
interface Awaited {
  /** How many, or whether they are as awaited: the text of /api/v1/targets. */
  targets: number | ((text: string) => boolean);
  scrapes: number;
  rules: readonly { record: string; expr: string }[];
  /** What it has stored already, as OpenMetrics with times. */
  past?: string;
}

/** What is still up when a test run ends early is ended with it. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const server of running) server.kill('SIGKILL');
});

/** A real Prometheus with a configuration of its own. */
export async function launchPrometheus(config: object, awaited: Awaited): Promise<Running> {
  needed('prometheus');
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const remove = (): void => rmSync(folder, { recursive: true });
  try {
    const groups = [{ name: 'recorded', rules: awaited.rules }];
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups }));
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ ...config, rule_files: ['rules.yml'] }));
    if (awaited.past !== undefined) {
      needed('promtool');
      writeFileSync(join(folder, 'past'), awaited.past);
      const made = ['tsdb', 'create-blocks-from', 'openmetrics', '--max-block-duration=720h', join(folder, 'past')];
      execFileSync('promtool', [...made, join(folder, 'data')], { stdio: ['ignore', 'ignore', 'pipe'] });
    }
    for (let attempt = 1; ; attempt++) {
      const started = await startIn(folder, awaited);
      if (started) return { port: started.port, close: () => started.close().finally(remove) };
      assert.ok(attempt < 3, 'Prometheus has ended: it does not take this configuration');
    }
  } catch (error) {
    remove();
    throw error;
  }
}

/** Starts a server of the configuration in a folder. Null where it ended by itself: its port may be another's by now. */
async function startIn(folder: string, { targets, scrapes }: Awaited): Promise<Running | null> {
  const port = await freePort();
  const args = [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    '--storage.tsdb.retention.time=90d',
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const server = spawn('prometheus', args, { stdio: 'ignore' });
  running.add(server);
  let isOver = false;
  const ended = new Promise<void>((resolve) => server.once('exit', resolve).once('error', () => resolve())).then(() => {
    isOver = true;
    running.delete(server);
  });
  const close = async (): Promise<void> => {
    server.kill('SIGTERM');
    const forced = setTimeout(() => server.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(forced);
  };
  const textOf = (path: string): Promise<string> =>
    fetch(`http://127.0.0.1:${port}${path}`)
      .then((answer) => answer.text())
      .catch(() => '');
  const isReady = async (): Promise<boolean> => {
    // Another server that has taken the port would answer, too.
    if (!(await textOf('/api/v1/status/flags')).includes(folder)) return false;
    const known = await textOf('/api/v1/targets');
    if (known === '') return false;
    if (typeof targets === 'function') return targets(known);
    if ((known.match(/"health":"(up|down)"/g)?.length ?? 0) !== targets) return false;
    const query = encodeURIComponent(`min(count_over_time(up[1m])) >= ${scrapes}`);
    return scrapes === 1 || targets === 0 || (await textOf(`/api/v1/query?query=${query}`)).includes('"value"');
  };
  try {
    for (const until = Date.now() + 30_000; !(await isReady()); ) {
      if (isOver) return null;
      assert.ok(Date.now() < until, 'Prometheus has not scraped within 30 s');
      await new Promise((resolve) => setTimeout(resolve, Number(targets) > 100 ? 1000 : 100));
    }
    return { port, close };
  } catch (error) {
    await close();
    throw error;
  }
}
