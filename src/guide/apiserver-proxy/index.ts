import { mutating, validating } from '../../evidence/istio/webhooks.ts';
import { apiServers, failedCalls, webhookCounts } from '../../evidence/kubernetes/api-servers.ts';
import { failedCreates } from '../../evidence/kubernetes/failed-creates.ts';
import { allNodes } from '../../evidence/kubernetes/lists.ts';
import { section } from '../section.ts';
import { noProxy } from './no-proxy-step.ts';
import { proxiedCalls } from './proxied-calls.ts';
import { proxySettings } from './proxy-settings.ts';

/** "Automatic Sidecar Injection will fail if the kube-apiserver has proxy settings" (guide.md k). */
export const apiserverProxy = section({
  steps: [proxySettings, noProxy, proxiedCalls],
  sources: [allNodes, mutating, validating, apiServers, failedCalls, failedCreates, webhookCounts],
});
