import type { RecordedObject } from '../../recordings.ts';
import { definition, object } from '../objects.ts';
import { pagesOf } from '../pages.ts';
import type { ScrapeTarget } from '../plan.ts';
import type { Built } from '../scenario.ts';
import { type Spec, workload } from '../spec.ts';
import { type Cause, changed, eachProxied, healthy, lost } from './cause.ts';

const MONITORING = 'monitoring.coreos.com';

/** An operator's Prometheus that selects PodMonitors by these labels, and Istio's sample PodMonitor. */
function byOperator(spec: Spec, podMonitorSelector: object): void {
  spec.prometheus.namespace = 'monitoring';
  spec.grafana = 'http://prometheus.monitoring:9090';
  spec.kiali = 'http://prometheus.monitoring:9090';
  spec.objects.push(
    definition('Prometheus', 'prometheuses', MONITORING, ['v1']),
    definition('PodMonitor', 'podmonitors', MONITORING, ['v1']),
    definition('ServiceMonitor', 'servicemonitors', MONITORING, ['v1']),
    object(
      `${MONITORING}/v1`,
      'Prometheus',
      { name: 'k8s', namespace: 'monitoring' },
      { spec: { podMonitorSelector, podMonitorNamespaceSelector: {} } },
    ),
    podMonitor,
  );
}

/** samples/addons/extras/prometheus-operator.yaml. */
const podMonitor: RecordedObject = object(
  `${MONITORING}/v1`,
  'PodMonitor',
  {
    name: 'envoy-stats-monitor',
    namespace: 'istio-system',
    labels: { monitoring: 'istio-proxies', release: 'istio' },
  },
  {
    spec: {
      selector: { matchExpressions: [{ key: 'istio-prometheus-ignore', operator: 'DoesNotExist' }] },
      namespaceSelector: { any: true },
      jobLabel: 'envoy-stats',
      podMetricsEndpoints: [
        {
          path: '/stats/prometheus',
          interval: '15s',
          relabelings: [
            { action: 'keep', sourceLabels: ['__meta_kubernetes_pod_container_name'], regex: 'istio-proxy' },
            { action: 'keep', sourceLabels: ['__meta_kubernetes_pod_annotationpresent_prometheus_io_scrape'] },
          ],
        },
      ],
    },
  },
);

/** Every target of the shop's pods is found so. */
const inShop =
  (page: string) =>
  (target: ScrapeTarget): ScrapeTarget =>
    target.labels.namespace === 'shop' ? { ...target, page } : target;

/** Whatever is asked, the proxy beside Prometheus answers for itself. */
function answeredByOwnProxy({ recording, plan }: Built): void {
  const peer = {
    workload: 'prometheus',
    namespace: 'istio-system',
    app: 'prometheus',
    version: 'v1',
    account: 'default',
  };
  const edge = {
    from: peer,
    to: null,
    service: { name: 'PassthroughCluster', namespace: null },
    protocol: 'http' as const,
    codes: { '200': 4000 },
    mutual: false,
  };
  const own = pagesOf('1.31.0', [{ edge, reporter: 'source' }]).get('15090/stats/prometheus');
  if (own) recording.pages.set(`${plan.pod}:15090/stats/prometheus`, own).set(BY_PROXY, own);
}

const BY_PROXY = 'istio-system/prometheus:15090/by-proxy';

/** What the agent gives who accepts more than text, which Prometheus says and a person with curl does not. */
function brokenForPrometheus({ recording: { pages } }: Built): void {
  for (const [key, page] of [...pages].filter(([key]) => key.endsWith(':15020/stats/prometheus')))
    pages.set(key.replace('stats/', 'protobuf/'), { ...page, body: `istio_build\n${String(page.body)}` });
}

/** Pages that no Prometheus asks for, or does not get. */
export const scrapeCauses: readonly Cause[] = [
  {
    name: 'the PodMonitor has not the label that the Prometheus selects by',
    facts: 'modern.md 5.9',
    spec: changed((spec) => {
      byOperator(spec, { matchLabels: { release: 'kube-prometheus-stack' } });
      spec.prometheus.by = 'nothing';
    }),
    expect: lost('scrape', ['MonitorNotSelected', 'ProxiesNotScraped']),
  },
  {
    name: 'the PodMonitor is selected',
    facts: 'modern.md 2e',
    spec: changed((spec) => {
      byOperator(spec, {});
      spec.prometheus.by = 'monitor';
    }),
    expect: healthy(),
  },
  {
    name: 'merging is off, and Prometheus goes by annotations only',
    facts: 'modern.md 5.14',
    spec: changed((spec) => {
      spec.mesh.enablePrometheusMerge = false;
    }),
    expect: lost('scrape', ['ScrapeAnnotationMissing', 'ProxiesNotScraped']),
  },
  {
    name: 'merging is off, and each Envoy is scraped itself',
    facts: 'modern.md 3.3',
    spec: changed((spec) => {
      spec.mesh.enablePrometheusMerge = false;
      spec.prometheus.by = 'envoy-stats';
    }),
    expect: healthy(),
  },
  {
    name: 'a gateway’s pod says that it is not to be scraped',
    facts: 'modern.md 5.22',
    spec: changed((spec) => {
      workload(spec, 'istio-ingressgateway').annotations['prometheus.io/scrape'] = 'false';
    }),
    expect: lost('scrape', ['ScrapeSaysFalse', 'ProxiesNotScraped']),
  },
  {
    name: 'another workload than the one that is asked for is not scraped',
    facts: 'product.md 9',
    spec: changed((spec) => {
      workload(spec, 'prices-v1').annotations['prometheus.io/scrape'] = 'false';
    }),
    command: 'missing-metrics deployment/cart-v1 -n shop',
    expect: healthy(),
  },
  {
    name: 'the proxy beside Prometheus answers for every target',
    facts: 'modern.md 5.10',
    spec: changed((spec) => {
      spec.prometheus.sidecar = true;
      spec.prometheus.by = 'envoy-stats';
      spec.prometheus.target = (target) => ({ ...target, page: BY_PROXY.replace(':', '/') });
    }),
    after: answeredByOwnProxy,
    expect: lost('scrape', ['OwnSidecarAnswers']),
  },
  {
    name: 'a policy denies the scrape',
    facts: 'modern.md 5.12',
    spec: changed((spec) => {
      spec.prometheus.by = 'envoy-stats';
      spec.prometheus.target = inShop('down:403');
      spec.objects.push(
        definition('AuthorizationPolicy', 'authorizationpolicies', 'security.istio.io', ['v1', 'v1beta1']),
        object('security.istio.io/v1', 'AuthorizationPolicy', { name: 'deny', namespace: 'shop' }, { spec: {} }),
      );
    }),
    expect: lost('scrape', ['ScrapeDenied']),
  },
  {
    name: 'pages are for localhost only',
    facts: 'modern.md 5.30',
    spec: changed((spec) => {
      eachProxied(spec, (each) => {
        each.env.METRICS_LOCALHOST_ACCESS_ONLY = 'true';
      });
      spec.mesh.defaultConfig = { proxyMetadata: { METRICS_LOCALHOST_ACCESS_ONLY: 'true' } };
      spec.prometheus.target = (target) => (target.labels.istio === 'pilot' ? target : { ...target, page: 'down:403' });
    }),
    expect: lost('scrape', ['MetricsForLocalhostOnly', 'ScrapeDenied']),
  },
  {
    name: 'a NetworkPolicy lets nobody in',
    facts: 'modern.md 2e',
    spec: changed((spec) => {
      spec.prometheus.target = inShop('down:timeout');
      spec.objects.push(
        object(
          'networking.k8s.io/v1',
          'NetworkPolicy',
          { name: 'default-deny', namespace: 'shop' },
          { spec: { podSelector: {}, policyTypes: ['Ingress'] } },
        ),
      );
    }),
    expect: lost('scrape', ['NetworkPolicyBars']),
  },
  {
    name: 'pages are larger than the limit',
    facts: 'modern.md 5.17',
    spec: changed((spec) => {
      spec.prometheus.jobs['kubernetes-pods'] = { sample_limit: 25 };
    }),
    expect: lost('scrape', ['SampleLimit']),
  },
  {
    name: 'pages take too long',
    facts: 'modern.md 5.17',
    spec: changed((spec) => {
      spec.prometheus.target = (target) => (target.labels.app === 'web' ? { ...target, page: 'down:timeout' } : target);
    }),
    expect: lost('scrape', ['ScrapeTimedOut']),
  },
  {
    name: 'merged pages are no text for who accepts more',
    facts: 'modern.md 5.15',
    spec: changed((spec) => {
      spec.prometheus.target = (target) => ({ ...target, page: target.page.replace('stats/', 'protobuf/') });
    }, '1.30.1'),
    after: brokenForPrometheus,
    expect: lost('scrape', ['PageInvalid']),
  },
  {
    name: 'a newer Prometheus does not take the type of the pages',
    facts: 'modern.md 5.16',
    spec: changed((spec) => {
      spec.prometheus.target = inShop(
        'down:words:received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target',
      );
    }),
    expect: lost('scrape', ['ContentTypeRefused']),
  },
  {
    name: 'the applications’ own pages are behind mTLS',
    facts: 'modern.md 5.11',
    spec: changed((spec) => {
      spec.prometheus.target = (target) =>
        target.labels.namespace === 'shop'
          ? [
              target,
              {
                ...target,
                job: 'applications',
                metricsPath: '/metrics',
                page: 'down:reset',
                labels: applicationOf(target),
              },
            ]
          : target;
    }),
    expect: healthy(),
  },
  {
    name: 'the agent asks an application on the wrong port',
    facts: 'modern.md 5.13',
    spec: changed((spec) => {
      eachProxied(spec, (each) => {
        each.page = { failures: { application: 40_320 } };
      });
    }),
    expect: healthy(),
  },
];

/** The labels of a target on the application's own port. */
const applicationOf = ({ labels }: ScrapeTarget): Record<string, string> => ({
  ...labels,
  instance: (labels.instance ?? '').replace(/:\d+$/, ':8080'),
});
