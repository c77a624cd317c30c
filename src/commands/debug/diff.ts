import type { Gatherer } from '../../diagnosis/gather.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import { DiagError, NoAnswer } from '../../errors.ts';
import { adminPage, nameOf } from '../../evidence/envoy/asked.ts';
import { dumpIn, type EnvoyDump } from '../../evidence/envoy/dump.ts';
import { isAtLeast } from '../../evidence/istio.ts';
import { allPilots, readPage } from '../../evidence/pilot.ts';
import { isRunning } from '../../evidence/pod.ts';
import { columns, jsonOf } from '../../report/columns.ts';
import type { Arguments } from '../options.ts';
import type { Session } from '../session.ts';
import { readPage as readEnvoy } from './proxy-config.ts';
import { envoyCalled } from './target.ts';

const KINDS = ['clusters', 'listeners', 'routes'] as const;

/** One thing that Pilot and the Envoy do not agree on. */
export interface Difference {
  kind: (typeof KINDS)[number];
  name: string;
  where: 'only in Pilot' | 'only in Envoy' | 'refused by Envoy';
  words: string;
}

/** What Pilot sent against what Envoy has, by their names; what is of the bootstrap is nobody's but Envoy's. */
export function differencesOf(sent: EnvoyDump, has: EnvoyDump): readonly Difference[] {
  return KINDS.flatMap((kind): readonly Difference[] => {
    const named = (dump: EnvoyDump): ReadonlySet<string> =>
      new Set(dump[kind].filter(({ fixed }) => !fixed).map(({ name }) => name));
    const [inPilot, inEnvoy] = [named(sent), named(has)];
    const refused = has[kind].filter(({ error }) => error !== '');
    const isRefused = (name: string): boolean => refused.some((each) => each.name === name);
    return [
      ...[...inPilot]
        .filter((name) => !inEnvoy.has(name))
        .map((name) => ({ kind, name, where: 'only in Pilot' as const, words: '' })),
      ...[...inEnvoy]
        .filter((name) => !inPilot.has(name) && !isRefused(name))
        .map((name) => ({ kind, name, where: 'only in Envoy' as const, words: '' })),
      ...refused.map(({ name, error }) => ({ kind, name, where: 'refused by Envoy' as const, words: error.trim() })),
    ];
  });
}

/** `debug diff POD`. */
export async function diff(
  [word]: readonly string[],
  args: Arguments,
  session: Session,
  gatherer: Gatherer,
  json: boolean,
): Promise<string> {
  const envoy = await envoyCalled(word, args, session);
  const proxy = `${envoy.pod.name}.${envoy.pod.namespace}`;
  const sources = clusterSource([{ verb: 'create', resource: 'pods/portforward' }], async (ask) => {
    const running = (await ask.from(allPilots)).filter(({ pod }) => isRunning(pod));
    return Promise.all(
      running.map(async (pilot) => ({
        pilot,
        page: await settle(readPage(ask, pilot, pilot.debugPort, `/debug/config_dump?proxyID=${proxy}`)),
      })),
    );
  });
  const [replicas, has] = await Promise.all([
    gatherer.ofCluster(sources),
    readEnvoy(session, adminPage(envoy, '/config_dump'), dumpIn),
  ]);
  if (replicas.length === 0) throw new DiagError('no replica of Pilot or istiod runs in this cluster');
  const old = replicas.find(({ pilot }) => pilot.version !== null && !isAtLeast(pilot.version, '1.0'));
  if (old)
    throw new DiagError(
      `Pilot ${old.pilot.version} does not tell what it sent to one proxy: 1.0 is the first that does`,
    );
  const sent = replicas.flatMap(({ pilot, page }) => {
    const dump = 'got' in page ? dumpIn(page.got) : null;
    return dump ? [{ pilot, dump }] : [];
  })[0];
  if (!sent) {
    const refused = replicas.flatMap(({ page }) => ('missing' in page ? [page.missing] : []));
    const hard = refused.find(({ words }) => !/HTTP 404|not connected|Proxy not|no such/i.test(words));
    if (hard) throw new NoAnswer(hard);
    throw new DiagError(
      `no replica of Pilot is connected to ${nameOf(envoy)}: see kubectl istio-diag pilot-connectivity`,
    );
  }
  const differences = differencesOf(sent.dump, has);
  if (json) return `${jsonOf({ pod: nameOf(envoy), pilot: sent.pilot.pod.name, differences }, 2)}\n`;
  const counted = KINDS.map((kind) => `${has[kind].filter(({ fixed }) => !fixed).length} ${kind}`).join(', ');
  return columns(
    ['KIND', 'NAME', 'WHERE', 'WHY'],
    differences.map(({ kind, name, where, words }) => [kind, name, where, words]),
    `${nameOf(envoy)} has what ${sent.pilot.pod.name} sent: ${counted}.`,
  );
}
