import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { trim } from '../../src/cluster/bundle/trim.ts';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { pods, typedName } from '../../src/cluster/question/resources.ts';
import { openGateway } from '../../src/cluster/ways/gateway.ts';
import { readList } from '../../src/cluster/ways/list.ts';
import { PROTOBUF } from '../../src/cluster/ways/pods-protobuf.ts';
import { makeScratch } from '../../src/cluster/ways/scratch.ts';
import { create } from '../bench/cost.ts';
import { drawing } from '../support/lookup.ts';
import { startCluster, type TestCluster } from './cluster.ts';

/** More than one page of a list has. */
const COUNT = 520;

const NAMESPACE = 'various';

const { any: oneOf, chance } = drawing(Number(process.env.SEED ?? 20261128));
const some = <T>(most: number, of: (number: number) => T): T[] =>
  Array.from({ length: oneOf(Array.from({ length: most + 1 }, (_, number) => number)) }, (_, number) => of(number));
const maybe = (name: string, share: number, of: () => unknown): object => (chance(share) ? { [name]: of() } : {});

const KEYS = ['app', 'version', 'constructor', 'toString', 'istio.io/rev', 'x.example/y', 'a'];
const WORDS = ['', 'v1', 'true', 'a.b_c-d', 'x'.repeat(63)];
const ANNOTATIONS = ['sidecar.istio.io/inject', 'prometheus.io/scrape', 'proxy.istio.io/config', 'other.example/text'];
const TEXTS = ['', 'false', 'ä€😀\n\t"', '{"a": [1]}', 'y'.repeat(5000)];

const mapOf = (keys: readonly string[], values: readonly string[]): object =>
  Object.fromEntries(keys.filter(() => chance(0.4)).map((key) => [key, oneOf(values)]));

/** No two of a pod are alike: on their node's network they would be one. */
let portAt = 0;

const container = (name: string) => ({
  name,
  image: oneOf(['docker.io/istio/proxyv2:1.31.0', `registry.example:5000/a/b@sha256:${'a'.repeat(64)}`]),
  ...maybe('args', 0.5, () => some(4, () => oneOf(['proxy', 'sidecar', '--log=ä', '']))),
  ...maybe('command', 0.3, () => ['kube-apiserver', '--service-cluster-ip-range=10.0.0.0/8', '--other=1']),
  ...maybe('ports', 0.6, () =>
    some(3, (number) => ({
      containerPort: oneOf([1, 1000, 15000, 65000]) + (portAt++ % 500),
      protocol: oneOf(['TCP', 'UDP', 'SCTP']),
      ...maybe('name', 0.6, () => `port-${number}`),
      ...maybe('hostIP', 0.2, () => '127.0.0.1'),
    })),
  ),
  ...maybe('env', 0.7, () => [
    { name: 'DISABLE_ENVOY', value: oneOf(['', 'true']) },
    { name: 'HTTP_PROXY', value: 'http://user:secret@proxy:3128' },
    { name: 'PILOT_HTTP10', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'OTHER', value: 'x' },
  ]),
  ...maybe('resources', 0.6, () => ({
    requests: { cpu: '10m' },
    limits: { cpu: oneOf(['500m', '0.5', '2', '1500m']), memory: oneOf(['1Gi', '0.5Gi', '128974848', '1e3']) },
  })),
  ...maybe('securityContext', 0.5, () => ({
    ...maybe('runAsUser', 0.7, () => oneOf([0, 1337, 2147483647])),
    privileged: false,
  })),
});

const podOf = (number: number): object => ({
  metadata: {
    name: `pod-${number}`,
    namespace: NAMESPACE,
    labels: mapOf(KEYS, WORDS),
    annotations: mapOf(ANNOTATIONS, TEXTS),
    // Of these some are deleted, and stay.
    ...(number % 20 === 0 && { finalizers: ['example.com/kept'] }),
    ...maybe('ownerReferences', 0.6, () => [
      {
        apiVersion: 'apps/v1',
        kind: oneOf(['ReplicaSet', 'Job']),
        name: `owner-${number}`,
        uid: '00000000-0000-4000-8000-000000000000',
        ...maybe('controller', 0.5, () => chance(0.5)),
      },
    ]),
  },
  spec: {
    automountServiceAccountToken: false,
    ...maybe('nodeName', 0.8, () => 'node-1'),
    ...maybe('hostNetwork', 0.1, () => true),
    ...maybe('securityContext', 0.4, () => ({ ...maybe('runAsUser', 0.7, () => oneOf([0, 1000])), fsGroup: 1 })),
    volumes: some(3, (each) => ({
      name: `volume-${each}`,
      ...oneOf([
        { configMap: { name: `map-${each}`, optional: chance(0.5) } },
        { secret: { secretName: 'hidden' } },
        { emptyDir: {} },
        { projected: { sources: [{ configMap: { name: 'inner' } }] } },
      ]),
    })),
    initContainers: some(2, (each) => ({
      ...container(`init-${each}`),
      ...maybe('restartPolicy', 0.5, () => 'Always'),
    })),
    containers: [container('istio-proxy'), ...some(2, (each) => container(`app-${each}`))],
  },
});

const MOMENT = '2026-11-20T08:00:00Z';

const ended = (): object => ({
  exitCode: oneOf([0, 1, 137, 255, -1, -2147483648]),
  ...maybe('signal', 0.3, () => 9),
  ...maybe('reason', 0.7, () => oneOf(['OOMKilled', 'Error'])),
  ...maybe('message', 0.3, () => 'ended: ä'),
  ...maybe('startedAt', 0.6, () => MOMENT),
  ...maybe('finishedAt', 0.8, () => '1969-12-31T23:59:59Z'),
});

const state = (): object =>
  oneOf([
    {},
    { running: { startedAt: MOMENT } },
    { running: {} },
    { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } },
    { waiting: {} },
    { terminated: ended() },
  ]);

const instance = (name: string): object => ({
  name,
  image: 'x',
  imageID: '',
  ready: chance(0.5),
  restartCount: oneOf([0, 1, 300, 2147483647]),
  ...maybe('state', 0.8, state),
  ...maybe('lastState', 0.5, () => oneOf([{}, { terminated: ended() }])),
});

const statusOf = (): object => ({
  phase: oneOf(['Pending', 'Running', 'Succeeded', 'Failed']),
  ...maybe('podIP', 0.8, () => oneOf(['10.1.2.3', 'fd00::1'])),
  ...maybe('startTime', 0.8, () => MOMENT),
  ...maybe('reason', 0.2, () => 'Evicted'),
  conditions: some(3, (number) => ({
    type: ['Ready', 'Initialized', 'PodScheduled'][number],
    status: oneOf(['True', 'False']),
    ...maybe('reason', 0.4, () => 'ContainersNotReady'),
    ...maybe('lastTransitionTime', 0.5, () => MOMENT),
  })),
  ...maybe('containerStatuses', 0.8, () => [instance('istio-proxy')]),
  ...maybe('initContainerStatuses', 0.3, () => [instance('init-0')]),
});

describe('pods in protobuf', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
    await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    await cluster.api(
      'POST',
      `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
      { metadata: { name: 'default' } },
      [201, 409],
    );
    await create(cluster, `/api/v1/namespaces/${NAMESPACE}/pods`, COUNT, podOf, statusOf);
    for (let number = 0; number < COUNT; number += 20)
      await cluster.api('DELETE', `/api/v1/namespaces/${NAMESPACE}/pods/pod-${number}?gracePeriodSeconds=600`);
  });
  after(() => cluster?.close());

  it('are what they are in JSON, as far as they are kept', async () => {
    const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
    const { body } = await cluster.api('GET', path);
    const { items } = JSON.parse(body) as { items: KubernetesObject[] };
    const kind = typedName(pods);
    const patience = { request: 30_000, run: new AbortController().signal };
    const scratch = makeScratch();
    const kubectl = { program: 'kubectl', flags: [`--kubeconfig=${cluster.kubeconfig}`], env: process.env };
    const server = await openGateway(kubectl, scratch, patience, null);
    try {
      const types: string[] = [];
      const listed = await readList({ ask: 'list', resource: pods, namespace: NAMESPACE }, async (at) => {
        const answer = await server.get(at, patience, `${PROTOBUF}, application/json`);
        types.push(answer.contentType);
        return answer;
      });
      assert.deepEqual(types, [PROTOBUF, PROTOBUF]);
      assert.ok(items.length > 500);
      assert.ok(items.some(({ metadata }) => metadata.deletionTimestamp !== undefined));
      // As a bundle would hold them.
      const plain = (each: unknown): unknown => JSON.parse(JSON.stringify(each));
      assert.deepEqual(
        listed.map(plain),
        items.map((each) => plain(trim(kind, each))),
      );
    } finally {
      await server.close();
      scratch.remove();
    }
  });
});
