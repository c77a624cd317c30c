import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ISTIOD, PRODUCTPAGE, productpageObject } from '../support/modern.ts';
import { BAD_FILTER, type Istio, istioctl, startIstio } from './istio.ts';
import { checksOf, report } from './user.ts';

describe('a real istiod with a real Envoy', () => {
  let istio: Istio;
  before(async () => {
    istio = await startIstio();
  });
  after(() => istio?.close());

  const seen = (...args: string[]) => report(istio.cluster.kubeconfig, ['pilot-connectivity', ...args]);

  it('connected and in sync: healthy, and istioctl says the same', async () => {
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
    const { report: found, code, stdout } = await seen();
    assert.deepEqual([code, found.verdict, found.unchecked], [0, 'healthy', []], stdout);
    const checks = checksOf(found);
    assert.match(checks.get('pilot-knows-services')?.message ?? '', new RegExp(`^${ISTIOD}: [2-9]\\d* services$`));
    assert.match(checks.get('proxies-are-connected')?.message ?? '', /^all 1 proxy on 1 replica$/);
    assert.match(checks.get('proxies-are-synced')?.message ?? '', /^1 proxy in sync$/);
    assert.match(
      checks.get('proxies-take-configuration')?.evidence[0] ?? '',
      /cds [1-9]\d* taken, 0 refused; lds [1-9]\d* taken, 0 refused/,
    );
    assert.match(
      istioctl(istio.cluster.kubeconfig, 'proxy-status'),
      new RegExp(`${PRODUCTPAGE}\\.bookinfo +Kubernetes +${ISTIOD}`),
    );
  });

  it('the same from a bundle', async () => {
    const bundle = `${istio.cluster.folder}/pilot.tgz`;
    const { report: live } = await seen('--save-bundle', bundle);
    const { report: replayed } = await report('/nonexistent', ['pilot-connectivity', '--bundle', bundle]);
    assert.deepEqual(
      replayed.steps.map(({ id, status, message }) => [id, status, message]),
      live.steps.map(({ id, status, message }) => [id, status, message]),
    );
  });

  it('a configuration that Envoy refuses: its error, from both sides', async () => {
    istio.apply(BAD_FILTER);
    await istio.synced((syncz) => syncz.includes('lastError'));
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.lostAt?.step, found.lostAt?.reason], [1, 'proxies-synced', 'ConfigRejected']);
    const checks = checksOf(found);
    assert.match(checks.get('proxies-are-synced')?.message ?? '', /\(listener\) refused: .*script load error/);
    assert.equal(checks.get('proxies-take-configuration')?.reason, 'UpdatesRejected');
    assert.equal(checks.get('pilot-counts-no-rejects')?.reason, 'RejectsCounted');
    istio.remove('envoyfilter', 'bad', 'bookinfo');
    await istio.synced((syncz) => !syncz.includes('lastError'));
    assert.equal((await seen()).code, 0);
  });

  it('a proxy that nobody has heard of: missing', async () => {
    const { status, spec, ...pod } = productpageObject({ ip: '10.244.0.9' }, 'productpage-v1-lost');
    await istio.cluster.api('POST', '/api/v1/namespaces/bookinfo/pods', {
      ...pod,
      spec: { ...spec, automountServiceAccountToken: false },
    });
    await istio.cluster.api('PATCH', '/api/v1/namespaces/bookinfo/pods/productpage-v1-lost/status', { status });
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.lostAt?.reason], [1, 'ProxiesMissing']);
    assert.match(
      checksOf(found).get('proxies-are-connected')?.message ?? '',
      /no replica lists bookinfo\/productpage-v1-lost \(1 of 2 proxies\)/,
    );
    await istio.cluster.api(
      'DELETE',
      '/api/v1/namespaces/bookinfo/pods/productpage-v1-lost',
      { gracePeriodSeconds: 0 },
      [200, 202],
    );
  });

  it('certificates that are valid, and a Service that leads to istiod; then one that is gone', async () => {
    const checks = checksOf((await seen()).report);
    assert.match(
      checks.get('proxy-certificates-valid')?.message ?? '',
      /^valid for 2[0-4] hours or more, in 1 proxy$|^valid for 1 day/,
    );
    assert.match(checks.get('pilot-has-service')?.message ?? '', /istiod:15012/);
    const path = '/api/v1/namespaces/istio-system/services';
    const { body } = await istio.cluster.api('GET', `${path}/istiod`);
    const { metadata, spec, ...service } = JSON.parse(body) as {
      metadata: { name: string; labels: object };
      spec: { ports: object; selector: object };
    };
    await istio.cluster.api('DELETE', `${path}/istiod`, undefined, [200]);
    const { report: found, code } = await seen();
    assert.deepEqual([code, checksOf(found).get('pilot-has-service')?.reason], [1, 'PilotServiceMissing']);
    const { name, labels } = metadata;
    await istio.cluster.api('POST', path, {
      ...service,
      metadata: { name, labels },
      spec: { ports: spec.ports, selector: spec.selector },
    });
  });

  it('no rights but to list: what pages tell is unknown, never green', async () => {
    const { report: found, code } = await report(istio.cluster.kubeconfigOfUser, ['pilot-connectivity']);
    assert.deepEqual([code, found.verdict], [3, 'inconclusive']);
  });

  it('an Envoy that ended is missing, too', async () => {
    await istio.stopProxy();
    await istio.synced((syncz) => !syncz.includes(PRODUCTPAGE));
    const { report: found, code } = await seen();
    assert.deepEqual([code, found.lostAt?.reason], [1, 'ProxiesMissing']);
  });
});
