import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { answered, askedEnvoys, nameOf, sampleOf, unasked } from '../../evidence/envoy/asked.ts';
import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { serverInfos, uptimesIn } from '../../evidence/envoy/server-info.ts';
import { envoyStats, riseOf, totalOf } from '../../evidence/envoy/stats.ts';
import { headlessServices } from '../../evidence/kubernetes/headless.ts';
import { spoken } from '../../evidence/text/duration.ts';
import { NONE } from './steps.ts';

const CHANGES = ['listener_manager.listener_modified', 'listener_manager.listener_removed'];

/** More often than once in five minutes (guide.md h, 3). In changes an hour. */
const OFTEN = 12;

/** A younger proxy is still getting its first configuration (seconds). */
const OLD_ENOUGH = 1800;

const RECENT = 10 * 60_000;

export const listenersKeepStill = defineCheck({
  id: 'listeners-keep-still',
  title: 'listeners of headless services are not replaced all the time',
  explains:
    'A listener that Pilot changes is replaced, and the old one’s connections end after a while. A headless TCP service has a listener for each pod’s address, which comes and goes with the pod. Counts how often a few proxies (--sample) replaced or removed listeners, since they started, or between two readings (--window); and looks when those of headless services’ ports were last changed.',
  reasons: {
    ListenersChurn: 'Listeners of headless services are replaced more often than every five minutes.',
    ListenersChanged: 'A proxy replaced or removed listeners between the readings, or does so often.',
  },
  needs: {
    stats: envoyStats,
    infos: attempt(serverInfos),
    dumps: attempt(envoyDumps),
    headless: headlessServices,
    asked: askedEnvoys,
  },
  judge({ stats, infos, dumps, headless, asked }, { now, scope }) {
    if (headless.length === 0) return skip(NONE);
    if (stats.length === 0) return skip('no proxy to ask');
    const ports = new Set(headless.flatMap(({ ports }) => ports.map(({ port }) => port)));
    const uptimes = uptimesIn('got' in infos ? infos.got : []);
    const changedLately = new Set(
      answered('got' in dumps ? dumps.got : [])
        .filter(({ said }) =>
          said.listeners.some(
            ({ port, updatedAt }) => ports.has(port) && updatedAt !== null && now - updatedAt < RECENT,
          ),
        )
        .map(nameOf),
    );
    const seen = answered(stats).map(({ said, ...envoy }) => {
      const name = nameOf(envoy);
      const total = totalOf(said, ...CHANGES);
      const rise = riseOf(said, ...CHANGES);
      const uptime = uptimes.get(name) ?? said.stats.get('server.uptime') ?? 0;
      const perHour = uptime > OLD_ENOUGH ? (total / uptime) * 3600 : 0;
      return { name, total, rise, uptime, perHour };
    });
    const evidence = seen.map(
      ({ name, total, rise, uptime }) =>
        `${name}: ${count(total, 'change')} in ${spoken(uptime * 1000)}${rise === null ? '' : `, ${rise} between the readings`}`,
    );
    const hint = shellLine('kubectl', 'get', 'services,endpointslices', '--all-namespaces', '--watch');
    const churn = seen.filter(({ name, perHour }) => perHour >= OFTEN && changedLately.has(name));
    if (churn.length > 0)
      return {
        status: 'fail',
        reason: 'ListenersChurn',
        message: `listeners of ${some(churn.map(({ name, perHour }) => `${name} change ${Math.round(perHour)} times an hour`))}`,
        evidence,
        hint,
      };
    const changed = seen.filter(({ rise, perHour }) => (rise ?? 0) > 0 || perHour >= OFTEN);
    if (changed.length > 0)
      return {
        status: 'warn',
        reason: 'ListenersChanged',
        message: some(
          changed.map(({ name, rise, perHour }) =>
            (rise ?? 0) > 0
              ? `${name} changed ${count(rise ?? 0, 'listener')} in ${spoken(scope.window)}`
              : `${name} changes ${Math.round(perHour)} listeners an hour`,
          ),
        ),
        evidence,
        hint,
      };
    const silent = unasked(stats);
    if (silent) return silent;
    return {
      status: 'pass',
      message: `${sampleOf(asked)}: ${count(
        seen.reduce((sum, { total }) => sum + total, 0),
        'change',
      )} of listeners since the start`,
      evidence,
    };
  },
});
