import type { ExecQuestion } from '../question/question.ts';
import { TELLS_FILES } from './kubeconfig.ts';

export type PodName = Pick<ExecQuestion, 'namespace' | 'pod'>;

/**
 * The paths of the API server that may be asked, all with GET. `kubectl proxy` gets the same list as
 * --accept-paths, so that not even a bug of ours reaches a Secret, exec, attach or a node's proxy.
 * No pattern holds a comma: kubectl splits its flag at commas.
 */
export const API_PATHS: readonly string[] = [
  '^/version$',
  '^/metrics$',
  '^/apis$',
  '^/apis/config\\.istio\\.io/v1alpha2$',
  '^/api/v1/(pods|services|namespaces|nodes|events)$',
  '^/api/v1/namespaces/[^/]+/(pods|services|events)$',
  '^/api/v1/namespaces/[^/]+/configmaps/[^/]+$',
  '^/api/v1/namespaces/[^/]+/(pods|services)/[^/:]+$',
  '^/api/v1/namespaces/[^/]+/pods/[^/:]+/log$',
  '^/api/v1/namespaces/[^/]+/pods/[^/:]+:[0-9]+/proxy/(metrics|version|stats|stats/prometheus)$',
  '^/api/v1/namespaces/[^/]+/pods/[^/:]+:[0-9]+/proxy/([^/]+/)*api/v1/(query|query_range|targets|status/config|status/buildinfo)$',
  '^/apis/admissionregistration\\.k8s\\.io/v1(beta1)?/(mutating|validating)webhookconfigurations$',
  '^/apis/coordination\\.k8s\\.io/v1/namespaces/kube-node-lease/leases$',
  '^/apis/apps/v1/(namespaces/[^/]+/)?(deployments|replicasets|statefulsets)$',
  '^/apis/networking\\.istio\\.io/v1alpha3/(namespaces/[^/]+/)?(envoyfilters|virtualservices|destinationrules|serviceentries|sidecars|gateways)$',
  '^/apis/security\\.istio\\.io/v1beta1/(namespaces/[^/]+/)?peerauthentications$',
  '^/apis/telemetry\\.istio\\.io/v1(alpha1)?/(namespaces/[^/]+/)?telemetries$',
  '^/apis/gateway\\.networking\\.k8s\\.io/v1(beta1|alpha2)?/(namespaces/[^/]+/)?(gateways|gatewayclasses|(http|grpc|tls|tcp)routes|referencegrants)$',
  '^/apis/networking\\.k8s\\.io/v1/(namespaces/[^/]+/)?networkpolicies$',
  '^/apis/monitoring\\.coreos\\.com/v1/(namespaces/[^/]+/)?(podmonitors|servicemonitors|prometheuses)$',
  '^/apis/metrics\\.k8s\\.io/v1beta1/(namespaces/[^/]+/)?pods$',
  '^/apis/config\\.istio\\.io/v1alpha2/(namespaces/[^/]+/)?(rules|handlers|instances|prometheuses|metrics|attributemanifests|routerules|destinationpolicies|egressrules)$',
];

/** Leads to a port of a pod. What is asked there is one of PAGE_PATHS, with GET: tunnel.ts speaks with nobody else. */
const TUNNEL_PATH = '^/api/v1/namespaces/[^/]+/pods/[^/:]+/portforward$';

/** Leads to programs in the containers of one pod, and is asked by exec-tunnel.ts only: for those of exec.ts. */
const execPath = ({ namespace, pod }: PodName): string =>
  `^/api/v1/namespaces/${namespace}/pods/${pod}/exec$`.replaceAll('.', '\\.');

/** kubectl's own filter, so that no object can be changed and no Secret read (kubectl-costs.md). */
const filtered = (socketPath: string, paths: readonly string[], ...more: readonly string[]): readonly string[] => [
  'proxy',
  `--unix-socket=${socketPath}`,
  `--accept-paths=${paths.join(',')}`,
  ...more,
  '--reject-methods=^(POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE)$',
];

/** The arguments of a private `kubectl proxy` on this unix socket. `tells`: whether it says which files it reads (kubeconfig.ts). */
export const proxyArguments = (socketPath: string, tells = true): readonly string[] =>
  filtered(socketPath, [...API_PATHS, TUNNEL_PATH], ...(tells ? [TELLS_FILES] : []));

/**
 * Those of another one, through which programs are run in these pods and nothing else is asked. kubectl refuses to run any
 * by itself.
 */
export const execProxyArguments = (socketPath: string, pods: readonly PodName[]): readonly string[] =>
  filtered(socketPath, [...new Set(pods.map(execPath))], '--reject-paths=^$');
