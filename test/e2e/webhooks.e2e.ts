import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { certificatesIn, type Pair } from '../support/certificates.ts';
import { ended, listening } from '../support/loopback.ts';
import {
  ISTIOD,
  istiodObject,
  modernMesh,
  podObject,
  productpageObject,
  type WebhookOptions,
  webhookObject,
} from '../support/modern.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { load } from './load.ts';
import { checksOf, report } from './user.ts';

const NAME = 'istiod.istio-system.svc';
const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

const base64 = ({ cert }: Pair): string => Buffer.from(cert).toString('base64');

describe('the webhooks of a real API server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  const make = certificatesIn(folder);
  const authority = make.authority('ours');
  const good = make.signed(authority, NAME, 90);
  // What istiod's port 15017 is: TLS with a certificate, and an answer to the API server's review.
  const webhook = createHttps({ ...good }, (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const { uid } = (JSON.parse(text) as { request: { uid: string } }).request;
      const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(review));
    });
  });
  let cluster: TestCluster;
  let unload = (): Promise<void> => Promise.resolve();

  before(async () => {
    const port = await listening(webhook);
    const mesh = modernMesh(istiodObject(), productpageObject());
    mesh.logs.set(`istio-system/${ISTIOD}/discovery`, '2026-11-22T04:00:00Z info ready\n');
    cluster = await startCluster();
    unload = await load(cluster, mesh, {
      forwards: new Map([[`istio-system/${ISTIOD}:15017`, port]]),
    });
  });
  after(async () => {
    try {
      await unload();
    } finally {
      await cluster?.close();
      await ended(webhook);
      rmSync(folder, { recursive: true });
    }
  });

  /** The webhook configuration as it is from now on. */
  async function configure(options: WebhookOptions): Promise<void> {
    const object = webhookObject(options);
    await cluster.api('DELETE', `${WEBHOOKS}/${object.metadata.name}`, undefined, [200, 404]);
    await cluster.api('POST', WEBHOOKS, object);
  }

  async function found(topic: string, options: WebhookOptions, pair: Pair = good) {
    webhook.setSecureContext(pair);
    await configure(options);
    const result = await report(cluster.kubeconfig, [topic]);
    return { ...result, checks: checksOf(result.report) };
  }

  it('none at all: a namespace asks for injection in vain', async () => {
    const { report: seen, code } = await report(cluster.kubeconfig, ['webhook-certs']);
    assert.deepEqual([code, seen.lostAt?.reason], [1, 'InjectionWebhookMissing']);
  });

  it('trusted: a real handshake with the pod proves it', async () => {
    const { report: seen, code, checks } = await found('webhook-certs', { caBundle: base64(authority) });
    assert.deepEqual([code, seen.verdict, seen.unchecked], [0, 'healthy', []]);
    assert.match(
      checks.get('webhook-certificate-trusted')?.message ?? '',
      /^1 handshake trusted, as istiod\.istio-system\.svc$/,
    );
    assert.match(
      checks.get('webhook-certificate-trusted')?.evidence[0] ?? '',
      /DNS:istiod\.istio-system\.svc, by ours, until/,
    );
  });

  const bad: readonly [string, () => Pair, string][] = [
    ['of another authority', () => make.signed(make.authority('theirs'), NAME, 90), 'CertificateUntrusted'],
    ['that has expired', () => make.signed(authority, NAME, -1), 'CertificateExpired'],
    ['for another name', () => make.signed(authority, 'istio-pilot.istio-system.svc', 90), 'CertificateOfAnother'],
  ];
  for (const [what, pair, reason] of bad) {
    it(`a certificate ${what}: ${reason}`, async () => {
      const { report: seen, code } = await found('webhook-certs', { caBundle: base64(authority) }, pair());
      assert.deepEqual([code, seen.lostAt?.reason, seen.losses.length], [1, reason, 1]);
    });
  }

  it('a caBundle that is empty, expired or soon to be', async () => {
    const expired = { ...authority, cert: make.signed(authority, NAME, -1).cert };
    const soon = { ...authority, cert: make.signed(authority, NAME, 3).cert };
    assert.equal((await found('webhook-certs', { caBundle: '' })).report.lostAt?.reason, 'CaBundleEmpty');
    assert.equal((await found('webhook-certs', { caBundle: base64(expired) })).report.lostAt?.reason, 'CaExpired');
    assert.equal(
      (await found('webhook-certs', { caBundle: base64(soon) })).checks.get('webhook-ca-valid')?.reason,
      'CaExpiresSoon',
    );
  });

  it('a namespace whose tag no webhook selects', async () => {
    const label = (labels: Record<string, string | null>) =>
      cluster.api('PATCH', '/api/v1/namespaces/bookinfo', { metadata: { labels } });
    await label({ 'istio-injection': null, 'istio.io/rev': 'prod' });
    const { report: seen, code } = await found('webhook-certs', { caBundle: base64(authority) });
    assert.deepEqual([code, seen.lostAt?.reason], [1, 'NamespaceUnserved']);
    await label({ 'istio-injection': 'enabled', 'istio.io/rev': null });
  });

  it('a Service that is gone', async () => {
    const { report: seen } = await found('webhook-certs', {
      caBundle: base64(authority),
      service: { namespace: 'istio-system', name: 'istiod-old' },
    });
    assert.equal(seen.lostAt?.reason, 'ServiceMissing');
  });

  it('a pod that the API server refuses, in its own words', async () => {
    await configure({ caBundle: base64(authority), namespaceSelector: {}, objectSelector: {} });
    const pod = {
      metadata: { name: 'refused' },
      spec: { automountServiceAccountToken: false, containers: [{ name: 'x', image: 'x' }] },
    };
    // No Service has an address behind it here: the call fails, as where no endpoint is.
    const { body } = await cluster.api('POST', '/api/v1/namespaces/bookinfo/pods', pod, [500]);
    const { message } = JSON.parse(body) as { message: string };
    assert.match(message, /failed calling webhook "sidecar-injector\.istio\.io"/);
    await configure({ caBundle: base64(authority) });
    await cluster.api('POST', '/api/v1/namespaces/bookinfo/events', {
      metadata: { name: 'refused.1' },
      involvedObject: { kind: 'ReplicaSet', namespace: 'bookinfo', name: 'reviews-v1' },
      reason: 'FailedCreate',
      message: `Error creating: ${message.replace(/: context deadline.*|: dial.*/, ': no endpoints available for service "istiod"')}`,
      type: 'Warning',
      count: 4,
    });
    const { report: seen } = await report(cluster.kubeconfig, ['webhook-certs']);
    assert.equal(seen.lostAt?.reason, 'PodsRefused');
    const { checks } = await found('apiserver-proxy', { caBundle: base64(authority) });
    assert.equal(checks.get('webhook-calls-arrive')?.reason, 'CallsFail');
    await cluster.api('DELETE', '/api/v1/namespaces/bookinfo/events/refused.1');
  });

  it('a control plane that hides its API server: its own counts must do', async () => {
    const { port } = webhook.address() as AddressInfo;
    const local = make.signed(authority, 'localhost', 90);
    webhook.setSecureContext(local);
    await configure({
      caBundle: base64(authority),
      url: `https://localhost:${port}/inject`,
      namespaceSelector: {},
      objectSelector: {},
    });
    const pod = {
      metadata: { name: 'admitted' },
      spec: { automountServiceAccountToken: false, containers: [{ name: 'x', image: 'x' }] },
    };
    await cluster.api('POST', '/api/v1/namespaces/bookinfo/pods', pod);
    const { checks } = await found('apiserver-proxy', { caBundle: base64(authority) });
    // The pod that was refused above is counted too: nothing is called healthy.
    assert.equal(checks.get('apiserver-settings-seen')?.status, 'unknown');
    assert.match(checks.get('webhook-calls-arrive')?.message ?? '', /counts [1-9]\d* failed call/);
  });

  it('a kube-apiserver with a proxy: by the names in no_proxy', async () => {
    const apiServer = (noProxy: string) =>
      podObject('kube-apiserver-node-1', {
        namespace: 'kube-system',
        labels: { component: 'kube-apiserver' },
        containers: [
          {
            name: 'kube-apiserver',
            image: 'registry/kube-apiserver:v1.36.3',
            command: ['kube-apiserver', '--service-cluster-ip-range=10.96.0.0/16', '--etcd-prefix=/secret'],
            env: [
              { name: 'https_proxy', value: 'http://user:hunter2@proxy.corp:3128' },
              { name: 'no_proxy', value: noProxy },
            ],
          },
        ],
      });
    const path = '/api/v1/namespaces/kube-system/pods';
    await cluster.api(
      'POST',
      '/api/v1/namespaces/kube-system/serviceaccounts',
      { metadata: { name: 'default' } },
      [201, 409],
    );
    for (const [noProxy, reason] of [
      ['localhost,10.96.0.0/16', 'WebhookThroughProxy'],
      ['localhost,.svc,10.96.0.0/16', null],
    ] as const) {
      const { status: _, spec, ...rest } = apiServer(noProxy);
      await cluster.api('POST', path, { ...rest, spec: { ...spec, automountServiceAccountToken: false } });
      const { report: seen, stdout, checks } = await found('apiserver-proxy', { caBundle: base64(authority) });
      assert.equal(seen.lostAt?.reason ?? null, reason, stdout);
      assert.equal(checks.get('ranges-bypass-proxy')?.status, 'pass');
      assert.ok(!stdout.includes('hunter2'), 'a login is shown');
      await cluster.api('DELETE', `${path}/kube-apiserver-node-1`, { gracePeriodSeconds: 0 });
    }
  });

  it('without the right to list webhooks: unknown, never green', async () => {
    await configure({ caBundle: base64(authority) });
    const { report: seen, code } = await report(cluster.kubeconfigOfUser, ['webhook-certs']);
    assert.deepEqual([code, seen.verdict], [3, 'inconclusive']);
  });
});
