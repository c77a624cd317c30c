import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PilotSync } from '../../../../src/evidence/istio/pilot.ts';
import type { Proxy as MeshProxy, Population } from '../../../../src/evidence/istio/population.ts';
import { type ProxySync, syncIn, type TypeSync } from '../../../../src/evidence/istio/sync.ts';
import type { Webhook } from '../../../../src/evidence/istio/webhooks.ts';
import { istiodAnswers } from '../../../../src/guide/missing-metrics/sidecar/config-delivery/istiod-answers.ts';
import { proxiesConfigured } from '../../../../src/guide/missing-metrics/sidecar/config-delivery/proxies-configured.ts';
import { statsFilterTaken } from '../../../../src/guide/missing-metrics/sidecar/config-delivery/stats-filter-taken.ts';
import { configDelivery } from '../../../../src/guide/missing-metrics/sidecar/config-delivery.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { listed, missing, partly, service } from '../../../support/mixer.ts';
import { pilot, typeSync } from '../../../support/pilot.ts';
import { meshProxy, storeAnswer } from '../../../support/proxies.ts';

const sync = (name: string, change: Partial<TypeSync> = {}, kind = 'listener'): ProxySync => ({
  proxy: `${name}.default`,
  version: '1.31.0',
  types: [typeSync('cluster'), typeSync('listener'), typeSync('endpoint', { sent: '' })].map((each) =>
    each.kind === kind ? { ...each, ...change } : each,
  ),
});
const syncs = (...proxies: ProxySync[]): PilotSync[] => [{ pilot: pilot(), proxies: { got: proxies }, later: null }];
const silent: PilotSync = { pilot: pilot('istiod-2'), proxies: { missing: missing('TimedOut') }, later: null };
const off = { ...missing('BadAnswer'), words: 'HTTP 404: 404 page not found' };

const mesh = (...proxies: MeshProxy[]): Population => ({
  proxies,
  outsiders: { got: [] },
  envoyless: [],
  refusal: null,
});
const [a, b] = [meshProxy('a-0'), meshProxy('b-0')];
const starting = (ready: boolean, container = 'istio-proxy'): MeshProxy =>
  meshProxy('b-0', { ready: false, instances: [{ container, restarts: 0, ready, ended: null }] });
const stores = (...pods: string[]) => ({
  got: [storeAnswer(...pods.map((name) => ({ component: 'proxy', namespace: 'default', pod: name })))],
});

const webhook = (change: Partial<Webhook>): Webhook => ({
  kind: 'mutating',
  configuration: 'istio-sidecar-injector',
  name: 'rev.namespace.sidecar-injector.istio.io',
  revision: 'default',
  service: { namespace: 'istio-system', name: 'istiod', port: 443 },
  url: null,
  ca: { state: 'empty' },
  failurePolicy: 'Fail',
  namespaces: null,
  objects: null,
  createdAt: 0,
  ...change,
});

judging(
  istiodAnswers,
  [
    { when: 'it does', given: {}, status: 'pass', says: /^istiod-1: 1 proxy connected$/ },
    {
      when: 'its webhook leads out of the cluster',
      given: {
        pilots: [],
        webhooks: { got: [webhook({ url: 'https://istiod.example:15017/inject', service: null })] },
      },
      status: 'unknown',
      reason: 'IstiodElsewhere',
      says: /leads to https:\/\/istiod\.example/,
    },
    {
      when: 'its webhook’s Service has endpoints of somebody’s own',
      given: {
        pilots: [],
        webhooks: { got: [webhook({})] },
        services: listed(service('istiod', { namespace: 'istio-system', selector: {} })),
      },
      status: 'unknown',
      reason: 'IstiodElsewhere',
      says: /leads to Service istio-system\/istiod/,
    },
    {
      when: 'only its proxies are here',
      given: { pilots: [] },
      plane: { namespace: null },
      status: 'unknown',
      reason: 'IstiodElsewhere',
      says: /outside of this cluster; what/,
    },
    {
      when: 'it is gone',
      given: { pilots: [], webhooks: { got: [webhook({})] } },
      status: 'warn',
      reason: 'IstiodMissing',
      says: /no pod of istiod/,
    },
    {
      when: 'it is not here and the webhooks cannot be read',
      given: { pilots: [], webhooks: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /may be in another cluster/,
    },
    {
      when: 'not every pod was listed',
      given: { pilots: [], pods: partly() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every pod/,
    },
    {
      when: 'a replica is not ready',
      given: { pilots: [pilot(), pilot('istiod-2', { ready: false, trouble: 'CrashLoopBackOff' })] },
      status: 'warn',
      reason: 'IstiodNotReady',
      says: /^1 of 2 replicas ready$/,
    },
    {
      when: 'its debug pages are off',
      given: { syncs: [{ ...silent, pilot: pilot(), proxies: { missing: off } }] },
      status: 'unknown',
      reason: 'BadAnswer',
      says: /^debug pages are off on 1 of 1 replica \(ENABLE_DEBUG_ON_HTTP\)/,
    },
    {
      when: 'a replica does not answer',
      given: { pilots: [pilot(), pilot('istiod-2')], syncs: [...syncs(sync('a-0')), silent] },
      status: 'unknown',
      reason: 'TimedOut',
      says: /^1 of 2 replicas could not be asked/,
    },
  ],
  { pilots: [pilot()], syncs: syncs(sync('a-0')), webhooks: { got: [] }, services: listed(), pods: listed() },
);

judging(
  proxiesConfigured,
  [
    { when: 'all are connected', given: {}, status: 'pass', says: /^all 2 proxies connected$/ },
    {
      when: 'each is on another replica',
      given: { syncs: [...syncs(sync('a-0')), ...syncs(sync('b-0'))] },
      status: 'pass',
      says: /^all 2/,
    },
    {
      when: 'one is not connected and has had its configuration',
      given: { syncs: syncs(sync('a-0')) },
      status: 'warn',
      reason: 'ProxiesDisconnected',
      says: /^1 of 2 proxies connected to no replica; it keeps its last/,
    },
    {
      when: 'one is not connected and its proxy was never ready',
      given: { population: mesh(a, starting(false)), syncs: syncs(sync('a-0')) },
      status: 'fail',
      reason: 'NeverConfigured',
      says: /^1 of 2 proxies never had a configuration/,
    },
    {
      when: 'only the application of a proxy that is not connected is not ready',
      given: { population: mesh(a, starting(true)), syncs: syncs(sync('a-0')) },
      status: 'warn',
      reason: 'ProxiesDisconnected',
      says: /^1 of 2/,
    },
    {
      when: 'it is not ready and a store has its metrics',
      given: { population: mesh(a, starting(false)), syncs: syncs(sync('a-0')), loaded: stores('b-0') },
      status: 'warn',
      reason: 'ProxiesDisconnected',
      says: /^1 of 2/,
    },
    {
      when: 'one is connected and was never sent listeners',
      given: { population: mesh(a, starting(false)), syncs: syncs(sync('a-0'), sync('b-0', { sent: '', acked: '' })) },
      status: 'fail',
      reason: 'NeverConfigured',
      says: /^1 of 2/,
    },
    {
      when: 'one may be on a replica that does not answer',
      given: { population: mesh(a, starting(false)), syncs: [...syncs(sync('a-0')), silent] },
      status: 'unknown',
      reason: 'TimedOut',
      says: /^1 of 2 proxies may be/,
    },
    {
      when: 'an answer is owed for long',
      given: { syncs: syncs(sync('a-0'), sync('b-0', { acked: 'old' })) },
      status: 'warn',
      reason: 'AnswersOwed',
      says: /^1 of 2/,
    },
    {
      when: 'an answer is owed for a moment',
      given: { syncs: syncs(sync('a-0'), sync('b-0', { acked: 'old', sentAt: NOW - 1000 })) },
      status: 'pass',
      says: /^all 2/,
    },
    {
      when: 'not every replica answers',
      given: { pilots: [pilot(), pilot('istiod-2')], syncs: [...syncs(sync('a-0'), sync('b-0')), silent] },
      status: 'unknown',
      reason: 'TimedOut',
      says: /not every replica/,
    },
    {
      when: 'one of another control plane does not answer, and all are connected here',
      given: { syncs: [...syncs(sync('a-0'), sync('b-0')), silent] },
      status: 'pass',
      says: /^all 2/,
    },
    {
      when: 'one of another control plane does not answer, to which one may be connected',
      given: { syncs: [...syncs(sync('a-0')), silent] },
      status: 'unknown',
      reason: 'TimedOut',
      says: /^1 of 2/,
    },
    {
      when: 'not every pod was listed',
      given: { population: { ...mesh(a, b), refusal: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /that were listed/,
    },
    {
      when: 'no pod was listed',
      given: { population: { ...mesh(), refusal: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /could not be listed/,
    },
    {
      when: 'all are young',
      given: { population: mesh(meshProxy('a-0', { startedAt: NOW - 1000 })) },
      status: 'skip',
      says: /1 younger/,
    },
    { when: 'no istiod is here', given: { pilots: [] }, status: 'skip', says: /no replica/ },
  ],
  { population: mesh(a, b), pilots: [pilot()], syncs: syncs(sync('a-0'), sync('b-0')), loaded: { got: [] } },
);

const UNKNOWN = "Didn't find a registered implementation for 'istio.stats' with type URL: 'stats.PluginConfig'";
const REAL = `Error adding/updating listener(s) 0.0.0.0_15010: Didn't find a registered implementation for 'istio.metadata_exchange' with type URL: 'io.istio.http.peer_metadata.Config'\n10.96.156.1_15012: ${UNKNOWN}\nvirtualOutbound: ${UNKNOWN}\n`;
const refusing = (error: string, kind = 'listener') => syncs(sync('a-0', { acked: '', error }, kind), sync('b-0'));
const counts = (...names: string[]) => ({
  got: [{ got: { pod: 'istiod-1', rejects: new Map([['lds', 23]]), refusing: new Set(names) } }],
});
/** What releases before 1.24 tell. */
const old = (change: Partial<TypeSync> = {}) =>
  syncs(sync('a-0', { sentAt: null, ...change }), sync('b-0', { sentAt: null }));

judging(
  statsFilterTaken,
  [
    { when: 'none refuses anything', given: {}, status: 'pass', says: /^none of 2 connected proxies$/ },
    {
      when: 'the proxy does not know it, in istiod’s own words',
      given: { syncs: refusing(REAL) },
      status: 'fail',
      reason: 'StatsFilterRefused',
      says: /^1 of 2 proxies refuses the stats filter: 10\.96\.156\.1_15012: Didn't find a registered implementation for 'istio\.stats'/,
    },
    {
      when: 'it came as an extension of its own',
      given: {
        syncs: syncs({
          ...sync('a-0'),
          types: [typeSync('extensionconfig', { acked: '', error: 'Unable to create Wasm HTTP filter stats_inbound' })],
        }),
      },
      status: 'fail',
      reason: 'StatsFilterRefused',
      says: /stats_inbound/,
    },
    {
      when: 'it has an older one, which a store has',
      given: { syncs: refusing(REAL), loaded: stores('a-0', 'b-0') },
      status: 'warn',
      reason: 'StatsFilterOutdated',
      says: /^1 of 2 proxies refuses the newest stats filter/,
    },
    {
      when: 'it refuses listeners for another reason',
      given: { syncs: refusing('script load error: function expected') },
      status: 'warn',
      reason: 'OtherRefused',
      says: /another reason: script load error/,
    },
    {
      when: 'it refuses clusters only',
      given: { syncs: refusing(REAL, 'cluster') },
      status: 'pass',
      says: /^none of 2/,
    },
    {
      when: 'a proxy of another mesh refuses it',
      given: { population: mesh(b), syncs: refusing(REAL) },
      status: 'pass',
      says: /^none of 1/,
    },
    {
      when: 'an old istiod counts the refusal of a proxy that no store has',
      given: { syncs: old({ acked: '' }), counts: counts('a-0.default'), loaded: stores('b-0') },
      status: 'fail',
      reason: 'ListenersRefused',
      says: /^1 of 2 proxies refuses its listeners, and no store has it$/,
    },
    {
      when: 'an old istiod counts it and no store tells',
      given: { syncs: old({ acked: '' }), counts: counts('a-0.default') },
      status: 'warn',
      reason: 'OtherRefused',
      says: /which this istiod does not tell/,
    },
    {
      when: 'an old one was cured since',
      given: { syncs: old(), counts: counts('a-0.default'), loaded: stores('b-0') },
      status: 'pass',
      says: /^none of 2/,
    },
    {
      when: 'an old istiod’s metrics cannot be had',
      given: { syncs: old(), counts: { got: [{ missing: missing() }] } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /in its metrics only/,
    },
    {
      when: 'a replica does not answer',
      given: { syncs: [...syncs(sync('a-0')), silent], counts: counts('b-0.default') },
      status: 'unknown',
      reason: 'TimedOut',
      says: /not known of every replica; 1 proxy refused listeners since/,
    },
    {
      when: 'not every pod was listed',
      given: { population: { ...mesh(a), refusal: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /that was listed/,
    },
    {
      when: 'no pod was listed',
      given: { population: { ...mesh(), refusal: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /could not be/,
    },
    { when: 'there is no proxy', given: { population: mesh() }, status: 'skip', says: /no proxy/ },
    { when: 'no istiod is here', given: { pilots: [] }, status: 'skip', says: /no replica/ },
  ],
  {
    population: mesh(a, b),
    pilots: [pilot()],
    syncs: syncs(sync('a-0'), sync('b-0')),
    counts: counts(),
    loaded: { got: [] },
  },
);

describe('config-delivery', () => {
  it('knows reports: what does not name the stats filter is another matter', () => {
    for (const words of [
      "Error adding/updating listener(s) 0.0.0.0_8080: Didn't find a registered implementation for 'envoy.filters.listener.proxy_protocol' with type URL: ''",
      "Error adding/updating listener(s) connect_terminate: 'io.istio.connect_authority' does not have an object factory",
    ]) {
      const verdict = verdictOf(refusing(words), '1.31.0');
      assert.deepEqual([verdict.status, 'reason' in verdict && verdict.reason], ['warn', 'OtherRefused']);
    }
    const older =
      "Error adding/updating listener(s) \n10.96.155.219_9210: Didn't find a registered implementation for name: 'istio.stats'\n";
    const verdict = verdictOf(refusing(older), '1.31.0');
    assert.match(
      verdict.message,
      /: 10\.96\.155\.219_9210: Didn't find a registered implementation for name: 'istio\.stats'$/,
    );
  });

  const verdictOf = (found: PilotSync[], version: string, population = mesh(a, b)) =>
    statsFilterTaken.judge(
      { population, pilots: [pilot()], syncs: found, counts: counts(), loaded: { got: [] } },
      { plane: { ...plane, version }, scope, now: NOW },
    );

  it('restarts a proxy of another release, and looks for EnvoyFilters otherwise', () => {
    const hintOf = (version: string, population = mesh(a, b)): string => {
      const verdict = verdictOf(refusing(REAL), version, population);
      return 'hint' in verdict ? (verdict.hint ?? '') : '';
    };
    const ofJob = mesh({ ...a, pod: { ...a.pod, owner: { kind: 'Job', name: 'x' } } }, b);
    assert.match(hintOf('1.32.0', ofJob), /^kubectl -n default delete pod a-0 +# its proxy is 1\.31\.0/);
    assert.match(hintOf('1.32.0'), /^kubectl -n default rollout restart deployment\/a +# its proxy is 1\.31\.0/);
    const hostile = refusing(REAL).map((each) => ({
      ...each,
      proxies: { got: [{ ...sync('a-0', { error: REAL }), version: '1.0\nreboot' }] },
    }));
    const verdict = verdictOf(hostile, '1.32.0');
    assert.ok('hint' in verdict && !/reboot/.test(verdict.hint ?? ''), 'a release that is none');
    assert.match(hintOf('1.31.0'), /^kubectl get envoyfilters --all-namespaces -o yaml \| grep/);
  });

  it('reads the page of istiod 1.31, and those of older ones', () => {
    const listeners = 'type.googleapis.com/envoy.config.listener.v3.Listener';
    const page = [{ proxy: 'a-0.default', resources: { [listeners]: { sent: 'x', lastError: REAL } } }];
    assert.equal(verdictOf(syncs(...(syncIn(JSON.stringify(page), false) ?? [])), '1.31.0').status, 'fail');
  });

  it('has its documents', () => {
    assert.match(configDelivery.docs(null), /^https:\/\/istio\.io/);
  });
});
