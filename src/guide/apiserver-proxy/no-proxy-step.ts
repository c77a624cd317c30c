import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { skip, some } from '../../diagnosis/verdict.ts';
import { type Webhook, webhooks } from '../../evidence/istio/webhooks.ts';
import { type ApiServerPod, apiServers } from '../../evidence/kubernetes/api-servers.ts';
import { exemptedBy, listsRange, type Target } from './no-proxy.ts';
import { docs, NO_PROXY } from './steps.ts';

/** The API server calls a Service by its name: only its dialer knows an address (guide.md k). */
function targetOf({ service, url }: Webhook): Target | null {
  if (service) return { host: `${service.name}.${service.namespace}.svc`, port: service.port };
  if (url === null || !URL.canParse(url)) return null;
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port || 443) };
}

const cure = (servers: readonly ApiServerPod[], entries: readonly string[]): string =>
  `add ${entries.join(',')} to no_proxy and NO_PROXY in /etc/kubernetes/manifests/kube-apiserver.yaml on the node of ${some(servers.map(({ pod }) => pod))}; its kubelet restarts it`;

export const webhookBypassesProxy = defineCheck({
  id: 'webhook-bypasses-proxy',
  title: 'the kube-apiservers call Istio’s webhooks without the proxy',
  explains:
    'Holds the name of each webhook’s host against no_proxy, by Go’s own rules: `.svc` or the whole name exempts it, a range of addresses never does, because the call goes to a name.',
  reasons: {
    WebhookThroughProxy:
      'The API server sends its calls of the webhook to its proxy, which does not know the names of the cluster.',
    UrlThroughProxy:
      'The webhook is called at a URL outside the cluster, and through the proxy: right if that is meant.',
  },
  needs: { servers: apiServers, webhooks },
  judge({ servers, webhooks }) {
    const proxied = servers.pods.filter(({ proxy }) => proxy !== null);
    if (proxied.length === 0)
      return skip(servers.pods.length > 0 ? 'there is no proxy' : 'no kube-apiserver is shown here');
    const targets = webhooks.flatMap((webhook) => {
      const target = targetOf(webhook);
      return target ? [{ webhook, target }] : [];
    });
    if (targets.length === 0) return skip('there is no webhook');
    const through = targets.flatMap(({ webhook, target }) =>
      proxied
        .filter(({ noProxy }) => exemptedBy(noProxy, target) === null)
        .map((server) => ({ webhook, target, server })),
    );
    const hosts = (found: typeof through): readonly string[] => [...new Set(found.map(({ target }) => target.host))];
    const ofServices = through.filter(({ webhook }) => webhook.service !== null);
    const evidence = through.map(
      ({ target, server }) => `${server.pod}: ${target.host}:${target.port} is not in no_proxy=${server.noProxy}`,
    );
    if (ofServices.length > 0) {
      const onlyRanges = ofServices.every(({ server }) => /\d\/\d/.test(server.noProxy));
      return {
        status: 'fail',
        reason: 'WebhookThroughProxy',
        message: `calls of ${some(hosts(ofServices))} go to the proxy${onlyRanges ? ': ranges of addresses in no_proxy do not help, the call goes to a name' : ''}`,
        evidence,
        hint: cure([...new Set(ofServices.map(({ server }) => server))], ['.svc', '.svc.cluster.local']),
      };
    }
    const [first] = through;
    if (first)
      return {
        status: 'warn',
        reason: 'UrlThroughProxy',
        message: `calls of ${some(hosts(through))} go to the proxy`,
        evidence,
        hint: cure([first.server], hosts(through)),
      };
    return {
      status: 'pass',
      message: `no_proxy exempts ${some([...new Set(targets.map(({ target }) => target.host))])}`,
      evidence: targets.map(({ target }) => `${target.host}: by ${exemptedBy(proxied[0]?.noProxy ?? '', target)}`),
    };
  },
});

export const rangesBypassProxy = defineCheck({
  id: 'ranges-bypass-proxy',
  title: 'addresses of Services and pods are reached without the proxy',
  explains:
    'The guide asks for the ranges of Services’ and pods’ addresses in no_proxy. Webhooks do not need them; aggregated APIs that are called by address do.',
  reasons: { RangesThroughProxy: 'The API server would reach addresses of the cluster through its proxy.' },
  needs: { servers: apiServers },
  judge({ servers }) {
    const proxied = servers.pods.filter(({ proxy }) => proxy !== null);
    if (proxied.length === 0)
      return skip(servers.pods.length > 0 ? 'there is no proxy' : 'no kube-apiserver is shown here');
    const ranges = [...servers.serviceRanges, ...servers.podRanges];
    if (ranges.length === 0) return skip('the ranges of the cluster’s addresses are not shown');
    const absent = ranges.filter((range) => proxied.some(({ noProxy }) => !listsRange(noProxy, range)));
    if (absent.length === 0) return { status: 'pass', message: `no_proxy has ${some(ranges)}` };
    return {
      status: 'warn',
      reason: 'RangesThroughProxy',
      message: `no_proxy lacks ${some(absent)}`,
      evidence: proxied.map(({ pod, noProxy }) => `${pod}: no_proxy=${noProxy}`),
      hint: cure(proxied, absent),
    };
  },
});

export const noProxy: Step = {
  id: NO_PROXY,
  title: 'Verify no_proxy exempts the webhooks',
  hop: null,
  docs,
  checks: [webhookBypassesProxy, rangesBypassProxy],
};
