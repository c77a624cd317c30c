import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { type WebhookBackend, webhookBackends } from '../../evidence/istio/webhooks.ts';
import { docs, WEBHOOK_SERVICE } from './steps.ts';

const calledBy = ({ webhook }: WebhookBackend): string => `${webhook.service?.namespace}/${webhook.service?.name}`;

/** Each Service once. */
const services = (backends: readonly WebhookBackend[]): readonly string[] => [...new Set(backends.map(calledBy))];

export const webhookHasBackends = defineCheck({
  id: 'webhook-has-backends',
  title: 'the Service of each webhook has a ready pod',
  explains:
    'A webhook is called through its Service. Without the Service or a ready pod behind it, a webhook that fails closed stops every new pod, and one that fails open lets them start without a sidecar.',
  reasons: {
    ServiceMissing: 'The webhook names a Service that does not exist: that of a control plane that was removed.',
    NoReadyPod: 'No pod behind the webhook’s Service is ready, and without it the object is refused.',
    NoReadyPodIgnored: 'No pod behind the webhook’s Service is ready: new pods start without a sidecar.',
  },
  needs: { backends: webhookBackends },
  judge({ backends }) {
    if (backends.length === 0) return skip('no webhook is called through a Service');
    const missing = backends.filter(({ service }) => service === null);
    const [orphan] = missing;
    if (orphan) {
      return {
        status: 'fail',
        reason: 'ServiceMissing',
        message: `there is no Service ${some(services(missing))}, which ${some(missing.map(({ webhook }) => webhook.configuration))} calls`,
        hint:
          shellLine('kubectl', 'delete', `${orphan.webhook.kind}webhookconfiguration`, orphan.webhook.configuration) +
          '   # if its control plane is gone',
      };
    }
    const own = backends.filter(({ pods }) => pods === null);
    const without = backends.filter(({ pods }) => pods !== null && !pods.some(({ ready }) => ready));
    const [first] = without;
    if (first) {
      const closed = without.some(({ webhook }) => webhook.failurePolicy === 'Fail');
      return {
        status: closed ? 'fail' : 'warn',
        reason: closed ? 'NoReadyPod' : 'NoReadyPodIgnored',
        message: `no ready pod behind Service ${some(services(without))}`,
        evidence: without.map(
          ({ webhook }) => `${webhook.configuration} (${webhook.name}): failurePolicy ${webhook.failurePolicy}`,
        ),
        hint: shellLine('kubectl', '-n', first.webhook.service?.namespace ?? '', 'get', 'pods,endpoints'),
      };
    }
    if (own.length === backends.length) return skip('the Services have no selector: their endpoints are kept by hand');
    const pods = new Set(backends.flatMap(({ pods }) => pods ?? []).map(({ name }) => name));
    return { status: 'pass', message: `${count(pods.size, 'pod')} behind Service ${some(services(backends))}` };
  },
});

export const webhookService: Step = {
  id: WEBHOOK_SERVICE,
  title: 'Verify the webhooks’ Service has a ready pod',
  hop: null,
  docs,
  checks: [webhookHasBackends],
};
