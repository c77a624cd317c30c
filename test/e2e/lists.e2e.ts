import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it, mock } from 'node:test';
import { pods } from '../../src/cluster/question/resources.ts';
import { once } from '../../src/cluster/ways/http.ts';
import { readList } from '../../src/cluster/ways/list.ts';
import { ProtobufPage } from '../../src/cluster/ways/protobuf-page.ts';
import { planeSource } from '../../src/diagnosis/source.ts';
import { NoAnswer } from '../../src/errors.ts';
import { happenedIn } from '../../src/evidence/kubernetes/happened.ts';
import { managedConfigMap, managedOfKind } from '../../src/evidence/kubernetes/managed.ts';
import { changesAround } from '../../src/guide/missing-metrics/changes.ts';
import { fieldPathsIn } from '../../src/guide/missing-metrics/field-paths.ts';
import { create } from '../bench/cost.ts';
import { gathered } from '../support/gathered.ts';
import { kubectlAt, startCluster, type TestCluster } from './cluster.ts';

const NAMESPACE = 'lists';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** More than a page of a list holds. */
const MANY = 520;

const question = { ask: 'list', resource: pods, namespace: NAMESPACE } as const;

/** What of a pod is read, and what looks like it: empty and not there, zero and not there, negative, and beyond ASCII. */
const rich = {
  metadata: {
    name: 'rich',
    labels: { app: 'rich', empty: '' },
    annotations: {
      'ambient.istio.io/redirection': 'enabled',
      'proxy.istio.io/config': 'tracing: {}\n',
      'sidecar.istio.io/inject': '',
      'example.com/other': 'ü'.repeat(300),
    },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rich', uid: '1', controller: true }],
    finalizers: ['example.com/held'],
  },
  spec: {
    automountServiceAccountToken: false,
    hostNetwork: true,
    nodeName: 'node-1',
    securityContext: { runAsUser: 0, fsGroup: 7 },
    volumes: [
      { name: 'config', configMap: { name: 'nginx', items: [{ key: 'a', path: 'b' }] } },
      { name: 'made', emptyDir: {} },
      { name: 'several', projected: { sources: [{ configMap: { name: 'other' } }] } },
    ],
    initContainers: [
      { name: 'istio-init', image: 'proxyv2:1.31.0', args: ['istio-iptables', '-p', '15001', 'ümläut', ''] },
      {
        name: 'istio-proxy',
        image: 'proxyv2:1.31.0',
        restartPolicy: 'Always',
        env: [
          { name: 'ISTIO_META_HTTP10', value: '1' },
          { name: 'ISTIO_META_IDLE_TIMEOUT' },
          { name: 'HTTP_PROXY', value: 'http://user:secret@proxy:3128' },
          { name: 'DISABLE_ENVOY', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'PASSWORD', value: 'secret' },
        ],
        ports: [{ containerPort: 15090, hostPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' }],
        resources: { limits: { cpu: '2500m', memory: '1Gi', 'ephemeral-storage': '1Gi' }, requests: { cpu: '100m' } },
        securityContext: { runAsUser: 1337, runAsGroup: 1337, capabilities: { drop: ['ALL'] } },
      },
    ],
    containers: [
      {
        name: 'app',
        image: 'app:1',
        command: ['kube-apiserver', '--service-cluster-ip-range=10.0.0.0/8', '--other=x'],
        volumeMounts: [{ name: 'made', mountPath: '/made' }],
        readinessProbe: { httpGet: { path: '/', port: 80 } },
      },
    ],
  },
};

const at = '2026-11-20T08:00:00Z';

const richStatus = {
  phase: 'Running',
  podIP: '10.0.0.1',
  podIPs: [{ ip: '10.0.0.1' }],
  reason: 'Evicted',
  message: 'not read',
  startTime: at,
  conditions: [
    { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: at, message: 'x' },
    { type: 'PodScheduled', status: 'True' },
  ],
  initContainerStatuses: [
    {
      name: 'istio-proxy',
      image: 'i',
      imageID: '',
      ready: true,
      restartCount: 0,
      state: { running: { startedAt: at } },
    },
  ],
  containerStatuses: [
    {
      name: 'app',
      image: 'i',
      imageID: '',
      ready: false,
      restartCount: 7,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
      lastState: {
        terminated: {
          exitCode: -1,
          signal: 9,
          reason: 'OOMKilled',
          startedAt: at,
          finishedAt: at,
          containerID: 'c://1',
        },
      },
    },
    {
      name: 'other',
      image: 'i',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode: 0, startedAt: null, finishedAt: null } },
    },
  ],
};

const plain = (number: number): object => ({
  metadata: { name: `plain-${number}` },
  spec: { automountServiceAccountToken: false, containers: [{ name: 'app', image: `app:${number % 3}` }] },
});

describe('the real API server', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.close());

  describe('writes a list of pods in Protocol Buffers, which', () => {
    const listed = (kubeconfig: string) =>
      gathered(
        planeSource([], ({ cluster: asked }) => asked.list(question)),
        kubeconfig,
      );

    before(async () => {
      await cluster.api('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
      await cluster.api(
        'POST',
        `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
        { metadata: { name: 'default' } },
        [201, 409],
      );
      await cluster.api('POST', PODS, rich);
      await cluster.api('PATCH', `${PODS}/rich/status`, { status: richStatus });
      // Its finalizer keeps it.
      await cluster.api('DELETE', `${PODS}/rich`);
      await create(cluster, PODS, MANY, plain);
    });

    it('is what its JSON is', async () => {
      const inJson = async (path: string) => ({
        status: 200,
        contentType: 'application/json',
        body: once(
          execFileSync('kubectl', [`--kubeconfig=${cluster.kubeconfig}`, 'get', '--raw', path], { maxBuffer: 1e8 }),
        ),
      });
      const expected = await readList(question, inJson);
      const page = mock.method(ProtobufPage.prototype, 'end');
      const found = await listed(cluster.kubeconfig);
      assert.equal(page.mock.callCount(), 2);
      assert.equal(found.length, MANY + 1);
      assert.deepEqual(found, expected);
      const [first] = found.filter(({ metadata }) => metadata.name === 'rich');
      assert.ok(first?.metadata.deletionTimestamp, 'the pod that is held is on its way out');
      assert.doesNotMatch(JSON.stringify(first), /secret|not read|üü/);
    });

    it('is refused in words that name the right', async () => {
      await assert.rejects(listed(cluster.kubeconfigOfUser), (error) => {
        assert.ok(error instanceof NoAnswer);
        const { hindrance, right, words } = error.unanswered;
        assert.deepEqual([hindrance, right], ['Forbidden', { verb: 'list', resource: 'pods', namespace: NAMESPACE }]);
        assert.match(words, /^pods is forbidden: User "sre" cannot list resource "pods"/);
        return true;
      });
    });
  });

  describe('keeps who has changed what, which', () => {
    const kubectl = (...args: string[]): string => kubectlAt(cluster.kubeconfig, ['-n', 'default', ...args]);
    const manifest = (name: string, image: string): string =>
      JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: 'default' },
        spec: {
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'app', image }] } },
        },
      });
    const apply = (name: string, image: string, ...how: string[]): string =>
      kubectlAt(cluster.kubeconfig, ['apply', '-f', '-', ...how], manifest(name, image));
    /** Times have whole seconds: what is done later is done in another one. */
    const later = () => new Promise((resolve) => setTimeout(resolve, 3100));

    it('is told of every way in which kubectl and others change things, and no status is', async () => {
      apply('client', 'app:1');
      apply('server', 'app:1', '--server-side');
      apply('chart', 'app:1', '--server-side', '--field-manager=helm');
      apply('untouched', 'app:1');
      await later();
      apply('client', 'app:2');
      apply('server', 'app:2', '--server-side');
      apply('chart', 'app:2', '--server-side', '--field-manager=helm');
      kubectl('label', 'namespace', 'default', 'istio-injection=enabled');
      kubectl('patch', 'deployment', 'client', '--type=merge', '-p', '{"spec":{"replicas":3}}');
      await cluster.api('PATCH', '/apis/apps/v1/namespaces/default/deployments/untouched/status', {
        status: { replicas: 1 },
      });
      const [deployments, namespaces] = await Promise.all(
        (['Deployment', 'Namespace'] as const).map((kind) => gathered(managedOfKind(kind), cluster.kubeconfig)),
      );
      assert.ok(deployments && 'got' in deployments && namespaces && 'got' in namespaces);
      const objects = [...deployments.got, ...namespaces.got.filter(({ name }) => name === 'default')];
      const changes = changesAround(Date.now() / 1000, objects, [], new Set());
      const told = changes.map(({ kind, name, operation, manager, fields }) => [
        kind,
        name,
        operation,
        manager,
        fields,
      ]);
      const has = (...change: unknown[]): void =>
        assert.ok(
          told.some((each) => JSON.stringify(each) === JSON.stringify(change)),
          JSON.stringify([change, told], null, 1),
        );
      has('Namespace', 'default', 'Update', 'kubectl-label', ['metadata.labels.istio-injection']);
      has('Deployment', 'client', 'Update', 'kubectl-patch', ['spec.replicas']);
      has('Deployment', 'chart', 'Apply', 'helm', ['spec.selector', 'spec.template.metadata', 'spec.template.spec']);
      has('Deployment', 'server', 'Apply', 'kubectl', [
        'spec.selector',
        'spec.template.metadata',
        'spec.template.spec',
      ]);
      assert.ok(
        told.some(
          ([, name, operation, manager]) =>
            name === 'client' && operation === 'Update' && manager === 'kubectl-client-side-apply',
        ),
      );
      assert.deepEqual(
        told.filter(([, name]) => name === 'untouched').map(([, , operation]) => operation),
        ['Create'],
      );
      for (const { at, secondsBefore } of changes) assert.ok(secondsBefore >= 0 && secondsBefore < 60, at);
    });

    it('is told of rollouts and of Events, and of none that every pod has', async () => {
      const at = '2026-11-29T08:00:00Z';
      apply('rolled', 'app:1');
      const { metadata } = JSON.parse(kubectl('get', 'deployment', 'rolled', '-o', 'json')) as {
        metadata: { uid: string };
      };
      const template = {
        metadata: { labels: { app: 'rolled' } },
        spec: { containers: [{ name: 'app', image: 'app:1' }] },
      };
      const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'rolled', uid: metadata.uid, controller: true };
      for (const [name, ownerReferences] of [
        ['rolled-5d8c9', [owner]],
        ['alone-5d8c9', []],
      ] as const)
        await cluster.api('POST', '/apis/apps/v1/namespaces/default/replicasets', {
          metadata: {
            name,
            annotations: { 'deployment.kubernetes.io/revision': '7', other: 'unread' },
            ownerReferences,
          },
          spec: { replicas: 0, selector: { matchLabels: { app: 'rolled' } }, template },
        });
      const event = (reason: string, more: object) =>
        cluster.api('POST', '/api/v1/namespaces/default/events', {
          metadata: { name: `rolled-${reason.toLowerCase()}` },
          involvedObject: { kind: 'Pod', name: 'rolled-5d8c9-x7k2p', namespace: 'default' },
          reason,
          message: `about ${reason}`,
          ...more,
        });
      const times = { firstTimestamp: at, lastTimestamp: '2026-11-29T09:00:00Z', count: 9 };
      await event('Killing', { ...times, source: { component: 'kubelet' } });
      await event('Pulled', { ...times, source: { component: 'kubelet' } });
      await event('Evicted', {
        eventTime: '2026-11-29T08:00:00.123456Z',
        reportingComponent: 'kubelet',
        reportingInstance: 'node-1',
        action: 'Evicting',
      });
      const asked = await gathered(
        planeSource([], (ask) => happenedIn(ask, ['default', 'kube-node-lease'])),
        cluster.kubeconfig,
      );
      const seen = asked.flatMap((each) => ('got' in each ? each.got : assert.fail(each.missing.words)));
      assert.deepEqual(
        seen
          .map(({ kind, name, operation, manager, fields }) => [kind, name, operation, manager, fields])
          .sort((a, b) => String(a).localeCompare(String(b))),
        [
          ['Deployment', 'rolled', 'Rollout', null, ['revision 7', 'ReplicaSet rolled-5d8c9']],
          ['Pod', 'rolled-5d8c9-x7k2p', 'Event', 'kubelet', ['Evicted: about Evicted']],
          ['Pod', 'rolled-5d8c9-x7k2p', 'Event', 'kubelet', ['Killing: about Killing']],
        ],
      );
      for (const each of seen.filter(({ operation }) => operation === 'Event'))
        assert.equal(Math.trunc(each.at / 1000), Date.parse(at) / 1000);
    });

    it('is asked for without what the object says', async () => {
      kubectl('create', 'configmap', 'prometheus', '--from-literal=prometheus.yml=password-in-a-map');
      const asked = await gathered(
        planeSource([], (ask) => managedConfigMap(ask, 'default', 'prometheus')),
        cluster.kubeconfig,
      );
      assert.ok('got' in asked);
      const [map, ...others] = asked.got;
      assert.ok(map && others.length === 0);
      assert.doesNotMatch(JSON.stringify(map), /password/);
      assert.deepEqual(
        map.fields.map(({ manager, fieldsV1 }) => [manager, fieldPathsIn(fieldsV1)]),
        [['kubectl-create', ['data[prometheus.yml]']]],
      );
      const none = await gathered(
        planeSource([], (ask) => managedConfigMap(ask, 'default', 'another')),
        cluster.kubeconfig,
      );
      assert.deepEqual(none, { got: [] });
    });
  });
});
