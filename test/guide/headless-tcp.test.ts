import type { HeadlessService } from '../../src/evidence/kubernetes/headless.ts';
import { certificatesOutliveConnections } from '../../src/guide/headless-tcp/certificates.ts';
import { listenersKeepStill } from '../../src/guide/headless-tcp/listeners.ts';
import { proxiesStayUp, ztunnelStaysUp } from '../../src/guide/headless-tcp/restarts.ts';
import { headlessPortsAreNamed } from '../../src/guide/headless-tcp/services.ts';
import { timeoutsOutlastConnections } from '../../src/guide/headless-tcp/timeouts.ts';
import { counted, dump, envoy, info, listener, silent, told } from '../support/envoys.ts';
import { judging, NOW } from '../support/judging.ts';
import { container, listed, missing, partly, pod, port, service } from '../support/mixer.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const mongo: HeadlessService = {
  service: service('mongo', { headless: true }),
  ports: [{ ...port('tcp-mongo', 27017), detected: false }],
};
const unnamed: HeadlessService = { ...mongo, ports: [{ ...port(null, 5672), detected: true }] };
const asked = { envoys: [envoy()], of: 1 };
const none = { when: 'there is none', given: { headless: [] }, status: 'skip', says: /no headless Service/ } as const;

judging(
  headlessPortsAreNamed,
  [
    {
      when: 'ports say TCP',
      given: { headless: [mongo] },
      status: 'pass',
      says: /^1 headless Service: bookinfo\/mongo$/,
    },
    {
      when: 'one says nothing',
      given: { headless: [unnamed] },
      status: 'warn',
      reason: 'ProtocolDetected',
      says: /bookinfo\/mongo has a port/,
    },
    none,
    {
      when: 'not every Service was seen',
      given: { headless: [], services: partly() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  { services: listed() },
);

judging(
  proxiesStayUp,
  [
    {
      when: 'they have run for days',
      given: { infos: [told(info({ uptime: 300_000 }))] },
      status: 'pass',
      says: /none of 1 proxy/,
    },
    {
      when: 'one was replaced an hour ago',
      given: {
        infos: [told(info({ epoch: 1, uptime: 3600, uptimeOfAll: 300_000 }), envoy({ startedAt: NOW - 3 * DAY }))],
      },
      status: 'fail',
      reason: 'HotRestarted',
      says: /60 minutes ago in bookinfo\/reviews/,
    },
    {
      when: 'that was in its first minutes (0.8 learns its zone)',
      given: {
        infos: [told(info({ epoch: 1, uptime: 3600, uptimeOfAll: 3720 }), envoy({ startedAt: NOW - 3 * DAY }))],
      },
      status: 'pass',
      says: /1 proxy/,
    },
    {
      when: 'a container was started again',
      given: {
        infos: [told(info())],
        asked: {
          envoys: [
            envoy({
              instances: [
                {
                  container: 'istio-proxy',
                  restarts: 1,
                  ready: true,
                  ended: { exitCode: 0, reason: '', at: NOW - HOUR },
                },
              ],
            }),
          ],
          of: 1,
        },
      },
      status: 'warn',
      reason: 'ProxyRestarted',
      says: /started again/,
    },
    {
      when: 'one cannot be asked',
      given: { infos: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 1/,
    },
    { when: 'there is nobody', given: { infos: [] }, status: 'skip', says: /no proxy/ },
    none,
  ],
  { headless: [mongo], asked },
);

const ztunnel = (change = {}) =>
  pod({ name: 'ztunnel-1', labels: { app: 'ztunnel' }, startedAt: NOW - DAY, ...change });
judging(
  ztunnelStaysUp,
  [
    { when: 'it has run for a day', given: { ztunnels: [ztunnel()] }, status: 'pass', says: /1 ztunnel/ },
    {
      when: 'it is young',
      given: { ztunnels: [ztunnel({ startedAt: NOW - 60_000 })] },
      status: 'warn',
      reason: 'ZtunnelRestarted',
      says: /ztunnel-1 on node-1/,
    },
    {
      when: 'it starts again and again',
      given: { ztunnels: [ztunnel({ restarts: 4 })] },
      status: 'warn',
      reason: 'ZtunnelRestarted',
      says: /4 restarts/,
    },
    { when: 'there is none', given: { ztunnels: [] }, status: 'skip', says: /not an ambient mesh/ },
  ],
  { headless: [mongo] },
);

const old = envoy({}, 'istio/proxyv2:1.0.6');
const chain = [{ path: '/etc/certs/cert-chain.pem', notAfter: null, daysLeft: 80, own: true }];
const life = (ttl: number, grace: number) => ({ got: { ttl, grace } });
judging(
  certificatesOutliveConnections,
  [
    {
      when: 'they come without a restart',
      given: { certificates: [told(chain)] },
      status: 'pass',
      says: /without a restart/,
    },
    {
      when: 'Citadel renews them after 45 days',
      given: { certificates: [told(chain, old)] },
      status: 'warn',
      reason: 'RestartsExpected',
      says: /every 45 days, next about 2026-12-27T10:00/,
    },
    {
      when: 'they live for an hour',
      given: { certificates: [told(chain, old)], life: life(HOUR, HOUR / 2) },
      status: 'fail',
      reason: 'RestartsOften',
      says: /every 30 minutes/,
    },
    {
      when: 'nothing is mounted',
      given: { certificates: [told([], old)] },
      status: 'pass',
      says: /mount no certificate/,
    },
    {
      when: 'the page cannot be had',
      given: { certificates: [silent(old)] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 1/,
    },
    {
      when: 'Citadel’s pods cannot be seen',
      given: { certificates: [told(chain, old)], life: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
    none,
  ],
  { headless: [mongo], life: life(90 * DAY, 45 * DAY) },
);

const MODIFIED = 'listener_manager.listener_modified';
const lately = { got: [told(dump({ listeners: [listener({ port: 27017, updatedAt: NOW - 60_000 })] }))] };
const long_ago = { got: [told(dump({ listeners: [listener({ port: 27017, updatedAt: NOW - DAY })] }))] };
judging(
  listenersKeepStill,
  [
    {
      when: 'they do',
      given: { stats: [told(counted({ [MODIFIED]: 3 }))] },
      status: 'pass',
      says: /3 changes of listeners/,
    },
    {
      when: 'its own change all the time',
      given: { stats: [told(counted({ [MODIFIED]: 300 }))] },
      status: 'fail',
      reason: 'ListenersChurn',
      says: /30 times an hour/,
    },
    {
      when: 'others do',
      given: { stats: [told(counted({ [MODIFIED]: 300 }))], dumps: long_ago },
      status: 'warn',
      reason: 'ListenersChanged',
      says: /30 listeners an hour/,
    },
    {
      when: 'some changed between the readings',
      given: { stats: [told(counted({ [MODIFIED]: 3 }, { [MODIFIED]: 5 }))] },
      status: 'warn',
      reason: 'ListenersChanged',
      says: /changed 2 listeners in 30 seconds/,
      scope: { window: 30_000 },
    },
    {
      when: 'it is young',
      given: { stats: [told(counted({ [MODIFIED]: 300 }))], infos: { got: [told(info({ uptime: 60 }))] } },
      status: 'pass',
      says: /300 changes/,
    },
    {
      when: 'it cannot be asked',
      given: { stats: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 1/,
    },
    { when: 'there is nobody', given: { stats: [] }, status: 'skip', says: /no proxy/ },
    none,
  ],
  { headless: [mongo], asked, infos: { got: [told(info({ uptime: 36_000 }))] }, dumps: lately },
);

const rule = (after: number | null, host = 'mongo') => ({
  name: 'mongo',
  namespace: 'bookinfo',
  host,
  exportTo: [],
  createdAt: 0,
  workloadSelector: null,
  hasPolicy: false,
  tls: null,
  subsets: [],
  ends: after === null ? null : ({ what: 'idleTimeout', after } as const),
});
judging(
  timeoutsOutlastConnections,
  [
    {
      when: 'no rule is about it',
      given: { rules: { got: listed(rule(60_000, 'redis')) } },
      status: 'pass',
      says: /no rule/,
    },
    { when: 'one is, and patient', given: { rules: { got: listed(rule(2 * HOUR)) } }, status: 'pass', says: /no rule/ },
    {
      when: 'one is not',
      given: { rules: { got: listed(rule(60_000)) } },
      status: 'warn',
      reason: 'EndedEarly',
      says: /bookinfo\/mongo: idleTimeout 60 seconds/,
    },
    {
      when: 'a proxy is told so',
      given: {
        rules: { got: listed() },
        envoys: [
          { ...envoy(), container: container('istio-proxy', 'x', { variables: { ISTIO_META_IDLE_TIMEOUT: '30s' } }) },
        ],
      },
      status: 'warn',
      reason: 'EndedEarly',
      says: /ISTIO_META_IDLE_TIMEOUT is 30s/,
    },
    {
      when: 'rules cannot be seen',
      given: { rules: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
    {
      when: 'some cannot be seen',
      given: { rules: { got: partly() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
    },
    none,
  ],
  { headless: [mongo], envoys: [envoy()] },
);
