import { isAtLeast } from '../../../src/istio/release.ts';
import { takesTunnels } from './ambient/edges.ts';
import type { Template } from './objects.ts';
import type { Spec, Workload } from './spec.ts';

export const releaseOf = (spec: Spec, { release }: Workload): string => release ?? spec.release;

const imageOf = (spec: Spec, what: Workload): string => `istio/proxyv2:${releaseOf(spec, what)}`;

/** A workload's template as its owner writes it; a gateway's is the chart's of the whole installation. */
export function templateOf(spec: Spec, what: Workload): Template {
  const { name, app, version, port, labels, annotations, proxy, hostNetwork } = what;
  const own = { name: app, image: `example/${name}:1`, ports: [{ containerPort: port, protocol: 'TCP' }] };
  return {
    labels: { app, version, ...labels },
    annotations: { ...annotations },
    spec: {
      serviceAccountName: app,
      ...(hostNetwork && { hostNetwork }),
      containers: [proxy === 'gateway' ? { name: 'istio-proxy', image: imageOf(spec, what) } : own],
    },
  };
}

/** What the injector leaves of a pod's annotations for scraping (pkg/kube/inject/webhook.go, applyPrometheusMerge). */
function scrapeAnnotations(spec: Spec, { annotations }: Workload, release: string): Record<string, string> {
  const merges =
    isAtLeast(release, '1.7') &&
    spec.mesh.enablePrometheusMerge !== false &&
    annotations['prometheus.istio.io/merge-metrics'] !== 'false' &&
    annotations['prometheus.io/scrape'] !== 'false';
  return merges ? MERGED : {};
}

/** What makes a Prometheus scrape the agent's merged page. */
export const MERGED = {
  'prometheus.io/path': '/stats/prometheus',
  'prometheus.io/port': '15020',
  'prometheus.io/scrape': 'true',
};

const variables = (env: Record<string, string>): object[] =>
  Object.entries(env).map(([name, value]) => ({ name, value }));

/** What a pod becomes by injection, or what a gateway's pod is; one without a proxy stays as it is. */
export function podOf(spec: Spec, what: Workload): Template {
  const template = templateOf(spec, what);
  if (what.proxy === 'none') return template;
  if (what.proxy === 'ambient') {
    const { redirection } = what;
    const told = redirection === null ? {} : { 'ambient.istio.io/redirection': redirection };
    return { ...template, annotations: { ...template.annotations, ...told } };
  }
  const release = releaseOf(spec, what);
  const ports = [{ containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' }];
  const proxy = {
    name: 'istio-proxy',
    image: imageOf(spec, what),
    args: ['proxy', what.proxy === 'gateway' ? 'router' : 'sidecar', '--domain', '$(POD_NAMESPACE).svc.cluster.local'],
    env: variables({ ISTIO_META_WORKLOAD_NAME: what.name, ...what.env }),
    ports,
  };
  if (what.proxy === 'gateway') {
    return {
      labels: { ...template.labels, istio: 'ingressgateway', 'sidecar.istio.io/inject': 'false' },
      annotations: { ...MERGED, ...template.annotations },
      spec: { serviceAccountName: what.app, containers: [proxy] },
    };
  }
  const init = { name: 'istio-init', image: proxy.image, args: ['istio-iptables', '-i', '*', '-b', '*'] };
  const isNative = isAtLeast(release, '1.29');
  const status = {
    initContainers: ['istio-init', ...(isNative ? ['istio-proxy'] : [])],
    containers: isNative ? null : ['istio-proxy'],
    volumes: ['istio-envoy', 'istio-data', 'istio-token'],
    imagePullSecrets: null,
    revision: spec.revision,
  };
  return {
    labels: {
      ...template.labels,
      'security.istio.io/tlsMode': 'istio',
      ...(takesTunnels(spec, what) && { 'networking.istio.io/tunnel': 'http' }),
      ...(isAtLeast(release, '1.6') && {
        'service.istio.io/canonical-name': what.app,
        'service.istio.io/canonical-revision': what.version,
      }),
    },
    annotations: {
      ...(isAtLeast(release, '1.18') && { 'istio.io/rev': spec.revision }),
      'sidecar.istio.io/status': JSON.stringify(status),
      ...template.annotations,
      ...scrapeAnnotations(spec, what, release),
    },
    spec: {
      ...template.spec,
      containers: isNative ? template.spec.containers : [...template.spec.containers, proxy],
      initContainers: isNative ? [init, { ...proxy, restartPolicy: 'Always' }] : [init],
    },
  };
}
