import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster, KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { unanswered } from '../../src/cluster/question/text.ts';
import type { ControlPlane, Scope } from '../../src/diagnosis/check.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { type Population, population } from '../../src/evidence/istio/population.ts';
import { scope } from '../support/judging.ts';
import { istiodObject, podObject, webhookObject } from '../support/modern.ts';
import type { RecordedObject } from '../support/recordings.ts';

type Labels = Record<string, string>;

const PLURALS: Record<string, string> = {
  Pod: 'pods',
  Namespace: 'namespaces',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
};

const namespace = (name: string, labels: Labels = {}): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
const app = { name: 'app', image: 'app:1' };
const proxy = (...args: readonly string[]) => ({ name: 'istio-proxy', image: 'istio/proxyv2:1.31.0', args });
const sidecar = proxy('proxy', 'sidecar');
const pod = (name: string, change: Partial<Parameters<typeof podObject>[1]> = {}): RecordedObject =>
  podObject(name, { namespace: 'shop', labels: {}, containers: [app], ...change });
const changed = (object: RecordedObject, change: { spec?: object; status?: object }): RecordedObject =>
  ({
    ...object,
    spec: { ...(object as { spec: object }).spec, ...change.spec },
    status: { ...(object as { status: object }).status, ...change.status },
  }) as RecordedObject;

const PLANE: ControlPlane = {
  generation: 'telemetry-v2',
  namespace: 'istio-system',
  revision: 'default',
  version: '1.31.0',
};

/** The population of a mesh with one istiod and its webhooks, and these objects. */
async function populationOf(
  objects: readonly RecordedObject[],
  asked: Partial<Scope> = {},
  { config = 'policy: enabled', refused = '' } = {},
): Promise<Population> {
  const all = [istiodObject(), webhookObject(), ...objects];
  const cluster: Cluster = {
    list: async (question) => {
      if (question.resource.plural === refused) throw unanswered(question, 'Forbidden', 'no');
      return all.filter(({ kind }) => PLURALS[kind] === question.resource.plural) as KubernetesObject[];
    },
    read: async () => ({
      status: 200,
      contentType: 'application/json',
      body: (async function* () {
        yield Buffer.from(JSON.stringify({ data: { config } }));
      })(),
    }),
  };
  const gatherer = new Gatherer(
    { cluster, scope: { ...scope, ...asked }, now: 0, sleep: () => Promise.resolve() },
    () => 0,
  );
  return (await gatherer.gather(population, PLANE)).evidence as Population;
}

const shop = namespace('shop', { 'istio-injection': 'enabled' });

const outsidersOf = ({ outsiders }: Population): readonly string[] => {
  assert.ok('got' in outsiders);
  return outsiders.got.map((each) => each.pod.name);
};

describe('the population of a mesh', () => {
  it('is sidecars, native ones too, and gateways of every kind', async () => {
    const { proxies, envoyless, refusal } = await populationOf([
      shop,
      pod('sidecar', { containers: [app, sidecar] }),
      changed(pod('native'), { spec: { initContainers: [{ ...sidecar, restartPolicy: 'Always' }] } }),
      // The init container of 1.5 to 1.12 says restartPolicy Always too, and is no proxy.
      changed(pod('older'), {
        spec: { initContainers: [{ name: 'istio-init', image: 'x', restartPolicy: 'Always' }] },
      }),
      // istiod labels the gateways that it makes so, and they are proxies all the same (kiali#7860).
      pod('labelled', { containers: [proxy('proxy', 'router')], labels: { 'sidecar.istio.io/inject': 'false' } }),
      pod('classic', { containers: [proxy('proxy', 'router')] }),
      pod('api', {
        containers: [proxy('proxy', 'router')],
        labels: { 'gateway.networking.k8s.io/gateway-name': 'edge' },
      }),
      // Another implementation’s gateway, with Istio’s sidecar.
      pod('foreign', { containers: [app, sidecar], labels: { 'gateway.networking.k8s.io/gateway-name': 'nginx' } }),
    ]);
    assert.deepEqual(
      proxies.map(({ pod: { name }, kind }) => [name, kind]),
      [
        ['sidecar', 'sidecar'],
        ['native', 'sidecar'],
        ['labelled', 'gateway'],
        ['classic', 'gateway'],
        ['api', 'gateway'],
        ['foreign', 'sidecar'],
      ],
    );
    assert.deepEqual([envoyless, refusal], [[], null]);
  });
  it('leaves out what has finished or ends, waypoints, and images that nobody filled in', async () => {
    const { proxies } = await populationOf([
      shop,
      changed(pod('done', { containers: [app, sidecar] }), { status: { phase: 'Succeeded' } }),
      changed(pod('waits', { containers: [app, sidecar] }), { status: { phase: 'Pending' } }),
      pod('waypoint', {
        containers: [proxy('proxy', 'waypoint')],
        labels: { 'gateway.networking.k8s.io/gateway-class-name': 'istio-waypoint' },
      }),
      pod('auto', { containers: [{ name: 'istio-proxy', image: 'auto' }] }),
    ]);
    assert.deepEqual(proxies, []);
  });
  it('sets aside what runs no Envoy', async () => {
    const { proxies, envoyless } = await populationOf([
      shop,
      pod('agent', { containers: [app, { ...sidecar, env: [{ name: 'DISABLE_ENVOY', value: 'true' }] }] }),
      pod('grpc', { containers: [app, sidecar], annotations: { 'inject.istio.io/templates': 'grpc-agent' } }),
      pod('simple', {
        annotations: { 'sidecar.istio.io/status': '{"initContainers":["grpc-bootstrap-init"],"containers":["app"]}' },
      }),
      // kgateway: its own Envoy, a server of secrets, and an agent that fetches certificates.
      pod('kgateway', {
        containers: [
          { name: 'kgateway-proxy', image: 'kgateway/envoy-wrapper:2' },
          { name: 'sds', image: 'kgateway/sds:2' },
          sidecar,
        ],
      }),
    ]);
    assert.deepEqual([proxies.length, envoyless.map(({ name }) => name)], [0, ['agent', 'grpc', 'simple', 'kgateway']]);
  });
  it('has as outsiders those that a webhook would take', async () => {
    const found = await populationOf([
      shop,
      namespace('other'),
      pod('web'),
      pod('in', { containers: [app, sidecar] }),
      pod('elsewhere', { namespace: 'other' }),
      pod('out', { labels: { 'sidecar.istio.io/inject': 'false' } }),
      pod('off', { annotations: { 'sidecar.istio.io/inject': 'off' } }),
      changed(pod('host'), { spec: { hostNetwork: true } }),
      pod('ambient', { annotations: { 'ambient.istio.io/redirection': 'enabled' } }),
      changed(pod('done'), { status: { phase: 'Succeeded' } }),
    ]);
    assert.deepEqual(outsidersOf(found), ['web']);
  });
  it('has as outsiders those whose wish nobody answers', async () => {
    const found = await populationOf([
      namespace('gone', { 'istio.io/rev': 'old' }),
      namespace('true', { 'istio-injection': 'true' }),
      namespace('no', { 'istio-injection': 'disabled' }),
      namespace('ztunnel', { 'istio.io/dataplane-mode': 'ambient' }),
      namespace('shop'),
      pod('a', { namespace: 'gone' }),
      pod('b', { namespace: 'true' }),
      pod('c', { namespace: 'no' }),
      pod('d', { namespace: 'ztunnel' }),
      pod('e', { labels: { 'istio.io/rev': 'older' } }),
      pod('f', { annotations: { 'sidecar.istio.io/inject': 'true' } }),
      pod('g'),
      pod('h', { namespace: 'gone', labels: { 'sidecar.istio.io/inject': 'false' } }),
    ]);
    assert.deepEqual(outsidersOf(found), ['a', 'b', 'e', 'f']);
  });
  it('goes by what the injector is told', async () => {
    const config = 'policy: enabled\nneverInjectSelector: [{matchLabels: {job: batch}}]';
    const found = await populationOf([shop, pod('web'), pod('batch', { labels: { job: 'batch' } })], {}, { config });
    assert.deepEqual(outsidersOf(found), ['web']);
  });
  it('is narrowed by a namespace', async () => {
    const objects = [
      shop,
      namespace('b', { 'istio-injection': 'enabled' }),
      pod('web'),
      pod('in', { namespace: 'b', containers: [app, sidecar] }),
    ];
    const found = await populationOf(objects, { namespace: 'b' });
    assert.deepEqual([found.proxies.length, outsidersOf(found)], [1, []]);
  });
  it('knows no outsiders where webhooks or namespaces may not be read', async () => {
    for (const refused of ['mutatingwebhookconfigurations', 'namespaces']) {
      const { proxies, outsiders } = await populationOf(
        [shop, pod('in', { containers: [app, sidecar] })],
        {},
        { refused },
      );
      assert.equal(proxies.length, 1);
      assert.ok('missing' in outsiders, refused);
    }
  });
});
