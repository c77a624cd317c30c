import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PROGRAMS } from '../../src/cluster/question/exec.ts';
import type { Finding } from '../../src/diagnosis/finding.ts';
import { configDelivery } from '../../src/guide/missing-metrics/sidecar/config-delivery.ts';
import { proxyEmits } from '../../src/guide/missing-metrics/sidecar/proxy-emits.ts';
import { findingsAt } from '../support/gathered.ts';
import { PRODUCTPAGE, podObject } from '../support/modern.ts';
import { reported } from '../support/run.ts';
import { until } from './children.ts';
import { type Istio, startIstio } from './istio.ts';
import { textAt } from './istiod.ts';

const reasonOf = (finding: Finding | undefined) => [finding?.status, finding?.reason ?? false];

const seen = async (istio: Istio, namespace: string | null = null) => {
  const at = { now: Date.now(), scope: { namespace } };
  const [delivery, emits] = [
    await findingsAt(configDelivery, istio.cluster.kubeconfig, at),
    await findingsAt(proxyEmits, istio.cluster.kubeconfig, at),
  ];
  return { delivery, emits, words: JSON.stringify([[...delivery], [...emits]], null, 1) };
};

describe('a real Envoy that does not know Istio’s filters, sent them by a real istiod', () => {
  let istio: Istio;
  before(async () => {
    istio = await startIstio({ ownFilters: true });
  });
  after(() => istio?.close());

  it('refuses them, in istiod’s own words, and has none on its pages', async () => {
    await istio.synced((syncz) => /lastError.*istio\.stats/s.test(syncz));
    // Its own port opens a while after it has told istiod: until then nothing is known of its page.
    await until(
      async () => reasonOf((await seen(istio)).emits.get('stats-filter-loaded'))[1] === 'FilterNotLoaded',
      60,
      () => istio.words(),
    );
    const { delivery, emits, words } = await seen(istio);
    assert.deepEqual(reasonOf(delivery.get('istiod-answers')), ['pass', false], words);
    assert.deepEqual(reasonOf(delivery.get('proxies-have-configuration')), ['pass', false], words);
    const refused = delivery.get('stats-filter-taken');
    assert.deepEqual(reasonOf(refused), ['fail', 'StatsFilterRefused'], words);
    assert.match(refused?.message ?? '', /^1 of 1 proxy refuses the stats filter: .*'istio\.stats'/);
    assert.deepEqual(refused?.subjects, [
      { kind: 'Pod', namespace: 'bookinfo', name: PRODUCTPAGE, pods: [PRODUCTPAGE] },
    ]);
    assert.deepEqual(reasonOf(emits.get('proxies-took-listeners')), ['fail', 'ListenersRefused'], words);
    assert.deepEqual(reasonOf(emits.get('stats-filter-loaded')), ['fail', 'FilterNotLoaded'], words);
    assert.deepEqual(reasonOf(emits.get('envoy-part-merged')), ['pass', false], words);
  });

  it('is the cause of what the walk sees behind it, live and from a bundle', async () => {
    const bundle = join(istio.cluster.folder, 'delivery.tgz');
    const env = { KUBECONFIG: istio.cluster.kubeconfig };
    const live = await reported(['missing-metrics', '--save-bundle', bundle], { env });
    const replayed = await reported(['missing-metrics', '--bundle', bundle]);
    for (const { code, report } of [live, replayed]) {
      assert.deepEqual(
        [code, report.lostAt?.step, report.lostAt?.reason],
        [1, 'config-delivery', 'StatsFilterRefused'],
        JSON.stringify(report.steps, null, 1),
      );
      const causes = report.steps.flatMap(({ id, status, causedBy }) => (status === 'fail' ? [[id, causedBy]] : []));
      assert.deepEqual(causes, [
        ['config-delivery', null],
        ['proxy-emits', 'config-delivery'],
      ]);
    }
    assert.deepEqual(replayed.report.steps, live.report.steps);
  });
});

describe('a real Envoy that is sent no stats filter', () => {
  let istio: Istio;
  before(async () => {
    istio = await startIstio();
  });
  after(() => istio?.close());

  it('answers what the agent’s command asks it for with little more than that', async () => {
    const page = await textAt(istio.ports.admin, `/${PROGRAMS.metrics.at(-1)}`);
    const names = new Set([...page.matchAll(/^(\w+)\{/gm)].map(([, name]) => name));
    for (const name of [
      'envoy_server_state',
      'envoy_listener_manager_lds_update_success',
      'envoy_listener_manager_total_listeners_active',
    ])
      assert.ok(names.has(name), page);
    assert.ok(names.size < 15, page);
  });

  it('has taken all that it was sent, and shows none on both of its pages', async () => {
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
    const { delivery, emits, words } = await seen(istio);
    for (const [id, { status }] of delivery) assert.equal(status, 'pass', `${id}\n${words}`);
    assert.deepEqual(reasonOf(emits.get('proxies-took-listeners')), ['pass', false], words);
    assert.deepEqual(reasonOf(emits.get('stats-filter-loaded')), ['fail', 'FilterNotLoaded'], words);
    assert.deepEqual(reasonOf(emits.get('merged-page-parses')), ['pass', false], words);
  });
});

describe('a real gateway that no Gateway is for, of an istiod that serves no debug pages', () => {
  const labels = { app: 'edge', istio: 'edge' };
  const pod = 'edge-1';
  const edge = podObject(pod, {
    namespace: 'istio-system',
    labels,
    containers: [{ name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.31.0', args: ['proxy', 'router'] }],
    ip: '10.244.0.9',
  });
  let istio: Istio;
  before(async () => {
    istio = await startIstio({
      proxied: { kind: 'router', pod, namespace: 'istio-system', labels, workload: 'edge', ip: '10.244.0.9' },
      objects: [edge],
      features: { ENABLE_DEBUG_ON_HTTP: 'false' },
    });
  });
  after(() => istio?.close());

  it('has nothing to count, and what it was sent is not known', async () => {
    const { delivery, emits, words } = await seen(istio, 'istio-system');
    assert.deepEqual(reasonOf(emits.get('stats-filter-loaded')), ['skip', false], words);
    assert.match(emits.get('stats-filter-loaded')?.message ?? '', /1 gateway without listeners/);
    assert.deepEqual(reasonOf(delivery.get('istiod-answers')), ['unknown', 'BadAnswer'], words);
    assert.match(delivery.get('istiod-answers')?.message ?? '', /^debug pages are off on 1 of 1 replica/);
    assert.ok(
      [...delivery.values()].every(({ status }) => status !== 'pass' && status !== 'fail'),
      words,
    );
  });
});
