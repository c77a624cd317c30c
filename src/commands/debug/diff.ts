import { DiagError, NoAnswer } from '../../errors.ts';
import { adminPage, nameOf } from '../../evidence/envoy/asked.ts';
import { type Configuration, dumpIn, readDump } from '../../evidence/envoy/dump.ts';
import { proxyNamed } from '../../evidence/istio/sync.ts';
import { isAtLeast } from '../../istio/release.ts';
import { columns } from '../../report/columns.ts';
import { pilotPages } from './pilots.ts';
import { envoyCalled } from './target.ts';
import type { Shown, Work } from './work.ts';

const KINDS = ['clusters', 'listeners', 'routes'] as const;

/** One thing that Pilot and the Envoy do not agree on. */
export interface Difference {
  kind: (typeof KINDS)[number];
  name: string;
  where: 'only in Pilot' | 'only in Envoy' | 'refused by Envoy';
  words: string;
}

/** What Pilot sent against what Envoy has, by their names; what is of the bootstrap is nobody's but Envoy's. */
export function differencesOf(sent: Configuration, has: Configuration): readonly Difference[] {
  return KINDS.flatMap((kind): readonly Difference[] => {
    const named = (dump: Configuration): ReadonlySet<string> =>
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
export async function diff([word]: readonly string[], work: Work): Promise<Shown> {
  const envoy = await envoyCalled(word, work);
  const proxy = proxyNamed(envoy.pod);
  const [replicas, has] = await Promise.all([
    pilotPages(work, ({ debugPort }) => ({ port: debugPort, path: `/debug/config_dump?proxyID=${proxy}` }), dumpIn),
    readDump(work.session.cluster, adminPage(envoy, '/config_dump')),
  ]);
  const old = replicas.find(({ pilot }) => pilot.version !== null && !isAtLeast(pilot.version, '1.0'));
  if (old)
    throw new DiagError(
      `Pilot ${old.pilot.version} does not tell what it sent to one proxy: 1.0 is the first that does`,
    );
  const sent = replicas.flatMap(({ pilot, said }) => ('got' in said ? [{ pilot, dump: said.got }] : []))[0];
  if (!sent) {
    // A replica that has no such proxy says so with 404: any other silence leaves the answer open.
    const open = replicas.flatMap(({ said }) => ('missing' in said ? [said.missing] : []));
    const hidden = open.find(({ words }) => !/^HTTP 404\b|not connected/i.test(words));
    if (hidden) throw new NoAnswer(hidden);
    throw new DiagError(
      `no replica of Pilot is connected to ${nameOf(envoy)}: see kubectl istio-diag pilot-connectivity`,
    );
  }
  const differences = differencesOf(sent.dump, has);
  const counted = KINDS.map((kind) => `${has[kind].filter(({ fixed }) => !fixed).length} ${kind}`).join(', ');
  const name = nameOf(envoy);
  const pilot = sent.pilot.pod.name;
  return {
    data: { pod: name, pilot, differences },
    text: (style) =>
      columns(
        ['KIND', 'NAME', 'WHERE', 'WHY'],
        differences.map(({ kind, name, where, words }) => [kind, name, where, words]),
        `${name} has what ${pilot} sent: ${counted}.`,
        style,
      ),
  };
}
