import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck } from '../../../diagnosis/check.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import { mixerScrapes } from '../../../evidence/mixer/scraped.ts';
import { stored } from '../../../evidence/mixer/stored.ts';
import { prometheusServers } from '../../../evidence/prometheus/server.ts';
import { notAllAsked } from '../prometheus/found.ts';
import { PARTIAL_ANSWER, partlyAnswered } from '../prometheus/partial.ts';
import { adapterTargets, NOT_ALL_ASKED, showConfig } from './prometheus-config.ts';
import { PROMETHEUS_SCRAPE, UPSTREAM } from './steps.ts';

export const seriesStored = defineCheck({
  id: 'series-stored',
  title: 'Prometheus holds the mesh’s series',
  explains:
    'Counts the series of istio_requests_total (istio_request_count in 0.8), of TCP and of the handler’s own metrics, in the jobs that scrape the adapter: telemetry v2 writes the same names under other jobs.',
  reasons: {
    OnlyTcp:
      'Prometheus holds series of TCP traffic and none of HTTP requests: the mesh has no HTTP, its ports are not named for it, or HTTP metrics are lost.',
    NotAllAsked: NOT_ALL_ASKED,
    PartialAnswer: PARTIAL_ANSWER,
    SeriesMissing: 'Prometheus holds no series of the mesh, though Mixer’s adapter exports them.',
  },
  needs: { stored, pages: mixerPages, readings: mixerScrapes, servers: prometheusServers },
  judge({ stored, pages, readings, servers }, { plane }) {
    if (stored.length === 0) return skip('no Prometheus to ask');
    const { got, missing } = sorted(stored.map(({ series }) => series));
    const bySeries = got.flatMap((series) => Object.entries(series)).filter(([, number]) => number > 0);
    const total = bySeries.reduce((sum, [, number]) => sum + number, 0);
    if (total > 0) {
      const rates = stored.flatMap(({ rate }) => ('got' in rate && rate.got !== null ? [rate.got] : []));
      const rate = rates.length > 0 ? `, ${format(Math.max(...rates))} requests/s over 5 m` : '';
      const evidence = bySeries.map(([name, number]) => `${name}: ${number}`);
      const names = new Set(bySeries.map(([name]) => name));
      if (
        !names.has('istio_requests_total') &&
        !names.has('istio_request_count') &&
        names.size > 0 &&
        [...names].every((name) => name.startsWith('istio_tcp_'))
      ) {
        return {
          status: 'warn',
          reason: 'OnlyTcp',
          message: `${count(total, 'series', 'series')} of TCP, none of HTTP requests`,
          evidence,
          hint: 'kubectl get services --all-namespaces -o wide   # HTTP ports are named http or http-…, or the mesh has no HTTP traffic',
        };
      }
      return {
        status: 'pass',
        message: `${count(total, 'series', 'series')} of ${some([...new Set(bySeries.map(([name]) => name))], 2)}${rate}`,
        evidence,
      };
    }
    if (isSome(missing)) return unknown(missing, 'Prometheus could not be asked for the series');
    if (servers.leftOut > 0) return notAllAsked(servers.leftOut, 'no series of the mesh in those that were asked');
    const partial = stored.flatMap((each) => each.partial);
    if (isSome(partial)) return partlyAnswered(partial, 'no series of the mesh');
    const scraped = adapterTargets(readings).some(({ health }) => health === 'up');
    const exported = pages.reduce((sum, { adapter }) => sum + (adapter.state === 'serves' ? adapter.series : 0), 0);
    return {
      status: 'fail',
      reason: 'SeriesMissing',
      message: 'Prometheus holds no series of the mesh',
      hint: showConfig(plane.namespace),
      mayFollowFrom: [...UPSTREAM, PROMETHEUS_SCRAPE],
      // Nothing is exported, or nothing was scraped yet, and nothing before explains it: an idle or a new mesh.
      ...((exported === 0 || !scraped) && { withoutCause: 'unknown' as const }),
    };
  },
});

const format = (rate: number): string => String(Math.round(rate * 10) / 10);

/** Older than the longest interval of any chart, several times over. */
const STALE = 5 * 60_000;

export const scrapeFresh = defineCheck({
  id: 'scrape-fresh',
  title: 'Prometheus has scraped the adapter lately',
  explains: 'The age of the last scrape by Prometheus’ own clock: no clock of this machine is compared with it.',
  reasons: { ScrapeStale: 'The last scrape is long ago: what Prometheus shows is old.' },
  needs: { readings: mixerScrapes, stored },
  judge({ readings, stored }, { plane }) {
    const scraped = adapterTargets(readings).flatMap(({ health, lastScrape }) =>
      health === 'up' && lastScrape ? [lastScrape] : [],
    );
    const clocks = stored.flatMap(({ now }) => (now === null ? [] : [now]));
    if (scraped.length === 0 || clocks.length === 0) return skip('no scrape and no sample to compare');
    const age = Math.max(...clocks) - Math.max(...scraped);
    if (age > STALE) {
      return {
        status: 'warn',
        reason: 'ScrapeStale',
        message: `the last scrape was ${Math.round(age / 60_000)} minutes ago`,
        hint: shellLine(
          'kubectl',
          '-n',
          plane.namespace ?? 'istio-system',
          'logs',
          '-l',
          'app=prometheus',
          '-c',
          'prometheus',
          '--tail=100',
        ),
      };
    }
    return { status: 'pass', message: `scraped ${Math.max(0, Math.round(age / 1000))} s before` };
  },
});
