import type { ControlPlane } from '../../diagnosis/check.ts';
import { type Pod, variablesOf } from '../kubernetes/pod.ts';

type Asked = Pick<ControlPlane, 'namespace' | 'revision'>;

/** The revision for which a pod of a chart, or a waypoint’s, was made; null where it does not say (charts/ztunnel/templates/daemonset.yaml). */
export const madeFor = ({ labels, annotations }: Pod): string | null =>
  annotations['istio.io/rev'] ?? labels['istio.io/rev'] ?? null;

/** The istiod that ztunnel was told to ask: `istiod.NAMESPACE.svc:15012`, or `istiod-REVISION.…`; null where it does not say. */
function askedBy(ztunnel: Pod): Asked | null {
  const [address = ''] = variablesOf([ztunnel], 'XDS_ADDRESS');
  const [, revision = 'default', namespace] = /^istiod(?:-([^.]+))?\.([^.]+)\.svc\b/.exec(address) ?? [];
  return namespace === undefined ? null : { revision, namespace };
}

/** The istiod of another control plane, of those that there are, which a ztunnel asks; null where it does not say so. */
export function otherAsked(ztunnel: Pod, own: ControlPlane, planes: readonly ControlPlane[]): ControlPlane | null {
  const asked = askedBy(ztunnel) ?? { namespace: own.namespace, revision: madeFor(ztunnel) ?? own.revision };
  const isAsked = ({ namespace, revision }: Asked): boolean =>
    namespace === asked.namespace && (revision ?? 'default') === (asked.revision ?? 'default');
  if (isAsked(own)) return null;
  return planes.find((each) => each.generation === 'telemetry-v2' && isAsked(each)) ?? null;
}

/**
 * The istiod that ambient has its configuration from: of the revision that is asked for, where a part of ambient is of it; else the
 * one that ztunnel asks, or for whose revision it was installed. Where nothing says which that is, of several that beside ztunnel,
 * the one without a revision first. `parts` are the pods of ztunnels and waypoints.
 */
export function istiodOf<Istiod extends Asked>(
  istiods: readonly Istiod[],
  ztunnel: Pod | undefined,
  { parts, asked }: { parts: readonly Pod[]; asked: string | null },
): Istiod | undefined {
  const told = ztunnel ? askedBy(ztunnel) : null;
  const revision = ztunnel ? madeFor(ztunnel) : null;
  const isPart = parts.some((pod) => asked !== null && madeFor(pod) === asked);
  const named = ({ revision }: Asked): string => revision ?? 'default';
  const first = (isOne: (each: Asked) => boolean) => (a: Asked, b: Asked) => Number(isOne(b)) - Number(isOne(a));
  const orders = [
    first((each) => isPart && named(each) === asked),
    first((each) => each.namespace === told?.namespace && named(each) === told.revision),
    first((each) => revision !== null && named(each) === revision),
    first(({ namespace }) => namespace === ztunnel?.namespace),
    first((each) => named(each) === 'default'),
  ];
  return [...istiods].sort((a, b) => orders.map((order) => order(a, b)).find((each) => each !== 0) ?? 0)[0];
}
