import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { owingLogs } from '../../evidence/envoy/logs.ts';
import { allGatewayClasses, apiGateways, gatewayRoutes, grants, waypoints } from '../../evidence/istio/gateway-api.ts';
import { istioGateways } from '../../evidence/istio/gateways.ts';
import { firstSyncs } from '../../evidence/istio/pilot.ts';
import { destinationRules, oldRules, serviceEntries, sidecars, virtualServices } from '../../evidence/istio/routing.ts';
import { meshYaml } from '../../evidence/kubernetes/config-maps.ts';
import { allNamespaces, allServices } from '../../evidence/kubernetes/lists.ts';
import { section } from '../section.ts';
import { apiGatewaysProgrammed } from './api-gateways.ts';
import { rulesArrived } from './arrived.ts';
import { callerIsInMesh, callerSeesRules, rulesAreForMesh } from './callers.ts';
import { destinationPortsExist } from './destination-ports.ts';
import { rulesLeadSomewhere } from './destinations.ts';
import { destinationsHavePods } from './endpoints.ts';
import { gatewayHostsApart } from './gateway-conflicts.ts';
import { gatewaysServeHosts } from './gateway-hosts.ts';
import { gatewaysExist } from './gateways.ts';
import { containerPortsListed, nobodyIsTheProxy, podsAreLabelled, podsBelongToServices } from './pods.ts';
import { portsSpeakHttp } from './ports.ts';
import { delegatesApply, rulesAreReached } from './reach.ts';
import { proxiesTakeRules } from './refused.ts';
import { httpRoutesAccepted } from './routes.ts';
import { hostsExist, oneRulePerHost, rulesAreRead } from './rules.ts';
import { ARRIVAL, CALLERS, GATEWAYS, HOSTS, PODS, SERVICE_PORTS, step, WAYPOINTS } from './steps.ts';
import { subsetsExist } from './subsets.ts';
import { waypointsServeRules } from './waypoints.ts';

/** "Route rules have no effect on my application" (guide.md a). */
export const routeRules = section({
  steps: [
    step(
      HOSTS,
      'Verify the rules name what exists',
      hostsExist,
      destinationPortsExist,
      destinationsHavePods,
      subsetsExist,
      oneRulePerHost,
      rulesAreReached,
      delegatesApply,
      rulesLeadSomewhere,
      rulesAreRead,
    ),
    step(SERVICE_PORTS, 'Verify services’ ports are known to be HTTP', portsSpeakHttp),
    step(
      PODS,
      'Verify pods belong to services, and are labelled',
      podsBelongToServices,
      containerPortsListed,
      podsAreLabelled,
      nobodyIsTheProxy,
    ),
    step(CALLERS, 'Verify the caller’s proxy gets the rules', rulesAreForMesh, callerIsInMesh, callerSeesRules),
    step(
      GATEWAYS,
      'Verify gateways take the rules',
      gatewaysExist,
      gatewaysServeHosts,
      gatewayHostsApart,
      apiGatewaysProgrammed,
    ),
    step(WAYPOINTS, 'Verify ambient services have a waypoint', waypointsServeRules, httpRoutesAccepted),
    step(ARRIVAL, 'Verify the rules have arrived', proxiesTakeRules, rulesArrived),
  ],
  sources: [
    allServices,
    allNamespaces,
    firstSyncs,
    envoyDumps,
    owingLogs,
    virtualServices,
    destinationRules,
    serviceEntries,
    sidecars,
    istioGateways,
    meshYaml,
    gatewayRoutes,
    grants,
    allGatewayClasses,
    apiGateways,
    waypoints,
    oldRules,
  ],
});
