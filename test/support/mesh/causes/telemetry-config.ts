import { type Spec, workload } from '../spec.ts';
import {
  type Cause,
  changed,
  eachProxied,
  healthy,
  lost,
  lostOrMeant,
  override,
  PROMETHEUS,
  telemetry,
} from './cause.ts';
import { statsFilters } from './stats-filters.ts';

const SYSTEM = 'istio-system';
const SHOP = ['web-v1', 'cart-v1', 'prices-v1', 'db-v1'] as const;

/** These proxies are told to make no metrics at all. */
function untold(spec: Spec, names?: readonly string[]): void {
  eachProxied(
    spec,
    (each) => {
      each.told = [];
    },
    names,
  );
}

function withoutGateway(spec: Spec): void {
  spec.workloads = spec.workloads.filter(({ proxy }) => proxy !== 'gateway');
  spec.calls = spec.calls.filter(({ from }) => from !== 'istio-ingressgateway');
}

/** A mesh of the EnvoyFilter era, with the filters of these releases. */
function filtersOf(spec: Spec, namespace: string, ...minors: readonly string[]): void {
  spec.mesh.defaultProviders = {};
  spec.objects.push(...minors.flatMap((minor) => statsFilters(namespace, minor)));
}

/** Proxies that Istio does not tell to make metrics, or tells twice. */
export const telemetryCauses: readonly Cause[] = [
  {
    name: 'no stats filter matches the release of some proxies',
    facts: 'modern.md 5.1',
    spec: changed((spec) => {
      filtersOf(spec, SYSTEM, '1.13', '1.14', '1.15');
      workload(spec, 'cart-v1').release = '1.12.9';
      untold(spec, ['cart-v1']);
    }, '1.15.7'),
    expect: lost('telemetry-config', ['StatsFilterVersionMismatch']),
  },
  {
    name: 'an installation brings no stats filters',
    facts: 'modern.md 5.1',
    spec: changed((spec) => {
      spec.mesh.defaultProviders = {};
      untold(spec);
    }, '1.14.6'),
    expect: lost('telemetry-config', ['NoMetricsProvider']),
  },
  {
    name: 'the stats filters lie outside the root namespace',
    facts: 'modern.md 5.2',
    spec: changed((spec) => {
      spec.namespaces['istio-config'] = {};
      spec.mesh.rootNamespace = 'istio-config';
      filtersOf(spec, SYSTEM, '1.16');
      untold(spec, SHOP);
    }, '1.16.7'),
    expect: lost('telemetry-config', ['StatsFilterElsewhere']),
  },
  {
    name: 'stats filters were left beside the default provider',
    facts: 'modern.md 5.5',
    spec: changed((spec) => {
      spec.objects.push(...statsFilters(SYSTEM, '1.20'));
      eachProxied(spec, (each) => {
        each.page = { times: 2 };
      });
    }, '1.20.8'),
    expect: lost('telemetry-config', ['CountedTwice']),
  },
  {
    name: 'stats filters of releases that no proxy has were left',
    facts: 'modern.md 5.5',
    spec: changed((spec) => {
      spec.objects.push(...statsFilters(SYSTEM, '1.17'));
    }, '1.20.8'),
    expect: healthy(),
  },
  {
    name: 'the root disables all, and a provider alone does not enable it again',
    facts: 'modern.md 5.6',
    spec: changed((spec) => {
      spec.objects.push(
        telemetry(SYSTEM, 'off', [override(true)]),
        telemetry('shop', 'on', [{ providers: PROMETHEUS }]),
      );
      untold(spec);
    }),
    expect: lost('telemetry-config', ['MetricsDisabled']),
  },
  {
    name: 'the root disables all, and a namespace enables it again',
    facts: 'modern.md 5.6',
    spec: changed((spec) => {
      spec.objects.push(
        telemetry(SYSTEM, 'off', [override(true)]),
        telemetry('shop', 'on', [{ providers: PROMETHEUS, ...override(false) }]),
      );
      withoutGateway(spec);
    }),
    expect: healthy(),
  },
  {
    name: 'the side of clients is disabled',
    facts: 'modern.md 5.6',
    spec: changed((spec) => {
      spec.objects.push(telemetry('shop', 'server-only', [override(true, { metric: 'ALL_METRICS', mode: 'CLIENT' })]));
      eachProxied(
        spec,
        (each) => {
          each.told = ['inbound'];
        },
        SHOP,
      );
    }),
    expect: lostOrMeant('telemetry-config', ['OneSideDisabled']),
  },
  {
    name: 'one metric is disabled',
    facts: 'modern.md 2b',
    spec: changed((spec) => {
      spec.objects.push(
        telemetry(SYSTEM, 'fewer', [override(true, { metric: 'REQUEST_COUNT', mode: 'CLIENT_AND_SERVER' })]),
      );
      eachProxied(spec, (each) => {
        each.dropped = ['requests_total'];
      });
    }),
    expect: lostOrMeant('telemetry-config', ['MetricDropped']),
  },
  {
    name: 'a default for tracing takes the default for metrics away',
    facts: 'modern.md 5.7',
    spec: changed((spec) => {
      spec.mesh.defaultProviders = { tracing: ['zipkin'] };
      untold(spec);
    }),
    expect: lost('telemetry-config', ['NoMetricsProvider']),
  },
  {
    name: 'the default provider is not known',
    facts: 'modern.md 5.7',
    spec: changed((spec) => {
      spec.mesh.defaultProviders = { metrics: ['prometheus-main'] };
      untold(spec);
    }),
    expect: lost('telemetry-config', ['ProviderUnknown']),
  },
  {
    name: 'the default provider is written in capitals',
    facts: 'modern.md 2b',
    spec: changed((spec) => {
      spec.mesh.defaultProviders = { metrics: ['Prometheus'] };
    }),
    expect: healthy(),
  },
  {
    name: 'a Telemetry names a provider of another kind',
    facts: 'modern.md 5.7',
    spec: changed((spec) => {
      spec.mesh.extensionProviders = [
        { name: 'otel', opentelemetry: { service: 'collector.observability.svc.cluster.local', port: 4317 } },
      ];
      spec.objects.push(telemetry(SYSTEM, 'mesh-default', [{ providers: [{ name: 'otel' }] }]));
      untold(spec);
    }),
    expect: lost('telemetry-config', ['ProviderMakesNone']),
  },
  {
    name: 'Prometheus was switched off when it was installed',
    facts: 'modern.md 5.7',
    spec: changed((spec) => {
      delete spec.mesh.defaultProviders;
      untold(spec);
    }),
    expect: lost('telemetry-config', ['NoMetricsProvider']),
  },
  {
    name: 'the Telemetry that would enable metrics is where istiod does not look',
    facts: 'istio/istio#36639',
    spec: changed((spec) => {
      delete spec.mesh.defaultProviders;
      spec.mesh.discoverySelectors = [{ matchLabels: { 'kubernetes.io/metadata.name': 'shop' } }];
      spec.objects.push(telemetry(SYSTEM, 'mesh-default', [{ providers: PROMETHEUS }]));
      untold(spec);
    }),
    expect: lost('telemetry-config', ['TelemetryNotDiscovered']),
  },
  {
    name: 'the Telemetry that would enable metrics is labelled with a tag',
    facts: 'modern.md 5.32',
    spec: changed((spec) => {
      delete spec.mesh.defaultProviders;
      spec.objects.push(
        telemetry(SYSTEM, 'mesh-default', [{ providers: PROMETHEUS }], { labels: { 'istio.io/rev': 'prod' } }),
      );
      untold(spec);
    }),
    expect: lost('telemetry-config', ['TelemetryOfAnotherRevision']),
  },
  {
    name: 'of two Telemetry objects without a selector the older one disables',
    facts: 'modern.md 5.33',
    spec: changed((spec) => {
      spec.objects.push(
        telemetry('shop', 'new', [override(false)], { at: '2026-11-21T08:00:00Z' }),
        telemetry('shop', 'old', [override(true)], { at: '2026-11-20T08:00:00Z' }),
      );
      untold(spec, SHOP);
    }),
    expect: lost('telemetry-config', ['TelemetryIgnored']),
  },
  {
    name: 'of two Telemetry objects without a selector the newer one would disable',
    facts: 'modern.md 5.33',
    spec: changed((spec) => {
      spec.objects.push(
        telemetry('shop', 'new', [override(true)], { at: '2026-11-21T08:00:00Z' }),
        telemetry('shop', 'old', [{ providers: PROMETHEUS }], { at: '2026-11-20T08:00:00Z' }),
      );
    }),
    expect: healthy(),
  },
  {
    name: 'Stackdriver makes no metrics any more',
    facts: 'reports.md 6',
    spec: changed((spec) => {
      spec.mesh.defaultProviders = {};
      spec.objects.push(telemetry(SYSTEM, 'mesh-default', [{ providers: [{ name: 'stackdriver' }] }]));
      untold(spec);
    }, '1.26.3'),
    expect: lost('telemetry-config', ['ProviderMakesNone']),
  },
];
