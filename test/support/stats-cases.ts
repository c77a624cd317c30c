import { type Draw, drawing } from './lookup.ts';
import { envoyFilterObject, statsPatch, telemetryObject } from './telemetry.ts';

const ROOT = 'istio-system';

/** Of every object that is made here. */
export const MADE_STATS = { made: 'stats' };

/** The namespaces of a round. */
export const spacesOf = (number: number): readonly string[] =>
  Array.from({ length: number }, (_, index) => `space-${index}`);

/**
 * One proxy of each kind, in each namespace. No two of one kind are selected by one object and differ in others: istiod keeps
 * what it has computed by the last object that selects a proxy (pilot/pkg/model/telemetry.go, metricsKey), and the first of two
 * such proxies would decide for both.
 */
export const KINDS = [
  { name: 'a', kind: 'sidecar', version: '1.31.0', labels: { app: 'a', team: 'x' } },
  { name: 'b', kind: 'sidecar', version: '1.20.3', labels: { app: 'b', team: 'x' } },
  { name: 'gate', kind: 'router', version: '1.31.0', labels: { app: 'gate', gateway: 'yes' } },
  {
    name: 'api',
    kind: 'router',
    version: '1.31.0',
    labels: { app: 'a', gateway: 'yes', 'gateway.networking.k8s.io/gateway-name': 'edge' },
  },
  {
    name: 'point',
    kind: 'waypoint',
    version: '1.31.0',
    labels: { app: 'a', 'gateway.networking.k8s.io/gateway-name': 'point' },
  },
] as const;

const METRICS = ['ALL_METRICS', 'ALL_METRICS', 'REQUEST_COUNT', 'REQUEST_SIZE', 'TCP_SENT_BYTES', 'mine'];

function override(draw: Draw): object {
  const metric = draw.any(METRICS);
  const match = {
    ...(draw.chance(0.7) && (metric === 'mine' ? { customMetric: metric } : { metric })),
    ...(draw.chance(0.5) && { mode: draw.any(['CLIENT', 'SERVER', 'CLIENT_AND_SERVER']) }),
  };
  return {
    ...(draw.chance(0.9) && { match }),
    ...(draw.chance(0.8) && { disabled: draw.chance(0.65) }),
    ...(draw.chance(0.2) && {
      tagOverrides: { response_flags: { operation: 'REMOVE' }, mine: { value: 'request.host' } },
    }),
  };
}

const NAMES = ['prometheus', 'prometheus', 'prometheus', 'Prometheus', 'own', 'stackdriver', 'envoy', 'otel', 'gone'];

const rule = (draw: Draw): object => ({
  ...(draw.chance(0.35) && { providers: draw.some(NAMES, 2).map((name) => ({ name })) }),
  ...(draw.chance(0.8) && { overrides: Array.from({ length: draw.any([1, 1, 2]) }, () => override(draw)) }),
});

const spec = (draw: Draw): object => ({
  metrics: Array.from({ length: draw.any([0, 1, 1, 1, 2]) }, () => rule(draw)),
  ...(draw.chance(0.1) && { accessLogging: [{ providers: [{ name: 'envoy' }] }] }),
});

const attached = (draw: Draw): object =>
  draw.any([
    { selector: { matchLabels: { app: 'a' } } },
    { selector: { matchLabels: { app: 'a' } } },
    { selector: { matchLabels: { app: 'b' } } },
    { selector: { matchLabels: { app: 'gate' } } },
    { selector: { matchLabels: { app: 'a', team: 'x' } } },
    { selector: { matchLabels: {} } },
    { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: draw.any(['edge', 'point']) }] },
    { targetRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: draw.any(['edge', 'point']) } },
    { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'GatewayClass', name: 'istio-waypoint' }] },
    { targetRefs: [{ kind: 'Service', name: 'web' }] },
  ]);

const labelsOf = (draw: Draw): Record<string, string> => ({
  ...MADE_STATS,
  ...(draw.chance(0.15) && { 'istio.io/rev': draw.any(['default', 'prod', 'canary']) }),
});

const VERSIONS = ['^1\\.31.*', '^1\\.20.*', '^1\\.2\\d.*', '1.31.0', '^1\\.(20|31)\\..*', '^1\\.18.*'];

function envoyFilter(draw: Draw, title: string): object {
  const patches = Array.from({ length: draw.any([1, 1, 2]) }, () => {
    const isRemoval = draw.chance(0.2);
    return statsPatch({
      applyTo: draw.chance(0.7) ? 'HTTP_FILTER' : 'NETWORK_FILTER',
      ...(draw.chance(0.8) && { context: draw.any(['SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'ANY']) }),
      ...(draw.chance(0.7) && { proxyVersion: draw.any(VERSIONS) }),
      ...(isRemoval
        ? { operation: 'REMOVE', anchor: 'istio.stats' }
        : { operation: draw.any(['INSERT_BEFORE', 'INSERT_BEFORE', 'INSERT_AFTER', 'INSERT_FIRST', 'REPLACE']) }),
      ...(!isRemoval && draw.chance(0.2) && { anchor: 'istio.stats' }),
      ...(draw.chance(0.5) && { metrics: [{ name: 'request_bytes', drop: draw.chance(0.7) }] }),
    });
  });
  const configPatches = patches.map((each) =>
    // In the place of the router, or of what sends on, nothing works.
    each.patch.operation === 'REPLACE' && !JSON.stringify(each.match).includes('istio.stats')
      ? { ...each, patch: { ...each.patch, operation: 'INSERT_BEFORE' } }
      : each,
  );
  const whom = draw.chance(0.3) ? { workloadSelector: { labels: { app: draw.any(['a', 'b', 'gate']) } } } : {};
  return envoyFilterObject(
    title,
    { configPatches, ...whom, ...(draw.chance(0.2) && { priority: draw.any([-1, 1]) }) },
    labelsOf(draw),
  );
}

/** What one round asks of MeshConfig, and the objects in the order in which they are made: those of a wave are of one second. */
export interface Round {
  mesh: object;
  waves: readonly (readonly object[])[];
}

const objectsIn = (draw: Draw, namespace: string, wave: number): readonly object[] => {
  const telemetry = (name: string, more: object): object =>
    telemetryObject(`${namespace}/${name}-${wave}`, { ...more, ...spec(draw) }, labelsOf(draw));
  return [
    ...(draw.chance(0.35) ? [telemetry(draw.any(['y', 'z', 'a']), {})] : []),
    ...(draw.chance(0.4) ? [telemetry(draw.any(['s', 'b']), attached(draw))] : []),
    ...(draw.chance(0.15) ? [envoyFilter(draw, `${namespace}/e-${wave}`)] : []),
  ];
};

/** MeshConfigs, one for each round in turn. */
const DEFAULTS: readonly (readonly string[])[] = [
  ['prometheus'],
  [],
  ['own', 'prometheus'],
  ['gone'],
  ['prometheus'],
  ['otel'],
];

export function roundOf(seed: number, round: number, namespaces: readonly string[]): Round {
  const draw = drawing(seed * 1000 + round);
  const metrics = DEFAULTS[round % DEFAULTS.length] ?? [];
  const rootObjects = draw.chance(0.8);
  const waves = [0, 1, 2].map((wave) => [
    ...(rootObjects ? objectsIn(draw, ROOT, wave) : []),
    ...namespaces.flatMap((namespace) => objectsIn(draw, namespace, wave)),
  ]);
  return {
    mesh: {
      defaultProviders: { ...(metrics.length > 0 && { metrics }), tracing: ['otel'] },
      extensionProviders: [
        { name: 'own', prometheus: {} },
        { name: 'otel', opentelemetry: { service: 'otel.example.com', port: 4317 } },
      ],
    },
    waves,
  };
}
