import type { RecordedObject } from '../../../recordings.ts';
import { object } from '../../objects.ts';
import { app, call, type Spec, service } from '../../spec.ts';
import { type Cause, healthy, lost, override, PROMETHEUS, telemetry } from '../cause.ts';
import { changedAmbient, changedWaypoint, labelled } from './waypoints.ts';

const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' };
const SERVICE = { group: '', kind: 'Service', name: 'cart' };

/** A Telemetry for what its targetRefs name. */
const targeted = (
  namespace: string,
  target: object,
  line: object,
  labels: Record<string, string> = {},
): RecordedObject =>
  object(
    'telemetry.istio.io/v1',
    'Telemetry',
    { name: 'own', namespace, labels },
    { spec: { targetRefs: [target], metrics: [line] } },
  );

const counting = { providers: PROMETHEUS };

/** A waypoint that is told to make no metrics at all. */
const untold = (spec: Spec): void => changedWaypoint(spec, { told: false });

/** Nobody names a provider for the whole mesh; it has no gateway, which would make none either. */
function withoutDefaults(spec: Spec): void {
  delete spec.mesh.defaultProviders;
  spec.workloads = spec.workloads.filter(({ proxy }) => proxy !== 'gateway');
  spec.calls = spec.calls.filter(({ from }) => from !== 'istio-ingressgateway');
}

/** The waypoint serves one Service alone, of another namespace. */
function servingElsewhere(spec: Spec): void {
  changedWaypoint(spec, { allowedRoutes: 'All' });
  labelled(spec, 'cart', {});
  spec.namespaces.office = { 'istio.io/dataplane-mode': 'ambient' };
  spec.workloads.push(app('mail', { namespace: 'office', proxy: 'ambient' }));
  const labels = { 'istio.io/use-waypoint': 'waypoint', 'istio.io/use-waypoint-namespace': 'shop' };
  spec.services.push(service('mail', { namespace: 'office', labels }));
  spec.calls.push(call('web-v1', 'mail-v1', { service: { name: 'mail', namespace: 'office' } }));
}

const MAIL = { group: '', kind: 'Service', name: 'mail' };

/** No provider is named, and an object that would name one is not for the waypoint. */
const inVain = (name: string, given: RecordedObject, release?: string): Cause => ({
  name,
  facts: 'modern.md 5.27',
  spec: changedAmbient((spec) => {
    withoutDefaults(spec);
    untold(spec);
    spec.objects.push(given);
  }, release),
  expect: lost('waypoint', ['TelemetryNotForWaypoint', 'WaypointSilent']),
});

/** Waypoints that Istio tells to count, or not. */
export const toldCauses: readonly Cause[] = [
  {
    name: 'nobody names a provider for waypoints',
    facts: 'modern.md 5.27',
    spec: changedAmbient((spec) => {
      withoutDefaults(spec);
      untold(spec);
    }),
    expect: lost('waypoint', ['NoMetricsProvider', 'WaypointSilent']),
  },
  {
    name: 'a Telemetry for the waypoint’s Gateway names the provider',
    facts: 'modern.md 5.27',
    spec: changedAmbient((spec) => {
      withoutDefaults(spec);
      spec.objects.push(targeted('shop', GATEWAY, counting));
    }),
    expect: healthy(),
  },
  {
    name: 'a Telemetry for the Service names the provider',
    facts: 'modern.md 5.27',
    spec: changedAmbient((spec) => {
      withoutDefaults(spec);
      spec.objects.push(targeted('shop', SERVICE, counting));
    }, '1.24.6'),
    expect: healthy(),
  },
  inVain('a Telemetry for the waypoint lies in the root namespace', targeted('istio-system', GATEWAY, counting)),
  inVain(
    'a Telemetry for the Service is older than targetRefs at waypoints',
    targeted('shop', SERVICE, counting),
    '1.22.8',
  ),
  inVain(
    'a Telemetry selects the waypoint’s pods',
    object(
      'telemetry.istio.io/v1',
      'Telemetry',
      { name: 'own', namespace: 'shop' },
      {
        spec: {
          selector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'waypoint' } },
          metrics: [counting],
        },
      },
    ),
  ),
  {
    name: 'a Telemetry for a Service of another namespace names the provider',
    facts: 'modern.md 5.27',
    spec: changedAmbient((spec) => {
      withoutDefaults(spec);
      servingElsewhere(spec);
      spec.objects.push(targeted('office', MAIL, counting));
    }, '1.30.3'),
    expect: healthy(),
  },
  {
    name: 'a Telemetry for a Service of another namespace came too early',
    facts: 'modern.md 5.27',
    spec: changedAmbient((spec) => {
      withoutDefaults(spec);
      untold(spec);
      servingElsewhere(spec);
      spec.objects.push(targeted('office', MAIL, counting));
    }, '1.29.6'),
    expect: lost('waypoint', ['TelemetryNotForWaypoint', 'WaypointSilent']),
  },
  {
    name: 'a Telemetry for the waypoint’s Gateway is not for a Service of another namespace',
    facts: 'modern.md 5.27',
    spec: changedAmbient((spec) => {
      withoutDefaults(spec);
      untold(spec);
      servingElsewhere(spec);
      spec.objects.push(targeted('shop', GATEWAY, counting));
    }),
    expect: lost('waypoint', ['TelemetryNotForWaypoint', 'WaypointSilent']),
  },
  {
    name: 'a Telemetry for the waypoint disables all',
    facts: 'modern.md 5.6',
    spec: changedAmbient((spec) => {
      untold(spec);
      spec.objects.push(targeted('shop', GATEWAY, { ...counting, ...override(true) }));
    }),
    expect: lost('waypoint', ['MetricsDisabled', 'WaypointSilent']),
  },
  {
    name: 'a Telemetry that would disable all is not for the waypoint',
    facts: 'modern.md 5.27',
    spec: changedAmbient((spec) => {
      spec.objects.push(targeted('istio-system', GATEWAY, override(true)));
    }),
    expect: healthy(),
  },
  {
    name: 'the side of clients is disabled, which no waypoint is',
    facts: 'pilot/pkg/model/telemetry.go',
    spec: changedAmbient((spec) => {
      spec.objects.push(targeted('shop', GATEWAY, override(true, { metric: 'ALL_METRICS', mode: 'CLIENT' })));
    }),
    expect: healthy(),
  },
  {
    name: 'requests are left out at a waypoint',
    facts: 'modern.md 2b',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { dropped: ['requests_total'] });
      spec.objects.push(targeted('shop', GATEWAY, override(true, { metric: 'REQUEST_COUNT', mode: 'SERVER' })));
    }),
    expect: lost('waypoint', ['MetricDropped', 'WaypointCountsNothing']),
  },
  {
    name: 'the Telemetry for the waypoint is labelled with a tag',
    facts: 'modern.md 5.32',
    spec: changedAmbient((spec) => {
      withoutDefaults(spec);
      untold(spec);
      spec.objects.push(targeted('shop', GATEWAY, counting, { 'istio.io/rev': 'prod' }));
    }),
    expect: lost('waypoint', ['TelemetryOfAnotherRevision', 'WaypointSilent']),
  },
  {
    name: 'one of two Services behind a waypoint names a provider that nobody knows',
    facts: 'modern.md 5.7',
    spec: changedAmbient((spec) => {
      labelled(spec, 'prices', { 'istio.io/use-waypoint': 'waypoint' });
      spec.calls = spec.calls.filter(({ to }) => to !== 'cart-v1');
      spec.objects.push(targeted('shop', SERVICE, { providers: [{ name: 'prometheus-main' }] }));
    }),
    expect: lost('waypoint', ['ProviderUnknown']),
  },
  {
    name: 'a namespace’s Telemetry disables all at its waypoint',
    facts: 'modern.md 5.6',
    spec: changedAmbient((spec) => {
      untold(spec);
      spec.objects.push(telemetry('shop', 'off', [override(true)]));
    }),
    expect: lost('waypoint', ['MetricsDisabled', 'WaypointSilent']),
  },
];
