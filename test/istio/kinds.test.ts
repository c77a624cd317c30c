import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { indexDestinationRules } from '../../src/istio/destination-rules.ts';
import { kindsOf, selectorsIn } from '../../src/istio/kinds.ts';
import type { Routing } from '../../src/istio/routing.ts';
import { viewsOf } from '../../src/istio/view.ts';
import { mergeVirtualServices, type VirtualService } from '../../src/istio/virtual-services.ts';

const dated = { name: 'one', namespace: 'apps', exportTo: [], createdAt: 0 };
const caller = (app: string, version = 'v1', namespace = 'apps') => ({ namespace, labels: { app, version } });

/** For one version of an app. */
const rule: VirtualService = {
  ...dated,
  hosts: ['front'],
  gateways: [],
  other: [],
  http: [
    {
      name: '',
      matches: [{ sourceLabels: { app: 'by-rule', version: 'v1' }, uri: { exact: '/own' } }, { uri: { prefix: '/' } }],
      destinations: [],
      shares: [],
      answers: false,
      delegate: null,
    },
  ],
};
const front = {
  ...dated,
  name: 'front',
  host: 'front.apps.svc.cluster.local',
  ports: [80],
  http: [80],
  kind: 'Service',
  endpoints: null,
} as const;
/** A mesh in which one object of each kind looks at the label `app`. */
const routing: Routing = {
  root: 'istio-system',
  registry: new Map([[front.host, [front]]]),
  destinationRules: indexDestinationRules(
    [{ ...dated, host: 'front', subsets: [], workloadSelector: { app: 'by-policy' } }],
    { root: 'istio-system', exportTo: [] },
  ),
  virtualServices: mergeVirtualServices([rule]),
  sidecars: [
    { name: 'own', namespace: 'apps', createdAt: 0, selector: { app: 'by-sidecar' }, egress: null },
    { name: 'all', namespace: 'apps', createdAt: 0, selector: null, egress: null },
  ],
};
const selectors = selectorsIn(routing);
const count = (...callers: readonly ReturnType<typeof caller>[]): number => kindsOf(callers, selectors).length;

describe('callers', () => {
  it('are one where no selector tells them apart, whatever their labels are', () => {
    assert.deepEqual(kindsOf([caller('a'), caller('b'), caller('c', 'v2')], selectors), [
      { namespace: 'apps', labels: {} },
    ]);
    assert.equal(count(caller('by-sidecar', 'v1'), caller('by-sidecar', 'v2')), 1);
    // The rule is for v1.
    assert.equal(count(caller('by-rule', 'v2'), caller('a')), 1);
  });
  it('are one where the selectors that take them in ask for nothing', () => {
    assert.equal(kindsOf([caller('a'), caller('b')], [{}]).length, 1);
  });
  it('are two where a selector takes in one of them', () => {
    for (const app of ['by-sidecar', 'by-policy', 'by-rule']) assert.equal(count(caller(app), caller('a')), 2, app);
    assert.equal(count(caller('by-sidecar'), caller('by-policy')), 2);
    assert.equal(count(caller('by-rule', 'v1'), caller('by-rule', 'v2')), 2);
  });
  it('are two where selectors share a label that they ask for', () => {
    const shared = [{ app: 'a' }, { app: 'a', version: 'v1' }, { version: 'v1', app: 'a' }];
    assert.deepEqual(kindsOf([caller('a', 'v1'), caller('a', 'v2'), caller('b', 'v1')], shared), [
      caller('a', 'v1'),
      { namespace: 'apps', labels: { app: 'a' } },
      { namespace: 'apps', labels: {} },
    ]);
  });
  it('are two in two namespaces', () => {
    assert.equal(count(caller('a'), caller('a', 'v1', 'web')), 2);
  });
});

describe('what callers of one namespace and Sidecar are told', () => {
  const told = viewsOf(routing);
  const routes = (app: string) => told(caller(app)).ruleFor(front.host, 80)?.routes.routes.length;
  const from = (app: string) => told(caller(app)).destinationRuleFor(front.host)?.from.length;
  it('is kept once', () => {
    assert.equal(told(caller('a')).services, told(caller('by-rule')).services);
    assert.equal(told(caller('a')).rules, told(caller('by-policy')).rules);
    assert.notEqual(told(caller('a')).services, told(caller('by-sidecar')).services);
    assert.notEqual(told(caller('a')).services, told(caller('a', 'v1', 'web')).services);
  });
  it('differs in routes and DestinationRules alone', () => {
    assert.deepEqual([routes('a'), routes('by-rule')], [1, 2]);
    assert.deepEqual([from('a'), from('by-policy')], [undefined, 1]);
    const [merged] = routing.virtualServices;
    assert.ok(merged && told(caller('a')).has(merged));
    assert.ok(!told(caller('a')).has({ ...merged }));
  });
});
