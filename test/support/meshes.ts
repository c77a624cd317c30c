import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Generation } from '../../src/diagnosis/check.ts';
import { type Expectation, ofKnownSteps } from './mesh/expectation.ts';
import type { ScrapePlan } from './mesh/plan.ts';
import { startScraping } from './mesh/scraping.ts';
import { filesBelow, type Page, type RecordedObject, type Recording } from './recordings.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

/** A mesh of today: what the cluster holds, what its Prometheus scrapes, what is asked and what is right to say. */
export interface Mesh {
  recording: Recording;
  plan: ScrapePlan;
  command: readonly string[];
  expect: Expectation;
}

const folder = join(import.meta.dirname, '../meshes');

const scenarioOf = (name: string): Scenario =>
  JSON.parse(readFileSync(join(folder, name, 'scenario.json'), 'utf8')) as Scenario;

export const meshNames = (): readonly string[] =>
  readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'scenario.json')))
    .sort();

interface Scenario {
  generation: readonly Generation[];
  /** The mesh whose pages and logs it has where it has none of its own. */
  like?: string;
  command?: string;
  /** Its reason is words: who wrote it did not know the names. */
  expect: Expectation;
}

/** A composed mesh of test/meshes. */
export function loadMesh(name: string): Mesh {
  const read = (file: string): string => readFileSync(join(folder, name, file), 'utf8');
  const { like, command = 'missing-metrics', expect } = scenarioOf(name);
  const { items } = JSON.parse(read('cluster.json')) as { items: RecordedObject[] };
  const plan = JSON.parse(read('prometheus.json')) as ScrapePlan;
  const pages = new Map<string, Page>();
  const logs = new Map<string, string>();
  for (const of of [like, name]) {
    if (of === undefined) continue;
    for (const [path, text] of textsBelow(join(folder, of, 'http'))) {
      const [namespace, pod, port, ...rest] = path.split('/');
      const contentType = rest[0] === 'debug' ? 'application/json' : 'text/plain; version=0.0.4; charset=utf-8';
      const page = { status: 200, contentType, body: text };
      pages.set(`${namespace}/${pod}:${port}/${rest.join('/')}`, page);
      // Istiod has its debug pages on both ports.
      if (port === '15014' && rest[0] === 'debug') pages.set(`${namespace}/${pod}:8080/${rest.join('/')}`, page);
    }
    for (const [path, text] of textsBelow(join(folder, of, 'logs'))) logs.set(path.replace(/\.log$/, ''), text);
  }
  return {
    recording: { name: `meshes/${name}`, broken: null, objects: items, pages, logs, queries: {} },
    plan: { ...plan, ...told(items, plan) },
    command: command.split(' '),
    expect: ofKnownSteps({ ...expect, reason: [], words: expect.reason }),
  };
}

const textsBelow = (root: string): readonly (readonly [path: string, text: string])[] =>
  filesBelow(root).map((file) => [file.slice(root.length + 1), readFileSync(file, 'utf8')]);

/** What the server says of its own configuration: its ConfigMap's words, and an operator's names of its pools. */
function told(objects: readonly RecordedObject[], { targets }: ScrapePlan): Pick<ScrapePlan, 'configuration' | 'jobs'> {
  const own = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'prometheus');
  const configuration = own?.data?.['prometheus.yml'];
  const monitored = targets.map(({ job }) => job).filter((job) => job.includes('/'));
  return {
    ...(configuration !== undefined && { configuration }),
    jobs: Object.fromEntries(monitored.map((job) => [job, { pool: `podMonitor/${job}/0` }])),
  };
}

/** Runs `use` with a stand-in of a mesh whose Prometheus is a real one, and takes both down on every way out. */
export async function withMesh<T>(
  { recording, plan }: Pick<Mesh, 'recording' | 'plan'>,
  use: (standIn: StandIn, env: { KUBECONFIG: string }) => Promise<T>,
  options: StandInOptions = {},
): Promise<T> {
  const scraping = plan.pod === null ? null : await startScraping(recording, plan);
  try {
    const forwardTo = new Map(options.forwardTo);
    if (scraping) forwardTo.set(`${plan.pod}:${plan.port}`, scraping.port);
    const standIn = await startStandIn(recording, { ...options, forwardTo });
    try {
      return await use(standIn, { KUBECONFIG: standIn.kubeconfig });
    } finally {
      await standIn.close();
    }
  } finally {
    await scraping?.close();
  }
}
