import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sharesOf } from '../../src/evidence/istio/shares.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import { carriedPod, ztunnelPod } from '../support/enrolled.ts';
import { container } from '../support/mixer.ts';

const proxy = (kind: string) => container('istio-proxy', 'istio/proxyv2:1.31.0', { args: ['proxy', kind] });
const enabled = { 'ambient.istio.io/redirection': 'enabled' };
const withSidecar = (change: Partial<Pod> = {}): Pod =>
  carriedPod('pay', {
    containers: [container('pay', 'pay:1'), proxy('sidecar')],
    ...change,
    annotations: { 'sidecar.istio.io/status': '{}', ...change.annotations },
  });

describe('how many pods each data plane carries', () => {
  it('is one for each pod, and its sidecar’s where it has both', () =>
    assert.deepEqual(
      sharesOf([
        carriedPod('web', { annotations: enabled }),
        withSidecar(),
        withSidecar({ annotations: enabled }),
        carriedPod('outside'),
      ]),
      { sidecars: 2, ambient: 1 },
    ));

  it('is none of what carries others, nor of what waits or has ended', () =>
    assert.deepEqual(
      sharesOf([
        ztunnelPod(),
        carriedPod('edge', { containers: [proxy('router')] }),
        carriedPod('web', { annotations: { 'ambient.istio.io/redirection': 'pending' } }),
        carriedPod('cart', { annotations: enabled, phase: 'Succeeded' }),
        carriedPod('book', { annotations: enabled, deleting: true }),
      ]),
      { sidecars: 0, ambient: 0 },
    ));
});
