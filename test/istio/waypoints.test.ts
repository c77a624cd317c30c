import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isManagedWaypoint, unboundBecause, type WaypointModel, waypointFor } from '../../src/istio/waypoints.ts';

const USES = 'istio.io/use-waypoint';
const managed = (by: string) => ({ 'gateway.istio.io/managed': by, [USES]: 'w' });

describe('waypointFor', () => {
  const wishOf = (own: Record<string, string>, space?: Record<string, string>) => {
    const wish = waypointFor({ namespace: 'shop', labels: own }, space);
    return wish && `${wish.namespace}/${wish.name} by ${wish.by}`;
  };
  const cases: readonly [string, Record<string, string>, Record<string, string> | undefined, string | null][] = [
    ['nobody asks', {}, {}, null],
    ['the namespace is not known', {}, undefined, null],
    ['its own label asks', { [USES]: 'w' }, undefined, 'shop/w by own'],
    ['the namespace’s label asks', {}, { [USES]: 'w' }, 'shop/w by namespace'],
    ['its own label wins', { [USES]: 'own' }, { [USES]: 'w' }, 'shop/own by own'],
    ['it wants none', { [USES]: 'none' }, { [USES]: 'w' }, null],
    ['the namespace wants none', {}, { [USES]: 'none' }, null],
    ['its own label wins over a namespace that wants none', { [USES]: 'w' }, { [USES]: 'none' }, 'shop/w by own'],
    ['the waypoint lies elsewhere', { [USES]: 'w', [`${USES}-namespace`]: 'infra' }, {}, 'infra/w by own'],
    ['the namespace says where', {}, { [USES]: 'w', [`${USES}-namespace`]: 'infra' }, 'infra/w by namespace'],
    [
      'where the namespace’s waypoint lies says nothing of its own',
      { [USES]: 'w' },
      { [`${USES}-namespace`]: 'infra' },
      'shop/w by own',
    ],
    ['it is a waypoint’s own', managed('istio.io-mesh-controller'), {}, null],
    ['it is an east-west gateway’s', managed('istio.io-eastwest-controller'), {}, null],
    ['it is an agentgateway waypoint’s', managed('istio.io-agentgateway-waypoint-controller'), {}, 'shop/w by own'],
    ['it is a gateway’s', managed('istio.io-gateway-controller'), {}, 'shop/w by own'],
  ];
  for (const [when, own, space, wish] of cases)
    it(`says ${wish ?? 'none'} when ${when}`, () => assert.equal(wishOf(own, space), wish));
});

describe('unboundBecause', () => {
  const model: WaypointModel = {
    namespace: 'shop',
    serves: 'service',
    hasAddress: true,
    from: { namespaces: 'Same', selector: null },
  };
  const why = (
    change: Partial<WaypointModel> | null,
    {
      kind = 'service' as const,
      namespace = 'shop',
      labels = {},
    }: Partial<Parameters<typeof unboundBecause>[1]> & {
      labels?: Record<string, string>;
    } = {},
  ) => unboundBecause(change && { ...model, ...change }, { kind, namespace }, labels);
  const from = (namespaces: string, matchLabels: Record<string, string> = {}) => ({
    from: { namespaces, selector: { matchLabels } },
  });

  it('tells what istiod tells, in its order', () => {
    assert.equal(why({}), null);
    assert.equal(why(null), 'missing');
    assert.equal(why({ hasAddress: false, serves: 'workload' }), 'not-ready');
    assert.equal(why({ serves: 'workload' }, { namespace: 'office' }), 'namespace-denied');
    assert.equal(why({ serves: 'workload' }), 'serves-others');
    assert.equal(why({ serves: 'none' }), 'serves-others');
    assert.equal(why({ serves: 'all' }), null);
    assert.equal(why({ serves: 'services' }), 'serves-others');
    assert.equal(why({}, { kind: 'workload' as never }), 'serves-others');
    assert.equal(why({ serves: 'all' }, { kind: 'workload' as never }), null);
  });

  it('takes namespaces as the listener says', () => {
    const office = { namespace: 'office', labels: { team: 'mail' } };
    assert.equal(why(from('All'), office), null);
    assert.equal(why(from('Same'), office), 'namespace-denied');
    assert.equal(why(from('Selector', { team: 'mail' }), office), null);
    assert.equal(why(from('Selector', { team: 'other' }), office), 'namespace-denied');
    assert.equal(why(from('Selector', { 'kubernetes.io/metadata.name': 'office' }), office), null);
    assert.equal(why(from('None'), office), 'namespace-denied');
  });
});

it('knows whose pods are waypoints', () => {
  assert.equal(isManagedWaypoint(managed('istio.io-mesh-controller')), true);
  assert.equal(isManagedWaypoint(managed('istio.io-agentgateway-waypoint-controller')), true);
  assert.equal(isManagedWaypoint(managed('istio.io-eastwest-controller')), false);
  assert.equal(isManagedWaypoint({}), false);
});
