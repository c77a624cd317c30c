import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { allNamespaces, allServices } from '../../evidence/kubernetes.ts';
import { firstSyncs } from '../../evidence/pilot.ts';
import {
  destinationRules,
  httpRoutes,
  oldRules,
  serviceEntries,
  sidecarScopes,
  virtualServices,
  waypoints,
} from '../../evidence/routing.ts';
import { section } from '../section.ts';
import { rulesArrived } from './arrived.ts';
import { callerIsInMesh, callerSeesRules, rulesAreForMesh } from './callers.ts';
import { containerPortsListed, nobodyIsTheProxy, podsAreLabelled, podsBelongToServices } from './pods.ts';
import { portsSpeakHttp } from './ports.ts';
import { hostsExist, oneRulePerHost, rulesAreRead, subsetsExist } from './rules.ts';
import { CALLERS, HOSTS, PODS, SERVICE_PORTS, step, WAYPOINTS } from './steps.ts';
import { httpRoutesAccepted, waypointsServeRules } from './waypoints.ts';

/** "Route rules have no effect on my application" (guide.md a). */
export const routeRules = section({
  steps: [
    step(HOSTS, 'Verify the rules name what exists', hostsExist, subsetsExist, oneRulePerHost, rulesAreRead),
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
    step(WAYPOINTS, 'Verify ambient services have a waypoint', waypointsServeRules, httpRoutesAccepted),
    step('arrival', 'Verify the rules have arrived', rulesArrived),
  ],
  sources: [
    allServices,
    allNamespaces,
    firstSyncs,
    envoyDumps,
    virtualServices,
    destinationRules,
    serviceEntries,
    sidecarScopes,
    httpRoutes,
    waypoints,
    oldRules,
  ],
});
