import { dump, load } from 'js-yaml';
import type { RecordedObject } from '../recordings.ts';
import { configMap, object, owned } from './objects.ts';
import { hasProxy, ipOf, legal, type ScrapePlan, type ScrapeTarget } from './plan.ts';
import type { Spec } from './spec.ts';

/** The configuration of Istio's sample (samples/addons/prometheus.yaml), as far as it scrapes pods. */
const BY_ANNOTATIONS = `global:
  scrape_interval: 15s
  scrape_timeout: 10s
scrape_configs:
- job_name: kubernetes-pods
  honor_labels: true
  kubernetes_sd_configs:
  - role: pod
  relabel_configs:
  - {action: keep, source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: "true"}
  - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], regex: (.+), target_label: __metrics_path__}
  - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_port, __meta_kubernetes_pod_ip]
    regex: (\\d+);((([0-9]+?)(\\.|$)){4})
    replacement: $2:$1
    target_label: __address__
  - {action: labelmap, regex: __meta_kubernetes_pod_label_(.+)}
  - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
  - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
`;

/** Finished pods have no target, since the sample of 1.8. */
const DROPS_FINISHED =
  '  - {action: drop, source_labels: [__meta_kubernetes_pod_phase], regex: Pending|Succeeded|Failed|Completed}\n';

/** The job that Istio's documents give for a mesh without merging (ops/integrations/prometheus, option 2). */
const ENVOY_STATS = `global:
  scrape_interval: 15s
scrape_configs:
- job_name: envoy-stats
  metrics_path: /stats/prometheus
  kubernetes_sd_configs:
  - role: pod
  relabel_configs:
  - {action: keep, source_labels: [__meta_kubernetes_pod_container_port_name], regex: .*-envoy-prom}
  - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
  - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
`;

/** A configuration as the server and its ConfigMap show it, with what its jobs are told beside. */
function configurationOf({ prometheus: { by, keepsFinished, jobs, configuration } }: Spec): string | undefined {
  const own =
    configuration ??
    {
      annotations: keepsFinished ? BY_ANNOTATIONS : `${BY_ANNOTATIONS}${DROPS_FINISHED}`,
      'envoy-stats': ENVOY_STATS,
      nothing: 'global: {scrape_interval: 15s}\nscrape_configs: []\n',
      // An operator keeps it in a Secret.
      monitor: undefined,
    }[by];
  if (own === undefined || Object.keys(jobs).length === 0) return own;
  const parsed = load(own) as { scrape_configs: { job_name: string }[] };
  const told = parsed.scrape_configs.map((each) => {
    const { pool: _, interval, ...rest } = jobs[each.job_name] ?? {};
    return { ...each, ...(interval !== undefined && { scrape_interval: interval }), ...rest };
  });
  return dump({ ...parsed, scrape_configs: told });
}

const datasources = (url: string): string => `apiVersion: 1
datasources:
- name: Prometheus
  type: prometheus
  access: proxy
  isDefault: true
  url: ${url}
  jsonData:
    timeInterval: 15s
`;

const kialiConfiguration = (url: string): string => `external_services:
  prometheus:
    url: ${url}
istio_namespace: istio-system
`;

/** Grafana or Kiali as Istio's samples run them: one pod that mounts the ConfigMap of its name. */
function consumer(name: string, image: string, file: string, text: string, address: string): readonly RecordedObject[] {
  const labels = { app: name, 'app.kubernetes.io/name': name };
  const template = {
    labels: { ...labels, 'sidecar.istio.io/inject': 'false' },
    annotations: {},
    spec: { containers: [{ name, image }], volumes: [{ name: 'config', configMap: { name } }] },
  };
  const namespace = 'istio-system';
  return [
    configMap(namespace, name, { [file]: text }, labels),
    ...owned({ kind: 'Deployment', name, namespace, selector: labels, template, pod: template, addresses: [address] }),
  ];
}

/** A Prometheus, and what asks it. */
export function storeObjects(spec: Spec, address: () => string): readonly RecordedObject[] {
  const { namespace, labels, annotations, sidecar } = spec.prometheus;
  const selector = { 'app.kubernetes.io/name': 'prometheus' };
  const written = { ...selector, 'app.kubernetes.io/component': 'server', app: 'prometheus', ...labels };
  const proxy = { name: 'istio-proxy', image: `istio/proxyv2:${spec.release}`, args: ['proxy', 'sidecar'] };
  const own = {
    name: 'prometheus-server',
    image: 'prom/prometheus:v3.10.0',
    args: ['--config.file=/etc/config/prometheus.yml', '--web.listen-address=:9090'],
    ports: [{ containerPort: 9090, name: 'web', protocol: 'TCP' }],
  };
  const template = {
    labels: { ...written, ...(!sidecar && { 'sidecar.istio.io/inject': 'false' }) },
    annotations,
    spec: { containers: [own] },
  };
  const status = JSON.stringify({
    initContainers: ['istio-init'],
    containers: ['istio-proxy'],
    revision: spec.revision,
  });
  const pod = sidecar
    ? {
        ...template,
        annotations: { ...annotations, 'sidecar.istio.io/status': status },
        spec: { containers: [own, proxy] },
      }
    : template;
  const configuration = configurationOf(spec);
  return [
    ...owned({ kind: 'Deployment', name: 'prometheus', namespace, selector, template, pod, addresses: [address()] }),
    object(
      'v1',
      'Service',
      { name: 'prometheus', namespace, labels: written },
      { spec: { selector, ports: [{ name: 'http', port: 9090, targetPort: 9090 }] } },
    ),
    ...(configuration === undefined
      ? []
      : [configMap(namespace, 'prometheus', { 'prometheus.yml': configuration }, selector)]),
    ...(spec.grafana === null
      ? []
      : consumer('grafana', 'grafana/grafana:12.3.1', 'datasources.yaml', datasources(spec.grafana), address())),
    ...(spec.kiali === null
      ? []
      : consumer('kiali', 'kiali/kiali:v2.21', 'config.yaml', kialiConfiguration(spec.kiali), address())),
  ];
}

/** The targets that the mesh's pods become, by what the server goes by. */
function targetsOf({ prometheus }: Spec, pods: readonly RecordedObject[]): readonly ScrapeTarget[] {
  const { by, keepsFinished } = prometheus;
  return pods.flatMap((pod): readonly ScrapeTarget[] => {
    const { name, namespace = '', labels = {}, annotations = {} } = pod.metadata;
    const isOver = pod.status?.phase !== 'Running';
    if (isOver && !keepsFinished) return [];
    const at = (job: string, port: string, metricsPath: string, more: Record<string, string>): ScrapeTarget => ({
      job,
      labels: { namespace, pod: name, ...more, instance: `${ipOf(pod)}:${port}` },
      metricsPath,
      page: isOver ? 'down:refused' : `${namespace}/${name}/${port}${metricsPath}`,
    });
    const [scrape, port = '', path = '/metrics'] = ['scrape', 'port', 'path'].map(
      (key) => annotations[`prometheus.io/${key}`],
    );
    const isProxy = hasProxy(pod);
    const isZtunnel = labels.app === 'ztunnel';
    if (by === 'annotations' && scrape === 'true') {
      const mapped = Object.fromEntries(Object.entries(labels).map(([key, value]) => [legal(key), value]));
      return [at('kubernetes-pods', port, path, mapped)];
    }
    if (by === 'envoy-stats' && isProxy && !isZtunnel) return [at('envoy-stats', '15090', '/stats/prometheus', {})];
    if (by === 'monitor' && isProxy && scrape !== undefined)
      return [at('istio-system/envoy-stats-monitor', '15020', '/stats/prometheus', { container: 'istio-proxy' })];
    return [];
  });
}

/** What the Prometheus of a built mesh scrapes. */
export function planOf(spec: Spec, objects: readonly RecordedObject[]): ScrapePlan {
  const { namespace, jobs, rules, still, others, more, target } = spec.prometheus;
  const pods = objects.filter(({ kind }) => kind === 'Pod');
  const own = pods.find(({ metadata }) => metadata.namespace === namespace && metadata.labels?.app === 'prometheus');
  const configuration = configurationOf(spec);
  return {
    pod: own ? `${namespace}/${own.metadata.name}` : null,
    port: 9090,
    targets: [...targetsOf(spec, pods), ...more].flatMap((each) => target(each) ?? []),
    jobs: { 'istio-system/envoy-stats-monitor': { pool: 'podMonitor/istio-system/envoy-stats-monitor/0' }, ...jobs },
    rules,
    still,
    others,
    ...(configuration !== undefined && { configuration }),
  };
}
