import { shellLine } from '../../cluster/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type GatewayRoute, grants, isGranted, routeTitle } from '../../evidence/gateway-api.ts';
import { titleOf } from '../../evidence/named.ts';
import { rules } from '../../evidence/rules.ts';

const show = (route: GatewayRoute): string =>
  shellLine('kubectl', '-n', route.namespace, 'get', `${route.kind.toLowerCase()}s`, route.name, '-o', 'yaml');

export const httpRoutesAccepted = defineCheck({
  id: 'http-routes-accepted',
  title: 'routes of the Gateway API are accepted',
  explains:
    'An HTTPRoute, GRPCRoute, TLSRoute or TCPRoute is for a Gateway, or with a Service as its parent for the mesh. Looks at what its controllers say of it in its status: NotAllowedByListeners is the Gateway’s allowedRoutes, RefNotPermitted a Service of another namespace without a ReferenceGrant there, BackendNotFound a Service that does not exist. `istioctl analyze` calls what is not accepted IST0171.',
  reasons: {
    RouteUnseen: 'No controller has said of a route that it accepts it.',
    RouteRefused: 'A controller does not accept a route, or cannot resolve what it leads to (IST0171).',
    RefNotPermitted: 'A route leads to a Service of another namespace, which no ReferenceGrant there allows (IST0171).',
  },
  needs: { rules, grants: attempt(grants) },
  judge({ rules: { routes, missing }, grants }) {
    const foreign = routes.flatMap((route) =>
      route.backends.filter(({ namespace }) => namespace !== route.namespace).map((backend) => ({ route, backend })),
    );
    const barred =
      'got' in grants ? foreign.filter(({ route, backend }) => !isGranted(route, backend, grants.got.items)) : [];
    const [shut] = barred;
    if (shut && 'got' in grants) {
      if (grants.got.refusal) return unknown([grants.got.refusal], 'not every ReferenceGrant was seen');
      return {
        status: 'fail',
        reason: 'RefNotPermitted',
        message: some(
          barred.map(
            ({ route, backend }) => `${routeTitle(route)} leads to ${titleOf(backend)} without a ReferenceGrant`,
          ),
        ),
        evidence: barred.flatMap(({ route }) => route.refused.map((words) => `${routeTitle(route)}: ${words}`)),
        hint: `${shellLine('kubectl', '-n', shut.backend.namespace, 'get', 'referencegrants', '-o', 'yaml')}   # one there has to name ${shut.route.kind} of ${shut.route.namespace}`,
      };
    }
    const refused = routes.filter((route) => route.refused.length > 0);
    const [first] = refused;
    if (first)
      return {
        status: 'fail',
        reason: 'RouteRefused',
        message: some(refused.map((route) => `${routeTitle(route)}: ${some(route.refused)}`)),
        hint: show(first),
      };
    const open = routes.filter(({ accepted }) => !accepted);
    const [unseen] = open;
    if (unseen)
      return {
        status: 'warn',
        reason: 'RouteUnseen',
        message: `no controller has accepted ${some(open.map(routeTitle))}`,
        hint: show(unseen),
      };
    if ('missing' in grants && foreign.length > 0) return unknown([grants.missing]);
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    if (routes.length === 0) return skip('no route of the Gateway API is about these workloads');
    return { status: 'pass', message: count(routes.length, 'route') };
  },
});
