/** A kind of object as the API server spells it. `group` is '' for the core group. */
export interface Resource {
  group: string;
  version: string;
  plural: string;
}

const resource = (group: string, version: string, plural: string): Resource => ({ group, version, plural });
const mixerKind = (plural: string) => resource('config.istio.io', 'v1alpha2', plural);

export const pods = resource('', 'v1', 'pods');
export const services = resource('', 'v1', 'services');
export const namespaces = resource('', 'v1', 'namespaces');
export const configMaps = resource('', 'v1', 'configmaps');
export const deployments = resource('apps', 'v1', 'deployments');
/** Asked for where something is lost: each is a revision of a Deployment. */
export const replicaSets = resource('apps', 'v1', 'replicasets');
/** Asked for by one check of headless-tcp. */
export const statefulSets = resource('apps', 'v1', 'statefulsets');
export const nodes = resource('', 'v1', 'nodes');
/** A kubelet renews its node's every ten seconds, by its own clock (guide.md c, C3). */
export const leases = resource('coordination.k8s.io', 'v1', 'leases');
export const events = resource('', 'v1', 'events');
/** v1beta1 is all that Kubernetes 1.15 and older serve. */
export const mutatingWebhooks = (version: 'v1' | 'v1beta1'): Resource =>
  resource('admissionregistration.k8s.io', version, 'mutatingwebhookconfigurations');
export const validatingWebhooks = (version: 'v1' | 'v1beta1'): Resource =>
  resource('admissionregistration.k8s.io', version, 'validatingwebhookconfigurations');
/** v1alpha3 is served by every release since 0.8. */
const networking = (plural: string) => resource('networking.istio.io', 'v1alpha3', plural);
export const envoyFilters = networking('envoyfilters');
export const virtualServices = networking('virtualservices');
export const destinationRules = networking('destinationrules');
export const serviceEntries = networking('serviceentries');
export const sidecars = networking('sidecars');
export const istioGateways = networking('gateways');
/** v1beta1 is served by every release that knows them, 1.5 and newer. */
export const peerAuthentications = resource('security.istio.io', 'v1beta1', 'peerauthentications');
/** v1alpha1 is served by every release that knows them, 1.10 and newer; v1 beside it from 1.22 on. */
export const telemetries = (version: 'v1alpha1' | 'v1'): Resource =>
  resource('telemetry.istio.io', version, 'telemetries');
type GatewayApi = 'v1' | 'v1beta1';
export const gateways = (version: GatewayApi): Resource => resource('gateway.networking.k8s.io', version, 'gateways');
export const gatewayClasses = (version: GatewayApi): Resource =>
  resource('gateway.networking.k8s.io', version, 'gatewayclasses');
const ROUTE_VERSIONS = {
  HTTPRoute: ['v1', 'v1beta1'],
  GRPCRoute: ['v1'],
  TLSRoute: ['v1alpha2', 'v1'],
  TCPRoute: ['v1alpha2'],
} as const;
/** A kind of route in the versions of the Gateway API that serve it, the first to ask for before the others. */
export function routesOf(kind: keyof typeof ROUTE_VERSIONS): readonly [Resource, ...Resource[]] {
  const [first, ...rest] = ROUTE_VERSIONS[kind].map((version) =>
    resource('gateway.networking.k8s.io', version, `${kind.toLowerCase()}s`),
  );
  if (!first) throw new Error(`${kind} has no version`);
  return [first, ...rest];
}
export const referenceGrants = (version: GatewayApi): Resource =>
  resource('gateway.networking.k8s.io', version, 'referencegrants');
/** Asked for where a scrape times out. */
export const networkPolicies = resource('networking.k8s.io', 'v1', 'networkpolicies');
/** What an operator makes a Prometheus' configuration of: v1 is all that they were ever served in. */
const monitoring = (plural: string) => resource('monitoring.coreos.com', 'v1', plural);
export const podMonitors = monitoring('podmonitors');
export const serviceMonitors = monitoring('servicemonitors');
export const operatedPrometheuses = monitoring('prometheuses');
/** What containers use, as the metrics API tells (guide.md i, I1). */
export const podMetrics = resource('metrics.k8s.io', 'v1beta1', 'pods');

/** Mixer's kinds (mixer.md 3.1): which of them are served differs by release. */
export const rules = mixerKind('rules');
export const handlers = mixerKind('handlers');
export const instances = mixerKind('instances');
export const prometheuses = mixerKind('prometheuses');
export const metrics = mixerKind('metrics');
export const attributeManifests = mixerKind('attributemanifests');

/** The old rules of routing: read by 0.8's v1 proxies, and by nobody since (guide.md a, A6). */
export const routeRules = mixerKind('routerules');
export const destinationPolicies = mixerKind('destinationpolicies');
export const egressRules = mixerKind('egressrules');

/** `/api/v1` or `/apis/GROUP/VERSION`. */
export const groupPath = ({ group, version }: Resource): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

const CLUSTER_WIDE = [
  'namespaces',
  'nodes',
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'gatewayclasses',
];

/** Whether its objects lie in namespaces. */
export const isNamespaced = ({ plural }: Resource): boolean => !CLUSTER_WIDE.includes(plural);

/** Groups of Kubernetes itself whose kinds' names are nobody else's. */
const BUILT_IN = ['', 'apps', 'admissionregistration.k8s.io', 'coordination.k8s.io'];

/** As kubectl takes it: `pods`, `rules.config.istio.io`. Built-in kinds need no group. */
export const typedName = ({ group, plural }: Resource): string =>
  BUILT_IN.includes(group) ? plural : `${plural}.${group}`;
