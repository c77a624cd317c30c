import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubernetesObject } from '../../../../src/cluster/question/cluster.ts';
import type { Pod } from '../../../../src/evidence/kubernetes/pod.ts';
import type { Service } from '../../../../src/evidence/kubernetes/service.ts';
import { barredPods, policyIn } from '../../../../src/evidence/prometheus/barred.ts';
import { monitorIn, operatedIn } from '../../../../src/evidence/prometheus/monitors.ts';
import type { Series } from '../../../../src/evidence/prometheus/query.ts';
import { scrapeJobsIn } from '../../../../src/evidence/prometheus/scrape-config.ts';
import { type Asked, type Scraping, scrapingIn } from '../../../../src/evidence/prometheus/scraping.ts';
import type { StoreAnswer } from '../../../../src/evidence/prometheus/store.ts';
import type { Target } from '../../../../src/evidence/prometheus/targets.ts';
import { scrapedOf } from '../../../../src/guide/missing-metrics/prometheus/funnel.ts';
import { scrapeAnnotations } from '../../../../src/guide/missing-metrics/prometheus/scrape/annotations.ts';
import { metricsForPrometheus } from '../../../../src/guide/missing-metrics/prometheus/scrape/localhost.ts';
import { prometheusAsksItself } from '../../../../src/guide/missing-metrics/prometheus/scrape/proxied.ts';
import { editConfiguration, proxiesReached } from '../../../../src/guide/missing-metrics/prometheus/scrape/reached.ts';
import { monitorsTaken } from '../../../../src/guide/missing-metrics/prometheus/scrape/taken.ts';
import { proxiesAreTargets } from '../../../../src/guide/missing-metrics/prometheus/scrape/targeted.ts';
import { hintFor } from '../../../../src/guide/missing-metrics/prometheus/scrape/troubles.ts';
import {
  pagesAreReadable,
  pagesFitLimits,
  proxiesAnswer,
  proxiesServe,
} from '../../../../src/guide/missing-metrics/prometheus/scrape/up.ts';
import { judging, NOW, plane, scope } from '../../../support/judging.ts';
import { container, listed, missing, pod, service } from '../../../support/mixer.ts';

const MERGED = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': '15020',
  'prometheus.io/path': '/stats/prometheus',
};

const proxy = (image = 'istio/proxyv2:1.31.0', variables: Record<string, string> = {}) =>
  container('istio-proxy', image, {
    args: ['proxy', 'sidecar'],
    ports: [{ name: 'http-envoy-prom', port: 15090 }],
    variables,
  });

let last = 10;
/** A sidecar of Deployment `app`. */
const sidecar = (app: string, change: Partial<Pod> = {}, own = proxy()): Pod =>
  pod({
    name: `${app}-5d4-${++last}`,
    namespace: 'shop',
    ip: `10.0.1.${last}`,
    labels: { app, 'pod-template-hash': '5d4' },
    annotations: MERGED,
    owner: { kind: 'ReplicaSet', name: `${app}-5d4` },
    startedAt: NOW - 3_600_000,
    containers: [container(app, `${app}:1`, { ports: [{ name: 'http', port: 8080 }] }), own],
    ...change,
  });

const cart = sidecar('cart');
const web = sidecar('web');
const pay = sidecar('pay');
const server = pod({
  name: 'prometheus-0',
  namespace: 'mon',
  labels: { app: 'prometheus' },
  ip: '10.0.1.2',
  configMaps: ['prometheus'],
});

const target = (of: Pod, change: Partial<Target> = {}, at = '15020/stats/prometheus'): Target => ({
  job: 'kubernetes-pods',
  pool: 'kubernetes-pods',
  url: `http://${of.ip}:${at}`,
  health: 'up',
  lastError: '',
  lastScrape: NOW - 5000,
  interval: 15_000,
  instance: `${of.ip}:${at.replace(/\/.*/, '')}`,
  pod: { namespace: of.namespace, name: of.name },
  podIp: of.ip,
  address: `${of.ip}:15090`,
  namespace: of.namespace,
  service: null,
  portName: null,
  ...change,
});
const down = (of: Pod, lastError: string, at?: string): Target => target(of, { health: 'down', lastError }, at);

const object = (name: string, namespace: string, spec: object, labels = {}): KubernetesObject =>
  ({ metadata: { name, namespace, labels }, spec }) as unknown as KubernetesObject;
const podMonitor = (spec: object = {}, labels = {}, namespace = 'istio-system') =>
  monitorIn(
    'PodMonitor',
    'podMetricsEndpoints',
  )(
    object(
      'envoy-stats-monitor',
      namespace,
      {
        selector: { matchExpressions: [{ key: 'istio-prometheus-ignore', operator: 'DoesNotExist' }] },
        namespaceSelector: { any: true },
        podMetricsEndpoints: [{ path: '/stats/prometheus', port: 'http-envoy-prom' }],
        ...spec,
      },
      labels,
    ),
  );
const operated = (spec: object = { podMonitorSelector: {}, podMonitorNamespaceSelector: {} }) =>
  operatedIn(object('k8s', 'mon', spec));

const ANNOTATION_JOB = `
scrape_configs:
- job_name: kubernetes-pods
  metrics_path: /metrics
  kubernetes_sd_configs: [{role: pod, kubeconfig_file: ""}]
  relabel_configs:
  - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], separator: ;, regex: "true", replacement: $1, action: keep}
  - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], separator: ;, regex: (.+), target_label: __metrics_path__, replacement: $1, action: replace}
  - {source_labels: [__address__, __meta_kubernetes_pod_annotation_prometheus_io_port], separator: ;, regex: '(.+?)(?::\\d+)?;(\\d+)', target_label: __address__, replacement: '$1:$2', action: replace}
`;
const byAnnotation = await scrapeJobsIn(ANNOTATION_JOB);
const jobs = (relabel: string, more = '') =>
  scrapeJobsIn(`
scrape_configs:
- job_name: envoy-stats
  metrics_path: /stats/prometheus
  kubernetes_sd_configs: [{role: pod${more}}]
  relabel_configs: ${relabel}
`);

const stored = (...got: readonly Series[]): StoreAnswer => ({ where: 'x', series: { got }, partial: [] });

const nothingOperated = {
  prometheuses: { got: listed() },
  podMonitors: { got: listed() },
  serviceMonitors: { got: listed() },
};

const asked = (pods: readonly Pod[], targets: readonly Target[], change: Partial<Asked> = {}): Asked => ({
  servers: ['pod mon/prometheus-0'],
  serverPods: [server],
  leftOut: 0,
  refusal: null,
  monitors: nothingOperated,
  namespaces: new Map([
    ['mon', {}],
    ['shop', {}],
    ['istio-system', {}],
  ]),
  everyPod: [...pods, server],
  pods,
  now: NOW,
  targets: [{ got: { targets, partial: [] } }],
  ups: [null],
  loaded: [],
  jobs: byAnnotation,
  services: [],
  ...change,
});
const scraped = (
  pods: readonly Pod[],
  targets: readonly Target[],
  change: Partial<Asked> = {},
): { scraping: Scraping } => ({
  scraping: scrapingIn(asked(pods, targets, change)),
});
const operatedBy = (monitor: ReturnType<typeof podMonitor>, prometheus = operated()): Partial<Asked> => ({
  jobs: [],
  monitors: { ...nothingOperated, prometheuses: { got: listed(prometheus) }, podMonitors: { got: listed(monitor) } },
});
const series = (labels: Record<string, string>, value = 1) => ({
  labels: new Map(Object.entries(labels)),
  value,
  at: NOW,
});

const all = [cart, web, pay];
const healthy = scraped(
  all,
  all.map((each) => target(each)),
);
const silent = scraped(all, [], {
  targets: [{ missing: missing('NotFound') }],
  ups: [{ where: 'x', series: { missing: missing('NotFound') }, partial: [] }],
});
const nowhere = scraped([], []);
const unasked = scraped(all, [], { servers: [], serverPods: [] });
const modern = { plane: { generation: 'telemetry-v2', version: '1.31.0' } } as const;

judging(proxiesAreTargets, [
  { when: 'all are', given: healthy, status: 'pass', says: /^3 proxies$/ },
  {
    when: 'they are found by their address alone',
    given: scraped([cart], [target(cart, { pod: null, podIp: null, instance: 'cart' })]),
    status: 'pass',
    says: /1 proxy/,
  },
  {
    when: 'one is found by the name that its series carry, at an address that is a tunnel’s',
    given: scraped([cart], [target(cart, { url: 'http://127.0.0.1:9/stats/prometheus', podIp: null })]),
    status: 'pass',
    says: /1 proxy/,
  },
  {
    when: 'only the application’s page is a target',
    given: scraped(all, [target(cart), target(web, {}, '8080/metrics')], { jobs: [] }),
    status: 'fail',
    reason: 'NoScrapeJob',
    says: /2 of 3 proxies: no job and no monitor/,
  },
  {
    when: 'a discovery made a target of a container without a port, too (istio#28820)',
    given: scraped(
      [cart],
      [down(cart, 'server returned HTTP status 503 Service Unavailable', '80/stats/prometheus'), target(cart)],
    ),
    status: 'pass',
    says: /1 proxy/,
  },
  {
    when: 'a job looks for them and has none',
    given: scraped(all, [target(cart)]),
    status: 'fail',
    reason: 'TargetMissing',
    says: /2 of 3 proxies are no target, though job kubernetes-pods looks for them/,
  },
  {
    when: 'another check says why',
    given: scraped([cart, sidecar('old', { annotations: {} })], [target(cart)]),
    status: 'fail',
    reason: 'ProxiesNotScraped',
    says: /1 of 2 proxies are no target/,
  },
  {
    when: 'a young pod is none yet',
    given: scraped([cart, sidecar('new', { startedAt: NOW - 20_000 })], [target(cart)]),
    status: 'pass',
    says: /1 proxy/,
  },
  {
    when: 'a store that knows no targets holds what only their pages tell',
    given: scraped([cart], [], {
      targets: [{ missing: missing('NotFound') }],
      ups: [stored(series({ instance: `${web.ip}:15020` }))],
      loaded: [
        {
          where: 'x',
          series: { got: [series({ component: 'proxy', pod: cart.name, namespace: 'shop' })] },
          partial: [],
        },
      ],
    }),
    status: 'pass',
    says: /1 proxy, by what is stored/,
  },
  {
    when: 'a store that knows no targets has no scrapes of some',
    given: scraped(all, [], {
      targets: [{ missing: missing('NotFound') }],
      ups: [stored(series({ instance: `${cart.ip}:15020` }), series({ instance: `${web.ip}:8080` }, 0))],
      jobs: [],
    }),
    status: 'fail',
    reason: 'NoScrapeJob',
    says: /2 of 3/,
  },
  { when: 'no server tells', given: silent, status: 'unknown', reason: 'NotFound', says: /could not be read/ },
  {
    when: 'the answer is not whole',
    given: scraped(all, [target(cart)], {
      targets: [{ got: { targets: [target(cart)], partial: ['a store is down'] } }],
    }),
    status: 'unknown',
    reason: 'PartialAnswer',
    says: /a store is down/,
  },
  {
    when: 'a server that was not asked may have them',
    given: scraped(all, [target(cart)], { leftOut: 2 }),
    status: 'unknown',
    reason: 'NotAllAsked',
    says: /2 of 3 proxies: no target.*2 more/,
  },
  {
    when: 'not every pod could be listed',
    given: scraped([cart], [target(cart)], { refusal: missing() }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every proxy/,
  },
  { when: 'there is no proxy', given: nowhere, status: 'skip', says: /no proxy/ },
  { when: 'there is no Prometheus', given: unasked, status: 'skip', says: /no Prometheus/ },
]);

judging(monitorsTaken, [
  {
    when: 'they are',
    given: scraped(
      all,
      all.map((each) => target(each)),
      operatedBy(podMonitor()),
    ),
    status: 'pass',
    says: /mon\/k8s/,
  },
  { when: 'there is no operator', given: healthy, status: 'skip', says: /no Prometheus of an operator/ },
  {
    when: 'the chart’s Prometheus selects by its release (triggermesh/docs#384)',
    given: scraped(
      all,
      [],
      operatedBy(
        podMonitor({}, { release: 'istio' }),
        operated({
          podMonitorSelector: { matchLabels: { release: 'kube-prometheus-stack' } },
          podMonitorNamespaceSelector: {},
        }),
      ),
    ),
    status: 'fail',
    reason: 'MonitorNotSelected',
    says: /3 of 3 proxies: Prometheus mon\/k8s does not take PodMonitor istio-system\/envoy-stats-monitor: .*kube-prometheus-stack/,
  },
  {
    when: 'it has no selector for them (istio#29654)',
    given: scraped(all, [], operatedBy(podMonitor(), operated({ serviceMonitorSelector: {} }))),
    status: 'fail',
    reason: 'MonitorNotSelected',
    says: /it has no podMonitorSelector/,
  },
  {
    when: 'it looks for monitors beside itself only',
    given: scraped(all, [], operatedBy(podMonitor(), operated({ podMonitorSelector: {} }))),
    status: 'fail',
    reason: 'MonitorNamespaceNotSelected',
    says: /those of its own namespace/,
  },
  {
    when: 'all are scraped in another way',
    given: scraped(
      all,
      all.map((each) => target(each)),
      operatedBy(podMonitor(), operated({ podMonitorSelector: {} })),
    ),
    status: 'pass',
    says: /mon\/k8s/,
  },
  {
    when: 'somebody else writes its configuration',
    given: scraped(all, [], operatedBy(podMonitor(), operated({}))),
    status: 'pass',
    says: /mon\/k8s/,
  },
  {
    when: 'monitors may not be listed',
    given: scraped(all, [], { jobs: [], monitors: { ...nothingOperated, podMonitors: { missing: missing() } } }),
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
  },
]);

const withoutServices = (prometheus: ReturnType<typeof operated>) =>
  scraped([cart], [], {
    jobs: [],
    monitors: {
      ...nothingOperated,
      prometheuses: { got: listed(prometheus) },
      serviceMonitors: {
        got: listed(
          monitorIn(
            'ServiceMonitor',
            'endpoints',
          )(
            object('mesh', 'mon', {
              selector: {},
              namespaceSelector: { any: true },
              endpoints: [{ path: '/stats/prometheus', targetPort: 'http-envoy-prom' }],
            }),
          ),
        ),
      },
    },
  });

judging(proxiesReached, [
  { when: 'all are', given: healthy, status: 'pass', says: /no proxy is left out/ },
  {
    when: 'the Prometheus ignores the namespaces that the monitor names',
    given: scraped(
      all,
      [],
      operatedBy(
        podMonitor(),
        operated({ podMonitorSelector: {}, podMonitorNamespaceSelector: {}, ignoreNamespaceSelectors: true }),
      ),
    ),
    status: 'fail',
    reason: 'MonitorNamespaceSelectorIgnored',
    says: /3 of 3 proxies: Prometheus mon\/k8s ignores the namespaceSelector of PodMonitor/,
  },
  {
    when: 'the monitor looks in its own namespace',
    given: scraped(all, [], operatedBy(podMonitor({ namespaceSelector: {} }))),
    status: 'fail',
    reason: 'NamespaceNotMonitored',
    says: /does not look in shop/,
  },
  {
    when: 'the monitor selects other pods',
    given: scraped(
      all,
      [target(cart)],
      operatedBy(podMonitor({ selector: { matchLabels: { 'security.istio.io/tlsMode': 'istio' } } })),
    ),
    status: 'fail',
    reason: 'PodNotSelected',
    says: /2 of 3 proxies: .* does not select them/,
  },
  {
    when: 'the pods were left out on purpose',
    given: scraped(
      [cart, sidecar('batch', { labels: { 'istio-prometheus-ignore': 'true' } })],
      [target(cart)],
      operatedBy(podMonitor()),
    ),
    status: 'warn',
    reason: 'OptedOut',
    says: /1 of 2/,
  },
  {
    when: 'the workload that was asked for is left out on purpose',
    given: scraped([sidecar('batch', { labels: { 'istio-prometheus-ignore': 'true' } })], [], operatedBy(podMonitor())),
    scope: { workload: { kind: 'deployment', name: 'batch', namespace: 'shop' } },
    status: 'fail',
    reason: 'OptedOut',
    says: /1 of 1/,
  },
  {
    when: 'the port is called otherwise',
    given: scraped(
      all,
      [],
      operatedBy(podMonitor({ podMetricsEndpoints: [{ path: '/stats/prometheus', port: 'envoy-metrics' }] })),
    ),
    status: 'fail',
    reason: 'PortNotFound',
    says: /envoy-metrics/,
  },
  {
    when: 'the monitor finds pods by Services, and there is none',
    given: withoutServices(operated({ serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: {} })),
    status: 'fail',
    reason: 'NoServiceMonitored',
    says: /no Service leads to these/,
  },
  {
    when: 'a rule of a job fits no pod of today',
    given: scraped(all, [], {
      jobs: await jobs(
        '[{action: keep, source_labels: [__meta_kubernetes_pod_container_port_name], regex: mtls-envoy-prom}]',
      ),
    }),
    status: 'fail',
    reason: 'RuleDrops',
    says: /job envoy-stats drops them by its rule keep __meta_kubernetes_pod_container_port_name =~ mtls-envoy-prom/,
  },
  {
    when: 'the job looks in other namespaces',
    given: scraped(all, [], { jobs: await jobs('[]', ', namespaces: {names: [istio-system]}') }),
    status: 'fail',
    reason: 'NamespaceNotMonitored',
    says: /job envoy-stats does not look in shop/,
  },
  {
    when: 'the job goes by what is not read here',
    given: scraped(all, [], { jobs: await jobs('[]', ', selectors: [{role: pod, label: mesh=yes}]') }),
    status: 'pass',
    says: /no proxy is left out/,
  },
  {
    when: 'the Services of a monitor may not be listed',
    given: silent,
    status: 'unknown',
    reason: 'NotFound',
    says: /could not be read/,
  },
]);

judging(scrapeAnnotations, [
  { when: 'they do', given: healthy, status: 'pass', says: /no proxy is left out/ },
  {
    when: 'a pod says no',
    given: scraped([cart, sidecar('batch', { annotations: { 'prometheus.io/scrape': 'false' } })], [target(cart)]),
    status: 'fail',
    reason: 'ScrapeSaysFalse',
    says: /1 of 2 proxies: their annotation prometheus.io\/scrape says "false"/,
  },
  {
    when: 'a pod says no in another spelling',
    given: scraped([sidecar('batch', { annotations: { 'prometheus.io.scrape': 'F' } })], []),
    status: 'fail',
    reason: 'ScrapeSaysFalse',
    says: /1 of 1/,
  },
  {
    when: 'a pod keeps its metrics for itself',
    given: scraped(
      [
        sidecar('app', {
          annotations: {
            'prometheus.io/scrape': 'true',
            'prometheus.io/port': '8080',
            'prometheus.istio.io/merge-metrics': 'false',
          },
        }),
      ],
      [],
    ),
    status: 'fail',
    reason: 'MergeOff',
    says: /merge-metrics/,
  },
  {
    when: 'metrics are not merged in the mesh',
    given: scraped([sidecar('app', { annotations: {} })], []),
    status: 'fail',
    reason: 'ScrapeAnnotationMissing',
    says: /no annotation/,
  },
  {
    when: 'the application’s own annotations stand',
    given: scraped(
      [sidecar('app', { annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' } })],
      [],
    ),
    status: 'fail',
    reason: 'ScrapeAnnotationElsewhere',
    says: /lead to the application/,
  },
  { when: 'no server tells', given: silent, status: 'unknown', reason: 'NotFound', says: /could not be read/ },
]);

const barred = { got: new Map() };
const up = (pods: readonly Pod[], targets: readonly Target[]) => ({ ...scraped(pods, targets), barred });
const GET = (words: string): string => `Get "http://10.0.1.9:15020/stats/prometheus": ${words}`;

const RESET = 'read tcp 10.0.2.1:41000->10.0.1.9:15020: read: connection reset by peer';
const INJECTED = { ...MERGED, 'sidecar.istio.io/status': '{}' };
const withStatus = sidecar('old', { annotations: INJECTED });
const [tunnelled, other] = ['new', 'newer'].map((name) =>
  sidecar(name, { annotations: INJECTED, labels: { app: name, 'networking.istio.io/tunnel': 'http' } }),
) as [Pod, Pod];
const throughZtunnel = (pods: readonly Pod[], targets: readonly Target[]) => ({
  ...scraped(pods, targets, {
    serverPods: [{ ...server, annotations: { 'ambient.istio.io/redirection': 'enabled' } }],
  }),
  barred,
});

judging(proxiesAnswer, [
  { when: 'all do', given: { ...healthy, barred }, status: 'pass', says: /3 proxies/ },
  {
    when: 'two refuse',
    given: up(all, [
      target(cart),
      down(web, GET('dial tcp 10.0.1.9:15020: connect: connection refused')),
      down(pay, GET('dial tcp 10.0.1.8:15020: connect: connection refused')),
    ]),
    status: 'fail',
    reason: 'ConnectionRefused',
    says: /^2 of 3 proxies: connection refused$/,
  },
  {
    when: 'another page of the same proxy is up',
    given: up([cart], [down(cart, GET('EOF'), '15090/stats/prometheus'), target(cart)]),
    status: 'pass',
    says: /1 proxy that is a target/,
  },
  {
    when: 'a gateway’s other ports are targets too, and down (istio#35122)',
    given: up([cart], [down(cart, 'server returned HTTP status 404 Not Found', '8080/metrics'), target(cart)]),
    status: 'pass',
    says: /1 proxy/,
  },
  {
    when: 'a NetworkPolicy keeps Prometheus out',
    given: {
      ...scraped(all, [target(cart), target(web), down(pay, GET('context deadline exceeded'))]),
      barred: { got: new Map([[pay, [{ namespace: 'shop', name: 'default-deny', selector: {}, ingress: [] }]]]) },
    },
    status: 'fail',
    reason: 'NetworkPolicyBars',
    says: /1 of 3 proxies: context deadline exceeded; barred by NetworkPolicy shop\/default-deny/,
  },
  {
    when: 'NetworkPolicies may not be listed',
    given: { ...scraped([pay], [down(pay, GET('context deadline exceeded'))]), barred: { missing: missing() } },
    status: 'fail',
    reason: 'ScrapeTimedOut',
    says: /context deadline exceeded$/,
  },
  {
    when: 'Prometheus is in ambient, and tunnels to sidecars lead nowhere',
    given: throughZtunnel([tunnelled], [down(tunnelled, GET(RESET))]),
    status: 'fail',
    reason: 'AskedThroughZtunnel',
    says: /^1 of 1 proxy: connection reset by peer$/,
  },
  {
    when: 'Prometheus is in ambient, and another sidecar that takes tunnels answers',
    given: throughZtunnel([tunnelled, other], [down(tunnelled, GET(RESET)), target(other)]),
    status: 'fail',
    reason: 'ConnectionReset',
    says: /^1 of 2 proxies/,
  },
  {
    when: 'Prometheus is in ambient, and a sidecar that takes no tunnels resets',
    given: throughZtunnel([withStatus], [down(withStatus, GET(RESET))]),
    status: 'fail',
    reason: 'ConnectionReset',
    says: /^1 of 1 proxy/,
  },
  {
    when: 'Prometheus is in ambient, and a sidecar that takes tunnels refuses',
    given: throughZtunnel([tunnelled], [down(tunnelled, GET('dial tcp 10.0.1.9:15020: connect: connection refused'))]),
    status: 'fail',
    reason: 'ConnectionRefused',
    says: /^1 of 1 proxy/,
  },
  {
    when: 'Prometheus is in ambient, scrapes time out, and NetworkPolicies may not be listed',
    given: {
      ...throughZtunnel([tunnelled], [down(tunnelled, GET('context deadline exceeded'))]),
      barred: { missing: missing() },
    },
    status: 'fail',
    reason: 'ScrapeTimedOut',
    says: /^1 of 1 proxy/,
  },
  {
    when: 'none is a target',
    given: up([sidecar('slow', { ready: false })], []),
    status: 'skip',
    says: /no proxy is a target/,
  },
  {
    when: 'it was not scraped yet',
    given: up([cart], [target(cart, { health: 'unknown', lastScrape: null })]),
    status: 'pass',
    says: /1 proxy/,
  },
  {
    when: 'a store holds only that it fails',
    given: {
      ...scraped([cart], [], {
        targets: [{ missing: missing('NotFound') }],
        ups: [stored(series({ instance: `${cart.ip}:15020` }, 0))],
      }),
      barred,
    },
    status: 'fail',
    reason: 'TargetDown',
    says: /does not tell why/,
  },
  {
    when: 'TLS is spoken to a port that has none (istio#47738)',
    given: up(
      [cart],
      [down(cart, `Get "https://${cart.ip}:15020/stats/prometheus": http: server gave HTTP response to HTTPS client`)],
    ),
    status: 'fail',
    reason: 'TlsFailed',
    says: /HTTP response to HTTPS client/,
  },
]);

judging(proxiesServe, [
  { when: 'all do', given: { ...healthy, barred }, status: 'pass', says: /3 proxies/ },
  {
    when: 'they are denied',
    given: up(
      all,
      all.map((each) => down(each, 'server returned HTTP status 403 Forbidden')),
    ),
    status: 'fail',
    reason: 'ScrapeDenied',
    says: /3 of 3 proxies: server returned HTTP status 403/,
  },
  {
    when: 'Envoy’s port is asked at the default path',
    given: up([cart], [down(cart, 'server returned HTTP status 404 Not Found', '15090/metrics')]),
    status: 'fail',
    reason: 'PageNotFound',
    says: /404/,
  },
  {
    when: 'a store knows no words',
    given: {
      ...scraped([cart], [], {
        targets: [{ missing: missing('NotFound') }],
        ups: [stored(series({ instance: `${cart.ip}:15020` }))],
      }),
      barred,
    },
    status: 'skip',
    says: /only the Prometheus that scrapes/,
  },
]);

const old = sidecar('old', {}, proxy('istio/proxyv2:1.30.1'));
judging(pagesAreReadable, [
  { when: 'it can', given: { ...healthy, barred }, status: 'pass', says: /3 proxies/ },
  {
    when: 'an application breaks the page (istio#43403)',
    given: up(all, [target(web), target(pay), down(cart, 'expected value after metric, got "\\n" ("INVALID")')]),
    status: 'fail',
    reason: 'PageInvalid',
    says: /1 of 3 proxies: expected value after metric/,
  },
  {
    when: 'Istio 1.30.1 mixes protobuf in',
    given: up([old], [down(old, 'expected value after metric, got "\\n" ("INVALID")')]),
    status: 'fail',
    reason: 'PageInvalid',
    says: /1.30.0 to 1.30.2 mixes protobuf/,
  },
  {
    when: 'Prometheus 3 wants a Content-Type',
    given: up(
      [cart],
      [
        down(
          cart,
          'non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target',
        ),
      ],
    ),
    status: 'fail',
    reason: 'ContentTypeRefused',
    says: /blank Content-Type/,
  },
]);

judging(pagesFitLimits, [
  { when: 'they do', given: { ...healthy, barred }, status: 'pass', says: /3 proxies/ },
  {
    when: 'a page has too many samples',
    given: up(all, [target(web), target(pay), down(cart, 'sample limit exceeded')]),
    status: 'fail',
    reason: 'SampleLimit',
    says: /1 of 3 proxies: sample limit exceeded/,
  },
]);

const closed = sidecar('closed', {}, proxy('istio/proxyv2:1.31.0', { METRICS_LOCALHOST_ACCESS_ONLY: 'true' }));
const before = sidecar('before', {}, proxy('istio/proxyv2:1.21.4', { METRICS_LOCALHOST_ACCESS_ONLY: 'true' }));
judging(metricsForPrometheus, [
  { when: 'all do', given: healthy, status: 'pass', says: /none/ },
  {
    when: 'one keeps them for itself',
    given: scraped([cart, closed], [target(cart), down(closed, 'server returned HTTP status 403 Forbidden')]),
    status: 'fail',
    reason: 'MetricsForLocalhostOnly',
    says: /1 of 2 proxies/,
  },
  {
    when: 'it is scraped all the same, by its port for mutual TLS',
    given: scraped([closed], [target(closed, { url: `https://${closed.ip}:15091/stats/prometheus` })]),
    status: 'pass',
    says: /scraped all the same/,
  },
  {
    when: 'the release does not know the variable',
    given: scraped([before], [down(before, 'EOF')]),
    status: 'pass',
    says: /none/,
  },
]);

const withSidecar = (annotations: Record<string, string>): Pod => ({
  ...server,
  annotations: { 'sidecar.istio.io/status': '{}', ...annotations },
  containers: [...server.containers, proxy()],
});
const servedBy = (pod: Pod, at: string) =>
  scraped([cart], [target(cart, {}, at)], { everyPod: [cart, pod], serverPods: [pod] });
judging(prometheusAsksItself, [
  { when: 'it has no sidecar', given: healthy, status: 'pass', says: /no sidecar/ },
  {
    when: 'its own sidecar answers (istio#38272)',
    given: servedBy(withSidecar({}), '15090/stats/prometheus'),
    status: 'fail',
    reason: 'OwnSidecarAnswers',
    says: /answers itself/,
  },
  {
    when: 'its scrapes go through its sidecar',
    given: servedBy(withSidecar({}), '15020/stats/prometheus'),
    status: 'warn',
    reason: 'ScrapesThroughSidecar',
    says: /through a sidecar/,
  },
  {
    when: 'its sidecar captures nothing',
    given: servedBy(withSidecar({ 'traffic.sidecar.istio.io/includeOutboundIPRanges': '' }), '15090/stats/prometheus'),
    status: 'pass',
    says: /does not capture/,
  },
  {
    when: 'its sidecar leaves its interface alone',
    given: servedBy(withSidecar({ 'traffic.sidecar.istio.io/excludeInterfaces': 'eth0' }), '15090/stats/prometheus'),
    status: 'pass',
    says: /does not capture/,
  },
  {
    when: 'the installation captures nothing that is sent',
    given: servedBy({ ...withSidecar({}), redirection: ['istio-iptables', '-i', ''] }, '15090/stats/prometheus'),
    status: 'pass',
    says: /does not capture/,
  },
  {
    when: 'the ports are spared',
    given: servedBy(
      withSidecar({ 'traffic.sidecar.istio.io/excludeOutboundPorts': '15090, 15020' }),
      '15090/stats/prometheus',
    ),
    status: 'pass',
    says: /does not capture/,
  },
  {
    when: 'it is no pod',
    given: scraped([cart], [], { servers: ['http://prometheus.example.com'], serverPods: [] }),
    status: 'skip',
    says: /no Prometheus pod/,
  },
]);

describe('hints', () => {
  const hintOf = (verdict: object): string => ('hint' in verdict ? String(verdict.hint) : '');
  const context = { plane: { ...plane, ...modern.plane }, scope, now: NOW };

  it('label the monitor with what its Prometheus selects by', () => {
    const prometheus = operated({
      podMonitorSelector: { matchLabels: { release: 'x y' } },
      podMonitorNamespaceSelector: {},
    });
    const verdict = monitorsTaken.judge(scraped(all, [], operatedBy(podMonitor(), prometheus)), context);
    assert.equal(
      hintOf(verdict),
      "kubectl -n istio-system label podmonitor envoy-stats-monitor 'release=x y' --overwrite",
    );
  });

  it('ask the proxy by its container’s own name', () => {
    const gate = sidecar('gate', { containers: [container('ingressgateway', 'proxyv2:1.31.0')] });
    const hintOfTrouble = (trouble: 'HttpError' | 'ConnectionRefused', pod = gate): string =>
      hintFor(trouble, pod, null, scrapingIn(asked([pod], [])));
    assert.match(
      hintOfTrouble('HttpError'),
      /^kubectl -n shop exec gate\S* -c ingressgateway -- pilot-agent request GET /,
    );
    assert.match(hintOfTrouble('ConnectionRefused'), /@\.name=="ingressgateway"/);
    assert.match(hintOfTrouble('HttpError', cart), / -c istio-proxy -- /);
  });

  it('make Istio’s PodMonitor in the namespace of this control plane', () => {
    const everywhere = { podMonitorNamespaceSelector: {}, serviceMonitorNamespaceSelector: {} };
    const prometheus = operated({ podMonitorSelector: {}, serviceMonitorSelector: {}, ...everywhere });
    const verdict = proxiesReached.judge(withoutServices(prometheus), {
      ...context,
      plane: { ...context.plane, namespace: 'mesh-system' },
    });
    assert.match(hintOf(verdict), /"name":"envoy-stats-monitor","namespace":"mesh-system"/);
  });

  it('edit the ConfigMap of the jobs, not that of rules or of certificates', () => {
    for (const [configMaps, edited] of [
      [['prometheus-rules', 'local-ca', 'kube-root-ca.crt', 'ca-bundle', 'prometheus'], 'prometheus'],
      [['prometheus-rules', 'application-metrics'], 'application-metrics'],
      [['scrape-local', 'prometheus'], 'scrape-local'],
    ] as const)
      assert.equal(
        editConfiguration({ serverPods: [{ ...server, configMaps }] }, 'x'),
        `kubectl -n mon edit configmap ${edited}   # x`,
      );
  });

  it('make Istio’s PodMonitor as this Prometheus takes it', () => {
    const prometheus = operated({ podMonitorSelector: { matchLabels: { team: 'mesh' } } });
    const verdict = proxiesAreTargets.judge(
      scraped(all, [], { jobs: [], monitors: { ...nothingOperated, prometheuses: { got: listed(prometheus) } } }),
      context,
    );
    const [, text = ''] = /^echo '(.*)' \| kubectl apply -f -$/.exec(hintOf(verdict)) ?? [];
    assert.deepEqual(JSON.parse(text).metadata, {
      name: 'envoy-stats-monitor',
      namespace: 'mon',
      labels: { team: 'mesh' },
    });
    const made = monitorIn(
      'PodMonitor',
      'podMetricsEndpoints',
    )({ metadata: JSON.parse(text).metadata, ...JSON.parse(text) });
    assert.deepEqual(
      scraped(all, [], operatedBy(made, prometheus)).scraping.causes.map(({ refusal, obstacle }) => [
        refusal,
        obstacle,
      ]),
      [[null, null]],
    );
  });

  it('set annotations on what owns the pods', () => {
    const batch = sidecar('batch', { annotations: { 'prometheus.io/scrape': 'false' } });
    const lone = sidecar('lone', { annotations: {}, owner: null });
    assert.match(
      hintOf(scrapeAnnotations.judge(scraped([batch], []), context)),
      /^kubectl -n shop patch deployment batch --type merge -p '\{/,
    );
    assert.match(
      hintOf(scrapeAnnotations.judge(scraped([lone], []), context)),
      /^kubectl -n shop annotate pod lone-5d4-\d+ --overwrite prometheus.io\/scrape=true/,
    );
  });

  it('hold nothing of a cluster’s that a shell would run', () => {
    const evil = sidecar('evil', {
      annotations: {},
      namespace: '$(reboot)',
      owner: { kind: 'Job;reboot', name: '`reboot`' },
    });
    const hint = hintOf(scrapeAnnotations.judge(scraped([evil], []), context));
    assert.doesNotMatch(hint.replace(/'[^']*'/g, ''), /[;`$]/);
  });
});

describe('what follows from another check', () => {
  const from = (pods: readonly Pod[], lastError: string, check: typeof proxiesServe) => {
    const verdict = check.judge(
      up(
        pods,
        pods.map((each) => down(each, lastError)),
      ),
      { plane, scope, now: NOW },
    );
    return 'mayFollowFrom' in verdict ? verdict.mayFollowFrom : null;
  };
  const denied = 'server returned HTTP status 403 Forbidden';
  const broken = 'expected value after metric, got "\\n" ("INVALID")';

  it('is a page that is for localhost only', () => {
    assert.deepEqual(from([closed], denied, proxiesServe), ['scrape']);
    assert.deepEqual(from([closed, cart], denied, proxiesServe), []);
    assert.deepEqual(from([cart], denied, proxiesServe), []);
  });

  it('is a page that its proxy made so, and not one that is mixed for Prometheus alone', () => {
    assert.deepEqual(from([cart], broken, pagesAreReadable), ['proxy-emits']);
    assert.deepEqual(from([old], broken, pagesAreReadable), []);
  });
});

describe('whom a finding is about', () => {
  it('is all pods by their owners, and ten lines at most', () => {
    const many = Array.from({ length: 30 }, (_, index) => sidecar(`app-${index}`, { annotations: {} }));
    const verdict = scrapeAnnotations.judge(scraped([...many, sidecar('app-0', { annotations: {} })], []), {
      plane,
      scope,
      now: NOW,
    });
    assert.equal(verdict.subjects?.length, 30);
    assert.equal(verdict.evidence?.length, 10);
    assert.equal(verdict.evidence?.[0], 'Deployment shop/app-0: 2 pods');
  });
});

describe('the pods that got past the step', () => {
  it('are those whose scrapes succeed', () => {
    const { scraping } = scraped(all, [target(cart), down(web, 'EOF')]);
    assert.deepEqual([...(scrapedOf(scraping) ?? [])], [cart]);
  });

  it('are not known where no server tells, or another may', () => {
    assert.equal(scrapedOf(silent.scraping), null);
    assert.equal(scrapedOf(unasked.scraping), null);
    assert.equal(scrapedOf(scraped(all, [target(cart)], { leftOut: 1 }).scraping), null);
    assert.deepEqual([...(scrapedOf(scraped([cart], [target(cart)], { leftOut: 1 }).scraping) ?? [])], [cart]);
  });
});

describe('NetworkPolicies', () => {
  const policy = (spec: object, name = 'p') => policyIn(object(name, 'shop', { podSelector: {}, ...spec }));
  const late = (...policies: ReturnType<typeof policy>[]) => {
    const { scraping } = scraped([cart], [down(cart, GET('context deadline exceeded'))]);
    return [...barredPods({ ...scraping, serverPods: [server] }, policies).values()].flat().map(({ name }) => name);
  };
  const deny = policy({ policyTypes: ['Ingress'] }, 'deny');

  it('bar where none of those that select the pod admits Prometheus', () => {
    assert.deepEqual(late(deny), ['deny']);
    assert.deepEqual(late(), []);
    assert.deepEqual(late(policy({ policyTypes: ['Egress'] })), []);
    assert.deepEqual(late(policy({ podSelector: { matchLabels: { app: 'web' } } })), []);
  });

  it('add up', () => {
    assert.deepEqual(late(deny, policy({ ingress: [{}] })), []);
    assert.deepEqual(late(deny, policy({ ingress: [{ ports: [{ port: 15020 }] }] })), []);
    assert.deepEqual(late(deny, policy({ ingress: [{ ports: [{ port: 8080 }, { port: 15020, protocol: 'UDP' }] }] })), [
      'deny',
      'p',
    ]);
    assert.deepEqual(late(deny, policy({ ingress: [{ ports: [{ port: 15000, endPort: 15100 }] }] })), []);
    assert.deepEqual(late(deny, policy({ ingress: [{ ports: [{ port: 'http-envoy-prom' }] }] })), ['deny', 'p']);
  });

  it('go by the pod and the namespace that Prometheus is in', () => {
    const from = (peer: object) => late(deny, policy({ ingress: [{ from: [peer] }] }));
    assert.deepEqual(from({ podSelector: {} }), ['deny', 'p']);
    assert.deepEqual(from({ namespaceSelector: {} }), []);
    assert.deepEqual(from({ namespaceSelector: { matchLabels: { team: 'x' } } }), ['deny', 'p']);
    assert.deepEqual(from({ namespaceSelector: {}, podSelector: { matchLabels: { app: 'prometheus' } } }), []);
    assert.deepEqual(from({ namespaceSelector: {}, podSelector: { matchLabels: { app: 'kiali' } } }), ['deny', 'p']);
    assert.deepEqual(from({ ipBlock: { cidr: '10.0.0.0/8' } }), []);
  });
});

describe('ServiceMonitors', () => {
  it('find what a Service leads to, and name a pod’s Services that are not selected', () => {
    const monitor = monitorIn(
      'ServiceMonitor',
      'endpoints',
    )(
      object('mesh', 'mon', {
        selector: { matchLabels: { scrape: 'yes' } },
        namespaceSelector: { any: true },
        endpoints: [{ path: '/stats/prometheus', targetPort: 'http-envoy-prom' }],
      }),
    );
    const causes = (services: readonly Service[] | null) =>
      scraped([cart], [], {
        jobs: [],
        services,
        monitors: {
          ...nothingOperated,
          prometheuses: { got: listed(operated({ serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: {} })) },
          serviceMonitors: { got: listed(monitor) },
        },
      }).scraping.causes.map(({ obstacle }) => obstacle?.is ?? null);
    const own = { ...service('cart'), namespace: 'shop', selector: { app: 'cart' } };
    assert.deepEqual(causes([own]), ['labels']);
    assert.deepEqual(causes([{ ...own, labels: { scrape: 'yes' } }]), [null]);
    assert.deepEqual(causes([]), ['service']);
    assert.deepEqual(causes(null), ['undecided']);
  });
});
