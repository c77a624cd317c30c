import { envoyCertificates } from '../../evidence/envoy/certificates.ts';
import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { serverInfos } from '../../evidence/envoy/server-info.ts';
import { envoyStats } from '../../evidence/envoy/stats.ts';
import { peerAuthentications } from '../../evidence/istio/mtls.ts';
import { firstSyncs } from '../../evidence/istio/pilot.ts';
import { destinationRules, serviceEntries, sidecars, virtualServices } from '../../evidence/istio/routing.ts';
import { meshYaml } from '../../evidence/kubernetes/config-maps.ts';
import { allNamespaces, allServices } from '../../evidence/kubernetes/lists.ts';
import { statefulSets } from '../../evidence/kubernetes/stateful-sets.ts';
import { section } from '../section.ts';
import { certificatesOutliveConnections } from './certificates.ts';
import { databasesAreNotHttp } from './databases.ts';
import { listenersKeepStill } from './listeners.ts';
import { mtlsIsUnderstood } from './mtls.ts';
import { peerAuthenticationsCount } from './peers.ts';
import { proxiesStayUp, ztunnelStaysUp } from './restarts.ts';
import { headlessPortsAreNamed } from './services.ts';
import { statefulSetsAreHeadless } from './stateful-sets.ts';
import { CERTIFICATES, HEADLESS_SERVICES, PROXY_RESTARTS, step } from './steps.ts';
import { strictIsCalledByProxies } from './strict.ts';
import { timeoutsOutlastConnections } from './timeouts.ts';

/** "Headless TCP services losing connection from Istio injected containers" (guide.md h). */
export const headlessTcp = section({
  steps: [
    step(
      HEADLESS_SERVICES,
      'Verify TCP ports of headless services are known to be TCP',
      headlessPortsAreNamed,
      databasesAreNotHttp,
      statefulSetsAreHeadless,
    ),
    step(
      'mtls',
      'Verify callers and pods agree on mutual TLS',
      mtlsIsUnderstood,
      strictIsCalledByProxies,
      peerAuthenticationsCount,
    ),
    step(PROXY_RESTARTS, 'Verify proxies stay up', proxiesStayUp, ztunnelStaysUp),
    step(CERTIFICATES, 'Verify renewing certificates replaces no Envoy', certificatesOutliveConnections),
    step('listeners', 'Verify listeners keep still', listenersKeepStill),
    step('timeouts', 'Verify no rule ends connections early', timeoutsOutlastConnections),
  ],
  sources: [
    allServices,
    allNamespaces,
    statefulSets,
    firstSyncs,
    serverInfos,
    envoyCertificates,
    envoyStats,
    envoyDumps,
    destinationRules,
    peerAuthentications,
    virtualServices,
    serviceEntries,
    sidecars,
    meshYaml,
  ],
});
