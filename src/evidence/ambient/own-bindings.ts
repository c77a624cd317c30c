import { isWhole } from '../../diagnosis/check.ts';
import { planeSource } from '../../diagnosis/source.ts';
import { gatewayOf, isWaypointPod } from '../istio/detection.ts';
import { titleOf } from '../kubernetes/named.ts';
import { narrowed } from '../kubernetes/workload.ts';
import { type Binding, bindings } from './bindings.ts';
import { enrolled, isAbout } from './enrolled.ts';

/**
 * What asks for a waypoint, of what is looked at: of a workload that was named, its Services and its pods; of a waypoint, and of a
 * namespace in which one lies, what asks for it.
 */
export const ownBindings = planeSource([], async ({ from, scope }): Promise<readonly Binding[]> => {
  const [{ bindings: all }, { members }, named] = await Promise.all([from(bindings), from(enrolled), from(narrowed)]);
  if (isWhole(scope)) return all;
  if (named === null && scope.selector === null)
    return all.filter(({ of, wish }) => [of.namespace, wish.namespace].some((each) => each === scope.namespace));
  const isOwn = isAbout(members.map(({ pod }) => pod));
  const services = new Set(named?.services ?? []);
  // Istiod calls a waypoint's Deployment and its Service as the Gateway, whether or not it has pods.
  const { kind, ...title } = named?.workload ?? { kind: '', name: '', namespace: '' };
  const gateways = new Set([
    ...(named?.pods ?? []).flatMap((pod) => (isWaypointPod(pod) ? [gatewayOf(pod)] : [])),
    ...(kind === 'deployment' || kind === 'service' ? [titleOf(title)] : []),
  ]);
  return all.filter(
    (each) => (each.service !== null && services.has(each.service)) || gateways.has(titleOf(each.wish)) || isOwn(each),
  );
});
