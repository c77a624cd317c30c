import { configMap } from '../../objects.ts';
import type { Built } from '../../scenario.ts';
import type { Spec } from '../../spec.ts';
import { type Cause, healthy, lost, warnedInAmbient } from '../cause.ts';
import { changedAmbient, labelled, rewritten } from './waypoints.ts';

interface Panel {
  reporter: string;
}

/** A dashboard of the shape of Istio's (manifests/addons/dashboards), with one panel for each of what it asks for. */
const dashboard = (title: string, panels: readonly Panel[], reporters: readonly string[]): string =>
  JSON.stringify({
    title,
    panels: [
      {
        type: 'row',
        panels: panels.map(({ reporter }) => ({
          type: 'timeseries',
          targets: [{ expr: `sum(rate(istio_requests_total{${reporter},destination_service=~"$service"}[5m]))` }],
        })),
      },
    ],
    templating: {
      list:
        reporters.length === 0
          ? []
          : [
              {
                name: 'qrep',
                type: 'custom',
                multi: true,
                query: reporters.join(','),
                options: reporters.map((value) => ({ text: value, value })),
                current: { text: 'destination', value: 'destination' },
              },
            ],
    },
  });

const OF_SERVICES = dashboard(
  'Istio Service Dashboard',
  [{ reporter: 'reporter=~"$qrep"' }, { reporter: 'reporter="destination"' }],
  ['source', 'destination'],
);
const OF_MESH = dashboard('Istio Mesh Dashboard', [{ reporter: 'reporter=~"source|waypoint"' }], []);
const OF_OWN = dashboard('Our services', [{ reporter: 'reporter=~"$qrep"' }], ['destination', 'waypoint']);

/** Grafana mounts these dashboards, as Istio's sample does (samples/addons/grafana.yaml). */
const mounting =
  (dashboards: Record<string, string>) =>
  (mesh: Built): void => {
    const map = 'istio-services-grafana-dashboards';
    mesh.recording.objects.push(configMap('istio-system', map, dashboards));
    rewritten('Pod', ({ metadata, spec }) => {
      if (metadata.labels?.app !== 'grafana' || !spec) return;
      const { volumes = [] } = spec as { volumes?: object[] };
      Object.assign(spec, { volumes: [...volumes, { name: 'dashboards', configMap: { name: map } }] });
    })(mesh);
  };

/** DaemonSet and pods of ztunnel have another name (resourceName of the chart, 1.25 and newer). */
const renamed = (mesh: Built): void => {
  const { recording, plan } = mesh;
  const to = (text: string): string => text.replaceAll(/\bztunnel-(?=[0-9a-f]{5}\b)/g, 'tunnel-');
  const pages = [...recording.pages];
  recording.pages.clear();
  for (const [where, page] of pages) recording.pages.set(to(where), { ...page, body: to(String(page.body)) });
  for (const { kind, metadata } of recording.objects) {
    if (kind === 'DaemonSet' && metadata.name === 'ztunnel') metadata.name = 'tunnel';
    if (kind === 'Pod') metadata.name = to(metadata.name);
    for (const owner of (metadata.ownerReferences ?? []) as { name: string }[])
      if (owner.name === 'ztunnel') owner.name = 'tunnel';
  }
  for (const target of plan.targets) {
    Object.assign(target, { page: to(target.page), labels: { ...target.labels, pod: to(target.labels.pod ?? '') } });
  }
};

/** Datadog's agent is led to ztunnels' pages by annotations of their pods, with this of its own. */
function readBy({ ambient }: Spec, instance: object): void {
  const url = 'http://%%host%%:15020/stats/prometheus';
  const checks = { istio: { init_config: {}, instances: [{ istio_mesh_endpoint: url, ...instance }] } };
  if (ambient) ambient.annotations['ad.datadoghq.com/istio-proxy.checks'] = JSON.stringify(checks);
}

/** Who draws pictures asks for what ambient has, or does not. */
export const ambientConsumerCauses: readonly Cause[] = [
  {
    name: 'dashboards ask for no waypoint',
    facts: 'modern.md 5.24',
    spec: changedAmbient(() => undefined),
    after: mounting({ 'istio-service-dashboard.json': OF_SERVICES, 'istio-mesh-dashboard.json': OF_MESH }),
    expect: warnedInAmbient('consumers', ['WaypointsNotAskedFor']),
  },
  {
    name: 'dashboards ask for waypoints too',
    facts: 'modern.md 5.24',
    spec: changedAmbient(() => undefined),
    after: mounting({ 'istio-mesh-dashboard.json': OF_MESH, 'own.json': OF_OWN }),
    expect: healthy(),
  },
  {
    name: 'dashboards ask for requests, and nobody asks for a waypoint',
    facts: 'modern.md 5.24',
    spec: changedAmbient((spec) => {
      labelled(spec, 'cart', {});
      if (spec.ambient) spec.ambient.waypoints = [];
      spec.calls = spec.calls.filter(({ from }) => from !== 'istio-ingressgateway');
      spec.workloads = spec.workloads.filter(({ proxy }) => proxy !== 'gateway');
    }),
    after: mounting({ 'istio-service-dashboard.json': OF_SERVICES }),
    expect: warnedInAmbient('consumers', ['DashboardsWantRequests']),
  },
  {
    name: 'a dashboard’s file is broken',
    facts: 'modern.md 5.24',
    spec: changedAmbient(() => undefined),
    after: mounting({ 'istio-service-dashboard.json': '{"panels": [', 'own.json': '["istio_requests_total"]' }),
    expect: healthy(),
  },
  {
    name: 'ztunnel has another name than Kiali looks for',
    facts: 'manifests/addons/dashboards',
    spec: changedAmbient(() => undefined),
    after: renamed,
    expect: warnedInAmbient('consumers', ['ZtunnelRenamed']),
  },
  {
    name: 'Datadog’s agent is told to read ztunnels’ pages as before',
    facts: 'reports.md 11 (DataDog/integrations-core#23707)',
    spec: changedAmbient((spec) => readBy(spec, { use_latest_spec: false })),
    expect: lost('consumers', ['CountersDropped']),
  },
  {
    name: 'Datadog’s agent is not told how to read ztunnels’ pages',
    facts: 'reports.md 11 (DataDog/integrations-core#23707)',
    spec: changedAmbient((spec) => readBy(spec, {})),
    expect: warnedInAmbient('consumers', ['CountersMayBeDropped']),
  },
  {
    name: 'Datadog’s agent is told to read ztunnels’ pages in their newest form',
    facts: 'reports.md 11 (DataDog/integrations-core#23707)',
    spec: changedAmbient((spec) => readBy(spec, { use_latest_spec: true })),
    expect: healthy(),
  },
  {
    name: 'Kiali is older than waypoints',
    facts: 'manifests/addons/dashboards',
    spec: changedAmbient(() => undefined),
    after: rewritten('Pod', ({ metadata, spec }) => {
      if (metadata.labels?.app === 'kiali' && spec)
        spec.containers = [{ name: 'kiali', image: 'quay.io/kiali/kiali:v1.76.0' }];
    }),
    expect: warnedInAmbient('consumers', ['KialiTooOld']),
  },
  {
    name: 'ztunnel’s series have no label app, by which Kiali knows them',
    facts: 'kiali/kiali#7937',
    spec: changedAmbient((spec) => {
      spec.prometheus.target = (target) => {
        const { app: _, ...labels } = target.labels;
        return { ...target, labels };
      };
    }),
    expect: warnedInAmbient('consumers', ['ZtunnelUnlabelled']),
  },
];
