import type { RecordedObject } from '../../../recordings.ts';
import { STEPS } from '../../expectation.ts';
import { definition, object } from '../../objects.ts';
import type { ScrapeTarget } from '../../plan.ts';
import { app, call, type Spec, service } from '../../spec.ts';
import { type Cause, healthy, lost } from '../cause.ts';
import { changedAmbient, onPage, serving } from './changed.ts';

const alone = (reason: readonly string[]) =>
  lost('scrape', reason, { neverFail: STEPS.filter((step) => step !== 'scrape' && step !== 'stored') });

const isZtunnel = ({ page }: ScrapeTarget): boolean => /\/ztunnel-/.test(page);

/** What becomes of ztunnels' targets. */
const ofZtunnels =
  (page: string) =>
  (target: ScrapeTarget): ScrapeTarget =>
    isZtunnel(target) ? { ...target, page } : target;

const MONITORING = 'monitoring.coreos.com';

const monitor = (name: string, spec: Record<string, unknown>): RecordedObject =>
  object(`${MONITORING}/v1`, 'PodMonitor', { name, namespace: 'istio-system', labels: { release: 'istio' } }, { spec });

/** An operator's Prometheus that takes every PodMonitor: Istio's own for Envoys, and one for ztunnels by that port. */
function byOperator(spec: Spec, port: string): void {
  spec.prometheus.namespace = 'monitoring';
  spec.grafana = spec.kiali = 'http://prometheus.monitoring:9090';
  spec.prometheus.by = 'monitor';
  spec.objects.push(
    definition('Prometheus', 'prometheuses', MONITORING, ['v1']),
    definition('PodMonitor', 'podmonitors', MONITORING, ['v1']),
    definition('ServiceMonitor', 'servicemonitors', MONITORING, ['v1']),
    object(
      `${MONITORING}/v1`,
      'Prometheus',
      { name: 'k8s', namespace: 'monitoring' },
      { spec: { podMonitorSelector: {}, podMonitorNamespaceSelector: {} } },
    ),
    monitor('ztunnel', {
      selector: { matchLabels: { app: 'ztunnel' } },
      podMetricsEndpoints: [{ port, path: '/metrics' }],
    }),
    monitor('envoys', {
      selector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['ztunnel'] }] },
      namespaceSelector: { any: true },
      podMetricsEndpoints: [
        {
          path: '/stats/prometheus',
          relabelings: [
            { action: 'keep', sourceLabels: ['__meta_kubernetes_pod_container_name'], regex: 'istio-proxy' },
          ],
        },
      ],
    }),
  );
}

/** As the injector labels sidecars that take tunnels. */
const TUNNELLED = { 'networking.istio.io/tunnel': 'http' };

const bars = (namespace: string): RecordedObject =>
  object(
    'networking.k8s.io/v1',
    'NetworkPolicy',
    { name: 'default-deny', namespace },
    { spec: { podSelector: {}, policyTypes: ['Ingress'] } },
  );

/** Series of workloads that are gone, which a ztunnel never forgets. */
const gone = (count: number) => (text: string) =>
  text.replace(/^(istio_tcp_connections_opened_total\{.*)destination_workload="[^"]*"(.*)$/m, (line, before, after) =>
    [line, ...Array.from({ length: count }, (_, index) => `${before}destination_workload="job-${index}"${after}`)].join(
      '\n',
    ),
  );

/** Pages of ztunnels that no Prometheus asks for, or does not get. */
export const ambientScrapeCauses: readonly Cause[] = [
  {
    name: 'ztunnels are not annotated for scraping',
    facts: 'ztunnel/values.yaml, podAnnotations',
    spec: changedAmbient((_, ambient) => {
      ambient.annotations = {};
    }),
    expect: alone(['ScrapeAnnotationMissing', 'ProxiesNotScraped']),
  },
  {
    name: 'ztunnels say that they are not to be scraped',
    facts: 'cni/pkg/nodeagent',
    spec: changedAmbient((_, ambient) => {
      ambient.annotations['prometheus.io/scrape'] = 'false';
    }),
    expect: alone(['ScrapeSaysFalse', 'ProxiesNotScraped']),
  },
  {
    name: 'nothing scrapes any proxy of ambient',
    facts: 'istio/istio#45093',
    spec: changedAmbient((spec) => {
      spec.prometheus.by = 'nothing';
    }),
    expect: alone(['NoScrapeJob']),
  },
  {
    name: 'the PodMonitor of ztunnel names a port that is not there',
    facts: 'istio/istio#45093',
    spec: changedAmbient((spec) => {
      byOperator(spec, 'http-monitoring');
      spec.prometheus.target = (target) => (isZtunnel(target) ? null : target);
    }),
    expect: alone(['PortNotFound', 'ProxiesNotScraped']),
  },
  {
    name: 'the PodMonitor of ztunnel names its port',
    facts: 'istio/istio#45093',
    spec: changedAmbient((spec) => {
      byOperator(spec, 'ztunnel-stats');
    }),
    expect: healthy(),
  },
  {
    name: 'a NetworkPolicy keeps Prometheus from ztunnels',
    facts: 'modern.md 2e',
    spec: changedAmbient((spec) => {
      spec.prometheus.namespace = 'monitoring';
      spec.grafana = spec.kiali = 'http://prometheus.monitoring:9090';
      spec.prometheus.target = ofZtunnels('down:timeout');
      spec.objects.push(bars('istio-system'));
    }),
    expect: alone(['NetworkPolicyBars']),
  },
  {
    name: 'the page of one ztunnel outgrows the limit',
    facts: 'istio/ztunnel#1719',
    spec: changedAmbient((spec, ambient) => {
      spec.prometheus.jobs['kubernetes-pods'] = { sample_limit: 1500 };
      onPage(ambient, 'node-2', { rewrite: gone(2000) });
    }),
    expect: alone(['SampleLimit']),
  },
  {
    name: 'ztunnels do not answer at their port',
    facts: 'modern.md 2e',
    spec: changedAmbient((spec) => {
      spec.prometheus.target = ofZtunnels('down:refused');
    }),
    expect: alone(['ConnectionRefused']),
  },
  {
    name: 'Prometheus is in ambient, and sidecars take no tunnels',
    facts: 'istio/istio#51336',
    spec: changedAmbient((spec, ambient) => {
      onPage(ambient, 'node-1', { rewrite: serving(4) });
      spec.namespaces.bank = { 'istio-injection': 'enabled' };
      spec.workloads.push(
        app('pay', { namespace: 'bank', labels: TUNNELLED, env: { ISTIO_META_ENABLE_HBONE: 'false' } }),
        app('book', { namespace: 'bank', labels: TUNNELLED, env: { ISTIO_META_ENABLE_HBONE: 'false' } }),
      );
      spec.services.push(service('pay', { namespace: 'bank' }), service('book', { namespace: 'bank' }));
      spec.calls.push(call('pay-v1', 'book-v1', { service: { name: 'book', namespace: 'bank' } }));
      spec.prometheus.namespace = 'monitoring';
      spec.grafana = spec.kiali = 'http://prometheus.monitoring:9090';
      spec.namespaces.monitoring = { 'istio.io/dataplane-mode': 'ambient' };
      spec.prometheus.annotations['ambient.istio.io/redirection'] = 'enabled';
      spec.prometheus.target = (target) =>
        target.labels.namespace === 'bank' ? { ...target, page: 'down:reset' } : target;
    }),
    expect: lost('scrape', ['AskedThroughZtunnel']),
  },
];
