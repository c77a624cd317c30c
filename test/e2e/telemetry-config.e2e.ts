import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PRODUCTPAGE } from '../support/modern.ts';
import type { RecordedObject } from '../support/recordings.ts';
import { telemetryObject } from '../support/telemetry.ts';
import { type Istio, istioctl, startIstio } from './istio.ts';
import { checksOf, report } from './user.ts';

const off = { metrics: [{ overrides: [{ disabled: true }] }] };
const on = { metrics: [{ overrides: [{ disabled: false }] }] };

/** MeshConfig as the charts write it; this istiod reads a file. */
const meshFile = (mesh: string): RecordedObject =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh },
  }) as unknown as RecordedObject;

describe('what Istio tells proxies about metrics, on a real istiod', () => {
  let istio: Istio;
  before(async () => {
    istio = await startIstio({ ownFilters: true, objects: [meshFile('defaultProviders: {metrics: [prometheus]}')] });
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
  });
  after(() => istio?.close());

  /** The checks once this one is judged so: istiod pushes a moment after it has read. */
  async function untilSaid(check: string, wanted: string) {
    for (let attempt = 0; ; attempt++) {
      const checks = checksOf((await report(istio.cluster.kubeconfig, ['missing-metrics'])).report);
      const judged = checks.get(check);
      if ((judged?.reason ?? judged?.status) === wanted) return { judged, checks };
      if (attempt === 20) assert.fail(`${JSON.stringify(judged ?? null)} ${[...checks.keys()].join()}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  it('by MeshConfig: all is well, and istiod is asked too', async () => {
    const { judged } = await untilSaid('providers-make-metrics', 'pass');
    assert.match(judged?.message ?? '', /^1 of 1 proxy told to make metrics by provider prometheus$/);
    assert.ok(judged?.commands.some((command) => command.includes('/debug/config_dump?proxyID=')));
  });

  it('by an object that switches all off, which istioctl does not mind', async () => {
    istio.apply(telemetryObject('istio-system/off', off));
    const { judged } = await untilSaid('metrics-switched-on', 'MetricsDisabled');
    assert.match(judged?.message ?? '', /^1 of 1 proxy: Telemetry istio-system\/off switches all metrics off$/);
    assert.doesNotMatch(istioctl(istio.cluster.kubeconfig, 'analyze', '-A'), /Telemetry/);
  });

  it('by an object that would switch on again and is not the oldest, as istioctl says', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    istio.apply(telemetryObject('istio-system/on', on));
    const { judged } = await untilSaid('telemetries-read', 'TelemetryIgnored');
    assert.match(judged?.message ?? '', /Telemetry istio-system\/on is not read, as istio-system\/off is older$/);
    assert.equal(judged?.status, 'fail');
    assert.match(istioctl(istio.cluster.kubeconfig, 'analyze', '-A'), /IST0160/);
    for (const name of ['off', 'on']) istio.remove('telemetries.telemetry.istio.io', name, 'istio-system');
  });

  it('by what istiod reads beside the ConfigMap: its word decides', async () => {
    await untilSaid('metrics-switched-on', 'pass');
    await istio.cluster.api('PATCH', '/api/v1/namespaces/istio-system/configmaps/istio', {
      data: { mesh: 'defaultProviders: {tracing: [zipkin]}' },
    });
    const { judged } = await untilSaid('providers-make-metrics', 'pass');
    assert.match(judged?.message ?? '', /, as istiod says$/);
    istio.apply(telemetryObject('istio-system/off', off));
    await untilSaid('providers-make-metrics', 'NoMetricsProvider');
  });
});
