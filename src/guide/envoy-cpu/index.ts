import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { serverInfos } from '../../evidence/envoy/server-info.ts';
import { envoyStats } from '../../evidence/envoy/stats.ts';
import { usage } from '../../evidence/envoy/usage.ts';
import { firstSyncs } from '../../evidence/istio/pilot.ts';
import { sidecars } from '../../evidence/istio/routing.ts';
import { meshYaml } from '../../evidence/kubernetes/config-maps.ts';
import { allNamespaces, allServices } from '../../evidence/kubernetes/lists.ts';
import { section } from '../section.ts';
import { configurationIsScoped, updatesAreRare } from './configuration.ts';
import { refreshIsSlow, settingsAreCheap } from './settings.ts';
import { REFRESH, SETTINGS, SIZE, step, UPDATES } from './steps.ts';
import { envoyCpuFitsLoad } from './usage.ts';

/** "Envoy Process High CPU Usage" (guide.md i): what may cause it first, as the guide does, and then the numbers. */
export const envoyCpu = section({
  steps: [
    step(REFRESH, 'Verify proxies do not poll Pilot every second', refreshIsSlow),
    step(SIZE, 'Verify the configuration is no larger than needed', configurationIsScoped),
    step(UPDATES, 'Verify the configuration does not change all the time', updatesAreRare),
    step(SETTINGS, 'Verify proxies log little', settingsAreCheap),
    step('usage', 'Verify the CPU that proxies use', envoyCpuFitsLoad),
  ],
  sources: [allServices, allNamespaces, firstSyncs, meshYaml, envoyDumps, envoyStats, serverInfos, sidecars, usage],
});
