import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { answered, type Envoy, envoys, nameOf } from '../../evidence/envoy/asked.ts';
import { type Counted, envoyStats, riseOf } from '../../evidence/envoy/stats.ts';
import { usage } from '../../evidence/envoy/usage.ts';
import { isYoung } from '../../evidence/istio/proxies.ts';
import { REFRESH, SETTINGS, SIZE, UPDATES } from './steps.ts';

/** Of an Envoy without work, in cores: the guide's one percent; five, and twenty (guide.md i, 3). */
const [SOME, MUCH] = [0.05, 0.2];

/** What a request a second may cost: half a core for a thousand (Istio's own measure). */
const PER_REQUEST = 0.5 / 1000;

/** As a person reads it: `35m`, `1.20 cores`. */
const coresIn = (cores: number): string => (cores < 1 ? `${Math.round(cores * 1000)}m` : `${cores.toFixed(2)} cores`);

interface Measured extends Envoy {
  cores: number;
  /** Requests a second; null when nobody counts them. */
  load: number | null;
  /** Connections of clients; null where the proxy was not asked. */
  connections: number | null;
}

/** 0.8 and 1.0 keep counters of requests; `http.admin.` is our own asking. */
function requestsIn(counted: Counted, window: number): number | null {
  const names = [...counted.stats.keys()].filter((name) =>
    /^http\.(?!admin|agent|stats).*downstream_rq_total$/.test(name),
  );
  if (names.length === 0 || window === 0) return null;
  const rise = riseOf(counted, ...names);
  return rise === null ? null : (rise / window) * 1000;
}

/** How a usage stands to its load. */
function judgementOf({ cores, load, connections }: Measured): 'fine' | 'high' | 'too high' | 'unexplained' {
  if (cores <= SOME) return 'fine';
  // What is no HTTP, and long streams, is work too, and no requests.
  const idles = load !== null && load < 1 && connections !== null && connections < 2;
  if (load === null || (load < 1 && !idles)) return cores > MUCH ? 'unexplained' : 'fine';
  if (idles) return cores > MUCH ? 'too high' : 'high';
  const expected = load * PER_REQUEST;
  if (cores > MUCH && cores > 10 * expected) return 'too high';
  return cores > 3 * expected ? 'high' : 'fine';
}

export const envoyCpuFitsLoad = defineCheck({
  id: 'envoy-cpu-fits-load',
  title: 'proxies use no more CPU than their load explains',
  explains:
    'Takes what the metrics API says of every proxy’s container (the agent is in it), or else Prometheus, and holds it against the requests a second: half a core for a thousand is Istio’s own measure. Without requests a proxy uses next to nothing. What may cause more is looked at by the other steps.',
  reasons: {
    Throttled: 'A proxy uses nearly all the CPU that its limit allows: requests wait for it.',
    UsageTooHigh: 'A proxy uses far more CPU than its load explains.',
    UsageHigh: 'A proxy uses more CPU than its load explains.',
    NotMeasured: 'The metrics API, or Prometheus, tells of some proxies and not of others.',
    UsageUnexplained: 'A proxy uses much CPU, and nobody counts the requests that go through it.',
  },
  needs: { envoys, usage, stats: attempt(envoyStats) },
  judge({ envoys, usage, stats }, { scope, now }): Verdict {
    if (envoys.length === 0) return skip('no proxy runs here');
    const counted = new Map(
      answered('got' in stats ? stats.got : []).map(({ said, ...envoy }) => [nameOf(envoy), said]),
    );
    const measured = envoys.flatMap((envoy): Measured[] => {
      const name = nameOf(envoy);
      const cores = usage.cores.get(name);
      if (cores === undefined) return [];
      const own = counted.get(name);
      const load = usage.requests.get(name) ?? (own ? requestsIn(own, scope.window) : null);
      return [{ ...envoy, cores, load, connections: own ? (own.stats.get('server.total_connections') ?? 0) : null }];
    });
    if (measured.length === 0) {
      if (isSome(usage.missing)) return unknown(usage.missing, 'nobody tells what proxies use');
      return skip(
        'nobody measures it: there is no metrics API, and no Prometheus with container_cpu_usage_seconds_total',
      );
    }
    const words = (each: Measured): string =>
      `${nameOf(each)} ${coresIn(each.cores)}${each.load === null ? '' : ` for ${each.load < 10 ? each.load.toFixed(1) : Math.round(each.load)} requests a second`}`;
    const first = (some: readonly Measured[]): string =>
      shellLine('kubectl', '-n', some[0]?.pod.namespace ?? '', 'top', 'pod', some[0]?.pod.name ?? '', '--containers');
    const byUse = [...measured].sort((a, b) => b.cores - a.cores);
    const evidence = byUse.slice(0, 10).map(words);
    const throttled = byUse.filter(
      ({ cores, container }) => container.cpuLimit !== null && cores >= 0.9 * container.cpuLimit,
    );
    if (throttled.length > 0)
      return {
        status: 'fail',
        reason: 'Throttled',
        message: some(throttled.map((each) => `${words(each)} of at most ${coresIn(each.container.cpuLimit ?? 0)}`)),
        evidence,
        hint: first(throttled),
        mayFollowFrom: [SIZE, UPDATES, SETTINGS, REFRESH],
      };
    const of = (judgement: ReturnType<typeof judgementOf>) => byUse.filter((each) => judgementOf(each) === judgement);
    const tooHigh = of('too high');
    if (tooHigh.length > 0)
      return {
        status: 'fail',
        reason: 'UsageTooHigh',
        message: some(tooHigh.map(words)),
        evidence,
        hint: first(tooHigh),
        mayFollowFrom: [SIZE, UPDATES, SETTINGS, REFRESH],
      };
    const high = of('high');
    if (high.length > 0)
      return { status: 'warn', reason: 'UsageHigh', message: some(high.map(words)), evidence, hint: first(high) };
    const unexplained = of('unexplained');
    if (unexplained.length > 0)
      return {
        status: 'warn',
        reason: 'UsageUnexplained',
        message: some(unexplained.map(words)),
        evidence,
        hint: first(unexplained),
      };
    if (isSome(usage.missing)) return unknown(usage.missing, 'not every proxy’s usage was seen');
    // A measurement comes a minute after its pod.
    const unmeasured = envoys.filter((envoy) => !usage.cores.has(nameOf(envoy)) && !isYoung(envoy.pod, now));
    if (unmeasured.length > 0)
      return {
        status: 'unknown',
        reason: 'NotMeasured',
        message: `nobody measures ${unmeasured.length} of ${count(envoys.length, 'proxy', 'proxies')}: ${some(unmeasured.map(nameOf))}`,
        evidence,
        missing: [],
      };
    return {
      status: 'pass',
      message: `${count(measured.length, 'proxy', 'proxies')}, at most ${coresIn(byUse[0]?.cores ?? 0)} (${usage.by})`,
      evidence,
    };
  },
});
