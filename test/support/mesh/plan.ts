import type { RecordedObject } from '../recordings.ts';

/** What a Prometheus makes of one address: the labels of its series, and the page that it finds there. */
export interface ScrapeTarget {
  job: string;
  /** As they are after relabelling; `instance` is what is asked, unless `address` says otherwise. */
  labels: Readonly<Record<string, string>>;
  metricsPath: string;
  /** `NAMESPACE/POD/PORT/PATH` of a page, or `down:403`, `down:503`, `down:timeout`, `down:refused`, `down:reset`, `down:words:TEXT`. */
  page: string;
  address?: string;
}

/** What a scrape job is told beside its targets, in Prometheus' own words. */
export interface ScrapeJob {
  /** `podMonitor/NAMESPACE/NAME/0` of an operator; the job's name where it is not given. */
  pool?: string;
  honor_labels?: boolean;
  sample_limit?: number;
  body_size_limit?: string;
  metric_relabel_configs?: readonly object[];
  /** How often it says that it scrapes; a test does not wait so long. */
  interval?: string;
  /** How often it scrapes; at every second where it is not given. */
  scrape_interval?: string;
}

/** An answer that a server behind a login, or one of another make, gives in place of Prometheus' own. */
export interface OtherAnswer {
  match: RegExp;
  status: number;
  contentType?: string;
  body: string | Buffer;
}

/** What the Prometheus of a mesh scrapes. */
export interface ScrapePlan {
  /** `NAMESPACE/POD` of the server; null where there is none. */
  pod: string | null;
  port: number;
  targets: readonly ScrapeTarget[];
  jobs?: Readonly<Record<string, ScrapeJob>>;
  /** What its page of the configuration says, in place of the static targets of a test. */
  configuration?: string;
  /** Whether nothing moves between two scrapes. */
  still?: boolean;
  /** What the server answers in place of a Prometheus. */
  others?: readonly OtherAnswer[];
  /** Rules that record series from others, in the words of a rule file's group. */
  rules?: readonly { record: string; expr: string }[];
  /** What the server has stored before, as OpenMetrics with times. */
  past?: string;
}

/** Label names as a discovery writes them. */
export const legal = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_');

export const ipOf = (pod: RecordedObject): string => (typeof pod.status?.podIP === 'string' ? pod.status.podIP : '');

const containersOf = ({ spec }: RecordedObject): readonly { name: string }[] => {
  const { containers = [], initContainers = [] } = (spec ?? {}) as Record<string, { name: string }[] | undefined>;
  return [...containers, ...initContainers];
};

export const hasProxy = (pod: RecordedObject): boolean =>
  containersOf(pod).some((container) => container.name === 'istio-proxy');

/** The labels that a discovery of pods finds at a pod, as far as anybody reads them (Prometheus' discovery/kubernetes/pod.go). */
export function discoveredAt(pod: RecordedObject): Record<string, string> {
  const { name, namespace = '', labels = {}, annotations = {} } = pod.metadata;
  const found: Record<string, string> = {
    __meta_kubernetes_namespace: namespace,
    __meta_kubernetes_pod_name: name,
    __meta_kubernetes_pod_ip: ipOf(pod),
    __meta_kubernetes_pod_container_name: hasProxy(pod) ? 'istio-proxy' : (containersOf(pod)[0]?.name ?? ''),
  };
  for (const [key, value] of Object.entries(labels)) found[`__meta_kubernetes_pod_label_${legal(key)}`] = value;
  for (const [key, value] of Object.entries(annotations)) {
    if (key.startsWith('prometheus.io/')) found[`__meta_kubernetes_pod_annotation_${legal(key)}`] = value;
  }
  return found;
}
