import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, sorted, unknown } from '../../../../diagnosis/verdict.ts';
import { logLine } from '../../../../evidence/envoy/asked.ts';
import { firstSyncs, pilotCounts, pilots } from '../../../../evidence/istio/pilot.ts';
import { type Proxy as MeshProxy, podsOf, population } from '../../../../evidence/istio/population.ts';
import { foundIn, type ProxySync, proxyNamed } from '../../../../evidence/istio/sync.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { loaded, provenIn } from '../../../../evidence/prometheus/proxies.ts';
import { type Answers, answersIn } from '../../../../evidence/prometheus/store.ts';
import { restartOf } from '../../../templates.ts';
import { TELEMETRY_CONFIG } from '../steps.ts';
import { knownOf } from './connected.ts';
import { ELSEWHERE } from './istiod-answers.ts';

/** The kinds in which the stats filter comes: in listeners, and as an extension of its own where it was WebAssembly. */
const KINDS = ['listener', 'extensionconfig'];

/** How a proxy names the filter that it does not take, in every release since 1.5. */
const STATS = /istio\.stats|stats\.PluginConfig|envoy\.wasm\.stats|\bstats_(in|out)bound\b/;

/** The part of a refusal that names the filter: a proxy tells of each listener on a line of its own. */
const lineAbout = (error: string): string =>
  (error.split(/\n|, (?=\S+: )/).find((line) => STATS.test(line)) ?? error).trim().slice(0, 300);

/** A proxy that refuses what may hold the filter, and what it says: null before 1.24, which does not tell. */
interface Refusal {
  proxy: MeshProxy;
  sync: ProxySync;
  words: string | null;
}

export const statsFilterTaken = defineCheck({
  id: 'stats-filter-taken',
  title: 'no proxy refuses the stats filter',
  explains:
    'Reads what each replica of istiod says of listeners and extensions that proxies refuse: lastError of /debug/syncz, and before 1.24 pilot_xds_lds_reject{node} beside listeners that were never acknowledged. A refused stats filter is a cause where no Prometheus has the proxy; what a proxy refuses beside it is a matter of pilot-connectivity.',
  reasons: {
    StatsFilterRefused:
      'A proxy refuses the stats filter that istiod sends it: another build or release of Envoy than the configuration is for, or an EnvoyFilter that is left over.',
    ListenersRefused:
      'A proxy refuses its listeners now; its istiod does not tell why, and no Prometheus has the proxy’s metrics.',
    OtherRefused: 'A proxy refuses configuration that does not name the stats filter; it keeps what it had.',
    StatsFilterOutdated:
      'A proxy refuses the newest stats filter, and works with the one that it had: changes do not arrive.',
  },
  needs: { population, pilots, syncs: firstSyncs, counts: attempt(pilotCounts), loaded: attempt(loaded) },
  judge({ population, pilots, syncs, counts, loaded }, { plane }) {
    if (population.proxies.length === 0)
      return population.refusal
        ? unknown([population.refusal], 'the proxies could not be listed')
        : skip('no proxy to be judged');
    if (pilots.length === 0) return skip('no replica of istiod is here to be asked');
    const { known, missing } = knownOf(population.proxies, syncs, pilots);
    const counted = 'got' in counts ? sorted(counts.got) : { got: [], missing: [counts.missing] };
    const refusing = new Set(counted.got.flatMap((each) => [...each.refusing]));
    const refusals = refusalsIn(population.proxies, known, refusing);
    const stats = refusals.filter(({ words }) => words === null || STATS.test(words));
    const answers = answersIn(loaded);
    const proven = provenIn(podsOf(population.proxies), answers.got);
    const verdict = refused(stats, proven, answers, population.proxies.length, plane.version);
    if (verdict) return verdict;
    if (isSome(refusals)) return otherRefused(refusals, population.proxies.length);
    if (isSome(missing)) {
      const since =
        refusing.size > 0 ? `; ${count(refusing.size, 'proxy', 'proxies')} refused listeners since it started` : '';
      return unknown(missing, `what proxies refuse is not known of every replica${since}`);
    }
    const isOld = known.some(({ types }) => types.some(({ sentAt, sent }) => sent !== '' && sentAt === null));
    if (isOld && isSome(counted.missing))
      return unknown(counted.missing, 'this istiod tells refusals in its metrics only');
    if (population.refusal) return unknown([population.refusal], 'none that was listed refuses it');
    const connected = new Set(known.map(({ proxy }) => proxy));
    const asked = population.proxies.filter(({ pod }) => connected.has(proxyNamed(pod))).length;
    return { status: 'pass', message: `none of ${count(asked, 'connected proxy', 'connected proxies')}` };
  },
});

/** What these proxies refuse now, of what may hold the filter. */
function refusalsIn(
  proxies: readonly MeshProxy[],
  known: readonly ProxySync[],
  refusing: ReadonlySet<string>,
): readonly Refusal[] {
  const own = new Map(proxies.map((proxy) => [proxyNamed(proxy.pod), proxy]));
  const syncs = new Map(known.map((sync) => [sync.proxy, sync]));
  // Before 1.24 a refusal is an answer that is owed, of a proxy that is counted to have refused.
  const silent = foundIn(known, 'stale').filter(
    ({ proxy, type }) => type.kind === 'listener' && type.sentAt === null && refusing.has(proxy),
  );
  const told = foundIn(known, 'error').filter(({ type }) => KINDS.includes(type.kind));
  const words = new Map<string, string | null>(silent.map(({ proxy }) => [proxy, null]));
  for (const { proxy, type } of told) {
    const before = words.get(proxy);
    if (!before || !STATS.test(before)) words.set(proxy, type.error);
  }
  return [...words].flatMap(([name, said]) => {
    const [proxy, sync] = [own.get(name), syncs.get(name)];
    return proxy && sync ? [{ proxy, sync, words: said }] : [];
  });
}

/** The verdict on refusals of the filter; null where there is none to speak of. */
function refused(
  stats: readonly Refusal[],
  proven: ReadonlySet<Pod>,
  { got: stores }: Answers,
  of: number,
  version: string | null,
): Verdict | null {
  // What an old istiod does not tell is a cause only where the metrics are known to be missing.
  const isKnown = stores.length > 0 && stores.every(({ partial }) => partial.length === 0);
  const lost = stats.filter(({ proxy, words }) => !proven.has(proxy.pod) && (words !== null || isKnown));
  const found = lost.length > 0 ? lost : stats.filter(({ words }) => words !== null);
  const [first] = found;
  if (!first) return null;
  const subjects = subjectsOf(found.map(({ proxy }) => proxy.pod));
  const all = `${found.length} of ${count(of, 'proxy', 'proxies')}`;
  const spoken = found.filter(({ words }) => words !== null);
  const said = spoken[0]?.words ?? null;
  const evidence = [
    ...linesOf(subjects),
    `${titleOf(first.proxy.pod)}: ${first.sync.version ?? 'no release told'}, image ${first.proxy.container.image}`,
    ...spoken.slice(0, 5).map(({ proxy, words }) => `${titleOf(proxy.pod)}: ${lineAbout(words ?? '')}`),
  ];
  if (lost.length === 0)
    return {
      status: 'warn',
      reason: 'StatsFilterOutdated',
      message: `${all} ${found.length === 1 ? 'refuses' : 'refuse'} the newest stats filter, and have one: ${lineAbout(said ?? '')}`,
      evidence,
      subjects,
      hint: hintOf(spoken[0] ?? first, version),
    };
  return {
    status: 'fail',
    reason: said === null ? 'ListenersRefused' : 'StatsFilterRefused',
    message:
      said === null
        ? `${all} ${found.length === 1 ? 'refuses its' : 'refuse their'} listeners, and no store has ${found.length === 1 ? 'it' : 'them'}`
        : `${all} ${found.length === 1 ? 'refuses' : 'refuse'} the stats filter: ${lineAbout(said)}`,
    evidence,
    subjects,
    hint:
      said === null
        ? `${logLine(first.proxy)} | grep -iE 'reject|gRPC config|unable to create|registered implementation'`
        : hintOf(spoken[0] ?? first, version),
    mayFollowFrom: [TELEMETRY_CONFIG],
  };
}

/** A proxy of another release than its istiod gets that one's image when its pod is made anew; else an EnvoyFilter is looked for. */
function hintOf({ proxy, sync }: Refusal, version: string | null): string {
  // A proxy says its release itself: of another text nothing gets into a command line.
  const isOther = version !== null && /^[\w.+-]+$/.test(sync.version ?? '') && !sync.version?.startsWith(version);
  if (proxy.pod.owner !== null && isOther)
    return `${restartOf([proxy.pod])}   # its proxy is ${sync.version}, istiod ${version}`;
  return `${shellLine('kubectl', 'get', 'envoyfilters', '--all-namespaces', '-o', 'yaml')} | grep -nE 'istio.stats|wasm.stats|proxyVersion'   # no line: the proxy’s image is not Istio’s own build`;
}

function otherRefused(refusals: readonly [Refusal, ...Refusal[]], of: number): Verdict {
  const [{ words }] = refusals;
  const subjects = subjectsOf(refusals.map(({ proxy }) => proxy.pod));
  return {
    status: 'warn',
    reason: 'OtherRefused',
    message: `${refusals.length} of ${count(of, 'proxy', 'proxies')} ${refusals.length === 1 ? 'refuses' : 'refuse'} listeners for another reason${words === null ? ', which this istiod does not tell' : `: ${words.trim().slice(0, 200)}`}`,
    evidence: linesOf(subjects),
    subjects,
    hint: ELSEWHERE,
  };
}
