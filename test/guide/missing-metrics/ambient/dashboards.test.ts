import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dashboardsIn } from '../../../../src/cluster/bundle/trim-dashboards.ts';
import type { Consumer } from '../../../../src/evidence/consumers/consumers.ts';
import { type Dashboard, dashboardsOf, mapsToRead } from '../../../../src/evidence/consumers/dashboards.ts';
import {
  dashboardsShowWaypoints,
  ztunnelIsRecognised,
} from '../../../../src/guide/missing-metrics/ambient/consumers/dashboards.ts';
import { requestsCountedOnce } from '../../../../src/guide/missing-metrics/ambient/consumers/once.ts';
import { peersBehindGateways } from '../../../../src/guide/missing-metrics/ambient/stored/gateways.ts';
import { ambientPod, binding, bindingsOf, enrolledOf, gateway, waypointPod } from '../../../support/ambient.ts';
import { judging } from '../../../support/judging.ts';
import { listed, missing, pod } from '../../../support/mixer.ts';
import { answer, partly, series, unanswered } from '../../../support/stores.ts';

/** A file of a dashboard that asks with these selectors, and has these variables. */
const file = (selectors: readonly string[], ...variables: readonly object[]): string =>
  JSON.stringify({
    title: 'one',
    panels: [
      { panels: [{ targets: selectors.map((each) => ({ expr: `sum(rate(istio_requests_total${each}[1m]))` })) }] },
    ],
    templating: { list: variables },
  });

const variable = (name: string, options: readonly string[], change: object = {}) => ({
  name,
  type: 'custom',
  query: options.join(','),
  options: options.map((value) => ({ value })),
  current: { value: options[0] },
  ...change,
});

describe('dashboardsOf', () => {
  const found = (selector: string, ...variables: readonly object[]): boolean | null => {
    const [first] = dashboardsOf({ 'one.json': file([selector], ...variables) });
    return first ? first.forWaypoints === 1 : null;
  };
  const cases: readonly [string, boolean, ...object[]][] = [
    ['', true],
    ['{}', true],
    ['{destination_service="x"}', true],
    ['{reporter="waypoint"}', true],
    ['{reporter="destination"}', false],
    ["{reporter='destination'}", false],
    ['{le=~`.*`, reporter = `destination`}', false],
    ['{reporter="waypoint|source"}', false],
    ['{reporter=~"source|waypoint"}', true],
    ['{reporter=~"(source|waypoint)"}', true],
    ['{reporter=~"way.*"}', true],
    ['{reporter=~".+"}', true],
    ['{reporter=~"source|destination"}', false],
    ['{reporter!="source"}', true],
    ['{reporter!="waypoint"}', false],
    ['{reporter!~"waypoint|source"}', false],
    ['{reporter=~"("}', true],
    ['{le="}",reporter="destination"}', false],
    ['{reporter=~"$qrep"}', false, variable('qrep', ['source', 'destination'])],
    [`{reporter=~"$\{qrep}"}`, false, variable('qrep', ['source', 'destination'])],
    [`{reporter=~"$\{qrep:pipe}",x="y"}`, false, variable('qrep', ['source', 'destination'])],
    ['{reporter=~"[[qrep]]"}', false, variable('qrep', ['source', 'destination'])],
    ['{reporter=~"$qrep"}', true, variable('qrep', ['source', 'waypoint'])],
    ['{reporter="$qrep"}', true, variable('qrep', ['source', 'waypoint'])],
    ['{reporter=~"waypoint|$qrep"}', true, variable('qrep', ['source'])],
    ['{reporter=~"$qrep"}', false, variable('qrep', ['source'], { current: { value: ['$__all'] } })],
    ['{reporter=~"$qrep"}', true, variable('qrep', ['source'], { allValue: '.*' })],
    [
      '{reporter=~"$qrep"}',
      false,
      variable('qrep', ['source', 'destination'], { query: 'Source : source, Destination : destination' }),
    ],
    ['{reporter=~"$qrep"}', true, variable('qrep', ['source'], { query: 'Source : source,Waypoint : waypoint' })],
    ['{reporter=~"$qrep"}', true, variable('qrep', [], { query: 'label_values(istio_requests_total, reporter)' })],
    ['{reporter=~"$qrep"}', true, variable('qrep', [], { type: 'textbox', query: '' })],
    ['{reporter=~"$qrep"}', true],
  ];
  for (const [selector, isFor, ...variables] of cases)
    it(`${isFor ? 'takes' : 'leaves out'} a waypoint by ${selector || 'nothing'}${variables.length > 0 ? ` and ${JSON.stringify(variables[0])}` : ''}`, () => {
      assert.equal(found(selector, ...variables), isFor);
      // What a bundle keeps says the same.
      const [cut] = dashboardsOf(dashboardsIn({ 'one.json': file([selector], ...variables) }) ?? {});
      assert.equal(cut?.forWaypoints === 1, isFor);
    });

  it('reads rows, as dashboards once had them, beside no panel', () => {
    const old = JSON.stringify({
      panels: [],
      rows: [{ panels: [{ expr: 'istio_requests_total{reporter="source"}' }] }],
    });
    assert.equal(dashboardsOf({ 'one.json': old })[0]?.selectors, 1);
  });

  it('takes what is no dashboard for none', () => {
    for (const text of ['', '{', 'null', '[]', '{"panels":7}', '{"panels":[{"expr":"up"}]}'])
      assert.deepEqual(dashboardsOf({ 'one.json': text, 'notes.txt': file(['']) }), []);
  });
});

it('reads Istio’s dashboards first, of however many', () => {
  const others = ['a', 'b', 'c', 'd', 'e'].map((name) => `grafana-dashboard-${name}`);
  assert.deepEqual(mapsToRead(['grafana', ...others, 'istio-grafana-dashboards']), {
    names: ['istio-grafana-dashboards', ...others.slice(0, 3)],
    unread: 2,
  });
  assert.deepEqual(mapsToRead(['grafana']), { names: [], unread: 0 });
});

it('reads what anybody may write, and in time', () => {
  const deep = `{"panels":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  const many = JSON.stringify({ panels: [{ expr: 'istio_requests_total{'.repeat(40_000) }] });
  const quotes = JSON.stringify({ panels: [{ expr: 'istio_requests_total{"'.repeat(40_000) }] });
  const from = Date.now();
  assert.deepEqual(dashboardsOf({ 'deep.json': deep }), []);
  assert.equal(dashboardsOf({ 'many.json': many, 'quotes.json': quotes }).length, 2);
  assert.ok(Date.now() - from < 20_000);
});

const grafana: Consumer = { kind: 'Grafana', namespace: 'o11y', pod: 'grafana-1', configMap: null, asks: { got: [] } };
const kiali: Consumer = { ...grafana, kind: 'Kiali', pod: 'kiali-1' };
const dashboard = (change: Partial<Dashboard> = {}): Dashboard => ({
  title: 'Services',
  namespace: 'o11y',
  configMap: "it's one",
  forWaypoints: 0,
  selectors: 2,
  ...change,
});
const counted = (reporter: string) => ({
  got: answer(series({ reporter, destination_service_namespace: 'shop', destination_service_name: 'cart' })),
});

judging(
  dashboardsShowWaypoints,
  [
    { when: 'there is no Grafana', given: { consumers: [kiali] }, status: 'skip', says: /no Grafana/ },
    {
      when: 'ConfigMaps may not be read',
      given: { dashboards: { got: { dashboards: [], missing: [missing()], unread: 0 } } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /what Grafana’s dashboards ask for/,
    },
    {
      when: 'pods could not be listed',
      given: { dashboards: { missing: missing('TimedOut') } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /what its dashboards ask for/,
    },
    {
      when: 'it mounts none',
      given: { dashboards: { got: { dashboards: [], missing: [], unread: 0 } } },
      status: 'skip',
      says: /from a ConfigMap$/,
    },
    {
      when: 'it mounts more than is read',
      given: { dashboards: { got: { dashboards: [], missing: [], unread: 26 } } },
      status: 'skip',
      says: /; 26 ConfigMaps of dashboards were not read$/,
    },
    {
      when: 'one of two ConfigMaps may not be read',
      given: { dashboards: { got: { dashboards: [dashboard({ forWaypoints: 1 })], missing: [missing()], unread: 0 } } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^what other dashboards ask for/,
    },
    {
      when: 'an answer without waypoints may not be whole',
      given: { to: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /may not be whole/,
    },
    {
      when: 'namespaces, which may ask for a waypoint, could not be listed',
      given: { bindings: bindingsOf([], { missing: [missing()] }), to: { got: answer() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether a waypoint is asked for/,
    },
    {
      when: 'a workload is looked at, and nobody asks for a waypoint',
      given: {
        bindings: bindingsOf([]),
        narrowed: {
          workload: { kind: 'deployment', name: 'db', namespace: 'shop' },
          found: true,
          pods: [],
          services: [],
          named: 'db',
        },
        to: { got: answer() },
      },
      status: 'skip',
      says: /no waypoint counts/,
    },
    {
      when: 'the store does not answer',
      given: { to: { got: unanswered } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /.*/,
    },
    {
      when: 'nobody is asked for what waypoints count',
      given: {},
      status: 'warn',
      reason: 'WaypointsNotAskedFor',
      says: /^Services asks for other reporters: 1 requests\/s to shop\/cart are not shown$/,
    },
    {
      when: 'half of the panels are for waypoints',
      given: { dashboards: { got: { dashboards: [dashboard({ forWaypoints: 1 })], missing: [], unread: 0 } } },
      status: 'pass',
      says: /^Services asks for what waypoints count$/,
    },
    { when: 'no waypoint counts', given: { to: counted('source') }, status: 'skip', says: /no waypoint counts/ },
    {
      when: 'nobody asks for a waypoint',
      given: { bindings: bindingsOf([]), to: { got: answer() } },
      status: 'warn',
      reason: 'DashboardsWantRequests',
      says: /which nothing counts for 1 pod in ambient/,
    },
    {
      when: 'nobody asks for a waypoint, and a gateway counts what it sends',
      given: { bindings: bindingsOf([]), to: counted('source') },
      status: 'warn',
      reason: 'DashboardsWantRequests',
      says: /which gateways and sidecars alone count for 1 pod/,
    },
    {
      when: 'the waypoint that is asked for does not run',
      given: { enrolled: enrolledOf({ waypoints: [] }), to: { got: answer() } },
      status: 'skip',
      says: /no waypoint counts requests/,
    },
  ],
  {
    consumers: [grafana],
    dashboards: { got: { dashboards: [dashboard()], missing: [], unread: 0 } },
    enrolled: enrolledOf(),
    bindings: bindingsOf([binding()]),
    narrowed: null,
    to: counted('waypoint'),
  },
  { generation: 'ambient', namespace: 'istio-system', revision: null, version: '1.31.0' },
);

const ztunnel = (name: string) =>
  pod({ name, labels: { app: 'ztunnel' }, owner: { kind: 'DaemonSet', name: name.replace(/-\w+$/, '') } });
const labelled = (...apps: readonly string[]) => ({ got: answer(...apps.map((app) => series(app ? { app } : {}))) });

judging(
  ztunnelIsRecognised,
  [
    { when: 'nobody looks', given: { consumers: [] }, status: 'skip', says: /no Grafana and no Kiali/ },
    { when: 'there is none', given: { enrolled: enrolledOf() }, status: 'skip', says: /no ztunnel/ },
    { when: 'all is as the chart has it', given: {}, status: 'pass', says: /called ztunnel-…/ },
    {
      when: 'it is called something else',
      given: { enrolled: enrolledOf({ ztunnels: [ztunnel('tunnel-x1'), ztunnel('tunnel-x2')] }) },
      status: 'warn',
      reason: 'ZtunnelRenamed',
      says: /istio-system\/tunnel-x1 and 1 more/,
    },
    {
      when: 'its series have no label app',
      given: { apps: labelled('') },
      status: 'warn',
      reason: 'ZtunnelUnlabelled',
      says: /no label app="ztunnel"/,
    },
    { when: 'some of its series have', given: { apps: labelled('', 'ztunnel') }, status: 'pass', says: /called/ },
    {
      when: 'its series have no label app, and no Kiali looks for it',
      given: { apps: labelled(''), consumers: [grafana] },
      status: 'pass',
      says: /called/,
    },
    { when: 'nothing of it is stored', given: { apps: labelled() }, status: 'pass', says: /called/ },
    {
      when: 'no store tells its labels',
      given: { apps: { missing: missing('TimedOut') } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /whether ztunnel’s series have the label app/,
    },
  ],
  { consumers: [kiali], enrolled: enrolledOf({ ztunnels: [ztunnel('ztunnel-x1')] }), apps: labelled('ztunnel') },
);

const sent = (reporter: string, from: string) => ({
  got: answer(
    series({
      reporter,
      source_workload_namespace: 'shop',
      source_workload: from,
      destination_workload_namespace: 'shop',
      destination_workload: 'cart',
    }),
  ),
});

judging(
  requestsCountedOnce,
  [
    { when: 'nobody looks', given: { consumers: [] }, status: 'skip', says: /no Grafana and no Kiali/ },
    {
      when: 'the store does not answer',
      given: { edges: { got: unanswered } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /.*/,
    },
    {
      when: 'a sidecar counts what a waypoint sends',
      given: {},
      status: 'warn',
      reason: 'SidecarsCountToo',
      says: /^1 requests\/s to shop\/cart are counted by a waypoint, and by sidecars/,
    },
    {
      when: 'an answer may not be whole',
      given: { edges: { got: partly() } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /may not be whole/,
    },
    {
      when: 'a sidecar counts what others send',
      given: { edges: sent('destination', 'web') },
      status: 'pass',
      says: /no sidecar/,
    },
    {
      when: 'the waypoint alone counts',
      given: { edges: sent('waypoint', 'web') },
      status: 'pass',
      says: /no sidecar/,
    },
  ],
  { consumers: [kiali], pods: listed(waypointPod(), ambientPod('cart')), edges: sent('destination', 'waypoint') },
);

const peer = (principal: string, namespace = 'shop') => ({
  got: answer(
    series({
      reporter: 'waypoint',
      destination_service_namespace: namespace,
      destination_service_name: 'cart',
      destination_principal: principal,
    }),
  ),
});
const eastWest = gateway({ name: 'ew', namespace: 'istio-system', className: 'istio-east-west' });
const OTHER = 'spiffe://cluster.local/ns/istio-system/sa/ew-of-another';

judging(
  peersBehindGateways,
  [
    {
      when: 'there is one network',
      given: { gateways: { got: listed(gateway()) } },
      status: 'skip',
      says: /no east-west gateway here/,
    },
    {
      when: 'Gateways may not be listed',
      given: { gateways: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which gateways lead to other networks/,
    },
    {
      when: 'another network’s gateway answers',
      given: {},
      status: 'warn',
      reason: 'PeerIsGateway',
      says: /behind istio-system\/ew are counted with an unknown workload: shop\/cart$/,
    },
    {
      when: 'it is known by a Gateway that only says where it is',
      given: { gateways: { got: listed(gateway({ name: 'net-2', className: 'istio-remote' })) } },
      status: 'warn',
      reason: 'PeerIsGateway',
      says: /shop\/cart/,
    },
    {
      when: 'the gateway is this one, of the Service’s own namespace',
      given: { unknown: peer('spiffe://td/ns/istio-system/sa/ew', 'istio-system') },
      status: 'warn',
      reason: 'PeerIsGateway',
      says: /istio-system\/cart/,
    },
    {
      when: 'nobody knows who answers',
      given: { unknown: peer('unknown') },
      status: 'pass',
      says: /no request with an unknown workload/,
    },
    {
      when: 'somebody of the Service’s own namespace answers',
      given: { unknown: peer('spiffe://td/ns/shop/sa/cart') },
      status: 'pass',
      says: /no request/,
    },
  ],
  { gateways: { got: listed(eastWest) }, unknown: peer(OTHER) },
);
