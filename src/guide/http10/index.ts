import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { envoyLogs } from '../../evidence/envoy/logs.ts';
import { firstSyncs } from '../../evidence/istio/pilot.ts';
import { allNamespaces, allServices } from '../../evidence/kubernetes/lists.ts';
import { nginx } from '../../evidence/kubernetes/nginx.ts';
import { responseCodes } from '../../evidence/prometheus/response-codes.ts';
import { section, stepsOf } from '../section.ts';
import { http10NotRefused } from './refused.ts';
import { nginxSpeaksHttp11 } from './senders.ts';
import { http10SwitchWorks } from './switch.ts';

const step = stepsOf('Envoy won’t connect to my HTTP/1.0 service');

/** "Envoy won't connect to my HTTP/1.0 service" (guide.md d). */
export const http10 = section({
  steps: [
    step('refused-requests', 'Verify no request is refused for being HTTP/1.0', http10NotRefused),
    step('senders', 'Verify clients speak HTTP/1.1', nginxSpeaksHttp11),
    step('switch', 'Verify HTTP/1.0 is taken where it is switched on', http10SwitchWorks),
  ],
  sources: [allServices, allNamespaces, firstSyncs, envoyLogs, envoyDumps, nginx, responseCodes],
});
