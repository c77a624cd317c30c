import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster, KubernetesObject } from '../../src/cluster/question/cluster.ts';
import type { ControlPlane, Scope } from '../../src/diagnosis/check.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { detection } from '../../src/evidence/istio/detection.ts';
import { belongsTo, pilots } from '../../src/evidence/istio/pilot.ts';
import { isMixers, ofPlane } from '../../src/evidence/istio/proxies.ts';
import { webhookBackends, webhooks } from '../../src/evidence/istio/webhooks.ts';
import { scope } from '../support/judging.ts';
import { container, workloadPod } from '../support/mixer.ts';
import { istiodObject, modernMesh, webhookObject } from '../support/modern.ts';
import type { RecordedObject } from '../support/recordings.ts';

const PLURALS: Record<string, string> = {
  Pod: 'pods',
  Service: 'services',
  Deployment: 'deployments',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
};

/** A cluster that lists these objects. */
function gathererOf(objects: readonly RecordedObject[], asked: Partial<Scope> = {}): Gatherer {
  const cluster: Cluster = {
    list: ({ resource }) =>
      Promise.resolve(objects.filter(({ kind }) => PLURALS[kind] === resource.plural) as KubernetesObject[]),
    read: () => assert.fail('nothing is read'),
  };
  return new Gatherer({ cluster, scope: { ...scope, ...asked }, now: 0, sleep: () => Promise.resolve() }, () => 0);
}

const plane = (revision: string | null, change: Partial<ControlPlane> = {}): ControlPlane => ({
  generation: 'telemetry-v2',
  namespace: 'istio-system',
  revision,
  version: '1.31.0',
  ...change,
});

describe('a proxy’s control plane', () => {
  const of = (revision?: string) =>
    workloadPod('a', true, { labels: revision === undefined ? {} : { 'istio.io/rev': revision } });
  const both = [plane('default'), plane('1-21')];
  it('is that of its revision', () => {
    assert.deepEqual(
      both.map((each) => belongsTo(each, both)(of('1-21'))),
      [false, true],
    );
    assert.deepEqual(
      both.map((each) => belongsTo(each, both)(of())),
      [true, false],
    );
  });
  it('is that of the revision behind the tag that its label names', () => {
    const status = (revision: string) => JSON.stringify({ containers: ['istio-proxy'], revision });
    const tagged = workloadPod('a', true, {
      labels: { 'istio.io/rev': 'prod' },
      annotations: { 'sidecar.istio.io/status': status('1-21') },
    });
    assert.deepEqual(
      both.map((each) => belongsTo(each, both)(tagged)),
      [false, true],
    );
  });
  it('is any, when that of its revision is gone', () => {
    assert.deepEqual(
      both.map((each) => belongsTo(each, both)(of('1-19'))),
      [true, true],
    );
  });
});

describe('a proxy beside two generations', () => {
  const proxy = (release: string) =>
    workloadPod('a', true, { containers: [container('istio-proxy', `docker.io/istio/proxyv2:${release}`)] });
  const mixer = plane(null, { generation: 'mixer', namespace: 'istio-old', version: '1.0.6' });
  const today = plane('default');
  it('is the Mixer’s where it knows no other telemetry, and else the newer one’s', () => {
    const own = (release: string) => [mixer, today].map((each) => ofPlane(each, [mixer, today])(proxy(release)));
    assert.deepEqual(own('1.0.6'), [true, false]);
    assert.deepEqual(own('1.31.0'), [false, true]);
  });
  it('is told of by Pilot, wherever its metrics go', () => {
    const beside = { ...mixer, namespace: 'istio-system' };
    assert.ok(ofPlane(today, [beside, today])(proxy('1.3.8')));
    assert.deepEqual(
      [isMixers(proxy('1.3.8'), [beside, today]), isMixers(proxy('1.6.8'), [beside, today])],
      [true, false],
    );
  });
  it('is nobody else’s where there is no Mixer any more', () => {
    assert.ok(!isMixers(proxy('1.3.8'), [today]));
    assert.ok(ofPlane(today, [today])(proxy('1.3.8')));
  });
});

describe('detection', () => {
  const two = modernMesh(
    istiodObject(),
    istiodObject({ labels: { app: 'istiod', istio: 'pilot', 'istio.io/rev': '1-21' } }, 'istiod-1-21-x'),
  ).objects;
  it('knows all control planes, whatever was asked for', async () => {
    const { planes, all } = await gathererOf(two, { revision: '1-21' }).ofCluster(detection);
    assert.deepEqual(
      [planes.map(({ revision }) => revision), all.map(({ revision }) => revision)],
      [['1-21'], ['1-21', 'default']],
    );
  });
  const ofRevision = (labels: Record<string, string>, image: string, annotations: Record<string, string> = {}) =>
    istiodObject({ labels, annotations, containers: [{ name: 'istio-proxy', image }] }, `of-${image.length}`);
  const ztunnel = ofRevision({ app: 'ztunnel' }, 'docker.io/istio/ztunnel:1.20.0', { 'istio.io/rev': '1-21' });
  const waypoint = ofRevision(
    { 'gateway.istio.io/managed': 'istio.io-mesh-controller', 'istio.io/rev': 'default' },
    'docker.io/istio/proxyv2:1.31.0',
  );
  const ambientOf = async (objects: readonly RecordedObject[], revision: string | null = null) =>
    (await gathererOf(objects, { revision }).ofCluster(detection)).planes.filter(
      ({ generation }) => generation === 'ambient',
    );
  it('takes the istiod of the revision for which ztunnel was installed, and its release', async () => {
    const found = plane('1-21', { generation: 'ambient' });
    assert.deepEqual(await ambientOf([...two, ztunnel]), [found]);
    assert.deepEqual(await ambientOf([...two, ztunnel], '1-21'), [found]);
  });
  it('takes the istiod that ztunnel asks, wherever it is', async () => {
    const asking = (address: string) => {
      const pod = istiodObject({ labels: { app: 'ztunnel' } }, 'ztunnel-x');
      const env = [{ name: 'XDS_ADDRESS', value: address }];
      Object.assign(pod.spec ?? {}, { containers: [{ name: 'istio-proxy', image: 'istio/ztunnel:1.31.0', env }] });
      return pod;
    };
    const elsewhere = istiodObject({ namespace: 'istio-ambient' }, 'istiod-elsewhere');
    for (const [address, revision, namespace] of [
      ['istiod-1-21.istio-system.svc:15012', '1-21', 'istio-system'],
      ['istiod.istio-ambient.svc:15012', 'default', 'istio-ambient'],
      ['https://somewhere.else:15012', 'default', 'istio-system'],
    ] as const)
      assert.deepEqual(await ambientOf([...two, elsewhere, asking(address)]), [
        plane(revision, { generation: 'ambient', namespace }),
      ]);
  });
  it('looks at ambient for a revision that is asked for, where a waypoint is of it', async () => {
    assert.deepEqual(await ambientOf([...two, ztunnel], 'default'), []);
    assert.deepEqual(await ambientOf([...two, ztunnel, waypoint], 'default'), [
      plane('default', { generation: 'ambient' }),
    ]);
  });
  it('finds an istiod without pods by its Deployment', async () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'istiod', namespace: 'istio-system' },
      spec: {
        replicas: 0,
        template: { spec: { containers: [{ name: 'discovery', image: 'docker.io/istio/pilot:1.31.0' }] } },
      },
    };
    const { planes } = await gathererOf([deployment]).ofCluster(detection);
    assert.deepEqual(planes, [plane(null)]);
  });
  it('finds Pilot beside a Mixer in another namespace', async () => {
    const pilot = istiodObject(
      {
        namespace: 'istio-control',
        labels: { istio: 'pilot' },
        containers: [{ name: 'discovery', image: 'istio/pilot:1.3.8' }],
      },
      'istio-pilot-x',
    );
    const { evidence } = await gathererOf([pilot]).gather(
      pilots,
      plane(null, { generation: 'mixer', namespace: 'istio-telemetry' }),
    );
    assert.deepEqual(
      (evidence as { version: string }[]).map(({ version }) => version),
      ['1.3.8'],
    );
  });
});

describe('a webhook', () => {
  const orphan = {
    ...webhookObject({
      name: 'istio-sidecar-injector-1-20',
      service: { namespace: 'istio-system', name: 'istiod-1-20' },
    }),
    metadata: { name: 'istio-sidecar-injector-1-20', labels: { 'istio.io/rev': '1-20' } },
  };
  const mesh = modernMesh(istiodObject(), webhookObject(), orphan).objects;
  it('of a revision that is gone is the first control plane’s to answer for', async () => {
    const gatherer = gathererOf(mesh);
    const { evidence } = await gatherer.gather(webhooks, plane('default'));
    assert.deepEqual(
      (evidence as { configuration: string }[]).map(({ configuration }) => configuration),
      ['istio-sidecar-injector', 'istio-sidecar-injector-1-20'],
    );
    const backends = (await gatherer.gather(webhookBackends, plane('default'))).evidence as { service: unknown }[];
    assert.deepEqual(
      backends.map(({ service }) => service !== null),
      [true, false],
    );
  });
});
