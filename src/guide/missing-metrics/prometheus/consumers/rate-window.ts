import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { type Consumer, consumers } from '../../../../evidence/consumers/consumers.ts';
import { emitters } from '../../../../evidence/istio/emitters.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { meshStore } from '../../../../evidence/prometheus/mesh-store.ts';
import { PodIndex } from '../../../../evidence/prometheus/pod-series.ts';
import { prometheusReadings } from '../../../../evidence/prometheus/readings.ts';
import { proxyTargetsIn } from '../../../../evidence/prometheus/scraping.ts';
import type { Target } from '../../../../evidence/prometheus/targets.ts';
import { spoken } from '../../../../evidence/text/duration.ts';

/** What Grafana takes for the interval where a datasource does not say (ms). */
const GRAFANAS = 15_000;

/** No rate is asked for over less (ms). */
const LEAST = 60_000;

/** A rate takes two samples within its window. */
const SAMPLES = 2;

/** The shortest window over which a consumer asks for rates: four of the intervals that it goes by. */
const windowOf = (interval: number): number => Math.max(LEAST, 4 * interval);

/** What a consumer takes for the interval of all targets; null where it is not told. */
const takenBy = ({ kind, asks }: Consumer, global: number | null): number | null => {
  const said = 'got' in asks ? ((asks.got.find(({ isDefault }) => isDefault) ?? asks.got[0])?.interval ?? null) : null;
  return kind === 'Grafana' ? (said ?? GRAFANAS) : (said ?? global);
};

/** The longest interval of the proxies' targets (ms), and the pool that has it. */
function longest(targets: readonly Target[], pods: readonly Pod[]): { interval: number; pool: string } | null {
  let found: { interval: number; pool: string } | null = null;
  for (const [, { interval, pool, job }] of proxyTargetsIn(targets, PodIndex.of(pods), new Set(pods)))
    if (interval !== null && interval > (found?.interval ?? -1)) found = { interval, pool: pool || job };
  return found;
}

export const rateWindow = defineCheck({
  id: 'rate-window',
  title: 'rates are asked for over two scrapes at least',
  explains:
    'A rate takes two samples within its window. Grafana goes by its datasource’s timeInterval (15 s where there is none), Kiali by the global scrape_interval, both for windows of four intervals and a minute at least; neither looks at the interval of a single job. Where the proxies are scraped less often, panels are empty though everything is stored.',
  reasons: {
    WindowTooShort:
      'Rates are asked for over windows in which there are not two samples: panels are empty, or have holes.',
  },
  needs: { consumers, emitters, store: meshStore, readings: prometheusReadings },
  judge({ consumers, emitters, store, readings }) {
    if (consumers.length === 0) return skip('no Grafana and no Kiali in this cluster');
    const reading = store ? readings[store.index] : undefined;
    if (!store || !reading) return skip('no Prometheus to ask');
    if ('missing' in reading.scrapes && reading.scrapes.missing.hindrance === 'NotFound')
      return skip(`${store.where} scrapes nothing by itself`);
    if ('missing' in reading.scrapes) return unknown([reading.scrapes.missing], 'how often the proxies are scraped');
    const slowest = longest(reading.scrapes.got.targets, emitters);
    if (!slowest) return skip('no target of a proxy tells how often it is scraped');
    const short = consumers.flatMap((consumer) => {
      const taken = takenBy(consumer, reading.interval);
      return taken !== null && windowOf(taken) < SAMPLES * slowest.interval ? [{ consumer, taken }] : [];
    });
    const [first] = short;
    const often = `the proxies are scraped every ${spoken(slowest.interval)} (${slowest.pool})`;
    if (!first) return { status: 'pass', message: often };
    const { consumer, taken } = first;
    const map = shellLine('kubectl', '-n', consumer.namespace, 'edit', 'configmap', consumer.configMap ?? 'grafana');
    return {
      status: 'warn',
      reason: 'WindowTooShort',
      message: `${often}; ${some([...new Set(short.map((each) => each.consumer.kind))])} takes every ${spoken(taken)} for granted, and asks for rates over ${spoken(windowOf(taken))}`,
      evidence: short.map(
        (each) =>
          `${each.consumer.kind} in ${each.consumer.namespace}: windows of ${spoken(windowOf(each.taken))}, with less than two samples`,
      ),
      hint:
        consumer.kind === 'Grafana'
          ? `${map}   # jsonData.timeInterval: ${Math.round(slowest.interval / 1000)}s`
          : `${store.readConfig}   # let ${slowest.pool} scrape every ${spoken(taken)}, or set global.scrape_interval to what it uses`,
    };
  },
});
