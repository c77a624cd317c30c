import { isAtLeast } from '../../../../src/istio/release.ts';
import type { Call, ServiceSpec, Spec } from '../spec.ts';
import type { Waypoint } from './spec.ts';

/** What istiod makes of a Service's wish for a waypoint. */
export interface Binding {
  /** Null where it got none. */
  waypoint: Waypoint | null;
  reason: string;
  message: string;
}

const USES = 'istio.io/use-waypoint';
const INGRESS = 'istio.io/ingress-use-waypoint';

/** Whether istiod takes a waypoint for one that it can send to: its Gateway has an address. */
const isUsable = ({ programmed }: Waypoint): boolean => programmed;

/**
 * The waypoint that a Service asks for, or its namespace does; null where nobody asks (pilot/pkg/serviceregistry/ambient,
 * waypoints.go, fetchWaypointForService, and status.go).
 */
function bindingOf({ ambient, namespaces }: Spec, { namespace, labels = {} }: ServiceSpec): Binding | null {
  if (!ambient) return null;
  const asking = USES in labels ? labels : (namespaces[namespace] ?? {});
  const name = asking[USES];
  if (name === undefined || name === 'none') return null;
  const where = asking[`${USES}-namespace`] ?? namespace;
  const full = `${where}/${name}`;
  const found = ambient.waypoints.find((each) => each.name === name && each.namespace === where);
  if (!found || !isUsable(found))
    return { waypoint: null, reason: 'WaypointIsNotReady', message: `waypoint "${full}" is not ready` };
  if (where !== namespace && found.allowedRoutes !== 'All') {
    const message = `we are not permitted to attach to waypoint "${full}" (missing allowedRoutes?)`;
    return { waypoint: null, reason: 'AttachmentDenied', message };
  }
  if (!['service', 'all'].includes(found.serves ?? 'service')) {
    const message = `attempting to bind to traffic type "service" which the waypoint "${full}" does not support`;
    return { waypoint: null, reason: 'UnsupportedTrafficType', message };
  }
  return { waypoint: found, reason: 'WaypointAccepted', message: `Successfully attached to waypoint ${full}` };
}

/** Whether gateways go through a Service's waypoint, too (pilot/pkg/serviceregistry/ambient/services.go). */
const isForIngress = ({ namespaces }: Spec, { namespace, labels = {} }: ServiceSpec): boolean =>
  (labels[INGRESS] ?? namespaces[namespace]?.[INGRESS]) === 'true';

/** The condition that istiod writes into a Service's status, since 1.24 (pilot/pkg/model/service.go, GetConditions). */
export const conditionsOf = (spec: Spec, service: ServiceSpec): readonly object[] => {
  const binding = bindingOf(spec, service);
  if (service.conditions || !binding || !isAtLeast(spec.release, '1.24')) return service.conditions ?? [];
  const { waypoint, reason } = binding;
  const isIngress = waypoint && isForIngress(spec, service);
  const message = `${binding.message}${isIngress ? '. Ingress traffic will traverse the waypoint' : ''}`;
  return [
    {
      type: 'istio.io/WaypointBound',
      status: waypoint ? 'True' : 'False',
      reason,
      message,
      lastTransitionTime: '2026-11-20T08:00:00Z',
    },
  ];
};

/** The waypoint through which a call to a Service goes: a ztunnel's, or where that is asked for a gateway's; null for none. */
export function waypointOf(spec: Spec, { service, past }: Call, by: 'ztunnel' | 'gateway'): Waypoint | null {
  if (past !== undefined) return null;
  const found = spec.services.find(
    ({ name, namespace }) => name === service.name && namespace === (service.namespace ?? ''),
  );
  if (!found || (by === 'gateway' && !isForIngress(spec, found))) return null;
  return bindingOf(spec, found)?.waypoint ?? null;
}
