import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { type Webhook, webhooks } from '../../evidence/istio/webhooks.ts';
import { writeAgain } from './cures.ts';
import { injectionWebhookExists } from './injection-webhook.ts';
import { docs, WEBHOOK_CONFIGURATION } from './steps.ts';

const nameOf = ({ configuration, name }: Webhook): string => `${configuration} (${name})`;

/** Expiring sooner than this is worth a warning (ms). */
const SOON = 7 * 24 * 3_600_000;

export const webhookCaValid = defineCheck({
  id: 'webhook-ca-valid',
  title: 'each webhook names certificates that the API server can trust',
  explains:
    'Reads the caBundle of each of Istio’s webhooks: it must be certificates in PEM, and none expired. Without one the API server trusts its own roots only, which suits a public URL and no Service.',
  reasons: {
    CaBundleEmpty: 'The webhook names no certificate: the API server trusts nobody who answers in its Service’s name.',
    CaBundleBroken: 'What the webhook names is no certificate: a template that was not filled in, or a cut text.',
    CaExpired: 'The certificate that is trusted has expired: every call of the webhook fails.',
    CaExpiresSoon: 'The certificate that is trusted expires within seven days.',
    CaPartlyExpired:
      'One of the certificates that are trusted has expired: what it has signed fails, the others’ does not.',
    UrlWithoutCa:
      'The webhook is called at a URL with the API server’s own roots: right only for a public certificate.',
  },
  needs: { webhooks },
  judge({ webhooks }, { plane, now }) {
    if (webhooks.length === 0) return skip('there is no webhook');
    const of = (wanted: (webhook: Webhook) => boolean): readonly Webhook[] => webhooks.filter(wanted);
    const empty = of(({ ca }) => ca.state === 'empty');
    const unserved = empty.filter(({ url }) => url === null);
    const broken = of(({ ca }) => ca.state === 'broken');
    const until = ({ ca }: Webhook): number =>
      ca.state === 'certificates' ? Math.max(...ca.expiries) : Number.POSITIVE_INFINITY;
    const expired = of((webhook) => until(webhook) <= now);
    const soon = of((webhook) => until(webhook) > now && until(webhook) < now + SOON);
    const named = (found: readonly Webhook[]): string => some(found.map(nameOf));
    const date = (found: readonly Webhook[]): string =>
      new Date(Math.min(...found.map(until))).toISOString().slice(0, 10);
    if (unserved.length > 0)
      return {
        status: 'fail',
        reason: 'CaBundleEmpty',
        message: `no caBundle in ${named(unserved)}`,
        hint: writeAgain(plane),
      };
    if (broken.length > 0) {
      const [first] = broken;
      return {
        status: 'fail',
        reason: 'CaBundleBroken',
        message: `the caBundle is no certificate in ${named(broken)}`,
        evidence: first?.ca.state === 'broken' ? [`it begins: ${first.ca.words}`] : [],
        hint: writeAgain(plane),
      };
    }
    if (expired.length > 0)
      return {
        status: 'fail',
        reason: 'CaExpired',
        message: `the caBundle of ${named(expired)} expired on ${date(expired)}`,
        hint: writeAgain(plane),
      };
    if (soon.length > 0)
      return {
        status: 'warn',
        reason: 'CaExpiresSoon',
        message: `the caBundle of ${named(soon)} expires on ${date(soon)}`,
        hint: writeAgain(plane),
      };
    const partly = of(({ ca }) => ca.state === 'certificates' && ca.expiries.some((expiry) => expiry <= now));
    if (partly.length > 0)
      return {
        status: 'warn',
        reason: 'CaPartlyExpired',
        message: `an expired certificate is in the caBundle of ${named(partly)}`,
        hint: writeAgain(plane),
      };
    const [public_] = empty;
    if (public_)
      return {
        status: 'warn',
        reason: 'UrlWithoutCa',
        message: `${nameOf(public_)} is called at ${public_.url} without a caBundle`,
        hint: shellLine('kubectl', 'get', `${public_.kind}webhookconfiguration`, public_.configuration, '-o', 'yaml'),
      };
    return {
      status: 'pass',
      message: `${count(webhooks.length, 'webhook')} with a caBundle, valid until ${date(webhooks)}`,
    };
  },
});

export const webhookConfiguration: Step = {
  id: WEBHOOK_CONFIGURATION,
  title: 'Verify the webhooks are configured with a certificate',
  hop: null,
  docs,
  checks: [injectionWebhookExists, webhookCaValid],
  headline: 'webhook-ca-valid',
};
