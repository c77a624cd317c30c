import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { type WebhookHandshake, webhookHandshakes } from '../../evidence/istio/webhooks.ts';
import { writeAgain } from './cures.ts';
import { docs, WEBHOOK_CONFIGURATION, WEBHOOK_HANDSHAKE, WEBHOOK_SERVICE } from './steps.ts';

/** Codes of Node and OpenSSL that are about time, or about names; all others are about who signed. */
const EXPIRED = /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/;
const NAME = /ALTNAME_INVALID|HOSTNAME_MISMATCH/;

/** With less than this share of its life left, nobody has renewed it: some live for an hour, some for years. */
const LAST = 0.1;

const line = ({ pod, serverName, handshake }: WebhookHandshake): string =>
  'got' in handshake
    ? `${pod} as ${serverName}: ${handshake.got.error ?? 'trusted'}; for ${handshake.got.names}, by ${handshake.got.issuer}, until ${new Date(handshake.got.notAfter).toISOString().slice(0, 10)}`
    : `${pod}: ${handshake.missing.words}`;

export const webhookCertificateTrusted = defineCheck({
  id: 'webhook-certificate-trusted',
  title: 'the webhooks’ pods show a certificate that the API server trusts',
  explains:
    'Shakes hands with each ready pod behind a webhook as the API server does: over TLS, for the name SERVICE.NAMESPACE.svc, trusting the caBundle alone. No Secret is read.',
  reasons: {
    CertificateUntrusted: 'The caBundle does not vouch for the certificate that the pod shows: every call fails.',
    CertificateExpired: 'The certificate that the pod shows is not valid now: it has expired, or a clock is wrong.',
    CertificateOfAnother: 'The certificate is not for the name under which the API server calls the webhook.',
    CertificateExpiresSoon:
      'The certificate that the pod shows has less than a tenth of its life left, and was not renewed.',
  },
  needs: { handshakes: webhookHandshakes },
  judge({ handshakes }, { plane, now }) {
    if (handshakes.length === 0) return skip('no webhook has both a caBundle and a ready pod');
    const seen = handshakes.flatMap((each) => ('got' in each.handshake ? [{ ...each, ...each.handshake.got }] : []));
    const missing = handshakes.flatMap(({ handshake }) => ('missing' in handshake ? [handshake.missing] : []));
    const bad = seen.filter(({ error }) => error !== null);
    const [first] = bad;
    const evidence = handshakes.map(line);
    if (first) {
      const code = first.error ?? '';
      const reason = EXPIRED.test(code)
        ? 'CertificateExpired'
        : NAME.test(code)
          ? 'CertificateOfAnother'
          : 'CertificateUntrusted';
      return {
        status: 'fail',
        reason,
        message: `${some([...new Set(bad.map(({ pod }) => pod))])} as ${first.serverName}: ${code}`,
        evidence,
        hint: writeAgain(plane),
        mayFollowFrom: [WEBHOOK_CONFIGURATION, WEBHOOK_SERVICE],
      };
    }
    if (isSome(missing)) return unknown(missing, 'the webhook’s certificate could not be seen');
    const soon = seen.find(({ notBefore, notAfter }) => notAfter - now < LAST * (notAfter - notBefore));
    if (soon)
      return {
        status: 'warn',
        reason: 'CertificateExpiresSoon',
        message: `the certificate of ${soon.pod} expires at ${new Date(soon.notAfter).toISOString()}`,
        evidence,
        hint: writeAgain(plane),
      };
    return {
      status: 'pass',
      message: `${count(seen.length, 'handshake')} trusted, as ${some([...new Set(seen.map(({ serverName }) => serverName))])}`,
      evidence,
    };
  },
});

export const webhookHandshake: Step = {
  id: WEBHOOK_HANDSHAKE,
  title: 'Verify the API server trusts the webhooks’ certificate',
  hop: null,
  docs,
  checks: [webhookCertificateTrusted],
};
