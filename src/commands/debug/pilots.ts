import { unanswered } from '../../cluster/question/text.ts';
import type { Attempt } from '../../diagnosis/check.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import { type Unanswered, UsageError } from '../../errors.ts';
import {
  allPilots,
  firstSyncs,
  type Pilot,
  type Place,
  pageOf,
  readPage,
  registryOf,
} from '../../evidence/istio/pilot.ts';
import { type ProxySync, podOfProxy, stateOf } from '../../evidence/istio/sync.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isRunning } from '../../evidence/kubernetes/pod.ts';
import { isAtLeast } from '../../istio/release.ts';
import { columns } from '../../report/columns.ts';
import { jsonOf } from '../../report/data.ts';
import { escapeText } from '../../report/escape.ts';
import { text } from '../arguments.ts';
import { type PodWanted, podOfWord } from '../options.ts';
import { podsOf } from '../pods.ts';
import type { Session } from '../session.ts';
import { NoIstio, type Told, type Work } from './work.ts';

const RIGHTS = [{ verb: 'create', resource: 'pods/portforward' }] as const;

/** A page of one replica. */
interface PilotPage<T> {
  pilot: Pilot;
  said: Attempt<T>;
}

/** A page of every running replica, read by `parse`: one that it does not know is no answer. */
export async function pilotPages<T>(
  { gatherer }: Work,
  placeOf: (pilot: Pilot) => Place,
  parse: (page: string) => T | null,
): Promise<readonly PilotPage<T>[]> {
  const source = clusterSource(RIGHTS, async (ask): Promise<readonly PilotPage<T>[]> => {
    const running = (await ask.from(allPilots)).filter(({ pod }) => isRunning(pod));
    return Promise.all(
      running.map(async (pilot) => {
        const question = pageOf(pilot, placeOf(pilot));
        const read = async (): Promise<T> => {
          const parsed = parse(await readPage(ask, question));
          if (parsed !== null) return parsed;
          throw unanswered(question, 'BadAnswer', 'not the page that was asked for');
        };
        return { pilot, said: await settle(read()) };
      }),
    );
  });
  const pages = await gatherer.ofCluster(source);
  if (pages.length === 0) throw new NoIstio();
  return pages;
}

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

/** Why a replica did not answer, for a script. */
const missingOf = (missing: readonly Unanswered[]) =>
  missing.map(({ hindrance, command, words }) => ({ reason: hindrance, command, words }));

/** The pods that a word means; null for all, and for any namespace. */
async function placesOf(
  wanted: PodWanted | null,
  namespace: string | null,
  session: Session,
): Promise<{ names: readonly string[] | null; namespace: string | null }> {
  if (wanted === null) return { names: null, namespace };
  if (wanted.kind === 'pod') return { names: [wanted.name], namespace: wanted.namespace };
  const where = wanted.namespace ?? (await session.identity).namespace;
  return { names: (await podsOf(session.cluster, wanted, where)).map(({ name }) => name), namespace: where };
}

/** `debug sync [POD]`: every proxy's state, on every replica of Pilot. */
export async function sync([word]: readonly string[], { gatherer, args, session }: Work): Promise<Told> {
  const replicas = await gatherer.ofCluster(firstSyncs);
  if (replicas.length === 0) throw new NoIstio();
  const wanted = word === undefined ? null : podOfWord(word, text(args.namespace), 'debug sync');
  const { names, namespace } = await placesOf(wanted, text(args.namespace), session);
  const isWanted = ({ proxy }: ProxySync): boolean => {
    const own = podOfProxy(proxy);
    return (names === null || names.includes(own.pod)) && (namespace === null || own.namespace === namespace);
  };
  const rows = replicas.flatMap(({ pilot, proxies }) =>
    'got' in proxies ? proxies.got.filter(isWanted).map((each) => ({ ...each, pilot: pilot.pod.name })) : [],
  );
  const missing = replicas.flatMap(({ proxies }) => ('missing' in proxies ? [proxies.missing] : []));
  const proxies = rows.map((row) => ({ ...row, types: row.types.map((type) => ({ ...type, state: stateOf(type) })) }));
  const where = namespace === null ? '' : ` of namespace ${namespace}`;
  const none =
    missing.length === replicas.length
      ? 'No replica of Pilot answered.'
      : `${wanted === null ? 'No proxy' : `No proxy ${wanted.name}`}${where} is connected to a replica that answered.`;
  return {
    data: { proxies, missing: missingOf(missing) },
    text: (style) =>
      columns(
        ['PROXY', ...STATES.map(([head]) => head), 'PILOT', 'VERSION'],
        rows.map((row) => [row.proxy, ...STATES.map(([, kind]) => stateIn(row, kind)), row.pilot, row.version ?? '']),
        none,
        style,
      ),
    missing,
  };
}

/** What may be asked of every replica. */
export const PAGES = ['ads', 'eds', 'registry'] as const;

/** Today's edsz is of one proxy: what istiod knows of endpoints is another page there. */
function placeOf(page: (typeof PAGES)[number], each: Pilot): Place {
  if (page === 'registry') return registryOf(each);
  const isOld = each.version !== null && !isAtLeast(each.version, '1.5');
  return { port: each.debugPort, path: page === 'ads' ? '/debug/adsz' : isOld ? '/debug/edsz' : '/debug/endpointz' };
}

/** `debug pilot PAGE`: the page of every replica, as it is. */
export async function pilot([word]: readonly string[], work: Work): Promise<Told> {
  const page = PAGES.find((each) => each === word);
  if (!page) throw new UsageError(`debug pilot takes one of ${PAGES.join(', ')}`);
  const replicas = await pilotPages(
    work,
    (each) => placeOf(page, each),
    (text) => ({ text }),
  );
  const got = replicas.flatMap(({ pilot: { pod }, said }) =>
    'got' in said ? [{ pod: titleOf(pod), page: parsed(said.got.text) }] : [],
  );
  const missing = replicas.flatMap(({ said }) => ('missing' in said ? [said.missing] : []));
  const shown = (value: unknown): string => linesOf(typeof value === 'string' ? value : jsonOf(value, 2));
  return {
    data: { replicas: got, missing: missingOf(missing) },
    text: () => got.map(({ pod, page }) => `# ${escapeText(pod)}\n${shown(page)}\n`).join('\n'),
    missing,
  };
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
