import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { MeshProxy } from '../../src/istio/attachment.ts';
import { METRICS } from '../../src/istio/metrics-providers.ts';
import { type SideStats, statsOf } from '../../src/istio/stats.ts';
import { passedOver, telemetriesFor } from '../../src/istio/telemetry.ts';
import { configOf, envoyFilterObject, MESH, PROXY, statsPatch, telemetryObject, words } from '../support/telemetry.ts';

interface Recorded {
  name: string;
  objects: { kind: string; metadata: { name: string; namespace: string; labels?: Record<string, string> } }[];
  applied: string[];
  filters?: { direction: 'inbound' | 'other'; metrics: { name: string; drop?: boolean }[] }[];
}
const recorded = JSON.parse(readFileSync(new URL('telemetry-recorded.json', import.meta.url), 'utf8')) as Recorded[];
const titles = (all: readonly { namespace: string; name: string }[]): readonly string[] =>
  all.map(({ namespace, name }) => `${namespace}/${name}`);

describe('what a real istiod 1.31 made of Telemetry objects', () => {
  for (const { name, objects, applied, filters } of recorded) {
    it(name, () => {
      const config = configOf(objects);
      assert.deepEqual(titles(telemetriesFor(config.telemetries, PROXY, 'istio-system')), applied);
      if (!filters) return;
      const stats = statsOf(config, PROXY);
      const told = (side: SideStats | null, direction: string): void => {
        const theirs = filters.find((each) => each.direction === direction);
        assert.equal(side?.http.length, theirs ? 1 : 0, direction);
        assert.equal(side?.tcp.length, theirs ? 1 : 0, direction);
        const dropped = theirs?.metrics.filter(({ drop }) => drop).map((each) => each.name) ?? [];
        assert.deepEqual(
          side?.dropped.map(({ metric }) => metric),
          dropped,
        );
      };
      told(stats.inbound, 'inbound');
      told(stats.outbound, 'other');
    });
  }
});

const off = { metrics: [{ overrides: [{ disabled: true }] }] };
const on = { metrics: [{ overrides: [{ disabled: false }] }] };
const naming = (...names: string[]) => ({ metrics: [{ providers: names.map((name) => ({ name })) }] });
const both = (what: unknown) => ({ inbound: what, outbound: what });
const overriding = (...overrides: object[]) => ({ metrics: [{ overrides }] });

describe('the Telemetry API', () => {
  const cases: readonly [when: string, given: Parameters<typeof configOf>, expected: object, Partial<MeshProxy>?][] = [
    ['nothing is said', [[]], both(['prometheus'])],
    ['no provider is named', [[], { mesh: { defaults: [] } }], both('no-provider')],
    [
      'an object names none, and the mesh none',
      [[telemetryObject('bookinfo/x', on)], { mesh: { defaults: [] } }],
      both('no-provider'),
    ],
    ['a name is nobody’s', [[telemetryObject('bookinfo/x', naming('promethius'))]], both('unknown')],
    ['a name is written otherwise', [[telemetryObject('bookinfo/x', naming('Prometheus'))]], both(['Prometheus'])],
    [
      'a provider of one’s own makes none',
      [[], { mesh: { defaults: ['otel'], providers: [{ name: 'otel', type: 'opentelemetry' }] } }],
      both('none'),
    ],
    [
      'the mesh gives prometheus another type',
      [[], { mesh: { providers: [{ name: 'prometheus', type: 'envoyOtelAls' }] } }],
      both('none'),
    ],
    ['Stackdriver today', [[telemetryObject('bookinfo/x', naming('stackdriver'))]], both('none')],
    [
      'Stackdriver before 1.23',
      [[telemetryObject('bookinfo/x', naming('stackdriver'))], { version: '1.22.8' }],
      both('pushed'),
    ],
    [
      'Stackdriver beside Prometheus',
      [[telemetryObject('bookinfo/x', naming('stackdriver', 'prometheus'))]],
      both(['prometheus']),
    ],
    [
      'two of one type',
      [[], { mesh: { defaults: ['b', 'prometheus'], providers: [{ name: 'b', type: 'prometheus' }] } }],
      both(['b', 'prometheus']),
    ],
    [
      'the root namespace’s provider gives way to the namespace’s',
      [[telemetryObject('istio-system/x', naming('gone')), telemetryObject('bookinfo/x', naming('prometheus'))]],
      both(['prometheus']),
    ],
    [
      'what is said of a provider that no longer counts is nothing',
      [
        [
          telemetryObject('istio-system/x', {
            metrics: [{ providers: [{ name: 'gone' }], overrides: [{ disabled: true }] }],
          }),
          telemetryObject('bookinfo/x', naming('prometheus')),
        ],
      ],
      both(['prometheus']),
    ],
    [
      'one side is off',
      [[telemetryObject('bookinfo/x', overriding({ match: { mode: 'SERVER' }, disabled: true }))]],
      { inbound: 'disabled', outbound: ['prometheus'] },
    ],
    [
      'all is off, and another word of one metric turns it on again',
      [
        [
          telemetryObject('istio-system/x', off),
          telemetryObject(
            'bookinfo/x',
            overriding({ match: { metric: 'REQUEST_SIZE', mode: 'CLIENT' }, disabled: true }),
          ),
        ],
      ],
      { inbound: 'disabled', outbound: ['prometheus -request_bytes'] },
    ],
    [
      'one side is off before 1.18, which is both',
      [
        [
          telemetryObject(
            'bookinfo/x',
            overriding({ match: { metric: 'ALL_METRICS', mode: 'CLIENT' }, disabled: true }),
          ),
        ],
        { version: '1.17.2' },
      ],
      both('disabled'),
    ],
    [
      'it is off, and one word on the other side turns both on again there',
      [
        [
          telemetryObject('bookinfo/x', overriding({ match: { metric: 'ALL_METRICS' }, disabled: true })),
          telemetryObject('bookinfo/y', {
            selector: { matchLabels: { app: 'productpage' } },
            ...overriding({ match: { mode: 'CLIENT' } }),
          }),
        ],
        { version: '1.17.2' },
      ],
      both(['prometheus']),
    ],
    [
      'all is off without its word before 1.19: the filter stays, and each metric is left out',
      [[telemetryObject('bookinfo/x', overriding({ disabled: true }))], { version: '1.18.0' }],
      both([['prometheus', ...Object.values(METRICS).map((name) => `-${name}`)].join(' ')]),
    ],
    [
      'a metric of one’s own is off',
      [[telemetryObject('bookinfo/x', overriding({ match: { customMetric: 'mine' }, disabled: true }))]],
      both(['prometheus -mine']),
    ],
    [
      'a metric is off and on again',
      [
        [
          telemetryObject('istio-system/x', overriding({ match: { metric: 'REQUEST_COUNT' }, disabled: true })),
          telemetryObject('bookinfo/x', overriding({ match: { metric: 'ALL_METRICS' }, disabled: false })),
        ],
      ],
      both(['prometheus']),
    ],
    [
      'an object of a tag’s is nobody’s',
      [[telemetryObject('istio-system/x', off, { 'istio.io/rev': 'prod' })]],
      both(['prometheus']),
    ],
    [
      'a gateway',
      [[telemetryObject('bookinfo/x', off)]],
      { inbound: 'no such side', outbound: 'disabled' },
      { kind: 'gateway' },
    ],
    [
      'a waypoint, by its class',
      [
        [
          telemetryObject('istio-system/x', {
            targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'GatewayClass', name: 'istio-waypoint' }],
            ...off,
          }),
        ],
      ],
      { inbound: ['prometheus'], outbound: 'no such side' },
      { kind: 'waypoint', labels: { 'gateway.networking.k8s.io/gateway-name': 'w' } },
    ],
  ];
  for (const [when, given, expected, change] of cases)
    it(when, () => assert.deepEqual(words(configOf(...given), change), expected));

  it('looks for a waypoint’s objects where the Service is', () => {
    const config = configOf([
      telemetryObject('shop/all', overriding({ match: { metric: 'REQUEST_SIZE' }, disabled: true })),
      telemetryObject('shop/cart', { targetRefs: [{ kind: 'Service', name: 'cart' }], ...off }),
      telemetryObject('bookinfo/w', {
        targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'w' }],
        ...off,
      }),
    ]);
    const waypoint: MeshProxy = {
      ...PROXY,
      kind: 'waypoint',
      labels: { 'gateway.networking.k8s.io/gateway-name': 'w' },
    };
    const chainOf = (...served: Parameters<typeof telemetriesFor>[3][]) =>
      titles(telemetriesFor(config.telemetries, waypoint, 'istio-system', ...served));
    assert.deepEqual(chainOf(), ['bookinfo/w']);
    assert.deepEqual(chainOf({ kind: 'Service', name: 'cart', namespace: 'shop' }), ['shop/all', 'shop/cart']);
    assert.deepEqual(chainOf({ kind: 'ServiceEntry', name: 'cart', namespace: 'shop' }), ['shop/all']);
  });

  it('takes a waypoint’s objects as each release does', () => {
    const { telemetries } = configOf([
      telemetryObject('shop/all', off),
      telemetryObject('shop/cart', { targetRefs: [{ kind: 'Service', name: 'cart' }], ...off }),
      telemetryObject('bookinfo/all', off),
      telemetryObject('bookinfo/cart', { targetRefs: [{ kind: 'Service', name: 'cart' }], ...off }),
    ]);
    const waypoint: MeshProxy = {
      ...PROXY,
      kind: 'waypoint',
      labels: { 'gateway.networking.k8s.io/gateway-name': 'w' },
    };
    const chainIn = (version: string, namespace: string) =>
      titles(
        telemetriesFor(telemetries, waypoint, 'istio-system', { kind: 'Service', name: 'cart', namespace }, version),
      );
    const elsewhere = ['bookinfo/all', 'shop/all', 'shop/cart'];
    for (const version of ['1.22.8', '1.23.6']) assert.deepEqual(chainIn(version, 'bookinfo'), ['bookinfo/all']);
    for (const version of ['1.24.0', '1.30.2', '1.31.0'])
      assert.deepEqual(chainIn(version, 'bookinfo'), ['bookinfo/all', 'bookinfo/cart']);
    for (const version of ['1.24.0', '1.29.6', '1.30.2']) assert.deepEqual(chainIn(version, 'shop'), ['bookinfo/all']);
    for (const version of ['1.30.3', '1.30.10', '1.31.0', '1.32.1', '2.0.0'])
      assert.deepEqual(chainIn(version, 'shop'), elsewhere);
  });

  it('says who is passed over', () => {
    const { telemetries } = configOf([
      telemetryObject('shop/new', on, {}, 60),
      telemetryObject('shop/old', off),
      telemetryObject('shop/mine', { selector: { matchLabels: { app: 'a' } }, ...off }, {}, 90),
    ]);
    assert.deepEqual(
      passedOver(telemetries).map(({ ignored, by }) => `${ignored.name} by ${by.name}`),
      ['new by old'],
    );
  });

  it('tells the labels that are set and removed', () => {
    const tags = { request_host: { value: 'request.host' }, response_flags: { operation: 'REMOVE' } };
    const config = configOf([
      telemetryObject(
        'bookinfo/x',
        overriding({ match: { metric: 'REQUEST_COUNT', mode: 'SERVER' }, tagOverrides: tags }),
      ),
    ]);
    const { inbound, outbound } = statsOf(config, PROXY);
    assert.deepEqual(inbound?.labels, [
      { metric: 'requests_total', label: 'request_host', value: 'request.host' },
      { metric: 'requests_total', label: 'response_flags', value: null },
    ]);
    assert.deepEqual(outbound?.labels, []);
    const all = statsOf(configOf([telemetryObject('bookinfo/x', overriding({ tagOverrides: tags }))]), PROXY);
    assert.equal(all.inbound?.labels.length, 2 * Object.keys(METRICS).length);
  });
});

describe('the EnvoyFilters that make Istio’s metrics', () => {
  const none = { mesh: { ...MESH, defaults: [] } };
  const shipped = (version: string, change: object = {}) => ({
    configPatches: ['SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY'].flatMap((context) =>
      (['HTTP_FILTER', 'NETWORK_FILTER'] as const).map((applyTo) =>
        statsPatch({ applyTo, context, proxyVersion: `^1\\.${version}.*`, ...change }),
      ),
    ),
  });
  const name = 'istio-system/stats-filter-1.31';
  const cases: readonly [when: string, given: Parameters<typeof configOf>, expected: object, Partial<MeshProxy>?][] = [
    ['they fit', [[envoyFilterObject(name, shipped('31'))], none], both([`EnvoyFilter ${name}`])],
    ['they are of another version', [[envoyFilterObject(name, shipped('30'))], none], both('no-provider')],
    [
      'nobody knows the version',
      [[envoyFilterObject(name, shipped('31'))], none],
      both([`EnvoyFilter ${name} perhaps`]),
      { version: null },
    ],
    [
      'a pattern goes back and back',
      [[envoyFilterObject(name, shipped('(.*)*(.*)*x'))], none],
      both([`EnvoyFilter ${name} perhaps`]),
    ],
    [
      'a pattern is longer than Istio reads',
      [[envoyFilterObject(name, shipped('.'.repeat(1025)))], none],
      both('no-provider'),
    ],
    [
      'they lie in another namespace',
      [[envoyFilterObject('istio-config/stats', shipped('31'))], none],
      both('no-provider'),
    ],
    [
      'they lie in its own',
      [[envoyFilterObject('bookinfo/stats', shipped('31'))], none],
      both(['EnvoyFilter bookinfo/stats']),
    ],
    [
      'they select others',
      [[envoyFilterObject(name, { workloadSelector: { labels: { app: 'x' } }, ...shipped('31') })], none],
      both('no-provider'),
    ],
    [
      'the Telemetry API makes one too',
      [[envoyFilterObject(name, shipped('31', { metrics: [{ name: 'request_bytes', drop: true }] }))]],
      both(['prometheus', `EnvoyFilter ${name} -request_bytes`]),
    ],
    [
      'one takes them away, and a later one adds another',
      [
        [
          envoyFilterObject('bookinfo/z', { configPatches: [statsPatch({ context: 'SIDECAR_INBOUND' })], priority: 1 }),
          envoyFilterObject(name, { configPatches: [statsPatch({ operation: 'REMOVE', anchor: 'istio.stats' })] }),
        ],
      ],
      { inbound: ['EnvoyFilter bookinfo/z'], outbound: '' },
    ],
    [
      'one that may take them away',
      [
        [
          envoyFilterObject(name, {
            configPatches: [statsPatch({ operation: 'REMOVE', anchor: 'istio.stats', proxyVersion: '^1\\.31.*' })],
          }),
        ],
      ],
      both(['prometheus perhaps']),
      { version: null },
    ],
    [
      'it is an extension, as until 1.16',
      [
        [
          envoyFilterObject('istio-system/stats-filter-1.9', {
            configPatches: [
              {
                applyTo: 'HTTP_FILTER',
                match: { context: 'GATEWAY', proxy: { proxyVersion: '^1\\.9.*' } },
                patch: {
                  operation: 'INSERT_BEFORE',
                  value: {
                    name: 'envoy.filters.http.wasm',
                    typed_config: {
                      '@type': 'type.googleapis.com/udpa.type.v1.TypedStruct',
                      type_url: 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm',
                      value: { config: { vm_config: { code: { local: { inline_string: 'envoy.wasm.stats' } } } } },
                    },
                  },
                },
              },
            ],
          }),
        ],
        none,
      ],
      { inbound: 'no such side', outbound: ['EnvoyFilter istio-system/stats-filter-1.9'] },
      { kind: 'gateway', version: '1.9.9' },
    ],
  ];
  for (const [when, given, expected, change] of cases)
    it(when, () => assert.deepEqual(words(configOf(...given), change), expected));

  it('keeps of their content what is read, and nothing that may be secret', () => {
    const config = configOf([
      envoyFilterObject('istio-system/x', {
        configPatches: [
          {
            applyTo: 'HTTP_FILTER',
            match: { proxy: { metadata: { key: 'hidden' } } },
            patch: { operation: 'ADD', value: { name: 'istio.stats', typed_config: { inlineCode: 'hidden' } } },
          },
        ],
      }),
    ]);
    assert.equal(config.envoyFilters[0]?.patches[0]?.isNarrow, true);
    assert.doesNotMatch(JSON.stringify(config), /hidden/);
  });
});
