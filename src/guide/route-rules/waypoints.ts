import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type Waypoint, waypoints } from '../../evidence/istio/gateway-api.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { allNamespaces, allServices, type Namespace } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import type { Service } from '../../evidence/kubernetes/service.ts';
import { wantsAmbient } from '../../istio/enrolment.ts';
import { waypointFor } from '../../istio/waypoints.ts';

/** Why no waypoint carries out the rules for a Service; null when one does. */
function lackOf(
  service: Service,
  namespace: Namespace | undefined,
  all: readonly Waypoint[],
): { reason: 'NoWaypoint' | 'WaypointNotReady' | 'WaypointNotBound'; words: string } | null {
  if (service.waypoint?.bound === false)
    return {
      reason: 'WaypointNotBound',
      words: `${titleOf(service)} is bound to no waypoint: ${service.waypoint.message}`,
    };
  if (service.waypoint) return null;
  const wanted = waypointFor(service, namespace?.labels);
  if (wanted === null)
    return { reason: 'NoWaypoint', words: `${titleOf(service)} has rules for HTTP, and no waypoint to carry them out` };
  const named = titleOf(wanted);
  const waypoint = all.find((each) => titleOf(each) === named);
  if (!waypoint)
    return { reason: 'WaypointNotReady', words: `the waypoint ${named} of ${titleOf(service)} does not exist` };
  if (!waypoint.programmed)
    return {
      reason: 'WaypointNotReady',
      words: `the waypoint ${named} of ${titleOf(service)} is not programmed${waypoint.message ? `: ${waypoint.message}` : ''}`,
    };
  if (!/^(service|all)$/.test(waypoint.serves))
    return {
      reason: 'WaypointNotReady',
      words: `the waypoint ${named} serves ${waypoint.serves}, not what is sent to ${titleOf(service)}`,
    };
  return null;
}

export const waypointsServeRules = defineCheck({
  id: 'waypoints-serve-rules',
  title: 'ambient services with rules for HTTP have a waypoint',
  explains:
    'ztunnel knows nothing of HTTP: in an ambient namespace a VirtualService or HTTPRoute for a Service has effect at the Service’s waypoint only. Looks at the Service’s condition WaypointBound (istiod 1.24 and newer; `istioctl analyze` calls it IST0171), or else at the labels istio.io/use-waypoint and the Gateway that they name.',
  reasons: {
    NoWaypoint: 'A Service of an ambient namespace has rules for HTTP and no waypoint: they have no effect.',
    WaypointNotReady: 'The waypoint of a Service does not exist, is not programmed, or serves no Services.',
    WaypointNotBound: 'istiod says that a Service is not bound to the waypoint it names (IST0171).',
    MixedRules: 'A Service has both a VirtualService and an HTTPRoute: that mix is not supported.',
  },
  needs: { rules, namespaces: attempt(allNamespaces), services: allServices, waypoints: attempt(waypoints) },
  judge({ rules: { services: ruled, routes, missing }, namespaces, services, waypoints }) {
    if ('missing' in namespaces) return unknown([namespaces.missing]);
    const byName = new Map(namespaces.got.items.map((each) => [each.name, each]));
    const routed = services.items.filter((service) =>
      routes.some((route) =>
        route.services.some(({ name, namespace }) => name === service.name && namespace === service.namespace),
      ),
    );
    const all = [...new Set([...ruled, ...routed])];
    const ambient = all.filter(
      ({ namespace, labels }) => wantsAmbient(labels) || wantsAmbient(byName.get(namespace)?.labels),
    );
    if (ambient.length === 0) {
      if (isSome(missing)) return unknown(missing);
      return skip(
        all.length === 0 ? 'no rule for HTTP is about a Service' : 'no Service with rules is in an ambient namespace',
      );
    }
    const unsaid = ambient.some(({ waypoint }) => waypoint === null);
    if ('missing' in waypoints && unsaid) return unknown([waypoints.missing]);
    if ('got' in waypoints && waypoints.got.refusal && unsaid)
      return unknown([waypoints.got.refusal], 'not every waypoint was seen');
    const known = 'got' in waypoints ? waypoints.got.items : [];
    const lacking = ambient.flatMap((service) => {
      const lack = lackOf(service, byName.get(service.namespace), known);
      return lack === null ? [] : [{ service, ...lack }];
    });
    const [first] = lacking;
    if (first)
      return {
        status: 'fail',
        reason: first.reason,
        message: some(lacking.map(({ words }) => words)),
        hint:
          first.reason === 'NoWaypoint'
            ? shellLine('istioctl', 'waypoint', 'apply', '-n', first.service.namespace, '--enroll-namespace')
            : 'got' in waypoints && !waypoints.got.served
              ? `kubectl get crd gateways.gateway.networking.k8s.io   # it is not there: a waypoint takes the CRDs of the Gateway API`
              : shellLine(
                  'kubectl',
                  '-n',
                  first.service.namespace,
                  'get',
                  'gateways.gateway.networking.k8s.io,services',
                  '-o',
                  'yaml',
                ),
      };
    const mixed = ambient.filter((service) => ruled.includes(service) && routed.includes(service));
    const [other] = mixed;
    if (other)
      return {
        status: 'warn',
        reason: 'MixedRules',
        message: `${some(mixed.map(titleOf))} ${mixed.length === 1 ? 'has' : 'have'} both a VirtualService and an HTTPRoute`,
        hint: shellLine('kubectl', '-n', other.namespace, 'get', 'virtualservices,httproutes'),
      };
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    return { status: 'pass', message: `${count(ambient.length, 'Service')} with a waypoint` };
  },
});
