import type { Attempt } from '../../src/diagnosis/check.ts';
import type { Hindrance, Unanswered } from '../../src/errors.ts';
import type { MeshConfig } from '../../src/evidence/kubernetes/config-maps.ts';
import type { Deployment, Listing } from '../../src/evidence/kubernetes/lists.ts';
import type { Container, Pod } from '../../src/evidence/kubernetes/pod.ts';
import type { Service, ServicePort } from '../../src/evidence/kubernetes/service.ts';
import type { Handler, Instance, Rule } from '../../src/evidence/mixer/config.ts';
import type { Meaning, MixerLog } from '../../src/evidence/mixer/log.ts';
import type { AdapterPage, MixerPages } from '../../src/evidence/mixer/pages.ts';
import type { Mixer } from '../../src/evidence/mixer/pods.ts';
import { ERROR_KINDS, type ErrorKind, type MixerReading } from '../../src/evidence/mixer/reading.ts';
import type { Right } from '../../src/rights.ts';

/** The smallest evidence of a healthy Mixer 1.0; each test changes what it is about. */

export const listed = <T = never>(...items: readonly T[]): Listing<T> => ({
  items,
  complete: true,
  refusal: null,
  served: true,
});

export const missing = (hindrance: Hindrance = 'Forbidden', right: Partial<Right> = {}): Unanswered => ({
  hindrance,
  command: 'kubectl get rules.config.istio.io --all-namespaces',
  words: `the words of ${hindrance}`,
  right: { verb: 'list', resource: 'rules.config.istio.io', namespace: null, ...right },
  triedInstead: [],
});

/** A listing of some namespaces only. */
export const partly = <T = never>(...items: readonly T[]): Listing<T> => ({
  items,
  complete: false,
  refusal: missing(),
  served: true,
});

export const container = (name: string, image: string, change: Partial<Container> = {}): Container => ({
  name,
  image,
  args: [],
  command: [],
  variables: {},
  ports: [],
  cpuLimit: null,
  user: null,
  ...change,
});

export const pod = (change: Partial<Pod> = {}): Pod => ({
  name: 'istio-telemetry-1',
  namespace: 'istio-system',
  labels: { istio: 'mixer', 'istio-mixer-type': 'telemetry' },
  annotations: {},
  containers: [container('mixer', 'docker.io/istio/mixer:1.0.6', { ports: [{ name: null, port: 9093 }] })],
  redirection: [],
  phase: 'Running',
  node: 'node-1',
  startedAt: null,
  ready: true,
  ip: '10.1.0.15',
  hostNetwork: false,
  deleting: false,
  restarts: 0,
  instances: [],
  configMaps: [],
  trouble: null,
  owner: null,
  ...change,
});

export const service = (name: string, change: Partial<Service> = {}): Service => ({
  name,
  namespace: 'bookinfo',
  labels: {},
  annotations: {},
  selector: { app: name },
  ports: [],
  headless: false,
  external: false,
  takesUnready: false,
  waypoint: null,
  ...change,
});

/** A port as most Services have it. */
export const port = (name: string | null, number: number, change: Partial<ServicePort> = {}): ServicePort => ({
  name,
  port: number,
  targetPort: number,
  protocol: 'TCP',
  appProtocol: null,
  ...change,
});

export const workloadPod = (name: string, proxied: boolean, change: Partial<Pod> = {}): Pod =>
  pod({
    name,
    namespace: 'bookinfo',
    labels: { app: name },
    containers: [container('app', 'app:1'), ...(proxied ? [container('istio-proxy', 'istio/proxyv2:1.0.6')] : [])],
    ...change,
  });

export const deployment = (replicas = 1): Deployment => ({
  name: 'istio-telemetry',
  namespace: 'istio-system',
  labels: {},
  selector: {},
  replicas,
  readyReplicas: replicas,
  images: ['docker.io/istio/mixer:1.0.6'],
});

export const mixerWith = (change: Partial<Mixer> = {}): Mixer => ({
  pods: [pod()],
  unlisted: null,
  deployment: { got: deployment() },
  flags: {
    monitoringPort: 9093,
    configDefaultNamespace: 'istio-system',
    useAdapterCRDs: true,
    useTemplateCRDs: true,
    fromGalley: false,
  },
  ...change,
});

const noErrors = Object.fromEntries(
  ERROR_KINDS.map((kind) => [kind, { metric: `mixer_${kind}`, count: 0 }]),
) as MixerReading['errors'];

export const errorsOf = (kind: ErrorKind, count: number | null): MixerReading['errors'] => ({
  ...noErrors,
  [kind]: { metric: `mixer_${kind}`, count },
});

export const calls = (total: number, ok = total): MixerReading['reports'] => ({
  total,
  ok,
  byCode: { OK: ok },
  lines: [`grpc_server_handled_total{grpc_method="Report"} ${total}`],
});

export const reading = (change: Partial<MixerReading> = {}): MixerReading => ({
  dialect: 'A',
  releases: '1.0',
  reports: calls(160),
  configId: 1,
  configLoaded: true,
  counts: { attributes: 103, handlers: 1, instances: 2, rules: 1 },
  countsOnlyAccepted: false,
  errors: noErrors,
  dispatches: { ok: 160, failed: 0, present: true, lines: [] },
  dispatchProves: false,
  requestsWithInstances: 160,
  resolutions: null,
  throttled: 0,
  startedAt: 1000,
  ...change,
});

export const serves = (series = 12, workloadSeries = 0): AdapterPage => ({
  state: 'serves',
  series,
  workloadSeries,
  names: ['istio_requests_total'],
});

export const refuses: AdapterPage = { state: 'refuses', words: 'connection refused' };

const unseen: AdapterPage = { state: 'unseen', missing: missing('TimedOut') };

export const page = (
  change: Partial<MixerReading> = {},
  adapter: AdapterPage = serves(),
  name = 'istio-telemetry-1',
): MixerPages => ({
  pod: name,
  reading: { got: reading(change) },
  later: null,
  adapter,
});

/** A pod whose page could not be read. */
export const unreadPage = (hindrance: Hindrance = 'Forbidden'): MixerPages => ({
  pod: 'istio-telemetry-2',
  reading: { missing: missing(hindrance, { verb: 'create', resource: 'pods/portforward', namespace: 'istio-system' }) },
  later: null,
  adapter: unseen,
});

export const logs = (...lines: readonly [Meaning, string][]): readonly { pod: string; log: Attempt<MixerLog> }[] => [
  {
    pod: 'istio-telemetry-1',
    log: { got: { pod: 'istio-telemetry-1', lines: lines.map(([meaning, line]) => ({ meaning, line, times: 1 })) } },
  },
];

export const rule = (handler: string, ...instances: readonly string[]): Rule => ({
  name: 'promhttp',
  namespace: 'istio-system',
  match: '',
  actions: [{ handler, instances }],
});

export const metric = (
  instanceName: string,
  labelNames: readonly string[] = ['a', 'b'],
): Handler['metrics'][number] => ({
  name: 'requests_total',
  namespace: 'istio',
  instanceName,
  kind: 'COUNTER',
  labelNames,
  buckets: null,
});

export const handler = (change: Partial<Handler> = {}): Handler => ({
  key: 'handler.prometheus.istio-system',
  name: 'handler',
  namespace: 'istio-system',
  kind: 'prometheus',
  adapter: 'prometheus',
  metrics: [metric('requestcount.metric.istio-system')],
  read: true,
  ...change,
});

export const instance = (name = 'requestcount', change: Partial<Instance> = {}): Instance => ({
  key: `${name}.metric.istio-system`,
  name,
  namespace: 'istio-system',
  kind: 'metric',
  template: 'metric',
  dimensions: ['a', 'b'],
  read: true,
  ...change,
});

/** A rule, the handler that it names and the instance that it sends. */
export const config = {
  rules: listed(rule('handler.prometheus', 'requestcount.metric')),
  handlers: listed(handler()),
  instances: listed(instance()),
};

export const meshOf = (change: Partial<MeshConfig> = {}): MeshConfig => ({
  mixerReportServer: null,
  disableMixerHttpReports: false,
  enableTracing: null,
  tracer: null,
  sampling: null,
  refreshDelays: [],
  exportTo: { services: [], virtualServices: [], destinationRules: [] },
  autoMtls: true,
  rootNamespace: null,
  discoverySelectors: [],
  ...change,
});
