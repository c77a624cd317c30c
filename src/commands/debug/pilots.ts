import type { Gatherer } from '../../diagnosis/gather.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { UsageError } from '../../errors.ts';
import { isAtLeast } from '../../evidence/istio.ts';
import { allPilots, firstSyncs, type Pilot, readPage, registryOf } from '../../evidence/pilot.ts';
import { isRunning } from '../../evidence/pod.ts';
import { type ProxySync, stateOf } from '../../evidence/sync.ts';
import { columns, jsonOf } from '../../report/columns.ts';
import { escapeText } from '../../report/escape.ts';
import type { Told } from './index.ts';

const RIGHTS = [{ verb: 'create', resource: 'pods/portforward' }] as const;

/** The columns of istioctl's proxy-status, and the kinds that they are for. */
const STATES = [
  ['CDS', 'cluster'],
  ['LDS', 'listener'],
  ['EDS', 'endpoint'],
  ['RDS', 'route'],
] as const;

const stateIn = ({ types }: ProxySync, kind: string): string => {
  const type = types.find((each) => each.kind === kind);
  return type ? stateOf(type).toUpperCase() : '-';
};

/** `debug sync [POD]`: every proxy's state, on every replica of Pilot. */
export async function sync([pod]: readonly string[], gatherer: Gatherer, json: boolean): Promise<Told> {
  const replicas = await gatherer.ofCluster(firstSyncs);
  if (replicas.length === 0) throw new UsageError('no replica of Pilot or istiod runs in this cluster');
  const wanted = pod?.replace(/^pods?\//, '');
  const isWanted = ({ proxy }: ProxySync): boolean =>
    wanted === undefined ||
    proxy === wanted ||
    proxy.startsWith(`${wanted}.`) ||
    wanted === proxy.split('.').reverse().join('/');
  const rows = replicas.flatMap(({ pilot, proxies }) =>
    'got' in proxies ? proxies.got.filter(isWanted).map((each) => ({ ...each, pilot: pilot.pod.name })) : [],
  );
  const missing = replicas.flatMap(({ proxies }) => ('missing' in proxies ? [proxies.missing] : []));
  const text = json
    ? `${jsonOf({ proxies: rows.map((row) => ({ ...row, types: row.types.map((type) => ({ ...type, state: stateOf(type) })) })) }, 2)}\n`
    : columns(
        ['PROXY', ...STATES.map(([head]) => head), 'PILOT', 'VERSION'],
        rows.map((row) => [row.proxy, ...STATES.map(([, kind]) => stateIn(row, kind)), row.pilot, row.version ?? '']),
        wanted === undefined ? 'No proxy is connected.' : `No replica that answered lists ${escapeText(wanted)}.`,
      );
  return { text, missing };
}

/** What may be asked of every replica. */
export const PAGES = ['ads', 'eds', 'registry'] as const;

/** Today's edsz is of one proxy: what istiod knows of endpoints is another page there. */
function placeOf(page: (typeof PAGES)[number], each: Pilot): { port: number; path: string } {
  if (page === 'registry') return registryOf(each);
  const isOld = each.version !== null && !isAtLeast(each.version, '1.5');
  return { port: each.debugPort, path: page === 'ads' ? '/debug/adsz' : isOld ? '/debug/edsz' : '/debug/endpointz' };
}

/** `debug pilot PAGE`: the page of every replica, as it is. */
export async function pilot([word]: readonly string[], gatherer: Gatherer, json: boolean): Promise<Told> {
  const page = PAGES.find((each) => each === word);
  if (!page) throw new UsageError(`debug pilot takes one of ${PAGES.join(', ')}`);
  const source = clusterSource(RIGHTS, async (ask) => {
    const running = (await ask.from(allPilots)).filter(({ pod }) => isRunning(pod));
    return Promise.all(
      running.map(async (each) => {
        const { port, path } = placeOf(page, each);
        return { pod: `${each.pod.namespace}/${each.pod.name}`, said: await settle(readPage(ask, each, port, path)) };
      }),
    );
  });
  const replicas = await gatherer.ofCluster(source);
  if (replicas.length === 0) throw new UsageError('no replica of Pilot or istiod runs in this cluster');
  const got = replicas.flatMap(({ pod, said }) => ('got' in said ? [{ pod, page: said.got }] : []));
  const missing = replicas.flatMap(({ said }): readonly Unanswered[] => ('missing' in said ? [said.missing] : []));
  const text = json
    ? `${jsonOf({ replicas: got.map(({ pod, page }) => ({ pod, page: parsed(page) })) }, 2)}\n`
    : got
        .map(
          ({ pod, page }) =>
            `# ${escapeText(pod)}\n${linesOf(typeof parsed(page) === 'string' ? page : jsonOf(parsed(page), 2))}\n`,
        )
        .join('\n');
  return { text, missing };
}

/** The page as data where it is JSON: 0.8 writes something close to it. */
function parsed(page: string): unknown {
  try {
    return JSON.parse(page);
  } catch {
    return page;
  }
}

const linesOf = (page: string): string => page.trimEnd().split('\n').map(indented).join('\n');

/** Its indentation is blanks: only what follows is somebody's text. */
const indented = (line: string): string => {
  const blanks = /^ */.exec(line)?.[0] ?? '';
  return blanks + escapeText(line.slice(blanks.length));
};
