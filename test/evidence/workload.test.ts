import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Workload } from '../../src/diagnosis/check.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { matchesWorkload, type Narrowed, narrowed } from '../../src/evidence/kubernetes/workload.ts';
import { scope } from '../support/judging.ts';
import { podObject } from '../support/modern.ts';
import type { RecordedObject } from '../support/recordings.ts';

const owned = (name: string, kind: string, owner: string, labels: Record<string, string> = {}): RecordedObject => {
  const pod = podObject(name, { namespace: 'shop', labels, containers: [] });
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [{ kind, name: owner }] } } as RecordedObject;
};
const OBJECTS: readonly RecordedObject[] = [
  owned('cart-6d8bc58dd7-x', 'ReplicaSet', 'cart-6d8bc58dd7', { app: 'cart', 'pod-template-hash': '6d8bc58dd7' }),
  owned('queue-0', 'StatefulSet', 'queue', { app: 'queue' }),
  owned('agent-x', 'DaemonSet', 'agent'),
  owned('bill-28812345-x', 'Job', 'bill-28812345'),
  owned('shown-0', 'StatefulSet', 'shown', { 'service.istio.io/workload-name': 'display' }),
  podObject('alone', { namespace: 'shop', labels: {}, containers: [] }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'queue', namespace: 'shop' },
    spec: { selector: { app: 'queue' } },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'cart', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'cart' } } },
  },
] as readonly RecordedObject[];
const PLURALS: Record<string, string> = { Pod: 'pods', Service: 'services', Deployment: 'deployments' };

async function narrowedTo(kind: Workload['kind'], name: string): Promise<Narrowed> {
  const gatherer = new Gatherer(
    {
      cluster: {
        list: async ({ resource }) => OBJECTS.filter(({ kind }) => PLURALS[kind] === resource.plural) as never,
        read: () => assert.fail('nothing is read'),
      },
      scope: { ...scope, workload: { kind, name, namespace: 'shop' } },
      now: 0,
      sleep: () => Promise.resolve(),
    },
    () => 0,
  );
  const found = await gatherer.ofCluster(narrowed);
  assert.ok(found);
  return found;
}

describe('the workload that is named', () => {
  for (const [kind, name, pod, named] of [
    ['service', 'queue', 'queue-0', null],
    ['deployment', 'cart', 'cart-6d8bc58dd7-x', 'cart'],
    ['statefulset', 'queue', 'queue-0', 'queue'],
    ['daemonset', 'agent', 'agent-x', 'agent'],
    ['job', 'bill-28812345', 'bill-28812345-x', 'bill'],
    ['pod', 'cart-6d8bc58dd7-x', 'cart-6d8bc58dd7-x', 'cart'],
    ['pod', 'alone', 'alone', 'alone'],
    ['statefulset', 'shown', 'shown-0', 'display'],
    ['pod', 'shown-0', 'shown-0', 'display'],
  ] as const) {
    it(`${kind}/${name} has its pod, and series call it ${named}`, async () => {
      const found = await narrowedTo(kind, name);
      assert.deepEqual([found.found, found.pods.map((each) => each.name), found.named], [true, [pod], named]);
    });
  }
  it('is not there without a pod, where no list tells', async () => {
    for (const kind of ['statefulset', 'daemonset', 'job', 'pod'] as const) {
      assert.equal((await narrowedTo(kind, 'cart')).found, false, kind);
    }
  });
  it('is found in series by its owner’s name, and in those of services by the Services before it', async () => {
    const pod = await narrowedTo('pod', 'queue-0');
    const series = (labels: Record<string, string>) => matchesWorkload(pod, new Map(Object.entries(labels)));
    assert.ok(series({ destination_workload: 'queue', destination_workload_namespace: 'shop' }));
    assert.ok(series({ source_workload: 'queue', source_workload_namespace: 'shop', destination_workload: 'cart' }));
    assert.ok(series({ destination_service: 'queue.shop.svc.cluster.local' }));
    assert.ok(!series({ destination_workload: 'queue-0', destination_workload_namespace: 'shop' }));
    assert.ok(!series({ destination_workload: 'queue', destination_workload_namespace: 'other' }));
  });
});
