import { type Content, everyGeneration } from '../../diagnosis/check.ts';
import { apiServers, failedCalls, webhookCounts } from '../../evidence/api-servers.ts';
import { failedCreates } from '../../evidence/failed-creates.ts';
import { detection } from '../../evidence/istio.ts';
import { allDeployments, allNodes, allPods } from '../../evidence/kubernetes.ts';
import { allWebhooks } from '../../evidence/webhooks.ts';
import { noProxy } from './no-proxy-step.ts';
import { proxiedCalls } from './proxied-calls.ts';
import { proxySettings } from './proxy-settings.ts';

/** "Automatic Sidecar Injection will fail if the kube-apiserver has proxy settings" (guide.md k). */
export const apiserverProxy: Content = {
  once: 'for each control plane',
  walks: everyGeneration({ steps: [proxySettings, noProxy, proxiedCalls], meter: null }),
  sources: [
    detection,
    allPods,
    allDeployments,
    allNodes,
    allWebhooks,
    apiServers,
    failedCalls,
    failedCreates,
    webhookCounts,
  ],
};
