import { shellLine } from '../../../../cluster/question/shell.ts';
import type { ControlPlane, Subject } from '../../../../diagnosis/check.ts';
import { isRolledOut } from '../../../../evidence/kubernetes/owner.ts';
import type { Monitoring } from '../../../../evidence/prometheus/monitors.ts';
import { lacking, type Monitor, type Operated } from '../../../../scraping/monitors.ts';
import { patchTemplate } from '../../../templates.ts';

/** What Istio's injector sets where it merges (pkg/kube/inject/webhook.go, applyPrometheusMerge). */
const MERGED = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': '15020',
  'prometheus.io/path': '/stats/prometheus',
};

/** A word of the cluster's behind a command's `#`. */
export const plain = (text: string): string => text.replace(/[^\w ./:-]/g, '');

/** So many groups of what is mended at once are named in one line. */
const MOST = 3;

/** Sets annotations where a person would: in the templates of what owns the pods, all of one kind and namespace at once. */
export function annotate(subjects: readonly Subject[], annotations: Readonly<Record<string, string>> = MERGED): string {
  const groups = new Map<string, Subject[]>();
  for (const subject of subjects) {
    const { kind, namespace, name } = subject;
    const key = JSON.stringify(isRolledOut(subject) ? [kind, namespace] : [kind, namespace, name]);
    groups.set(key, [...(groups.get(key) ?? []), subject]);
  }
  const lines = [...groups.values()].map((group) => annotating(group, annotations));
  const told = lines.slice(0, MOST);
  const comments = [
    ...told.flatMap(({ comment }) => comment ?? []),
    ...(lines.length > MOST ? [`and ${lines.length - MOST} more`] : []),
  ];
  return `${told.map(({ line }) => line).join(' && ')}${comments.length > 0 ? `   # ${comments.join('; ')}` : ''}`;
}

/** Of one kind and namespace; of what rolls nothing out, the pods themselves. */
function annotating(
  group: readonly Subject[],
  annotations: Readonly<Record<string, string>>,
): { line: string; comment: string | null } {
  const [first] = group as readonly [Subject, ...Subject[]];
  if (isRolledOut(first)) return { line: patchTemplate(first, { annotations }, ...group.slice(1)), comment: null };
  const { kind, namespace, name, pods } = first;
  const set = Object.entries(annotations).map(([key, value]) => `${key}=${value}`);
  const line = shellLine('kubectl', '-n', namespace, 'annotate', 'pod', ...pods.slice(0, 3), '--overwrite', ...set);
  return { line, comment: kind === 'Pod' ? null : `and in what makes them, ${plain(`${kind} ${namespace}/${name}`)}` };
}

const patched = (kind: string, { namespace, name }: { namespace: string; name: string }, spec: object): string =>
  shellLine('kubectl', '-n', namespace, 'patch', kind, name, '--type', 'merge', '-p', JSON.stringify({ spec }));

export const patchMonitor = (monitor: Monitor, spec: object): string =>
  patched(monitor.kind.toLowerCase(), monitor, spec);

export const patchPrometheus = (prometheus: Operated, spec: object): string =>
  patched('prometheuses.monitoring.coreos.com', prometheus, spec);

export const editMonitor = ({ kind, namespace, name }: Monitor): string =>
  shellLine('kubectl', '-n', namespace, 'edit', kind.toLowerCase(), name);

/** Sets labels, by `kubectl label`. */
export const label = (words: readonly string[], labels: Readonly<Record<string, string>>): string =>
  shellLine('kubectl', ...words, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`), '--overwrite');

/**
 * Istio's PodMonitor (samples/addons/extras/prometheus-operator.yaml) as this cluster's Prometheus takes it: by Envoy's own port,
 * which every sidecar, gateway and waypoint names, and ztunnel's, whatever their annotations say. Null where no Prometheus of an operator is seen, or where
 * more than labels would be needed.
 */
export function podMonitorFor(
  { prometheuses }: Monitoring,
  { namespace, generation }: Pick<ControlPlane, 'namespace' | 'generation'>,
): string | null {
  const [prometheus] = 'got' in prometheuses ? prometheuses.got.items.filter((each) => !each.isUnmanaged) : [];
  if (!prometheus) return null;
  const { monitors, namespaces } = prometheus.takes.PodMonitor;
  const labels = monitors && lacking(monitors, {});
  if (labels === null) return null;
  const podMonitor = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: {
      name: 'envoy-stats-monitor',
      namespace: namespaces === null ? prometheus.namespace : (namespace ?? 'istio-system'),
      labels,
    },
    spec: {
      selector: { matchExpressions: [{ key: 'istio-prometheus-ignore', operator: 'DoesNotExist' }] },
      namespaceSelector: { any: true },
      podMetricsEndpoints: ['http-envoy-prom', ...(generation === 'ambient' ? ['ztunnel-stats'] : [])].map((port) => ({
        port,
        path: '/stats/prometheus',
        interval: '15s',
      })),
    },
  };
  return `${shellLine('echo', JSON.stringify(podMonitor))} | kubectl apply -f -`;
}
