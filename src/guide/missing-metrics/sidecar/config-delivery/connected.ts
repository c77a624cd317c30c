import { sorted } from '../../../../diagnosis/verdict.ts';
import type { Unanswered } from '../../../../errors.ts';
import type { Pilot, PilotSync } from '../../../../evidence/istio/pilot.ts';
import type { Proxy as MeshProxy } from '../../../../evidence/istio/population.ts';
import { type ProxySync, proxyNamed } from '../../../../evidence/istio/sync.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';

/**
 * What replicas know of proxies, and which of them did not answer. One of another control plane is missed only where a proxy
 * may be connected to it.
 */
export function knownOf(
  proxies: readonly MeshProxy[],
  syncs: readonly Omit<PilotSync, 'later'>[],
  pilots: readonly Pilot[],
): { known: readonly ProxySync[]; missing: readonly Unanswered[] } {
  const all = sorted(syncs.map((each) => each.proxies));
  const known = all.got.flat();
  const connected = new Set(known.map(({ proxy }) => proxy));
  if (!proxies.every(({ pod }) => connected.has(proxyNamed(pod)))) return { known, missing: all.missing };
  const own = new Set(pilots.map(({ pod }) => titleOf(pod)));
  const asked = syncs.filter(({ pilot }) => own.has(titleOf(pilot.pod)));
  return { known, missing: sorted(asked.map((each) => each.proxies)).missing };
}
