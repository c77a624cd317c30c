import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Proxy as MeshProxy, ProxyKind } from '../../../../src/evidence/istio/population.ts';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import { funnel } from '../../../../src/guide/missing-metrics/ambient/funnel.ts';
import { ambientNode, carriedPod, enrolledOf, member, ztunnelPod } from '../../../support/enrolled.ts';
import { container, missing } from '../../../support/mixer.ts';
import { emitting } from '../../../support/proxies.ts';

const proxyOf = (pod: Pod, kind: ProxyKind): MeshProxy => ({
  pod,
  kind,
  container: container('istio-proxy', 'istio/proxyv2:1.31.0'),
});

const [old, lately] = ['ztunnel-old', 'ztunnel-new'].map((name) => ztunnelPod({ name })) as [Pod, Pod];
const waypoint = carriedPod('waypoint');
const unknown = { missing: missing() };

/** How many pods go from one line to the next, where of these proxies the last is too young to be judged. */
function flowsOf(judged: readonly MeshProxy[], young: MeshProxy, waypoints: readonly Pod[] = []) {
  const members = [
    member('web', { node: ambientNode({ ztunnel: old }) }),
    member('cart', { node: ambientNode({ ztunnel: lately }), pod: { node: 'node-2' } }),
  ];
  return funnel
    .measure({
      enrolled: { got: enrolledOf(members, { waypoints }) },
      proxies: { got: { proxies: [...judged, young], refusal: null } },
      emission: {
        got: emitting(
          judged,
          judged.map(({ pod }) => pod.name),
          { young: 1 },
        ),
      },
      emitters: unknown,
      scraping: unknown,
      fresh: unknown,
      loaded: unknown,
      consumers: unknown,
      store: unknown,
    })
    .map((flow) => `${flow.between?.join(' to ')}: ${flow.in} to ${flow.out}`);
}

describe('the funnel of ambient', () => {
  it('leaves out pods whose ztunnel has only just started', () =>
    assert.deepEqual(flowsOf([proxyOf(old, 'ztunnel')], proxyOf(lately, 'ztunnel')).slice(0, 2), [
      'workloads to in mesh: 1 to 1',
      'in mesh to emit: 1 to 1',
    ]));

  it('leaves out a waypoint that has only just started', () =>
    assert.deepEqual(
      flowsOf([proxyOf(old, 'ztunnel'), proxyOf(lately, 'ztunnel')], proxyOf(waypoint, 'waypoint'), [waypoint]).slice(
        0,
        2,
      ),
      ['workloads to in mesh: 2 to 2', 'in mesh to emit: 2 to 2'],
    ));
});
