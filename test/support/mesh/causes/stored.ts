import type { ScrapeTarget } from '../plan.ts';
import { call, type Spec, service, workload } from '../spec.ts';
import { type Cause, changed, eachProxied, healthy, lost, warned } from './cause.ts';

/** The same proxy by its other port, for another job. */
const byEnvoyStats = (target: ScrapeTarget): ScrapeTarget => ({
  ...target,
  job: 'envoy-stats',
  labels: { ...target.labels, instance: (target.labels.instance ?? '').replace(':15020', ':15090') },
  page: target.page.replace('/15020/', '/15090/'),
});

/** As a ServiceMonitor over all Services is written out: by endpoints, each job by the name of its Service. */
const BY_ENDPOINTS = `global: {scrape_interval: 15s}
scrape_configs:
- job_name: services
  metrics_path: /stats/prometheus
  kubernetes_sd_configs:
  - role: endpoints
  relabel_configs:
  - {action: keep, source_labels: [__meta_kubernetes_pod_container_port_name], regex: .*-envoy-prom}
  - {source_labels: [__meta_kubernetes_service_name], target_label: service}
  - {source_labels: [__meta_kubernetes_service_name], target_label: job}
`;

const FEDERATED = `global: {scrape_interval: 15s}
scrape_configs:
- job_name: federate
  metrics_path: /federate
  honor_labels: true
  params: {'match[]': ['{__name__=~"workload:(.*)"}']}
  static_configs:
  - targets: [10.244.9.9:9090]
`;

/** What a ServiceMonitor over all Services makes: a target for each Service, and none for a pod behind none. */
function forEachService(spec: Spec): void {
  spec.services.push(service('cart-headless', { app: 'cart' }));
  spec.services = spec.services.filter(({ name }) => name !== 'db');
  spec.calls = spec.calls.filter(({ to }) => to !== 'db-v1');
  spec.prometheus.by = 'envoy-stats';
  spec.prometheus.configuration = BY_ENDPOINTS;
  spec.prometheus.target = (target) => {
    const app = /\/([a-z-]+?)-(v1-)?[0-9a-f]+-[0-9a-f]+\//.exec(target.page)?.[1];
    return spec.services
      .filter((each) => each.app === app)
      .map(({ name }) => ({ ...target, job: name, labels: { ...target.labels, service: name } }));
  };
}

/** What is stored is not what was on the pages, or says what is not so. */
export const storedCauses: readonly Cause[] = [
  {
    name: 'rules at scrape time make all proxies one series',
    facts: 'reports.md 2',
    spec: changed((spec) => {
      spec.prometheus.jobs['kubernetes-pods'] = {
        metric_relabel_configs: [
          { action: 'keep', source_labels: ['__name__'], regex: 'istio_(requests_total|build)' },
          { action: 'labelkeep', regex: '(__name__|destination_service|response_code|le)' },
        ],
      };
    }),
    // Nor can Kiali do without the labels that are gone.
    expect: lost('stored', ['ProxiesMerged'], {
      neverFail: ['in-mesh', 'telemetry-config', 'config-delivery', 'proxy-emits', 'protocol', 'scrape'],
    }),
  },
  {
    name: 'rules at scrape time drop Istio’s metrics',
    facts: 'modern.md 2e',
    spec: changed((spec) => {
      spec.prometheus.jobs['kubernetes-pods'] = {
        metric_relabel_configs: [{ action: 'drop', source_labels: ['__name__'], regex: 'istio_(re|tcp).*' }],
      };
    }),
    expect: lost('stored', ['RequestsDropped']),
  },
  {
    name: 'two jobs scrape the same proxies',
    facts: 'modern.md 5.36',
    spec: changed((spec) => {
      spec.prometheus.target = (target) => (target.page.includes('/15020/') ? [target, byEnvoyStats(target)] : target);
    }),
    expect: lost('stored', ['StoredTwice']),
  },
  {
    name: 'a pod is scraped once for each of its Services',
    facts: 'reports.md 3',
    spec: changed(forEachService),
    expect: lost('scrape', ['NoServiceMonitored', 'ProxiesNotScraped']),
  },
  {
    name: 'a custom tag makes rubbish of the names',
    facts: 'modern.md 5.23',
    spec: changed((spec) => {
      eachProxied(spec, (each) => {
        each.page = { rewrite: (text) => text.replaceAll('istio_requests_total', 'host_cart___istio_requests_total') };
      });
    }, '1.12.9'),
    expect: lost('stored', ['SeriesRenamed'], {
      neverFail: ['in-mesh', 'config-delivery', 'scrape', 'consumers'],
    }),
  },
  {
    name: 'only recorded series are kept',
    facts: 'modern.md 5.40',
    spec: changed((spec) => {
      spec.prometheus.by = 'nothing';
      spec.prometheus.configuration = FEDERATED;
      spec.prometheus.more = [
        {
          job: 'federate',
          labels: { instance: '10.244.9.9:9090' },
          metricsPath: '/federate',
          page: 'istio-system/federated/9090/federate',
        },
      ];
    }),
    after: ({ recording }) => {
      const body =
        '# TYPE workload:istio_requests_total untyped\nworkload:istio_requests_total{destination_workload="web-v1",response_code="200"} 900\n';
      const contentType = 'text/plain; version=0.0.4; charset=utf-8';
      recording.pages.set('istio-system/federated:9090/federate', { status: 200, contentType, body });
    },
    expect: lost('scrape', ['NoScrapeJob']),
  },
  {
    name: 'most callers have no proxy',
    facts: 'modern.md 5.18',
    spec: changed((spec) => {
      spec.calls = [
        call(null, 'web-v1', { codes: { '200': 9000 }, mutual: false, reporters: ['destination'] }),
        ...spec.calls.filter(({ to }) => to !== 'web-v1'),
      ];
    }),
    expect: {
      ...warned('stored', ['MostCallersUnknown']),
      verdict: ['healthy', 'broken'],
      exitCode: [0, 1],
      step: [null, 'stored'],
      hop: [null, 'page->prometheus'],
      neverFail: ['in-mesh', 'telemetry-config', 'config-delivery', 'proxy-emits', 'protocol', 'scrape', 'consumers'],
      status: { stored: ['warn', 'fail'] },
    },
  },
  {
    name: 'some calls leave the mesh',
    facts: 'modern.md 5.19',
    spec: changed((spec) => {
      spec.calls.push(
        call('web-v1', null, { service: { name: 'PassthroughCluster', namespace: null }, reporters: ['source'] }),
      );
    }),
    expect: healthy(),
  },
  {
    name: 'counters of gRPC’s messages are missing in this release',
    facts: 'modern.md 5.21',
    spec: changed((spec) => {
      eachProxied(spec, (each) => {
        each.page = { without: /_messages_total$/ };
      });
    }, '1.17.8'),
    expect: warned('proxy-emits', ['GrpcMessagesMissing']),
  },
  {
    name: 'connections to a database without a proxy are counted when they end',
    facts: 'istio/istio#51100',
    spec: changed((spec) => {
      spec.calls.push(
        call('web-v1', null, {
          service: { name: 'mysql', namespace: 'shop' },
          protocol: 'tcp',
          codes: { '0': 12 },
          reporters: ['source'],
        }),
      );
    }, '1.20.3'),
    expect: warned('proxy-emits', ['CountedLate']),
  },
  {
    name: 'two Services share a pod’s port, and the older one is booked',
    facts: 'reports.md 7',
    spec: changed((spec) => {
      const [first] = spec.services.filter(({ name }) => name === 'cart');
      if (first) first.createdAt = '2026-01-01T00:00:00Z';
      spec.services.push(service('cart-canary', { app: 'cart', createdAt: '2026-02-01T00:00:00Z' }));
      spec.calls.push(
        call('web-v1', 'cart-v1', { service: { name: 'cart-canary', namespace: 'shop' }, reporters: ['source'] }),
        call('web-v1', 'cart-v1', { codes: { '201': 600 }, reporters: ['destination'] }),
      );
    }),
    expect: warned('stored', ['CountedForOtherService']),
  },
  {
    name: 'one side alone reports, of which the other has no proxy',
    facts: 'modern.md 2f',
    spec: changed((spec) => {
      workload(spec, 'db-v1').labels['sidecar.istio.io/inject'] = 'false';
      workload(spec, 'db-v1').proxy = 'none';
    }),
    expect: healthy(),
  },
];
