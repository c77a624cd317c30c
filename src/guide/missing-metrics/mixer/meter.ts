import { defineMeter, type Flow } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import { stored } from '../../../evidence/mixer/stored.ts';
import { provenDispatches } from './dispatches.ts';

/** Envoy, Mixer, adapter, Prometheus: what is counted at each, null where it could not be read. */
export const mixerMeter = defineMeter({
  needs: { pages: attempt(mixerPages), stored: attempt(stored) },
  measure({ pages, stored }): readonly Flow[] {
    const all = 'got' in pages ? pages.got : [];
    const readings = all.flatMap((page) => ('got' in page.reading ? [{ page, reading: page.reading.got }] : []));
    const sum = (of: (each: (typeof readings)[number]) => number): number | null =>
      readings.length > 0 ? readings.reduce((total, each) => total + of(each), 0) : null;
    const seriesOf = ({ adapter }: (typeof all)[number]): number => (adapter.state === 'serves' ? adapter.series : 0);
    const reports = sum(({ reading }) => reading.reports.total);
    const dispatches = sum(({ page, reading }) => provenDispatches(reading, seriesOf(page)));
    const seen = all.some(({ adapter }) => adapter.state !== 'unseen');
    const exported = seen ? all.reduce((total, page) => total + seriesOf(page), 0) : null;
    const counts = ('got' in stored ? stored.got : []).flatMap(({ series }) => ('got' in series ? [series.got] : []));
    const held = counts.map((series) => Object.values(series).reduce((total, each) => total + each, 0));
    return [
      { hop: 'envoy->mixer', in: reports, out: reports, unit: 'reports' },
      { hop: 'mixer->adapter', in: reports, out: dispatches, unit: 'dispatches' },
      { hop: 'adapter->prometheus', in: exported, out: held.length > 0 ? Math.max(...held) : null, unit: 'series' },
    ];
  },
});
