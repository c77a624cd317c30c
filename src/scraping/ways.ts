import { isSelected, type LabelSelector } from '../istio/selector.ts';
import {
  type Candidate,
  type Discovered,
  type DiscoveredService,
  endpointCandidates,
  isKnown,
  podCandidates,
} from './discovery.ts';
import { type Endpoint, type Monitor, namespacesOf, type Operated } from './monitors.ts';
import { type Rule, relabel } from './relabel.ts';

/** The label by which Istio's own PodMonitor leaves pods out (samples/addons/extras/prometheus-operator.yaml). */
export const OPTED_OUT = 'istio-prometheus-ignore';

/** One way in which a Prometheus looks for pods: a monitor's endpoint, or a discovery of a job. */
export interface Way {
  of: 'pods' | 'endpoints';
  namespaces: 'any' | readonly string[];
  /** Of pods, or of Services. */
  selector: LabelSelector | null;
  path: string;
  rules: readonly Rule[];
  /** The port that it keeps by name or number; null for any. */
  port: string | number | null;
}

/** What keeps a pod from being scraped in one way. */
export type Obstacle =
  | { is: 'namespace' | 'labels' | 'service' }
  | { is: 'port'; port: string | number }
  | { is: 'rule'; rule: Rule; value: string }
  /** It is scraped, at pages that are not its proxy's. */
  | { is: 'elsewhere'; urls: readonly string[] }
  /** Nothing that is known here. */
  | { is: 'undecided' };

/** Which Services lead to a pod; null where it is not known. */
export type ServicesOf = (pod: Discovered) => readonly DiscoveredService[] | null;

const ENVOY = ['15020', '15090', '15091', '15092'];

/**
 * Whether a proxy's own page may be there: the agent's port, Envoy's, those for mutual TLS (1.31), or any that serves
 * /stats/prometheus. Port 80 is what discovery makes of a container that names no port, such as istio-init's.
 */
export function isProxyPage(url: string): boolean {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address === null) return false;
  return ENVOY.includes(address.port) || (address.pathname.includes('/stats/prometheus') && address.port !== '');
}

/** What of a way tells that it was made for proxies: the path, a port, the container, ztunnel's label, or the annotations that injection sets. */
export function isMeantForProxies({ path, port, rules, of, selector }: Way): boolean {
  if (path.includes('/stats/prometheus')) return true;
  if (port !== null && /envoy-prom|ztunnel-stats|^150(20|9[0-2])$/.test(String(port))) return true;
  if (of === 'pods' && Object.values(selector?.matchLabels ?? {}).includes('ztunnel')) return true;
  return rules.some(
    ({ action, sources, regex, replacement }) =>
      /envoy-prom|istio-proxy|\b150(20|9[0-2])\b|\/stats\/prometheus/.test(
        `${action === 'drop' ? '' : regex} ${replacement}`,
      ) ||
      (of === 'pods' &&
        action === 'keep' &&
        sources.some((name) => /_pod_annotation(present)?_prometheus_io_scrape$/.test(name))),
  );
}

/** A rule that keeps targets with such a label. */
export const keep = (source: string, regex: string): Rule => ({
  action: 'keep',
  sources: [source],
  separator: ';',
  regex,
  target: '',
  replacement: '$1',
});

/** A regular expression, as Go and JavaScript have them, for this text alone. */
export const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const CONTAINER = '__meta_kubernetes_pod_container_port';

/** How a monitor's endpoint finds its pods (prometheus-operator, pkg/prometheus/promcfg.go). */
export function wayOf(monitor: Monitor, endpoint: Endpoint, prometheus: Operated | null): Way {
  const isOfPods = monitor.kind === 'PodMonitor';
  const own =
    endpoint.port !== null
      ? [keep(isOfPods ? `${CONTAINER}_name` : '__meta_kubernetes_endpoint_port_name', literal(endpoint.port))]
      : typeof endpoint.targetPort === 'number'
        ? [keep(`${CONTAINER}_number`, String(endpoint.targetPort))]
        : endpoint.targetPort !== null
          ? [keep(`${CONTAINER}_name`, literal(endpoint.targetPort))]
          : [];
  return {
    of: isOfPods ? 'pods' : 'endpoints',
    namespaces: namespacesOf(monitor, prometheus),
    selector: monitor.selector,
    path: endpoint.path,
    rules: [...own, ...endpoint.rules],
    port: endpoint.port ?? endpoint.targetPort,
  };
}

/** Ways are many, and a pod has the same targets by each. */
const found = new WeakMap<Discovered, readonly Candidate[]>();

function candidatesOf(pod: Discovered): readonly Candidate[] {
  const candidates = found.get(pod) ?? podCandidates(pod);
  found.set(pod, candidates);
  return candidates;
}

/** What keeps a pod from being scraped at its proxy's page, in the order in which it is looked for; nothing, and it is scraped. */
export function obstaclesOf(way: Way, pod: Discovered, servicesOf: ServicesOf): readonly Obstacle[] {
  const found: Obstacle[] = [];
  if (way.namespaces !== 'any' && !way.namespaces.includes(pod.namespace)) found.push({ is: 'namespace' });
  let candidates: readonly Candidate[] = [];
  if (way.of === 'pods') {
    if (way.selector && !isSelected(way.selector, pod.labels)) found.push({ is: 'labels' });
    candidates = candidatesOf(pod);
  } else {
    const leading = servicesOf(pod);
    if (leading === null) return [...found, { is: 'undecided' }];
    if (leading.length === 0) return [...found, { is: 'service' }];
    const selected = leading.filter(({ labels }) => way.selector === null || isSelected(way.selector, labels));
    if (selected.length === 0) found.push({ is: 'labels' });
    candidates = (selected.length > 0 ? selected : leading).flatMap((service) => endpointCandidates(service, pod));
  }
  const beyond = obstacleAmong(way, candidates);
  return beyond ? [...found, beyond] : found;
}

function obstacleAmong({ rules, path, port }: Way, candidates: readonly Candidate[]): Obstacle | null {
  const urls: string[] = [];
  let furthest: { index: number; obstacle: Obstacle } = { index: -1, obstacle: { is: 'undecided' } };
  let isUndecided = false;
  for (const candidate of candidates) {
    const fate = relabel(candidate, isKnown, rules);
    if ('undecidedBy' in fate) isUndecided = true;
    else if ('droppedBy' in fate) {
      const index = rules.indexOf(fate.droppedBy);
      const isPort = index === 0 && port !== null;
      if (index > furthest.index)
        furthest = {
          index,
          obstacle: isPort ? { is: 'port', port } : { is: 'rule', rule: fate.droppedBy, value: fate.value },
        };
    } else {
      const [scheme, address] = ['__scheme__', '__address__'].map((name) => fate.kept.get(name));
      const url = `${scheme || 'http'}://${address}${fate.kept.get('__metrics_path__') || path}`;
      if (isProxyPage(url)) return null;
      urls.push(url);
    }
  }
  if (isUndecided) return { is: 'undecided' };
  return urls.length > 0 ? { is: 'elsewhere', urls: [...new Set(urls)].sort() } : furthest.obstacle;
}
