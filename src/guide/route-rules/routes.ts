import { shellLine } from '../../cluster/question/shell.ts';
import type { Attempt, Verdict } from '../../diagnosis/check.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import {
  type ApiGateway,
  apiGateways,
  barrierTo,
  type GatewayRoute,
  grants,
  type RouteParent,
  routeTitle,
} from '../../evidence/istio/gateway-api.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { allNamespaces, type Listing, type Namespace } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isGranted, type ReferenceGrant } from '../../istio/grants.ts';
import { othersBeside } from './api-gateways.ts';

const show = (route: GatewayRoute): string =>
  shellLine('kubectl', '-n', route.namespace, 'get', `${route.kind.toLowerCase()}s`, route.name, '-o', 'yaml');

/** Whether a controller says yes to a route's parent. */
const isAccepted = ({ conditions }: RouteParent): boolean =>
  conditions.some(({ type, status }) => type === 'Accepted' && status === 'True');

const REASONS = {
  NotAllowedByListeners: 'RouteNotAllowed',
  NoMatchingListenerHostname: 'HostnameNotServed',
  NoMatchingParent: 'ParentMissing',
} as const;

interface Fault {
  route: GatewayRoute;
  reason: (typeof REASONS)[keyof typeof REASONS];
  words: string;
}

/** Why a Gateway does not take a route, by its own words; null where it does, or where not all was seen that decides. */
function faultOf(
  route: GatewayRoute,
  parent: RouteParent,
  gateways: Listing<ApiGateway>,
  namespaces: Listing<Namespace> | null,
): Fault | null {
  // Of a parent that a controller has accepted nothing has to be worked out.
  if (parent.kind !== 'Gateway' || isAccepted(parent)) return null;
  const title = `Gateway ${titleOf(parent)}`;
  const found = gateways.items.find(({ name, namespace }) => name === parent.name && namespace === parent.namespace);
  if (!found) {
    if (!gateways.complete) return null;
    return {
      route,
      reason: 'ParentMissing',
      words: `${routeTitle(route)} is for ${title}, which does not exist`,
    };
  }
  const own = namespaces?.items.find(({ name }) => name === route.namespace);
  if (!own && found.listeners.some(({ from }) => from === 'Selector')) return null;
  const barrier = barrierTo(found, route, parent, own?.labels ?? {});
  if (!barrier) return null;
  const words = `${routeTitle(route)} is for ${title}, which ${barrier.words}`;
  return { route, reason: REASONS[barrier.why], words };
}

/** Routes to the Services of another namespace, and which of them no grant lets. */
function barred(routes: readonly GatewayRoute[], found: Attempt<Listing<ReferenceGrant>>) {
  const foreign = routes.flatMap((route) =>
    route.backends.filter(({ namespace }) => namespace !== route.namespace).map((backend) => ({ route, backend })),
  );
  const shut =
    'got' in found ? foreign.filter(({ route, backend }) => !isGranted(route, backend, found.got.items)) : [];
  return { foreign, shut };
}

/** Routes with those of their parents that are not other controllers'; without those that have no such parent. */
function istiosOf(routes: readonly GatewayRoute[], gateways: Attempt<Listing<ApiGateway>>): readonly GatewayRoute[] {
  const isOthers = othersBeside(routes);
  const others = new Set('got' in gateways ? gateways.got.items.filter(isOthers).map(titleOf) : []);
  return routes.flatMap((route) => {
    const parents = route.parents.filter(
      (each) => !each.isOthers && !(each.kind === 'Gateway' && others.has(titleOf(each))),
    );
    return parents.length > 0 || route.parents.length === 0 ? [{ ...route, parents }] : [];
  });
}

export const httpRoutesAccepted = defineCheck({
  id: 'http-routes-accepted',
  title: 'routes of the Gateway API are accepted',
  explains:
    'An HTTPRoute, GRPCRoute, TLSRoute or TCPRoute is for a Gateway, a listener of it (`sectionName`) or a port, or with a Service as its parent for the mesh. Looks at what Istio says of it in its status: NotAllowedByListeners is the Gateway’s allowedRoutes, RefNotPermitted a Service of another namespace without a ReferenceGrant there, BackendNotFound a Service that does not exist. Where they do not accept it, or say nothing, why is worked out from the Gateway itself: is it there, has it such a listener, does that take the route’s host, kind and namespace (`allowedRoutes`: its own namespace only, unless it says more). What is for other controllers than Istio’s is left out. `istioctl analyze` calls what is not accepted IST0171.',
  reasons: {
    RouteUnseen: 'No controller says anything of a route, and nothing in the route or its Gateway tells why.',
    RouteRefused: 'A controller does not accept a route, or cannot resolve what it leads to (IST0171).',
    RefNotPermitted: 'A route leads to a Service of another namespace, which no ReferenceGrant there allows (IST0171).',
    ParentMissing: 'The Gateway of a route, or the listener or port of it that the route names, does not exist.',
    RouteNotAllowed: 'The Gateway’s allowedRoutes leave out the namespace or the kind of a route (IST0171).',
    HostnameNotServed: 'No listener of the Gateway has a host in common with the route (IST0171).',
  },
  needs: { rules, grants: attempt(grants), gateways: attempt(apiGateways), namespaces: attempt(allNamespaces) },
  judge({ rules: { routes: all, missing }, grants, gateways, namespaces }): Verdict {
    const routes = istiosOf(all, gateways);
    const { foreign, shut } = barred(routes, grants);
    const [first] = shut;
    if (first && 'got' in grants) {
      if (grants.got.refusal) return unknown([grants.got.refusal], 'not every ReferenceGrant was seen');
      return {
        status: 'fail',
        reason: 'RefNotPermitted',
        message: some(
          shut.map(
            ({ route, backend }) => `${routeTitle(route)} leads to ${titleOf(backend)} without a ReferenceGrant`,
          ),
        ),
        evidence: shut.flatMap(({ route }) => route.refused.map((words) => `${routeTitle(route)}: ${words}`)),
        hint: `${shellLine('kubectl', '-n', first.backend.namespace, 'get', 'referencegrants', '-o', 'yaml')}   # one there has to name ${first.route.kind} of ${first.route.namespace}`,
      };
    }
    const spaces = 'got' in namespaces ? namespaces.got : null;
    const faults =
      'got' in gateways
        ? routes.flatMap((route) => route.parents.flatMap((each) => faultOf(route, each, gateways.got, spaces) ?? []))
        : [];
    const [fault] = faults;
    if (fault)
      return {
        status: 'fail',
        reason: fault.reason,
        message: some(faults.map(({ words }) => words)),
        evidence: faults.flatMap(({ route }) => route.refused.map((words) => `${routeTitle(route)}: ${words}`)),
        hint: show(fault.route),
      };
    const refused = routes.filter((route) => route.refused.length > 0);
    const [no] = refused;
    if (no)
      return {
        status: 'fail',
        reason: 'RouteRefused',
        message: some(refused.map((route) => `${routeTitle(route)}: ${some(route.refused)}`)),
        hint: show(no),
      };
    const open = routes.filter(({ parents }) => !parents.every(isAccepted));
    const [unseen] = open;
    if (unseen)
      return {
        status: 'unknown',
        reason: 'RouteUnseen',
        message: `no controller has accepted ${some(open.map(routeTitle))}`,
        hint: show(unseen),
        missing: 'missing' in gateways ? [gateways.missing] : gateways.got.refusal ? [gateways.got.refusal] : [],
      };
    if ('missing' in grants && foreign.length > 0) return unknown([grants.missing]);
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    if (routes.length === 0) return skip('no route of the Gateway API is about these workloads');
    return { status: 'pass', message: count(routes.length, 'route') };
  },
});
