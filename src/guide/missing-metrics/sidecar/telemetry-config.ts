import type { Step } from '../../../diagnosis/check.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { callsCountedOnce } from '../telemetry/counted-once.ts';
import { statsFiltersFit } from '../telemetry/envoy-filters.ts';
import { telemetriesRead } from '../telemetry/objects-read.ts';
import { providersMakeMetrics } from '../telemetry/providers.ts';
import { type Evidence, type JudgedSide, sidesOf } from '../telemetry/sides.ts';
import { metricsSwitchedOn } from '../telemetry/switched-on.ts';
import { callersTold } from './callers/checks.ts';
import { DOCS, TELEMETRY_CONFIG } from './steps.ts';

export const telemetryConfig: Step = {
  id: TELEMETRY_CONFIG,
  title: 'Verify Istio tells every proxy to make metrics',
  hop: 'workload->proxy',
  docs: () => DOCS.telemetry,
  checks: [providersMakeMetrics, metricsSwitchedOn, telemetriesRead, statsFiltersFit, callsCountedOnce, callersTold],
};

/** The pods whose proxies are told to make metrics, on one side of their calls at least; null where that is not known of all. */
export function toldPods(evidence: Evidence): ReadonlySet<Pod> | null {
  const all = sidesOf(evidence);
  const isAny = (sides: readonly JudgedSide[], wanted: JudgedSide['told']): boolean =>
    sides.some(({ told }) => told === wanted);
  if (all.some(({ sides }) => !isAny(sides, 'yes') && isAny(sides, 'unknown'))) return null;
  return new Set(all.filter(({ sides }) => isAny(sides, 'yes')).flatMap(({ of }) => of.proxies.map(({ pod }) => pod)));
}
