import type { Cluster } from '../../cluster/question/cluster.ts';
import { TEXT_LIMIT } from '../../cluster/question/cluster.ts';
import type { PageQuestion } from '../../cluster/question/question.ts';
import { askPage, unanswered } from '../../cluster/question/text.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Json } from '../text/json.ts';
import { adminPage, askedEnvoys, type Told } from './asked.ts';
import {
  clusterOf,
  type EnvoyCluster,
  field,
  inlineRoutesOf,
  type Listener,
  listenerOf,
  type RouteTable,
  routeTableOf,
} from './dump-entries.ts';
import { EntrySplitter } from './entry-splitter.ts';

/** What an Envoy has of its configuration. */
export interface Configuration {
  /** Of the page, in bytes. */
  size: number;
  clusters: readonly EnvoyCluster[];
  listeners: readonly Listener[];
  routes: readonly RouteTable[];
}

/** The lists that are read, however their words are joined: not those that drain, nor scopes of routes. */
const LIST = /^(static|dynamic)(?:active|warming)?(clusters|listeners|routeconfigs)$/;

/** Reads a page of `/config_dump`, of Envoy 1.7 or today's, as it comes in. */
class DumpReader {
  private readonly clusters: EnvoyCluster[] = [];
  private readonly listeners: Listener[] = [];
  private readonly routes: RouteTable[] = [];
  private readonly inline: RouteTable[] = [];
  private size = 0;
  private readonly splitter = new EntrySplitter((list, entry) => this.take(list, entry));

  push(chunk: Buffer): void {
    this.size += chunk.length;
    this.splitter.push(chunk);
  }

  /** Throws SyntaxError of an entry that is no JSON. The lists' names tell what they hold, in every release. */
  private take(list: string, text: string): void {
    const [, way, what] = LIST.exec(list.replaceAll('_', '').toLowerCase()) ?? [];
    if (what === undefined) return;
    const fixed = way === 'static';
    const entry = JSON.parse(text) as Json;
    if (what === 'clusters') this.clusters.push(clusterOf(entry, fixed));
    else if (what === 'listeners') {
      this.listeners.push(listenerOf(entry, fixed));
      this.inline.push(...inlineRoutesOf(entry, fixed));
    } else this.routes.push(routeTableOf(entry, fixed));
  }

  /** null of what is no such page, or not whole. */
  end(): Configuration | null {
    if (!this.splitter.end()) return null;
    const { size, clusters, listeners, routes, inline } = this;
    return { size, clusters, listeners, routes: [...routes, ...inline] };
  }
}

/** Reads a page that is at hand; null of what is none. */
export function dumpIn(page: string): Configuration | null {
  const reader = new DumpReader();
  try {
    reader.push(Buffer.from(page));
    return reader.end();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The bootstrap in a page of `/config_dump`; null of what is none. */
export function bootstrapIn(page: string): unknown {
  let configs: unknown;
  try {
    configs = (JSON.parse(page) as { configs?: unknown } | null)?.configs;
  } catch {
    return null;
  }
  if (typeof configs !== 'object' || configs === null) return null;
  const section = Object.values(configs).find((each: unknown) => field(each, 'bootstrap') !== undefined);
  return field(section, 'bootstrap') ?? null;
}

/** Asks for a configuration. What is none, is cut off or is larger than 64 MB is NoAnswer. */
export async function readDump(cluster: Cluster, question: PageQuestion): Promise<Configuration> {
  const answer = await askPage(cluster, question);
  const reader = new DumpReader();
  let length = 0;
  let first = '';
  try {
    for await (const chunk of answer.body) {
      if (length === 0) first = chunk.subarray(0, 200).toString('utf8');
      length += chunk.length;
      if (length > TEXT_LIMIT) throw unanswered(question, 'TooLarge', `the page is larger than ${TEXT_LIMIT >> 20} MB`);
      reader.push(chunk);
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unanswered(question, 'BadAnswer', `the page is not whole JSON: ${error.message}`);
  }
  const configuration = reader.end();
  // Some Envoys answer 200 with a plain text that says why not.
  if (configuration === null)
    throw unanswered(question, 'BadAnswer', `not a whole configuration: ${first.split('\n', 1)[0]}`);
  return configuration;
}

/** One after the other: such a page may have tens of megabytes, and costs the Envoy as much (guide.md i, 6). */
export const envoyDumps = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async ({ from, cluster }): Promise<readonly Told<Configuration>[]> => {
    const { envoys } = await from(askedEnvoys);
    const told: Told<Configuration>[] = [];
    for (const envoy of envoys)
      told.push({ ...envoy, said: await settle(readDump(cluster, adminPage(envoy, '/config_dump'))) });
    return told;
  },
);
