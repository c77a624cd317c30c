import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiServers } from '../../src/evidence/kubernetes/api-servers.ts';
import { exemptedBy, listsRange } from '../../src/guide/apiserver-proxy/no-proxy.ts';
import { rangesBypassProxy, webhookBypassesProxy } from '../../src/guide/apiserver-proxy/no-proxy-step.ts';
import { webhookCallsArrive } from '../../src/guide/apiserver-proxy/proxied-calls.ts';
import { apiserverSettingsSeen } from '../../src/guide/apiserver-proxy/proxy-settings.ts';
import { webhook } from '../support/injection.ts';
import { judging } from '../support/judging.ts';
import { missing } from '../support/mixer.ts';

describe('no_proxy, as Go reads it', () => {
  const target = { host: 'istiod.istio-system.svc', port: 443 };
  // Held against golang.org/x/net/http/httpproxy's own rules.
  const cases: readonly [string, string | null][] = [
    ['', null],
    ['*', '*'],
    ['localhost,.svc', '.svc'],
    ['svc', 'svc'],
    ['*.svc', '*.svc'],
    [' .SVC ', '.svc'],
    ['istiod.istio-system.svc', 'istiod.istio-system.svc'],
    ['.istiod.istio-system.svc', null],
    ['istio-system.svc', 'istio-system.svc'],
    ['stio-system.svc', null],
    ['.svc.cluster.local', null],
    ['10.0.0.0/8,172.16.0.0/12', null],
    ['.svc:443', '.svc:443'],
    ['.svc:8443', null],
  ];
  for (const [list, entry] of cases)
    it(`${JSON.stringify(list)} exempts ${entry === null ? 'nothing' : `by ${entry}`}`, () =>
      assert.equal(exemptedBy(list, target), entry));
  it('exempts an address by itself or its range', () => {
    assert.equal(exemptedBy('10.0.0.0/8', { host: '10.1.2.3', port: 443 }), '10.0.0.0/8');
    assert.equal(exemptedBy('10.1.2.3', { host: '10.1.2.3', port: 443 }), '10.1.2.3');
    assert.equal(exemptedBy('11.0.0.0/8', { host: '10.1.2.3', port: 443 }), null);
  });
  it('has a range that is written, or within a wider one', () => {
    assert.ok(listsRange('a,10.96.0.0/12', '10.96.0.0/12'));
    assert.ok(listsRange('10.0.0.0/8', '10.96.0.0/12'));
    assert.ok(!listsRange('10.96.0.0/16', '10.96.0.0/12'));
    assert.ok(!listsRange('.svc', '10.96.0.0/12'));
  });
});

const server = {
  pod: 'kube-apiserver-a',
  proxy: 'http://proxy:3128',
  variable: 'HTTPS_PROXY',
  plainProxy: null,
  noProxy: '.svc,10.96.0.0/12',
};
const servers = (change: Partial<ApiServers> = {}): { servers: ApiServers } => ({
  servers: { pods: [server], serviceRanges: ['10.96.0.0/12'], podRanges: [], ...change },
});
const without = { ...server, proxy: null, variable: null, noProxy: '' };
const counted = { counts: { got: { calls: 5, errors: 0 } } };

judging(
  apiserverSettingsSeen,
  [
    {
      when: 'there is one for http only',
      given: servers({ pods: [{ ...without, plainProxy: 'http://proxy:3128' }] }),
      status: 'warn',
      reason: 'HttpProxyOnly',
      says: /HTTP_PROXY=http:\/\/proxy:3128 only/,
    },
    {
      when: 'there is a proxy',
      given: {},
      status: 'pass',
      says: /kube-apiserver-a sends https through http:\/\/proxy:3128/,
    },
    { when: 'there is none', given: servers({ pods: [without] }), status: 'pass', says: /^1 kube-apiserver without/ },
    {
      when: 'it is managed and counts no failure',
      given: servers({ pods: [] }),
      status: 'skip',
      says: /5 calls of Istio’s webhooks, none failed/,
    },
    {
      when: 'it is managed and hides its metrics',
      given: { ...servers({ pods: [] }), counts: { missing: missing() } },
      status: 'unknown',
      reason: 'ApiserverHidden',
      says: /no kube-apiserver pod/,
    },
  ],
  { ...servers(), ...counted },
);

const called = webhook({ ca: { state: 'empty' }, namespaces: null });

judging(
  webhookBypassesProxy,
  [
    { when: 'no_proxy names .svc', given: {}, status: 'pass', says: /exempts istiod.istio-system.svc/ },
    {
      when: 'it names ranges only',
      given: servers({ pods: [{ ...server, noProxy: '10.96.0.0/12,10.244.0.0/16' }] }),
      status: 'fail',
      reason: 'WebhookThroughProxy',
      says: /ranges of addresses in no_proxy do not help/,
    },
    {
      when: 'one API server of two lacks it',
      given: servers({ pods: [server, { ...server, pod: 'kube-apiserver-b', noProxy: 'localhost' }] }),
      status: 'fail',
      reason: 'WebhookThroughProxy',
      says: /^calls of istiod.istio-system.svc go to the proxy$/,
    },
    {
      when: 'a URL goes through it',
      given: { webhooks: [{ ...called, service: null, url: 'https://istiod.example.com:15017/inject' }] },
      status: 'warn',
      reason: 'UrlThroughProxy',
      says: /istiod.example.com/,
    },
    { when: 'there is no proxy', given: servers({ pods: [without] }), status: 'skip', says: /no proxy/ },
    { when: 'there is no webhook', given: { webhooks: [] }, status: 'skip', says: /no webhook/ },
  ],
  { ...servers(), webhooks: [called] },
);

judging(
  rangesBypassProxy,
  [
    { when: 'no_proxy has them', given: {}, status: 'pass', says: /has 10.96.0.0\/12/ },
    {
      when: 'it lacks one',
      given: servers({ podRanges: ['10.244.0.0/16'] }),
      status: 'warn',
      reason: 'RangesThroughProxy',
      says: /lacks 10.244/,
    },
    { when: 'they are not shown', given: servers({ serviceRanges: [] }), status: 'skip', says: /not shown/ },
    { when: 'no server is shown', given: servers({ pods: [] }), status: 'skip', says: /no kube-apiserver/ },
  ],
  servers(),
);

const PROXY = 'failed calling webhook "sidecar-injector.istio.io": Post …: Service Unavailable';
const X509 = 'failed calling webhook "sidecar-injector.istio.io": x509: certificate has expired';
const event = (message: string) => ({ failed: { got: [{ owner: 'ReplicaSet a/b', message, times: 1, at: null }] } });

judging(
  webhookCallsArrive,
  [
    {
      when: 'the words are a proxy’s and there is none',
      given: { ...event(PROXY), ...servers({ pods: [without] }) },
      status: 'warn',
      reason: 'CallsFail',
      says: /Service Unavailable/,
    },
    { when: 'nothing failed', given: {}, status: 'pass', says: /the events, the API server’s count/ },
    {
      when: 'a proxy answered',
      given: event(PROXY),
      status: 'fail',
      reason: 'ProxyAnswered',
      says: /1 call answered by a proxy/,
    },
    {
      when: 'a log tells of it',
      given: { calls: [{ got: [{ pod: 'a', line: PROXY }] }] },
      status: 'fail',
      reason: 'ProxyAnswered',
      says: /Service Unavailable/,
    },
    {
      when: 'a managed one has its words',
      given: { ...event(PROXY), ...servers({ pods: [] }) },
      status: 'warn',
      reason: 'ProxyMayAnswer',
      says: /proxy’s words/,
    },
    { when: 'a certificate failed', given: event(X509), status: 'warn', reason: 'CallsFail', says: /x509/ },
    {
      when: 'failures are counted',
      given: { counts: { got: { calls: 9, errors: 2 } } },
      status: 'warn',
      reason: 'CallsFail',
      says: /counts 2 failed calls/,
    },
    {
      when: 'nothing could be looked at',
      given: { failed: { missing: missing() }, counts: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  { ...servers(), failed: { got: [] }, calls: [], ...counted },
);
