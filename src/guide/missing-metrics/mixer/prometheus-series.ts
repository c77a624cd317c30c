import { shellLine } from '../../../cluster/shell.ts';
import { defineCheck } from '../../../diagnosis/check.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import { stored } from '../../../evidence/mixer/stored.ts';
import { prometheusReadings } from '../../../evidence/prometheus-server.ts';
import { adapterTargets, showConfig } from './prometheus-config.ts';
import { PROMETHEUS_SCRAPE, UPSTREAM } from './steps.ts';

export const seriesStored = defineCheck({
  id: 'series-stored',
  title: 'Prometheus holds the mesh’s series',
  explains:
    'Counts the series of istio_requests_total (istio_request_count in 0.8), of TCP and of the handler’s own metrics, in the jobs that scrape the adapter: telemetry v2 writes the same names under other jobs.',
  reasons: { SeriesMissing: 'Prometheus holds no series of the mesh, though Mixer’s adapter exports them.' },
  needs: { stored, pages: mixerPages },
  judge({ stored, pages }, { plane }) {
    if (stored.length === 0) return skip('no Prometheus to ask');
    const { got, missing } = sorted(stored.map(({ series }) => series));
    const bySeries = got.flatMap((series) => Object.entries(series)).filter(([, number]) => number > 0);
    const total = bySeries.reduce((sum, [, number]) => sum + number, 0);
    if (total > 0) {
      const rates = stored.flatMap(({ rate }) => ('got' in rate && rate.got !== null ? [rate.got] : []));
      const rate = rates.length > 0 ? `, ${format(Math.max(...rates))} requests/s over 5 m` : '';
      return {
        status: 'pass',
        message: `${count(total, 'series', 'series')} of ${some([...new Set(bySeries.map(([name]) => name))], 2)}${rate}`,
        evidence: bySeries.map(([name, number]) => `${name}: ${number}`),
      };
    }
    if (isSome(missing)) return unknown(missing, 'Prometheus could not be asked for the series');
    const exported = pages.reduce((sum, { adapter }) => sum + (adapter.state === 'serves' ? adapter.series : 0), 0);
    return {
      status: 'fail',
      reason: 'SeriesMissing',
      message: 'Prometheus holds no series of the mesh',
      hint: showConfig(plane.namespace),
      mayFollowFrom: [...UPSTREAM, PROMETHEUS_SCRAPE],
      // Nothing is exported, and nothing before explains it: an idle mesh looks like this.
      ...(exported === 0 && { withoutCause: 'unknown' as const }),
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
  needs: { readings: prometheusReadings, stored },
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
