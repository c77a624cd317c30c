import { envoyCertificates } from '../../evidence/envoy/certificates.ts';
import { envoyLogs } from '../../evidence/envoy/logs.ts';
import { envoyStats } from '../../evidence/envoy/stats.ts';
import { allSyncs, pilotCounts, registries } from '../../evidence/istio/pilot.ts';
import { allNamespaces, allServices } from '../../evidence/kubernetes/lists.ts';
import { section } from '../section.ts';
import { pilotRunning } from './pilot-running.ts';
import { proxiesAccept } from './proxies-accept.ts';
import { proxiesConnected } from './proxies-connected.ts';
import { proxiesSynced } from './proxies-synced.ts';
import { registration } from './registration.ts';

/** "Verifying connectivity to Istio Pilot" (guide.md b): from every replica's side, and from the proxies'. */
export const pilotConnectivity = section({
  steps: [pilotRunning, registration, proxiesConnected, proxiesSynced, proxiesAccept],
  sources: [allNamespaces, registries, allSyncs, pilotCounts, envoyStats, envoyCertificates, envoyLogs, allServices],
});
