import type { AnyCheck } from '../../../../diagnosis/check.ts';
import { samplesFresh } from '../../prometheus/freshness.ts';
import { targetChecks } from '../../prometheus/scrape/index.ts';
import { proxiesStored } from '../../prometheus/stored/proxies.ts';
import { proxiesConfigured } from '../config-delivery/proxies-configured.ts';
import { statsFilterTaken } from '../config-delivery/stats-filter-taken.ts';
import { wishesAreAnswered } from '../in-mesh/answered.ts';
import { podsAreInjected } from '../in-mesh/injected.ts';
import { configurationTaken } from '../proxy-emits/configuration-taken.ts';
import { filterLoaded } from '../proxy-emits/filter-loaded.ts';
import { envoyMerged, pageParses } from '../proxy-emits/parts-merged.ts';
import { CONFIG_DELIVERY, IN_MESH, PROXY_EMITS, SCRAPE, STORED, TELEMETRY_CONFIG } from '../steps.ts';
import { callersCount } from './counting.ts';
import { callersCheck } from './examined.ts';
import { sendingIsTold } from './sending.ts';

const these = (...checks: readonly unknown[]): readonly AnyCheck[] => checks as readonly AnyCheck[];

const FOR_CALLERS =
  'Of a workload on the command line its callers’ proxies make half of the metrics (reporter="source"): the same questions are asked of those that callers-seen names.';

export const callersInMesh = callersCheck({
  id: 'callers-in-mesh',
  title: 'the callers’ pods have a proxy',
  explains: `${FOR_CALLERS} A pod that should have a proxy and has none calls without a name, and counts nothing.`,
  step: IN_MESH,
  of: these(podsAreInjected, wishesAreAnswered),
});

export const callersTold = callersCheck({
  id: 'callers-told',
  title: 'Istio tells the callers to make metrics of what they send',
  explains: `${FOR_CALLERS} What they are told of the calls that come in to them does not matter.`,
  step: TELEMETRY_CONFIG,
  of: these(sendingIsTold),
});

export const callersConfigured = callersCheck({
  id: 'callers-configured',
  title: 'the callers’ proxies have their configuration, and take the stats filter',
  explains: `${FOR_CALLERS} One that is disconnected keeps what it had, and counts.`,
  step: CONFIG_DELIVERY,
  of: these(statsFilterTaken, proxiesConfigured),
});

export const callersEmit = callersCheck({
  id: 'callers-emit',
  title: 'the callers’ proxies make Istio’s metrics',
  explains: `${FOR_CALLERS} Of those that no store has the pages of a few are read (--sample).`,
  step: PROXY_EMITS,
  of: these(configurationTaken, filterLoaded, envoyMerged, pageParses),
});

export const callersScraped = callersCheck({
  id: 'callers-scraped',
  title: 'Prometheus scrapes the callers’ proxies',
  explains: `${FOR_CALLERS} A caller that is not scraped leaves the workload with what arrives, and without what was sent.`,
  step: SCRAPE,
  of: targetChecks,
});

export const callersStored = callersCheck({
  id: 'callers-stored',
  title: 'the store holds the callers’ side of the requests',
  explains: `${FOR_CALLERS} And where requests of a caller are counted when they arrive, its own proxies must count some to the workload.`,
  step: STORED,
  of: these(samplesFresh, proxiesStored, callersCount),
});
