import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { answered, askedEnvoys, nameOf, sampleOf, unasked } from '../../evidence/envoy/asked.ts';
import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { serverInfos, uptimesIn } from '../../evidence/envoy/server-info.ts';
import { envoyStats, riseOf, totalOf } from '../../evidence/envoy/stats.ts';
import { sidecars } from '../../evidence/istio/routing.ts';
import { meshConfig } from '../../evidence/kubernetes/config-maps.ts';
import { spoken } from '../../evidence/text/duration.ts';

const MB = 1024 * 1024;

/** Of a dump, in bytes; of clusters (guide.md i, 3). */
const [LARGE, TOO_LARGE, MANY] = [10 * MB, 50 * MB, 1000];

/** The same of three proxies tells as much as of one. */
const sizeIn = (bytes: number): string =>
  bytes < MB ? `${Math.round(bytes / 1024)} KB` : `${(bytes / MB).toFixed(1)} MB`;

export const configurationIsScoped = defineCheck({
  id: 'configuration-is-scoped',
  title: 'proxies get no larger a configuration than they need',
  explains:
    'Measures the configuration of a few proxies (--sample): its bytes and its clusters. Every proxy gets every service of the mesh unless a Sidecar object, exportTo or discoverySelectors says what it needs, and works through each change of all of them.',
  reasons: {
    ConfigurationTooLarge: 'A proxy’s configuration has more than 50 MB.',
    ConfigurationLarge: 'A proxy’s configuration has more than 10 MB or 1000 clusters, and nothing limits it.',
  },
  needs: { dumps: envoyDumps, scopes: attempt(sidecars), mesh: attempt(meshConfig), asked: askedEnvoys },
  judge({ dumps, scopes, mesh, asked }) {
    if (dumps.length === 0) return skip('no proxy to ask');
    const seen = answered(dumps).map(({ said, ...envoy }) => ({ name: nameOf(envoy), pod: envoy.pod, ...said }));
    const limited =
      ('got' in scopes && scopes.got.items.length > 0) ||
      ('got' in mesh && (mesh.got?.discoverySelectors ?? []).length > 0);
    const words = ({ name, size, clusters }: (typeof seen)[number]): string =>
      `${name} has ${sizeIn(size)}, ${count(clusters.length, 'cluster')}`;
    const evidence = seen.map(words);
    const hint = (namespace: string): string =>
      `${shellLine('kubectl', '-n', namespace, 'get', 'sidecars.networking.istio.io')}   # name the hosts that its workloads call in a Sidecar object`;
    const tooLarge = seen.filter(({ size }) => size > TOO_LARGE);
    const oversized = dumps.filter(({ said }) => 'missing' in said && said.missing.hindrance === 'TooLarge');
    if (tooLarge.length > 0 || oversized.length > 0)
      return {
        status: 'fail',
        reason: 'ConfigurationTooLarge',
        message: some([...tooLarge.map(words), ...oversized.map((each) => `${nameOf(each)} has more than 64 MB`)]),
        evidence,
        hint: hint((tooLarge[0] ?? oversized[0])?.pod.namespace ?? ''),
      };
    const large = seen.filter(({ size, clusters }) => size > LARGE || clusters.length > MANY);
    if (large.length > 0 && !limited)
      return {
        status: 'warn',
        reason: 'ConfigurationLarge',
        message: `${some(large.map(words))}, and no Sidecar object limits it`,
        evidence,
        hint: hint(large[0]?.pod.namespace ?? ''),
      };
    const silent = unasked(dumps);
    if (silent) return silent;
    const largest = [...seen].sort((a, b) => b.size - a.size)[0];
    return {
      status: 'pass',
      message: `${sizeIn(largest?.size ?? 0)} and ${count(largest?.clusters.length ?? 0, 'cluster')} at most, of ${sampleOf(asked)}`,
      evidence,
    };
  },
});

const ATTEMPTS = ['cluster_manager.cds.update_attempt', 'listener_manager.lds.update_attempt'];

/** More pushes a minute than this keep a proxy busy. */
const OFTEN = 6;

export const updatesAreRare = defineCheck({
  id: 'updates-are-rare',
  title: 'proxies do not get new configurations all the time',
  explains:
    'Counts how often a few proxies (--sample) got clusters or listeners, since they started or between two readings (--window). Each is worked through on the proxy’s main thread; pods that come and go all the time, or objects that somebody writes again and again, make Pilot push as often.',
  reasons: { UpdatesOften: 'A proxy gets more than six new configurations a minute.' },
  needs: { stats: envoyStats, infos: attempt(serverInfos), asked: askedEnvoys },
  judge({ stats, infos, asked }, { scope, plane }) {
    if (stats.length === 0) return skip('no proxy to ask');
    const uptimes = uptimesIn('got' in infos ? infos.got : []);
    const seen = answered(stats).map(({ said, ...envoy }) => {
      const name = nameOf(envoy);
      const uptime = uptimes.get(name) ?? said.stats.get('server.uptime') ?? 0;
      const rise = scope.window > 0 ? riseOf(said, ...ATTEMPTS) : null;
      const isWindowed = rise !== null;
      const seconds = isWindowed ? scope.window / 1000 : uptime;
      const number = rise ?? totalOf(said, ...ATTEMPTS);
      // The first minutes of a proxy's life are all configuration.
      const perMinute = seconds === 0 || (!isWindowed && uptime < 600) ? 0 : (number / seconds) * 60;
      return { name, number, seconds, perMinute };
    });
    const evidence = seen.map(
      ({ name, number, seconds }) => `${name}: ${count(number, 'update')} in ${spoken(seconds * 1000)}`,
    );
    const often = seen.filter(({ perMinute }) => perMinute > OFTEN);
    if (often.length > 0)
      return {
        status: 'warn',
        reason: 'UpdatesOften',
        message: some(
          often.map(({ name, perMinute }) => `${name} gets ${Math.round(perMinute)} configurations a minute`),
        ),
        evidence,
        hint: `${shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'get', '--raw', '/api/v1/events')}   # what comes and goes; PILOT_DEBOUNCE_AFTER makes Pilot wait for more`,
      };
    const silent = unasked(stats);
    if (silent) return silent;
    return {
      status: 'pass',
      message: `${sampleOf(asked)} got at most ${Math.round(Math.max(0, ...seen.map(({ perMinute }) => perMinute)))} a minute`,
      evidence,
    };
  },
});
