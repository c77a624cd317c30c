import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { monitorIn, operatedIn, rulesIn } from '../../src/evidence/prometheus/monitors.ts';
import type { Discovered, DiscoveredService } from '../../src/scraping/discovery.ts';
import { lacking, type Monitor, refusalOf } from '../../src/scraping/monitors.ts';
import { isProxyPage, obstaclesOf, type Way, wayOf } from '../../src/scraping/ways.ts';

const object = (name: string, namespace: string, spec: object, labels = {}): KubernetesObject =>
  ({ metadata: { name, namespace, labels }, spec }) as unknown as KubernetesObject;

const podMonitor = (spec: object, labels = {}, namespace = 'istio-system'): Monitor =>
  monitorIn('PodMonitor', 'podMetricsEndpoints')(object('envoy-stats-monitor', namespace, spec, labels));
const serviceMonitor = (spec: object): Monitor => monitorIn('ServiceMonitor', 'endpoints')(object('mesh', 'mon', spec));
const operated = (spec: object) => operatedIn(object('k8s', 'mon', spec));

/** As Istio's samples have it (samples/addons/extras/prometheus-operator.yaml). */
const SAMPLE = {
  selector: { matchExpressions: [{ key: 'istio-prometheus-ignore', operator: 'DoesNotExist' }] },
  namespaceSelector: { any: true },
  podMetricsEndpoints: [
    {
      path: '/stats/prometheus',
      relabelings: [
        { action: 'keep', sourceLabels: ['__meta_kubernetes_pod_container_name'], regex: 'istio-proxy' },
        { action: 'keep', sourceLabels: ['__meta_kubernetes_pod_annotationpresent_prometheus_io_scrape'] },
        {
          action: 'replace',
          regex: String.raw`(\d+);((([0-9]+?)(\.|$)){4})`,
          replacement: '$2:$1',
          sourceLabels: ['__meta_kubernetes_pod_annotation_prometheus_io_port', '__meta_kubernetes_pod_ip'],
          targetLabel: '__address__',
        },
        { action: 'labeldrop', regex: '__meta_kubernetes_pod_label_(.+)' },
      ],
    },
  ],
};

const MERGED = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': '15020',
  'prometheus.io/path': '/stats/prometheus',
};

const pod = (change: Partial<Discovered> = {}): Discovered => ({
  namespace: 'shop',
  name: 'cart-1',
  ip: '10.0.0.9',
  node: 'n1',
  phase: 'Running',
  ready: true,
  labels: { app: 'cart' },
  annotations: MERGED,
  containers: [
    { name: 'cart', image: 'cart', ports: [{ name: 'http', port: 8080 }] },
    { name: 'istio-proxy', image: 'proxyv2', ports: [{ name: 'http-envoy-prom', port: 15090 }] },
  ],
  ...change,
});

const service = (name: string, labels: Record<string, string> = {}): DiscoveredService => ({
  namespace: 'shop',
  name,
  labels,
  annotations: {},
  ports: [{ name: 'http', port: 80, targetPort: 8080 }],
});

const ways = (monitor: Monitor, spec: object = { podMonitorSelector: {} }): readonly Way[] =>
  monitor.endpoints.map((endpoint) => wayOf(monitor, endpoint, operated(spec)));
const what = (monitor: Monitor, of = pod(), spec?: object, services: readonly DiscoveredService[] = []) =>
  ways(monitor, spec).map((way) => obstaclesOf(way, of, () => services).map((each) => each.is));

describe('which monitors a Prometheus takes', () => {
  const monitor = podMonitor(SAMPLE, { release: 'istio' });
  const labels = { team: 'mesh' };

  it('takes none without a selector, and all with one that says nothing', () => {
    assert.equal(refusalOf(operated({ serviceMonitorSelector: {} }), monitor, labels), 'no selector');
    assert.equal(
      refusalOf(operated({ podMonitorSelector: {}, podMonitorNamespaceSelector: {} }), monitor, labels),
      null,
    );
  });

  it('takes those of its own namespace where it names none', () => {
    assert.equal(refusalOf(operated({ podMonitorSelector: {} }), monitor, labels), 'namespace');
    assert.equal(refusalOf(operated({ podMonitorSelector: {} }), podMonitor(SAMPLE, {}, 'mon'), labels), null);
  });

  it('goes by the labels of monitors and of namespaces', () => {
    const wanted = { matchLabels: { release: 'kube-prometheus-stack' } };
    const selects = (podMonitorNamespaceSelector: object, podMonitorSelector: object = {}) =>
      operated({ podMonitorSelector, podMonitorNamespaceSelector });
    assert.equal(refusalOf(selects({}, wanted), monitor, labels), 'labels');
    assert.equal(refusalOf(selects({ matchLabels: { team: 'mesh' } }), monitor, labels), null);
    assert.equal(refusalOf(selects({ matchLabels: { team: 'other' } }), monitor, labels), 'namespace');
    assert.equal(refusalOf(selects({ matchLabels: { team: 'other' } }), monitor, null), null);
  });

  it('knows whose configuration nobody makes', () => {
    assert.equal(operated({}).isUnmanaged, true);
    assert.equal(operated({ probeSelector: {} }).isUnmanaged, false);
  });

  it('tells the labels that are lacking, where labels are all', () => {
    assert.deepEqual(lacking({ matchLabels: { release: 'kube-prometheus-stack' } }, { release: 'istio' }), {
      release: 'kube-prometheus-stack',
    });
    assert.deepEqual(lacking({ matchExpressions: [{ key: 'k8s-app', operator: 'Exists' }] }, {}), {
      'k8s-app': 'true',
    });
    assert.deepEqual(lacking({ matchExpressions: [{ key: 'a', operator: 'In', values: ['x', 'y'] }] }, {}), { a: 'x' });
    assert.equal(lacking({ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { a: 'x' }), null);
    assert.deepEqual(lacking({}, {}), {});
  });
});

describe('what keeps a pod from its monitor', () => {
  it('is nothing with Istio’s own sample', () => {
    assert.deepEqual(what(podMonitor(SAMPLE)), [[]]);
    assert.deepEqual(
      what(podMonitor(SAMPLE), pod({ ip: '10.0.0.9', annotations: { ...MERGED, 'prometheus.io/scrape': 'false' } })),
      [[]],
    );
  });

  it('is the namespace: its own, others, or one that the Prometheus ignores', () => {
    assert.deepEqual(what(podMonitor({ ...SAMPLE, namespaceSelector: {} })), [['namespace']]);
    assert.deepEqual(what(podMonitor({ ...SAMPLE, namespaceSelector: { matchNames: ['shop'] } })), [[]]);
    assert.deepEqual(what(podMonitor({ ...SAMPLE, namespaceSelector: { matchNames: ['pay'] } })), [['namespace']]);
    assert.deepEqual(what(podMonitor(SAMPLE), pod(), { podMonitorSelector: {}, ignoreNamespaceSelectors: true }), [
      ['namespace'],
    ]);
  });

  it('is a label', () => {
    assert.deepEqual(what(podMonitor(SAMPLE), pod({ labels: { 'istio-prometheus-ignore': 'true' } })), [['labels']]);
  });

  it('is a rule, or a container without the port', () => {
    // A rule to keep without a regex keeps all: what the sample means to leave out is scraped at Envoy's own port.
    assert.deepEqual(what(podMonitor(SAMPLE), pod({ annotations: {} })), [[]]);
    assert.deepEqual(what(podMonitor(SAMPLE), pod({ containers: [] })), [['undecided']]);
    assert.deepEqual(what(podMonitor(SAMPLE), pod({ containers: [{ name: 'envoy', image: '', ports: [] }] })), [
      ['rule'],
    ]);
    assert.deepEqual(
      what(podMonitor({ ...SAMPLE, podMetricsEndpoints: [{ port: 'envoy-prom', path: '/stats/prometheus' }] })),
      [['port']],
    );
    assert.deepEqual(
      what(podMonitor({ ...SAMPLE, podMetricsEndpoints: [{ port: 'http-envoy-prom', path: '/stats/prometheus' }] })),
      [[]],
    );
    assert.deepEqual(
      what(podMonitor({ ...SAMPLE, podMetricsEndpoints: [{ portNumber: 15090, path: '/stats/prometheus' }] })),
      [[]],
    );
    assert.deepEqual(
      what(podMonitor({ ...SAMPLE, podMetricsEndpoints: [{ targetPort: 'http', path: '/stats/prometheus' }] })),
      [[]],
    );
  });

  it('is that another page is asked', () => {
    assert.deepEqual(what(podMonitor({ ...SAMPLE, podMetricsEndpoints: [{ port: 'http' }] })), [['elsewhere']]);
  });

  it('is not told where a rule goes by what is not read', () => {
    const rules = [
      { action: 'keep', sourceLabels: ['__meta_kubernetes_pod_annotation_example_com_scrape'], regex: 'true' },
    ];
    assert.deepEqual(
      what(podMonitor({ ...SAMPLE, podMetricsEndpoints: [{ path: '/stats/prometheus', relabelings: rules }] })),
      [['undecided']],
    );
    const odd = [{ action: 'keep', sourceLabels: ['__meta_kubernetes_pod_name'], regex: String.raw`\pL+` }];
    assert.deepEqual(
      what(podMonitor({ ...SAMPLE, podMetricsEndpoints: [{ path: '/stats/prometheus', relabelings: odd }] })),
      [['undecided']],
    );
  });

  it('is a Service: none, or not selected; and no Service names the port', () => {
    const monitor = serviceMonitor({
      selector: { matchLabels: { scrape: 'yes' } },
      namespaceSelector: { any: true },
      endpoints: [{ path: '/stats/prometheus', targetPort: 'http-envoy-prom' }],
    });
    assert.deepEqual(what(monitor, pod()), [['service']]);
    assert.deepEqual(what(monitor, pod(), {}, [service('cart')]), [['labels']]);
    assert.deepEqual(what(monitor, pod(), {}, [service('cart', { scrape: 'yes' })]), [[]]);
    const byPort = serviceMonitor({
      selector: {},
      namespaceSelector: { any: true },
      endpoints: [{ port: 'http-envoy-prom', path: '/stats/prometheus' }],
    });
    assert.deepEqual(what(byPort, pod(), {}, [service('cart')]), [['port']]);
  });
});

describe('rules of a configuration', () => {
  it('are read with their defaults; an empty text is one', () => {
    assert.deepEqual(
      rulesIn([
        { source_labels: ['a'], regex: '', action: 'drop' },
        { source_labels: ['b'], regex: true },
      ]),
      [
        { action: 'drop', sources: ['a'], separator: ';', regex: '', target: '', replacement: '$1' },
        { action: 'replace', sources: ['b'], separator: ';', regex: 'true', target: '', replacement: '$1' },
      ],
    );
  });
});

describe('a proxy’s page', () => {
  it('is told by its port or its path, and is no container without a port', () => {
    for (const url of [
      'http://10.0.0.9:15020/metrics',
      'http://10.0.0.9:15090/stats/prometheus',
      'http://x:9999/stats/prometheus',
      'http://[2001:db8::1]:15020/stats/prometheus',
      'https://10.0.0.9:15091/stats/prometheus',
    ])
      assert.ok(isProxyPage(url), url);
    for (const url of [
      'http://10.0.0.9/stats/prometheus',
      'http://10.0.0.9:80/stats/prometheus',
      'http://10.0.0.9:8080/metrics',
      'nonsense',
      'http://10.0.0.9:15014/metrics',
    ])
      assert.ok(!isProxyPage(url), url);
  });
});
