import type { Step } from '../../../diagnosis/check.ts';
import type { Emission } from '../../../evidence/envoy/emission.ts';
import type { Pod } from '../../../evidence/kubernetes/pod.ts';
import { callersEmit } from './callers/checks.ts';
import { configurationTaken } from './proxy-emits/configuration-taken.ts';
import { familiesStandard, grpcMessagesCounted } from './proxy-emits/families.ts';
import { filterLoaded } from './proxy-emits/filter-loaded.ts';
import { longConnectionsCounted } from './proxy-emits/long-connections.ts';
import { applicationMerged, envoyMerged, pageParses } from './proxy-emits/parts-merged.ts';
import { inState, likeThose, seenOf, suspectsOf } from './proxy-emits/seen.ts';
import { DOCS, PROXY_EMITS } from './steps.ts';

export const proxyEmits: Step = {
  id: PROXY_EMITS,
  title: 'Verify every proxy makes Istio’s metrics',
  hop: 'proxy->page',
  docs: () => DOCS.metrics,
  checks: [
    configurationTaken,
    filterLoaded,
    envoyMerged,
    pageParses,
    applicationMerged,
    familiesStandard,
    grpcMessagesCounted,
    longConnectionsCounted,
    callersEmit,
  ],
  headline: filterLoaded.id,
};

/**
 * The proxies that make Istio's metrics: stored, or seen on a page that Prometheus could read, and those of the same owners.
 * null where it is not known of all: pages that could not be read, owners of whom nobody was asked while others do have them.
 */
export function emittingOf(emission: Emission): ReadonlySet<Pod> | null {
  const { proven, asked, refusal } = emission;
  const seen = asked.map(seenOf);
  const whole = inState(seen, 'loaded')
    .map(({ proxy }) => proxy)
    .filter(({ merged }) => !('got' in merged) || (merged.got.parts.envoy && merged.got.problem === null));
  const others = asked.filter((proxy) => !whole.includes(proxy));
  const emitting = likeThose(emission, whole);
  const left = suspectsOf(emission).length - emitting.length - likeThose(emission, others).length;
  if (refusal || inState(seen, 'unread').length > 0) return null;
  if (left > 0 && (emitting.length > 0 || asked.length === 0)) return null;
  return new Set([...proven, ...emitting]);
}
