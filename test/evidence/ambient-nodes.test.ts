import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isNodeAgent, nodesIn } from '../../src/evidence/ambient/nodes.ts';
import { agentPod, carriedPod, ztunnelPod } from '../support/enrolled.ts';
import { container } from '../support/mixer.ts';

const on = (...pods: Parameters<typeof nodesIn>[0][number][]) => nodesIn(pods).get('node-1');

describe('what of ambient runs on a node', () => {
  it('is its ztunnel and its agent', () => {
    const [ztunnel, agent] = [ztunnelPod(), agentPod()];
    assert.deepEqual(on(ztunnel, agent, carriedPod('web')), { ztunnel, agent });
    assert.equal(on(carriedPod('web')), undefined);
  });

  it('is the one that is ready, of two, whichever comes first', () => {
    const [ready, unready] = [ztunnelPod({ name: 'ztunnel-a' }), ztunnelPod({ name: 'ztunnel-b', ready: false })];
    assert.equal(on(ready, unready)?.ztunnel?.name, 'ztunnel-a');
    assert.equal(on(unready, ready)?.ztunnel?.name, 'ztunnel-a');
  });

  it('is none that has ended, is on its way out, or has no node', () => {
    for (const change of [{ phase: 'Failed' }, { phase: 'Succeeded' }, { deleting: true }, { node: null }])
      assert.equal(on(ztunnelPod(change)), undefined);
  });

  it('is an agent by its label, or by what it runs', () => {
    assert.ok(isNodeAgent(agentPod({ containers: [] })));
    assert.ok(isNodeAgent(agentPod({ labels: {} })));
    assert.ok(!isNodeAgent(agentPod({ labels: {}, containers: [container('install-cni', 'calico/cni:v3')] })));
  });
});
