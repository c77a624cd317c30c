import type { KubernetesObject } from '../question/cluster.ts';
import { envoyFilterSpec } from './envoy-filter.ts';
import { array, type Json, object, only, withoutLogin } from './parts.ts';
import { dashboardsIn } from './trim-dashboards.ts';
import { storesIn } from './trim-yaml.ts';

/** Annotations that say how a pod is injected and scraped; all others (last-applied!) are dropped. */
const ANNOTATIONS = new RegExp(
  `^(${[
    String.raw`sidecar\.istio\.io/(inject|status|logLevel|componentLogLevel|statsEvictionInterval|extraStatTags)`,
    String.raw`inject\.istio\.io/templates`,
    String.raw`(traffic|status)\.sidecar\.istio\.io/`,
    String.raw`proxy\.istio\.io/config`,
    String.raw`ambient\.istio\.io/`,
    // As a discovery writes them too: the injector takes every spelling (pkg/kube/inject/webhook.go).
    'prometheus[^a-z0-9](istio[^a-z0-9])?io[^a-z0-9]',
    String.raw`istio\.io/(rev|reroute-virtual-interfaces)`,
    String.raw`networking\.istio\.io/exportTo`,
  ].join('|')})`,
);

/** Where Datadog's agent is told how to read the page of Istio's container: with logins, of which nothing is kept. */
const READER = /^ad\.datadoghq\.com\/istio-proxy\.(checks|instances|check_names)$/;

/** Whether the reader is told to use the newest form of OpenMetrics. */
const readerIn = (text: unknown): string => {
  const [, said] = /"use_latest_spec"\s*:\s*"?(true|false)\b/.exec(String(text)) ?? [];
  return said === undefined ? '' : `use_latest_spec: ${said}`;
};

/** Whether an annotation's value is kept. */
export const isKept = (annotation: string): boolean => READER.test(annotation) || ANNOTATIONS.test(annotation);

function metadata(from: unknown): KubernetesObject['metadata'] {
  const { annotations, ownerReferences, ...rest } = object(from);
  const kept = Object.entries(object(annotations)).flatMap(([name, value]): [string, unknown][] => {
    if (!isKept(name)) return [];
    return [[name, READER.test(name) ? readerIn(value) : value]];
  });
  return {
    ...only(rest, 'name', 'namespace', 'labels', 'creationTimestamp', 'deletionTimestamp'),
    ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    ...(ownerReferences !== undefined && {
      ownerReferences: array(ownerReferences).map((owner) => only(owner, 'kind', 'name')),
    }),
  } as unknown as KubernetesObject['metadata'];
}

/** The variables that decide what is diagnosed. All others are dropped: secrets live there. */
const VARIABLES = new RegExp(
  `^(${[
    '(https?|no)_proxy',
    'CLUSTER_ID|XDS_ADDRESS|DISABLE_ENVOY|ENABLE_ENHANCED_RESOURCE_SCOPING',
    'METRICS_LOCALHOST_ACCESS_ONLY',
    'METRIC_ROTATION_INTERVAL',
    'ISTIO_PROMETHEUS_ANNOTATIONS',
    'PILOT_(TRACE_SAMPLING|HTTP10|SCOPE_GATEWAY_TO_NAMESPACE)',
    'PILOT_ENABLE_(PROTOCOL_SNIFFING_FOR_INBOUND|MYSQL_FILTER|REDIS_FILTER)',
    'ISTIO_META_(HTTP10|IDLE_TIMEOUT|INTERCEPTION_MODE)',
  ].join('|')})$`,
  'i',
);

/** The arguments of a command that are read: of kube-apiserver and kube-controller-manager. */
const ARGUMENTS = /^--(service-cluster-ip-range|cluster-cidr)=/;

function container(from: unknown): Json {
  const variables = array(object(from).env).filter((each) => {
    const { name, value } = object(each);
    return VARIABLES.test(String(name)) && typeof value === 'string';
  });
  const command = array(object(from).command).filter((each) => ARGUMENTS.test(String(each)));
  return {
    ...only(from, 'name', 'image', 'args', 'ports', 'restartPolicy'),
    ...(object(from).resources !== undefined && { resources: limits(object(from).resources) }),
    ...(object(from).securityContext !== undefined && {
      securityContext: only(object(from).securityContext, 'runAsUser'),
    }),
    ...(variables.length > 0 && {
      // A proxy's URL names its user and password.
      env: variables.map((each) => ({ ...only(each, 'name'), value: withoutLogin(String(object(each).value)) })),
    }),
    ...(command.length > 0 && { command }),
  };
}

const limits = (resources: unknown): Json => ({ limits: only(object(resources).limits, 'cpu', 'memory') });

/** The ConfigMaps that a pod mounts, by name. */
const mounted = (spec: unknown): readonly Json[] =>
  array(object(spec).volumes)
    .map((volume) => object(object(volume).configMap))
    .filter(({ name }) => typeof name === 'string')
    .map((configMap) => ({ configMap: only(configMap, 'name') }));

function podSpec(spec: unknown): Json {
  const volumes = mounted(spec);
  return {
    ...only(spec, 'nodeName', 'hostNetwork'),
    ...(object(spec).securityContext !== undefined && {
      securityContext: only(object(spec).securityContext, 'runAsUser'),
    }),
    ...(volumes.length > 0 && { volumes }),
    containers: array(object(spec).containers).map(container),
    ...(object(spec).initContainers !== undefined && {
      initContainers: array(object(spec).initContainers).map(container),
    }),
  };
}

const instances = (statuses: unknown): readonly Json[] =>
  array(statuses).map((each) => only(each, 'name', 'ready', 'restartCount', 'state', 'lastState'));

const podStatus = (status: unknown): Json => ({
  ...only(status, 'phase', 'podIP', 'reason', 'startTime'),
  conditions: array(object(status).conditions).map((condition) => only(condition, 'type', 'status', 'reason')),
  containerStatuses: instances(object(status).containerStatuses),
  ...(object(status).initContainerStatuses !== undefined && {
    initContainerStatuses: instances(object(status).initContainerStatuses),
  }),
});

/** A handler of another adapter may hold that adapter's passwords: only which adapter it is for is kept. */
function handlerSpec(spec: unknown): unknown {
  const adapter = object(spec).compiledAdapter;
  return adapter === 'prometheus' ? spec : only(spec, 'compiledAdapter', 'adapter');
}

/** Kubernetes keeps these beside `metadata`, without a spec. */
const webhooksOf = ({ webhooks }: Json): Partial<KubernetesObject> => ({
  webhooks: array(webhooks).map((webhook) =>
    only(webhook, 'name', 'clientConfig', 'failurePolicy', 'namespaceSelector', 'objectSelector', 'sideEffects'),
  ),
});

/** What nginx is told of proxying. */
const DIRECTIVE = /^\s*(?:proxy_pass|proxy_http_version)\s[^;{}]*;/;

/** A line of nginx's, as far as it is read: a directive of proxying, or that a block begins or ends. */
function nginxLine(line: string): readonly string[] {
  if (DIRECTIVE.test(line)) return [line.trim()];
  const [, block] = /^\s*([a-z_]+)\b[^;#]*\{\s*$/.exec(line) ?? [];
  if (block !== undefined) return [`${block} {`];
  return /^\s*\}/.test(line) ? ['}'] : [];
}

/** Whom the injector takes, without its templates: most of the text, and never read. */
const withoutTemplates = (config: unknown): string =>
  String(config).replace(/^templates?:.*(?:\n(?:[ \t#].*)?$)*\n?/gm, '');

const OF_AGENTS = ['AMBIENT_ENABLED', 'AMBIENT_DNS_CAPTURE', 'AMBIENT_ENABLEMENT_SELECTOR', 'EXCLUDE_NAMESPACES'];

/** Istio's own and Prometheus' are read whole; of a revision's, its mesh; of the injector's, whom it takes; of Grafana's and Kiali's, whom they ask; of any other what it tells nginx. */
function configMap(from: Json): Partial<KubernetesObject> {
  const name = String(object(from.metadata).name);
  if (/^(istio|prometheus)$/.test(name)) return only(from, 'data');
  const { config, mesh } = object(from.data);
  if (name === 'istio-cni-config') return only({ data: only(from.data, ...OF_AGENTS) }, 'data');
  if (/^istio-sidecar-injector(-|$)/.test(name) && config !== undefined)
    return { data: { config: withoutTemplates(config) } };
  if (name.startsWith('istio-') && typeof mesh === 'string') return { data: { mesh } };
  const stores = storesIn(name, object(from.data));
  if (stores !== null) return { data: stores };
  const dashboards = dashboardsIn(object(from.data));
  if (dashboards !== null) return { data: dashboards };
  const files = Object.entries(object(from.data)).filter(([, text]) => /proxy_pass/.test(String(text)));
  const lines = (text: unknown): string =>
    String(text)
      // Each directive, and each end of a block, on a line of its own.
      .replace(/#[^\n]*/g, '')
      .replace(/([{};])[ \t]*(?=[^\n])/g, '$1\n')
      .replace(/[ \t]*\}/g, '\n}')
      .split('\n')
      .flatMap(nginxLine)
      .join('\n');
  return { data: Object.fromEntries(files.map(([name, text]) => [name, lines(text)])) };
}

/** Whom a route of the Gateway API is for, and where it leads. */
const gatewayRoute = ({ spec, status }: Json): Partial<KubernetesObject> => ({
  spec: {
    ...only(spec, 'parentRefs', 'hostnames'),
    rules: array(object(spec).rules).map((rule) => ({
      backendRefs: array(object(rule).backendRefs).map((ref) => only(ref, 'kind', 'name', 'namespace')),
    })),
  },
  ...(status !== undefined && { status: only(status, 'parents') }),
});

/** What a monitor looks for, and how; not with which login. */
const monitor =
  (endpoints: string) =>
  ({ spec }: Json): Partial<KubernetesObject> => ({
    spec: {
      ...only(spec, 'selector', 'namespaceSelector', 'jobLabel', 'sampleLimit', 'labelLimit', 'bodySizeLimit'),
      [endpoints]: array(object(spec)[endpoints]).map((each) =>
        only(
          each,
          'port',
          'portNumber',
          'targetPort',
          'path',
          'scheme',
          'interval',
          'scrapeTimeout',
          'relabelings',
          'metricRelabelings',
          'honorLabels',
          'filterRunning',
        ),
      ),
    },
  });

const SPECS: Readonly<Record<string, (from: Json) => Partial<KubernetesObject>>> = {
  pods: ({ spec, status }) => ({ spec: podSpec(spec), status: podStatus(status) }),
  services: ({ spec, status }) => ({
    spec: only(spec, 'selector', 'ports', 'type', 'clusterIP', 'publishNotReadyAddresses'),
    ...(object(status).conditions !== undefined && { status: only(status, 'conditions') }),
  }),
  namespaces: () => ({}),
  nodes: ({ spec, status }) => ({
    spec: only(spec, 'podCIDR', 'podCIDRs'),
    status: {
      conditions: array(object(status).conditions).map((condition) => only(condition, 'type', 'status')),
      nodeInfo: only(object(status).nodeInfo, 'containerRuntimeVersion', 'kubeletVersion', 'osImage'),
    },
  }),
  leases: ({ spec }) => ({ spec: only(spec, 'renewTime') }),
  events: (from) => ({
    ...only(from, 'reason', 'message', 'type', 'count', 'firstTimestamp', 'lastTimestamp', 'eventTime'),
    ...only(from, 'reportingComponent'),
    source: only(from.source, 'component'),
    involvedObject: only(from.involvedObject, 'kind', 'name', 'namespace'),
  }),
  mutatingwebhookconfigurations: webhooksOf,
  validatingwebhookconfigurations: webhooksOf,
  deployments: ({ spec, status }) => ({
    spec: {
      ...only(spec, 'replicas', 'selector'),
      template: { spec: podSpec(object(object(spec).template).spec) },
    },
    status: only(status, 'replicas', 'readyReplicas'),
  }),
  statefulsets: ({ spec }) => ({ spec: only(spec, 'replicas', 'serviceName') }),
  configmaps: configMap,
  'pods.metrics.k8s.io': (from) => ({ containers: array(from.containers).map((each) => only(each, 'name', 'usage')) }),
  // Istio's own, and the Gateway API's.
  gateways: ({ spec, status }) => ({
    spec: only(spec, 'gatewayClassName', 'listeners', 'selector', 'servers', 'addresses'),
    ...(status !== undefined && { status: only(status, 'conditions', 'listeners', 'addresses') }),
  }),
  gatewayclasses: ({ spec }) => ({ spec: only(spec, 'controllerName') }),
  httproutes: gatewayRoute,
  grpcroutes: gatewayRoute,
  tlsroutes: gatewayRoute,
  tcproutes: gatewayRoute,
  networkpolicies: ({ spec }) => ({ spec: only(spec, 'podSelector', 'policyTypes', 'ingress') }),
  podmonitors: monitor('podMetricsEndpoints'),
  servicemonitors: monitor('endpoints'),
  // Where and how it writes, and what it mounts, is nobody's business; Mixer's kind has the same plural.
  'prometheuses.monitoring.coreos.com': ({ spec }) => ({
    spec: only(
      spec,
      'podMonitorSelector',
      'podMonitorNamespaceSelector',
      'serviceMonitorSelector',
      'serviceMonitorNamespaceSelector',
      'probeSelector',
      'scrapeConfigSelector',
      'ignoreNamespaceSelectors',
      'enforcedSampleLimit',
      'enforcedBodySizeLimit',
      'enforcedLabelLimit',
    ),
  }),
  serviceentries: ({ spec, status }) => ({
    spec,
    ...(status !== undefined && { status: only(status, 'conditions', 'addresses') }),
  }),
  handlers: ({ spec }) => ({ spec: handlerSpec(spec) }),
  envoyfilters: ({ spec }) => ({ spec: envoyFilterSpec(spec) }),
  attributemanifests: () => ({}),
};

/**
 * An object cut down to what the diagnosis reads, so that 10,000 pods fit in memory and nothing that a bundle
 * should not hold ever gets there. `kind` is as kubectl takes it. Kinds without an entry keep their spec.
 */
export function trim(kind: string, from: unknown): KubernetesObject {
  const whole = object(from);
  const read = SPECS[kind] ?? SPECS[kind.replace(/\..*/, '')];
  const rest = read?.(whole) ?? { spec: whole.spec };
  return {
    ...only(whole, 'apiVersion', 'kind'),
    metadata: metadata(whole.metadata),
    ...rest,
  } as KubernetesObject;
}
