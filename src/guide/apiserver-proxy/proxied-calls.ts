import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, sorted, unknown } from '../../diagnosis/verdict.ts';
import { apiServers, failedCalls, webhookCounts } from '../../evidence/kubernetes/api-servers.ts';
import { failedCreates, isProxys } from '../../evidence/kubernetes/failed-creates.ts';
import { docs, NO_PROXY, PROXIED_CALLS } from './steps.ts';

export const webhookCallsArrive = defineCheck({
  id: 'webhook-calls-arrive',
  title: 'no call of a webhook ended at a proxy',
  explains:
    'Looks for a proxy’s own answers to calls of Istio’s webhooks: in the events of the last hour, in the logs of kube-apiserver pods, and in what the API server counts.',
  reasons: {
    ProxyAnswered: 'A proxy answered the API server’s calls in the place of Istio’s webhook.',
    ProxyMayAnswer:
      'Calls fail with the words of a proxy, on a control plane whose settings are not shown: ask its provider.',
    CallsFail: 'Calls of Istio’s webhooks failed, for another reason than a proxy: webhook-certs looks for it.',
  },
  needs: { servers: apiServers, failed: attempt(failedCreates), calls: failedCalls, counts: attempt(webhookCounts) },
  judge({ servers, failed, calls, counts }) {
    const logs = sorted(calls);
    const lines = [
      ...('got' in failed ? failed.got.map(({ owner, message }) => `${owner}: ${message}`) : []),
      ...logs.got.flat().map(({ pod, line }) => `${pod}: ${line}`),
    ];
    const answered = lines.filter(isProxys);
    const [first] = answered;
    const evidence = (answered.length > 0 ? answered : lines).slice(0, 10);
    if (first && servers.pods.some(({ proxy }) => proxy !== null))
      return {
        status: 'fail',
        reason: 'ProxyAnswered',
        message: `${count(answered.length, 'call')} answered by a proxy: ${first.slice(0, 160)}`,
        evidence,
        hint: shellLine('kubectl', 'istio-diag', 'explain', 'WebhookThroughProxy'),
        mayFollowFrom: [NO_PROXY],
      };
    if (first && servers.pods.length === 0)
      return {
        status: 'warn',
        reason: 'ProxyMayAnswer',
        message: `${count(answered.length, 'call')} failed with a proxy’s words: ${first.slice(0, 160)}`,
        evidence,
        hint: 'ask the provider to exempt .svc from the API server’s proxy',
      };
    const counted = 'got' in counts ? counts.got.errors : 0;
    if (lines.length > 0 || counted > 0)
      return {
        status: 'warn',
        reason: 'CallsFail',
        message: lines[0]
          ? `calls fail: ${lines[0].slice(0, 160)}`
          : `the API server counts ${count(counted, 'failed call')}`,
        evidence,
        hint: shellLine('kubectl', 'istio-diag', 'webhook-certs'),
      };
    const missing = [
      ...('missing' in failed ? [failed.missing] : []),
      ...logs.missing,
      ...('missing' in counts ? [counts.missing] : []),
    ];
    const seen = 'got' in failed || logs.got.length > 0 || 'got' in counts;
    if (!seen && isSome(missing)) return unknown(missing);
    const where = [
      ...('got' in failed ? ['the events'] : []),
      ...(logs.got.length > 0 ? [count(logs.got.length, 'log')] : []),
      ...('got' in counts ? ['the API server’s count'] : []),
    ];
    return { status: 'pass', message: `no failed call in ${where.join(', ')}` };
  },
});

export const proxiedCalls: Step = {
  id: PROXIED_CALLS,
  title: 'Verify the webhooks’ calls arrive',
  hop: null,
  docs,
  checks: [webhookCallsArrive],
};
