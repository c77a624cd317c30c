import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { type Envoy, logLine, nameOf, unasked } from '../../evidence/envoy/asked.ts';
import { envoyStats, type Stats } from '../../evidence/envoy/stats.ts';
import { isPolling, isYoung } from '../../evidence/istio/proxies.ts';
import { proxyCertificatesValid } from './proxy-certificates.ts';
import { proxiesDoNotWait } from './proxy-logs.ts';
import { docs, PROXIES_ACCEPT, PROXIES_CONNECTED, PROXIES_SYNCED } from './steps.ts';

/** What one Envoy counts of the configurations that it got. */
interface Updates extends Envoy {
  cds: { success: number; rejected: number };
  lds: { success: number; rejected: number };
}

const updatesOf = (stats: Stats, manager: string) => ({
  success: stats.get(`${manager}.update_success`) ?? 0,
  rejected: stats.get(`${manager}.update_rejected`) ?? 0,
});

export const proxiesTakeConfiguration = defineCheck({
  id: 'proxies-take-configuration',
  title: 'proxies say themselves that they took clusters and listeners',
  explains:
    'Asks a few proxies (--sample), first those that Pilot does not list or that are not in sync, for what they count of the configurations that they got. It is the other side’s view: it holds where no replica of Pilot can be asked.',
  reasons: {
    NeverConfigured: 'A proxy has taken no clusters or no listeners since it started: it serves nothing.',
    UpdatesRejected: 'A proxy has refused configurations since it started; it keeps the last that it took.',
  },
  needs: { stats: envoyStats },
  judge({ stats: all }, { now }) {
    // One that has just started has not been configured yet; one that polls counts otherwise.
    const stats = all.filter(({ pod, container }) => !isYoung(pod, now) && !isPolling(container));
    if (stats.length === 0) return skip('no proxy to ask');
    const seen = stats.flatMap(({ said, ...envoy }): Updates[] =>
      'got' in said
        ? [
            {
              ...envoy,
              cds: updatesOf(said.got.stats, 'cluster_manager.cds'),
              lds: updatesOf(said.got.stats, 'listener_manager.lds'),
            },
          ]
        : [],
    );
    const name = (each: Updates): string => nameOf(each);
    const evidence = seen.map(
      (each) =>
        `${name(each)}: cds ${each.cds.success} taken, ${each.cds.rejected} refused; lds ${each.lds.success} taken, ${each.lds.rejected} refused`,
    );
    const never = seen.filter(({ cds, lds }) => cds.success === 0 || lds.success === 0);
    const [first] = never;
    if (first)
      return {
        status: 'fail',
        reason: 'NeverConfigured',
        message: `${some(never.map(name))} took no ${never.some(({ cds }) => cds.success === 0) ? 'clusters' : 'listeners'}`,
        evidence,
        hint: logLine(first),
        mayFollowFrom: [PROXIES_CONNECTED, PROXIES_SYNCED],
      };
    const rejected = seen.filter(({ cds, lds }) => cds.rejected + lds.rejected > 0);
    const [other] = rejected;
    if (other)
      return {
        status: 'warn',
        reason: 'UpdatesRejected',
        message: `${some(rejected.map(name))} refused ${count(
          rejected.reduce((sum, { cds, lds }) => sum + cds.rejected + lds.rejected, 0),
          'configuration',
        )} since the start`,
        evidence,
        hint: logLine(other),
      };
    const silent = unasked(stats);
    if (silent) return silent;
    return {
      status: 'pass',
      message: `${count(seen.length, 'proxy', 'proxies')} asked: none refused anything`,
      evidence,
    };
  },
});

export const proxiesAccept: Step = {
  id: PROXIES_ACCEPT,
  title: 'Verify proxies take the configuration',
  hop: null,
  docs,
  checks: [proxiesTakeConfiguration, proxyCertificatesValid, proxiesDoNotWait],
};
