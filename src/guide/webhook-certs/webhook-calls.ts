import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, isSome, skip, sorted, unknown } from '../../diagnosis/verdict.ts';
import { webhookLogs } from '../../evidence/istio/webhook-logs.ts';
import { failedCreates, isProxys } from '../../evidence/kubernetes/failed-creates.ts';
import { writeAgain } from './cures.ts';
import { docs, WEBHOOK_CALLS, WEBHOOK_CONFIGURATION, WEBHOOK_HANDSHAKE, WEBHOOK_SERVICE } from './steps.ts';

/** A controller tries again at least so often: what is older may be over (ms). */
const LATELY = 15 * 60_000;

const BEFORE = [WEBHOOK_CONFIGURATION, WEBHOOK_SERVICE, WEBHOOK_HANDSHAKE];

export const podsAreCreated = defineCheck({
  id: 'webhook-pods-are-created',
  title: 'no pod was refused because the webhook could not be called',
  explains:
    'Looks through the events of the last hour for controllers that could not create a pod because a call of Istio’s webhook failed. Failures that a proxy in between causes are apiserver-proxy’s.',
  reasons: {
    PodsRefused: 'Controllers cannot create pods: the API server fails to call Istio’s webhook.',
    PodsWereRefused: 'Within the last hour controllers could not create pods, and none has tried for a quarter of it.',
  },
  needs: { failed: failedCreates },
  judge({ failed }, { plane, now }) {
    const own = failed.filter(({ message }) => !isProxys(message));
    const [first] = own;
    if (!first) return { status: 'pass', message: 'no event of a pod that a webhook stopped' };
    const lately = own.some(({ at }) => at === null || now - at < LATELY);
    return {
      status: lately ? 'fail' : 'warn',
      reason: lately ? 'PodsRefused' : 'PodsWereRefused',
      message: `${count(own.length, 'controller')} could not create pods: ${first.message.slice(0, 200)}`,
      evidence: own.slice(0, 10).map(({ owner, message, times }) => `${owner}, ${times} times: ${message}`),
      hint: writeAgain(plane),
      mayFollowFrom: BEFORE,
    };
  },
});

export const webhookLogClean = defineCheck({
  id: 'webhook-log-clean',
  title: 'the log tells of no refused handshake and no failed patch',
  explains:
    'Reads the end of the log of each pod behind a webhook for refused TLS handshakes and for failures to write the caBundle. Lines may be of the past: alone they are a warning.',
  reasons: {
    HandshakesRefused: 'The API server, or somebody else, hung up on the certificate that the pod shows.',
    PatchFails: 'The control plane could not write its certificate into the webhook’s configuration.',
  },
  needs: { logs: webhookLogs },
  judge({ logs }, { plane }) {
    const { got, missing } = sorted(logs);
    if (logs.length === 0) return skip('no pod is behind a webhook');
    const lines = got.flatMap(({ pod, lines }) => lines.map((each) => ({ pod, ...each })));
    const patch = lines.filter(({ meaning }) => meaning === 'PatchFails');
    const worst = patch.length > 0 ? patch : lines;
    const [first] = worst;
    if (first)
      return {
        status: 'warn',
        reason: first.meaning,
        message: `${count(worst.length, 'line')} in the log of ${first.pod}: ${first.line.slice(0, 160)}`,
        evidence: worst.slice(0, 10).map(({ pod, line }) => `${pod}: ${line}`),
        hint:
          first.meaning === 'PatchFails'
            ? shellLine(
                'kubectl',
                'auth',
                'can-i',
                'patch',
                'mutatingwebhookconfigurations',
                '--as',
                `system:serviceaccount:${plane.namespace ?? 'istio-system'}:istiod`,
              )
            : writeAgain(plane),
      };
    if (isSome(missing)) return unknown(missing);
    return { status: 'pass', message: `nothing of it in ${count(got.length, 'log')}` };
  },
});

export const webhookCalls: Step = {
  id: WEBHOOK_CALLS,
  title: 'Verify the webhooks are called without errors',
  hop: null,
  docs,
  checks: [podsAreCreated, webhookLogClean],
};
