import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { ended, listening } from '../support/loopback.ts';
import { productpageObject } from '../support/modern.ts';
import { type Istio, startIstio } from './istio.ts';
import { checksOf, report } from './user.ts';

const SHIFT = 90_000;

describe('clocks, as a real Envoy and a real API server show them', () => {
  // An Envoy on a node whose clock is a minute and a half ahead: what differs is its Date.
  const ahead = createServer((_, response) => {
    const body = '{}';
    response
      .writeHead(200, { date: new Date(Date.now() + SHIFT).toUTCString(), 'content-length': body.length })
      .end(body);
  });
  let istio: Istio;
  const renew = (node: string, at: number): Promise<unknown> =>
    istio.cluster.api('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {
      metadata: { name: node },
      spec: {
        holderIdentity: node,
        leaseDurationSeconds: 40,
        renewTime: new Date(at).toISOString().replace('Z', '000Z'),
      },
    });

  before(async () => {
    const forwards = new Map([['bookinfo/productpage-v1-ahead:15000', await listening(ahead)]]);
    istio = await startIstio({ forwards, objects: [] });
  });
  after(async () => {
    await istio?.close();
    await ended(ahead);
  });

  it('agree: healthy', async () => {
    await renew('node-1', Date.now());
    for (const topic of ['zipkin-clock', 'grafana-clock']) {
      const { report: found, code, stdout } = await report(istio.cluster.kubeconfig, [topic]);
      assert.deepEqual([code, found.verdict, found.unchecked], [0, 'healthy', []], stdout);
      assert.match(
        checksOf(found).get('node-clocks-agree')?.message ?? '',
        /^node-1 and the API server, 1 lease agree$/,
      );
    }
  });

  it('are not to blame where tracing is off, or for few requests only', async () => {
    const mesh = (text: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace: 'istio-system' },
      data: { mesh: text },
    });
    const tracing = async () =>
      checksOf((await report(istio.cluster.kubeconfig, ['zipkin-clock'])).report).get('tracing-is-on');
    istio.apply(mesh('enableTracing: false\n'));
    assert.equal((await tracing())?.reason, 'TracingDisabled');
    istio.apply(mesh('enableTracing: true\n'));
    assert.equal((await tracing())?.reason, 'NoTracer');
    const provider = 'extensionProviders: [{ name: otel, opentelemetry: { service: otel.example, port: 4317 } }]\n';
    istio.apply(mesh(`${provider}defaultConfig: { tracing: { sampling: 1 } }\n`));
    assert.equal((await tracing())?.reason, 'FewSampled');
    const telemetry = (tracing: object) => ({
      apiVersion: 'telemetry.istio.io/v1',
      kind: 'Telemetry',
      metadata: { name: 'mesh', namespace: 'istio-system' },
      spec: { tracing: [tracing] },
    });
    istio.apply(telemetry({ providers: [{ name: 'otel' }], randomSamplingPercentage: 100 }));
    assert.match((await tracing())?.message ?? '', /^100 % of the requests to otel$/);
    istio.apply(telemetry({ disableSpanReporting: true }));
    assert.equal((await tracing())?.reason, 'TracingDisabled');
    istio.remove('telemetries.telemetry.istio.io', 'mesh', 'istio-system');
    istio.remove('configmap', 'istio', 'istio-system');
  });

  it('do not: a node is ahead, and the browser is behind', async () => {
    const { code } = await report(istio.cluster.kubeconfig, [
      'grafana-clock',
      '--client-time',
      String(Date.now() / 1000 - 400),
    ]);
    assert.equal(code, 1);
    const { status, spec, ...pod } = productpageObject({ ip: '10.244.1.9' }, 'productpage-v1-ahead');
    await istio.cluster.api('POST', '/api/v1/nodes', {
      metadata: { name: 'node-2', labels: { 'istio-diag-e2e': 'true' } },
      spec: { unschedulable: true },
    });
    const { address, port } = istio.cluster.kubelet;
    await istio.cluster.api('PATCH', '/api/v1/nodes/node-2/status', {
      status: {
        addresses: [{ type: 'InternalIP', address }],
        conditions: [{ type: 'Ready', status: 'True' }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    });
    await istio.cluster.api('POST', '/api/v1/namespaces/bookinfo/pods', {
      ...pod,
      spec: { ...spec, nodeName: 'node-2', automountServiceAccountToken: false },
    });
    await istio.cluster.api('PATCH', '/api/v1/namespaces/bookinfo/pods/productpage-v1-ahead/status', { status });
    const { report: found } = await report(istio.cluster.kubeconfig, ['zipkin-clock']);
    const checks = checksOf(found);
    assert.deepEqual(
      [checks.get('node-clocks-agree')?.reason, checks.get('workstation-near-nodes')?.reason],
      ['NodesDisagree', 'ClockOff'],
    );
    assert.match(checks.get('node-clocks-agree')?.message ?? '', /^node-2 is (89|9\d)\.\d s ahead of/);
  });
});
