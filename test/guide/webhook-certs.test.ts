import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Handshake } from '../../src/cluster/ways/handshake.ts';
import type { Attempt } from '../../src/diagnosis/check.ts';
import type { WebhookBackend, WebhookHandshake } from '../../src/evidence/istio/webhooks.ts';
import { writeAgain } from '../../src/guide/webhook-certs/cures.ts';
import { injectionWebhookExists } from '../../src/guide/webhook-certs/injection-webhook.ts';
import { podsAreCreated, webhookLogClean } from '../../src/guide/webhook-certs/webhook-calls.ts';
import { webhookCaValid } from '../../src/guide/webhook-certs/webhook-configuration.ts';
import { webhookCertificateTrusted } from '../../src/guide/webhook-certs/webhook-handshake.ts';
import { webhookHasBackends } from '../../src/guide/webhook-certs/webhook-service.ts';
import { injecting, inside, webhook } from '../support/injection.ts';
import { judging, NOW, plane } from '../support/judging.ts';
import { listed, missing, partly, pod, service } from '../support/mixer.ts';

const DAY = 24 * 3_600_000;

const namespaces = (...labels: Record<string, string>[]) => ({
  got: listed(...labels.map((each, index) => ({ name: `ns-${index}`, labels: each }))),
});

judging(
  injectionWebhookExists,
  [
    { when: 'there is one', given: {}, status: 'pass', says: /^1 injection webhook: istio-sidecar-injector$/ },
    {
      when: 'a namespace asks and none answers',
      given: { webhooks: [webhook({ kind: 'validating' })] },
      status: 'fail',
      reason: 'InjectionWebhookMissing',
      says: /ns-0 asks for injection$/,
    },
    {
      when: 'a tag that a namespace names is gone',
      given: {
        namespaces: namespaces({ 'istio.io/rev': 'prod' }),
        all: [webhook({ namespaces: inside('istio.io/rev', 'stable') })],
      },
      status: 'fail',
      reason: 'NamespaceUnserved',
      says: /^no injection webhook selects ns-0 \(istio\.io\/rev=prod\)$/,
    },
    {
      when: 'a namespace’s label has a value that means nothing',
      given: { namespaces: namespaces({ 'istio-injection': 'true' }) },
      status: 'fail',
      reason: 'LabelMeansNothing',
      says: /^ns-0 has istio-injection=true, which no webhook knows$/,
    },
    {
      when: 'its value is a word of nobody’s',
      given: { namespaces: namespaces({ 'istio-injection': 'canary' }) },
      status: 'warn',
      reason: 'LabelMeansNothing',
      says: /^ns-0 has istio-injection=canary, which no webhook knows$/,
    },
    {
      when: 'its value says no in other words',
      given: {
        namespaces: namespaces(
          ...['off', 'no', 'false', 'disable', 'disabled', ''].map((word) => ({ 'istio-injection': word })),
        ),
      },
      status: 'pass',
      says: /1 injection webhook/,
    },
    {
      when: 'a webhook takes whatever is not disabled, as with enableNamespacesByDefault before 1.10',
      given: {
        namespaces: namespaces({ 'istio-injection': 'yes' }),
        all: [
          webhook({
            namespaces: {
              matchExpressions: [{ key: 'istio-injection', operator: 'NotIn', values: ['disabled'] }],
            },
          }),
        ],
      },
      status: 'pass',
      says: /1 injection webhook/,
    },
    {
      when: 'only revisions are installed, and a namespace asks for the default',
      given: { all: injecting('canary') },
      status: 'fail',
      reason: 'NamespaceUnserved',
      says: /^no injection webhook selects ns-0 \(istio-injection=enabled\)$/,
    },
    {
      when: 'a namespace names a revision beside istio-injection, which wins',
      given: {
        namespaces: namespaces({ 'istio-injection': 'enabled', 'istio.io/rev': 'canary' }),
        all: [...injecting(), ...injecting('canary')],
      },
      status: 'warn',
      reason: 'RevisionIgnored',
      says: /^istio-injection=enabled wins over istio\.io\/rev=canary of ns-0$/,
    },
    {
      when: 'both labels of a namespace mean the same',
      given: {
        namespaces: namespaces({ 'istio-injection': 'enabled', 'istio.io/rev': 'default' }),
        all: injecting(),
      },
      status: 'pass',
      says: /1 injection webhook/,
    },
    {
      when: 'there is one, and the namespaces cannot be listed',
      given: { namespaces: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not known/,
    },
    {
      when: 'another revision’s webhook selects it',
      given: {
        namespaces: namespaces({ 'istio.io/rev': 'prod' }),
        all: [webhook({ namespaces: inside('istio.io/rev', 'prod') })],
      },
      status: 'pass',
      says: /1 injection webhook/,
    },
    {
      when: 'the namespace opted out',
      given: { namespaces: namespaces({ 'istio.io/rev': 'x', 'istio-injection': 'disabled' }), all: [] },
      status: 'pass',
      says: /1 injection webhook/,
    },
    {
      when: 'the namespace is ambient, and names its istiod',
      given: {
        namespaces: namespaces({ 'istio.io/rev': 'x', 'istio.io/dataplane-mode': 'ambient' }),
        all: [webhook({ namespaces: inside('istio.io/rev', 'prod') })],
      },
      status: 'pass',
      says: /1 injection webhook/,
    },
    {
      when: 'objects that nobody has are all it selects',
      given: { all: [webhook({ objects: inside('sidecar.istio.io/inject', 'true') })] },
      status: 'fail',
      reason: 'NamespaceUnserved',
      says: /ns-0 \(istio-injection=enabled\)/,
    },
    {
      when: 'a namespace asks another revision',
      given: { webhooks: [], namespaces: namespaces({ 'istio.io/rev': 'canary' }) },
      plane: { revision: 'stable' },
      status: 'skip',
      says: /no namespace asks/,
    },
    {
      when: 'the namespaces cannot be listed',
      given: { webhooks: [], namespaces: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not known/,
    },
    {
      when: 'not every namespace could be listed',
      given: { webhooks: [], namespaces: { got: partly() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  { webhooks: [webhook()], all: [webhook()], namespaces: namespaces({ 'istio-injection': 'enabled' }) },
);

judging(
  webhookCaValid,
  [
    { when: 'it is valid', given: {}, status: 'pass', says: /^1 webhook with a caBundle, valid until 2027-09-18$/ },
    { when: 'there is no webhook', given: { webhooks: [] }, status: 'skip', says: /no webhook/ },
    {
      when: 'it is empty',
      given: { webhooks: [webhook({ ca: { state: 'empty' } })] },
      status: 'fail',
      reason: 'CaBundleEmpty',
      says: /no caBundle in istio-sidecar-injector/,
    },
    {
      when: 'it is a template',
      given: { webhooks: [webhook({ ca: { state: 'broken', words: '$CA_BUNDLE' } })] },
      status: 'fail',
      reason: 'CaBundleBroken',
      says: /no certificate/,
    },
    {
      when: 'it has expired',
      given: { webhooks: [webhook(), webhook({ ca: { state: 'certificates', pem: '', expiries: [NOW - DAY] } })] },
      status: 'fail',
      reason: 'CaExpired',
      says: /expired on 2026-11-21/,
    },
    {
      when: 'one of two has expired',
      given: { webhooks: [webhook({ ca: { state: 'certificates', pem: '', expiries: [NOW - DAY, NOW + 99 * DAY] } })] },
      status: 'warn',
      reason: 'CaPartlyExpired',
      says: /an expired certificate is in/,
    },
    {
      when: 'it expires in three days',
      given: { webhooks: [webhook({ ca: { state: 'certificates', pem: '', expiries: [NOW + 3 * DAY] } })] },
      status: 'warn',
      reason: 'CaExpiresSoon',
      says: /expires on 2026-11-25/,
    },
    {
      when: 'a URL has none',
      given: {
        webhooks: [webhook({ ca: { state: 'empty' }, service: null, url: 'https://istiod.example.com/inject' })],
      },
      status: 'warn',
      reason: 'UrlWithoutCa',
      says: /without a caBundle/,
    },
  ],
  { webhooks: [webhook()] },
);

const istiod = service('istiod', { namespace: 'istio-system' });
const backend = (change: Partial<WebhookBackend> = {}): WebhookBackend => ({
  webhook: webhook(),
  service: istiod,
  pods: [pod({ name: 'istiod-1' })],
  port: 15017,
  ...change,
});

judging(
  webhookHasBackends,
  [
    { when: 'a pod is ready', given: {}, status: 'pass', says: /^1 pod behind Service istio-system\/istiod$/ },
    { when: 'none has a Service', given: { backends: [] }, status: 'skip', says: /no webhook/ },
    {
      when: 'the Service is gone',
      given: { backends: [backend({ service: null, pods: [] })] },
      status: 'fail',
      reason: 'ServiceMissing',
      says: /no Service istio-system\/istiod/,
    },
    {
      when: 'no pod is ready',
      given: { backends: [backend({ pods: [pod({ ready: false })] })] },
      status: 'fail',
      reason: 'NoReadyPod',
      says: /no ready pod/,
    },
    {
      when: 'no pod is there, and it fails open',
      given: { backends: [backend({ pods: [], webhook: webhook({ failurePolicy: 'Ignore' }) })] },
      status: 'warn',
      reason: 'NoReadyPodIgnored',
      says: /no ready pod/,
    },
    {
      when: 'its endpoints are kept by hand',
      given: { backends: [backend({ pods: null })] },
      status: 'skip',
      says: /by hand/,
    },
  ],
  { backends: [backend()] },
);

const handshake = (change: Partial<Handshake>): Attempt<Handshake> => ({
  got: {
    error: null,
    names: 'DNS:istiod.istio-system.svc',
    issuer: 'cluster.local',
    notBefore: NOW - 60 * DAY,
    notAfter: NOW + 30 * DAY,
    ...change,
  },
});
const shaken = (attempt: Attempt<Handshake>): { handshakes: readonly WebhookHandshake[] } => ({
  handshakes: [{ webhooks: [webhook()], pod: 'istiod-1', serverName: 'istiod.istio-system.svc', handshake: attempt }],
});
const errors: readonly [string, string][] = [
  ['SELF_SIGNED_CERT_IN_CHAIN', 'CertificateUntrusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CertificateUntrusted'],
  ['CERT_HAS_EXPIRED', 'CertificateExpired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'CertificateOfAnother'],
];
judging(webhookCertificateTrusted, [
  {
    when: 'it is trusted',
    given: shaken(handshake({})),
    status: 'pass',
    says: /^1 handshake trusted, as istiod.istio-system.svc$/,
  },
  ...errors.map(([error, reason]) => ({
    when: error,
    given: shaken(handshake({ error })),
    status: 'fail' as const,
    reason,
    says: new RegExp(`istiod-1 as istiod.istio-system.svc: ${error}`),
  })),
  {
    when: 'it expires within a day',
    given: shaken(handshake({ notAfter: NOW + 3_600_000 })),
    status: 'warn',
    reason: 'CertificateExpiresSoon',
    says: /expires at 2026-11-22T11/,
  },
  { when: 'there was nobody to ask', given: { handshakes: [] }, status: 'skip', says: /no webhook has both/ },
  {
    when: 'the pod could not be reached',
    given: shaken({ missing: missing('TimedOut') }),
    status: 'unknown',
    reason: 'TimedOut',
    says: /could not be seen/,
  },
]);

judging(podsAreCreated, [
  {
    when: 'the last was half an hour ago',
    given: {
      failed: [
        {
          owner: 'ReplicaSet a/b',
          message: 'failed calling webhook "x.istio.io": context deadline exceeded',
          times: 1,
          at: NOW - 1_800_000,
        },
      ],
    },
    status: 'warn',
    reason: 'PodsWereRefused',
    says: /context deadline exceeded/,
  },
  { when: 'no event tells of one', given: { failed: [] }, status: 'pass', says: /no event/ },
  {
    when: 'the words are a proxy’s',
    given: {
      failed: [
        {
          owner: 'ReplicaSet a/b',
          message: 'failed calling webhook "x.istio.io": Service Unavailable',
          times: 1,
          at: NOW - 60_000,
        },
      ],
    },
    status: 'pass',
    says: /no event/,
  },
  {
    when: 'the certificate was refused',
    given: {
      failed: [
        {
          owner: 'ReplicaSet a/b',
          message: 'failed calling webhook "x.istio.io": x509: unknown authority',
          times: 7,
          at: NOW - 60_000,
        },
      ],
    },
    status: 'fail',
    reason: 'PodsRefused',
    says: /^1 controller could not create pods: .*x509/,
  },
]);

judging(webhookLogClean, [
  {
    when: 'the log has nothing',
    given: { logs: [{ got: { pod: 'istiod-1', lines: [] } }] },
    status: 'pass',
    says: /1 log/,
  },
  { when: 'there is no pod', given: { logs: [] }, status: 'skip', says: /no pod/ },
  {
    when: 'handshakes were refused',
    given: {
      logs: [{ got: { pod: 'istiod-1', lines: [{ meaning: 'HandshakesRefused', line: 'TLS handshake error' }] } }],
    },
    status: 'warn',
    reason: 'HandshakesRefused',
    says: /1 line in the log of istiod-1/,
  },
  {
    when: 'a patch failed too',
    given: {
      logs: [
        {
          got: {
            pod: 'istiod-1',
            lines: [
              { meaning: 'HandshakesRefused', line: 'TLS handshake error' },
              { meaning: 'PatchFails', line: 'Patch webhook failed' },
            ],
          },
        },
      ],
    },
    status: 'warn',
    reason: 'PatchFails',
    says: /Patch webhook failed/,
  },
  {
    when: 'the log cannot be read',
    given: { logs: [{ missing: missing() }] },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
]);

describe('the cure of a webhook’s certificate', () => {
  const cases: readonly [Partial<typeof plane>, RegExp][] = [
    [{ version: '0.5.1' }, /webhook-create-signed-cert\.sh/],
    [{ version: '0.8.0' }, /delete pod -l 'istio in \(sidecar-injector,galley\)'/],
    [{ version: '1.4.0' }, /delete pod/],
    [{ version: '1.31.0' }, /rollout restart deployment\/istiod$/],
    [{ version: '1.31.0', revision: 'canary' }, /deployment\/istiod-canary$/],
  ];
  for (const [change, cure] of cases)
    it(`of ${change.version} is the release’s own`, () => assert.match(writeAgain({ ...plane, ...change }), cure));
});
