import { type Cause, changed, eachProxied, lost, telemetry, warned } from './cause.ts';

/** All is stored, and who asks for it asks elsewhere or for something else. */
export const consumerCauses: readonly Cause[] = [
  {
    name: 'Grafana asks a Prometheus that is not there',
    facts: 'modern.md 5.24',
    spec: changed((spec) => {
      spec.namespaces.monitoring = {};
      spec.grafana = 'http://prometheus.monitoring:9090';
    }),
    expect: lost('consumers', ['StoreGone']),
  },
  {
    name: 'Kiali asks a Prometheus that is not there',
    facts: 'modern.md 5.25',
    spec: changed((spec) => {
      spec.kiali = 'http://prometheus-server.monitoring.svc:80';
    }),
    expect: lost('consumers', ['StoreGone']),
  },
  {
    name: 'labels that Kiali needs were removed',
    facts: 'reports.md 9',
    spec: changed((spec) => {
      const removed = ['source_canonical_revision', 'destination_canonical_service', 'response_flags'];
      const tagOverrides = Object.fromEntries(removed.map((tag) => [tag, { operation: 'REMOVE' }]));
      spec.objects.push(
        telemetry('istio-system', 'slim', [{ providers: [{ name: 'prometheus' }], overrides: [{ tagOverrides }] }]),
      );
      eachProxied(spec, (each) => {
        each.page = { rewrite: (text) => text.replaceAll(new RegExp(`,(${removed.join('|')})="[^"]*"`, 'g'), '') };
      });
    }),
    expect: lost('consumers', ['LabelsRemoved']),
  },
  {
    name: 'the mesh is scraped too seldom for Kiali’s window',
    facts: 'reports.md 10',
    spec: changed((spec) => {
      spec.prometheus.jobs['kubernetes-pods'] = { interval: '60s' };
    }),
    expect: warned('consumers', ['WindowTooShort']),
  },
];
