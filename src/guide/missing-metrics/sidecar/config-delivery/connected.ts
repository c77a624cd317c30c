import { sorted } from '../../../../diagnosis/verdict.ts';
import type { Unanswered } from '../../../../errors.ts';
import type { Pilot, PilotSync } from '../../../../evidence/istio/pilot.ts';
import type { Proxy as MeshProxy } from '../../../../evidence/istio/population.ts';
import { type ProxySync, proxyNamed } from '../../../../evidence/istio/sync.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';

/** What these replicas themselves answered, and why others did not. */
export function ofOwn(syncs: readonly Omit<PilotSync, 'later'>[], pilots: readonly Pilot[]) {
  const own = new Set(pilots.map(({ pod }) => titleOf(pod)));
  return sorted(syncs.filter(({ pilot }) => own.has(titleOf(pilot.pod))).map(({ proxies }) => proxies));
}

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
  return { known, missing: ofOwn(syncs, pilots).missing };
}
