import type { Step } from '../../../diagnosis/check.ts';
import type { Emission } from '../../../evidence/envoy/emission.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { configurationTaken } from './proxy-emits/configuration-taken.ts';
import { familiesStandard } from './proxy-emits/families.ts';
import { filterLoaded } from './proxy-emits/filter-loaded.ts';
import { applicationMerged, envoyMerged, pageParses } from './proxy-emits/parts-merged.ts';
import { inState, seenOf, suspectsOf } from './proxy-emits/seen.ts';
import { DOCS, PROXY_EMITS } from './steps.ts';

export const proxyEmits: Step = {
  id: PROXY_EMITS,
  title: 'Verify every proxy makes Istio’s metrics',
  hop: 'proxy->page',
  docs: () => DOCS.metrics,
  checks: [configurationTaken, filterLoaded, envoyMerged, pageParses, applicationMerged, familiesStandard],
  headline: filterLoaded.id,
};

/**
 * The proxies that make Istio's metrics: stored, or seen on a page that Prometheus could read. null where it is not known of
 * all: pages that were not read, and others like those that do have them.
 */
export function emittingOf(emission: Emission): ReadonlySet<Pod> | null {
  const { proven, asked, refusal } = emission;
  const seen = asked.map(seenOf);
  const loaded = inState(seen, 'loaded');
  const unasked = suspectsOf(emission).length - asked.length;
  if (refusal || inState(seen, 'unread').length > 0) return null;
  if (unasked > 0 && (loaded.length > 0 || asked.length === 0)) return null;
  const whole = loaded.filter(
    ({ proxy: { merged } }) => !('got' in merged) || (merged.got.parts.envoy && merged.got.problem === null),
  );
  return new Set([...proven, ...whole.map(({ proxy }) => proxy.pod)]);
}
