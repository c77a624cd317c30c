import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownerOf, workloadOf } from '../../src/evidence/kubernetes/owner.ts';
import { pod } from '../support/mixer.ts';

/** What Istio makes of these pods, too: pkg/kube/util_test.go. */
const CASES = [
  { owner: null, labels: {}, is: 'Pod x' },
  { owner: ['ReplicaSet', 'web-7d9c'], labels: { 'pod-template-hash': '7d9c' }, is: 'Deployment web' },
  { owner: ['ReplicaSet', 'web-7d9c'], labels: {}, is: 'ReplicaSet web-7d9c' },
  { owner: ['ReplicaSet', 'web-7d9c'], labels: { 'pod-template-hash': 'other' }, is: 'ReplicaSet web-7d9c' },
  { owner: ['ReplicaSet', 'web-7d9c'], labels: { 'rollouts-pod-template-hash': '7d9c' }, is: 'Rollout web' },
  { owner: ['StatefulSet', 'db-7d9c'], labels: { 'pod-template-hash': '7d9c' }, is: 'StatefulSet db-7d9c' },
  { owner: ['ReplicationController', 'web-3'], labels: { deploymentconfig: 'web' }, is: 'DeploymentConfig web' },
  { owner: ['ReplicationController', 'web-3'], labels: {}, is: 'ReplicationController web-3' },
  { owner: ['Job', 'bill-28812345'], labels: {}, is: 'CronJob bill' },
  { owner: ['Job', 'bill-28'], labels: {}, is: 'Job bill-28' },
] as const;

describe('the owner of a pod', () => {
  for (const { owner, labels, is } of CASES)
    it(`is ${is} of ${owner?.join(' ') ?? 'nobody'} with ${JSON.stringify(labels)}`, () => {
      const own = pod({ name: 'x', labels, owner: owner && { kind: owner[0], name: owner[1] } });
      const { kind, name } = ownerOf(own);
      assert.equal(`${kind} ${name}`, is);
      assert.equal(workloadOf(own), `istio-system/${name}`);
    });

  it('is called something else in Istio’s metrics, where a label says so', () => {
    const own = pod({ labels: { 'service.istio.io/workload-name': 'frontend' }, owner: { kind: 'Job', name: 'a' } });
    assert.equal(ownerOf(own).name, 'a');
    assert.equal(workloadOf(own), 'istio-system/frontend');
  });
});
