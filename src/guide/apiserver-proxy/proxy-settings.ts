import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { apiServers, webhookCounts } from '../../evidence/kubernetes/api-servers.ts';
import { docs, PROXY_SETTINGS } from './steps.ts';

export const apiserverSettingsSeen = defineCheck({
  id: 'apiserver-settings-seen',
  title: 'the kube-apiservers’ proxy settings are known',
  explains:
    'Reads the environment of the kube-apiserver pods in kube-system. A managed control plane shows no such pods: then its own count of calls, and the events of the last hour, must do.',
  reasons: {
    HttpProxyOnly: 'Only HTTP_PROXY is set: Kubernetes 1.20 and older use it for https too, newer ones do not.',
    ApiserverHidden:
      'No kube-apiserver runs as a pod here, and its metrics do not tell of its calls: nothing is known.',
  },
  needs: { servers: apiServers, counts: attempt(webhookCounts) },
  judge({ servers, counts }) {
    const { pods } = servers;
    const proxied = pods.filter(({ proxy }) => proxy !== null);
    if (proxied.length > 0)
      return {
        status: 'pass',
        message: `${some(proxied.map(({ pod, proxy }) => `${pod} sends https through ${proxy}`))}`,
        evidence: proxied.map(
          ({ pod, variable, proxy, noProxy }) => `${pod}: ${variable}=${proxy} no_proxy=${noProxy}`,
        ),
      };
    const plain = pods.filter(({ plainProxy }) => plainProxy !== null);
    const [first] = plain;
    if (first)
      return {
        status: 'warn',
        reason: 'HttpProxyOnly',
        message: `${some(plain.map(({ pod }) => pod))} ${plain.length === 1 ? 'has' : 'have'} HTTP_PROXY=${first.plainProxy} only`,
        hint: `${shellLine('kubectl', 'version')}   # a server of 1.20 or older: add .svc to no_proxy and NO_PROXY`,
      };
    if (pods.length > 0)
      return { status: 'pass', message: `${count(pods.length, 'kube-apiserver')} without proxy settings` };
    // It reaches them, whatever its settings are: a call that failed once is no proxy on the way.
    if ('got' in counts && counts.got.errors < counts.got.calls / 2)
      return skip(
        `no kube-apiserver is shown here; it counts ${count(counts.got.calls, 'call')} of Istio’s webhooks, ${counts.got.errors === 0 ? 'none' : counts.got.errors} failed`,
      );
    return {
      status: 'unknown',
      reason: 'ApiserverHidden',
      message: 'no kube-apiserver pod is shown in kube-system: a managed control plane, or one outside the cluster',
      hint: `${shellLine('kubectl', 'get', '--raw', '/metrics')} | grep 'apiserver_admission_webhook.*istio'`,
      missing: 'missing' in counts ? [counts.missing] : [],
    };
  },
});

export const proxySettings: Step = {
  id: PROXY_SETTINGS,
  title: 'Verify whether the kube-apiserver has proxy settings',
  hop: null,
  docs,
  checks: [apiserverSettingsSeen],
};
