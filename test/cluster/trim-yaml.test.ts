import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trim } from '../../src/cluster/bundle/trim.ts';
import { datasourcesIn, kialiStoreIn } from '../../src/evidence/consumers/consumers.ts';

const kept = (name: string, key: string, text: string): string => {
  const { data } = trim('configmaps', { metadata: { name, namespace: 'monitoring' }, data: { [key]: text } });
  return data?.[key] ?? '';
};

const DATASOURCES = `apiVersion: 1
# admin: hunter2
deleteDatasources:
- name: hunter2
  orgId: 1
datasources:
- basicAuth: true
  basicAuthPassword: hunter2
  name: "Istio"
  type: prometheus
  url: http://sre:hunter2@prometheus.istio-system:9090/
  jsonData:
    httpHeaderName1: X-Scope-OrgID
    timeInterval: "30s"
    exemplarTraceIdDestinations:
    - name: hunter2
      url: hunter2
  secureJsonData:
    httpHeaderValue1: hunter2
    tlsClientKey: |
      -----BEGIN hunter2
      name: hunter2
  isDefault: true
- {name: inline, type: prometheus, url: "http://hunter2:9090", basicAuthPassword: hunter2}
-
  password: hunter2
  name: Loki
  type: loki
  url: http://loki:3100
`;

describe('what is kept of the files that tell consumers their stores', () => {
  it('is the address of each store and nothing that logs in', async () => {
    const text = kept('grafana', 'datasources.yaml', DATASOURCES);
    assert.ok(!text.includes('hunter2') && !text.includes('OrgID'), text);
    assert.deepEqual(await datasourcesIn(text), [
      { name: 'Istio', url: 'http://prometheus.istio-system:9090/', isDefault: true, interval: 30_000 },
    ]);
  });

  it('is Kiali’s Prometheus, and where it says nothing what it takes', async () => {
    const text = kept(
      'kiali',
      'config.yaml',
      `auth:
  strategy: openid
  openid:
    url: hunter2
external_services:
  grafana:
    url: http://grafana:3000
    auth: {username: a, password: hunter2}
  prometheus:
    auth:
      password: hunter2
      enabled: false
    thanos_proxy:
      enabled: true
      scrape_interval: 1m
    url: https://thanos-querier.openshift-monitoring.svc:9091/
istio_namespace: mesh
login_token: {signing_key: hunter2}
`,
    );
    assert.ok(!text.includes('hunter2'), text);
    assert.deepEqual(await kialiStoreIn(text), [
      {
        name: 'Kiali’s external_services.prometheus',
        url: 'https://thanos-querier.openshift-monitoring.svc:9091/',
        isDefault: true,
        interval: 60_000,
      },
    ]);
    assert.equal((await kialiStoreIn('istio_namespace: mesh'))[0]?.url, 'http://prometheus.mesh:9090');
    assert.deepEqual(await kialiStoreIn('external_services:\n  prometheus:\n    enabled: false'), []);
    assert.equal((await kialiStoreIn(''))[0]?.url, 'http://prometheus.istio-system:9090');
  });

  it('is no part of a password, whatever stands in it', () => {
    for (const [value, left] of [
      ['http://admin:S0S@S0S@grafana:3000', 'http://grafana:3000'],
      ['"http://admin:S0S@S0S@grafana:3000"', '"http://grafana:3000"'],
      ['admin:S0S@S0S@grafana:3000', 'grafana:3000'],
      ['http://grafana:3000/a@b', 'http://grafana:3000/a@b'],
    ])
      assert.equal(kept('grafana', 'datasources.yaml', `url: ${value}`), `url: ${left}`);
  });

  it('is known of a key however deep its list is, and soon of a line that has none', () => {
    assert.equal(kept('grafana', 'datasources.yaml', '\t- -  \t- name: x'), '\t- -  \t- name: x');
    const started = performance.now();
    for (const hostile of ['-  ', '- ', '-', ' ', '\t', "'", 'a', 'a ', '://'])
      assert.equal(kept('grafana', 'datasources.yaml', `${hostile.repeat(2 ** 16)}!`), '');
    assert.ok(performance.now() - started < 2000);
  });

  it('is nothing of other files, and never breaks on text that is none', async () => {
    assert.equal(kept('grafana', 'grafana.ini', 'password = hunter2'), '');
    for (const text of ['[{"a": 1}]', '{', '- - name: x', 'a', '\t- x: 1', 'datasources:\n- name: x\n bad: y'])
      assert.ok(Array.isArray(await datasourcesIn(kept('grafana', 'datasources.yaml', text)).catch(() => [])));
  });
});
