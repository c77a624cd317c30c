/** A pod, as far as discovery tells of it. */
export interface Discovered {
  namespace: string;
  name: string;
  ip: string | null;
  node: string | null;
  phase: string;
  ready: boolean;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  containers: readonly { name: string; image: string; ports: readonly { name: string | null; port: number }[] }[];
}

/** A Service of which discovery finds the endpoints. */
export interface DiscoveredService {
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  ports: readonly { name: string | null; port: number; targetPort: number | string }[];
}

/** A target that is not one yet. */
export type Candidate = ReadonlyMap<string, string>;

/** What is longer is not matched: no label is, and an annotation that decides about scraping is short. */
const LONGEST = 300;

/** A name as a label of Prometheus' (util/strutil/strconv.go, SanitizeLabelName). */
const sanitized = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, '_');

/** What a target has before its rules: by Prometheus (scrape/target.go, PopulateLabels), and by the operator's own rules (pkg/prometheus/promcfg.go). */
const GIVEN =
  /^(job|__(scheme|metrics_path|scrape_interval|scrape_timeout)__|__param_.+|namespace|pod|container|service|endpoint|node|__tmp_prometheus_job_name)$/;

/** Whether it is known of a label that a target does not have it: not all of what an object says is read. */
export function isKnown(label: string): boolean {
  if (GIVEN.test(label)) return false;
  if (!label.startsWith('__meta_')) return true;
  if (/^__meta_kubernetes_(pod|service)_label(present)?_/.test(label)) return true;
  if (/^__meta_kubernetes_(pod|service)_annotation(present)?_prometheus_(istio_)?io_/.test(label)) return true;
  return /^__meta_kubernetes_(namespace|pod_(name|ip|phase|ready|node_name|container_(name|image|port_(name|number|protocol)))|service_name|service_port_name|endpoint_port_name)$/.test(
    label,
  );
}

function described(prefix: string, kind: string, from: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(from).flatMap(([name, value]): [string, string][] =>
    value.length > LONGEST
      ? []
      : [
          [`${prefix}_${kind}_${sanitized(name)}`, value],
          [`${prefix}_${kind}present_${sanitized(name)}`, 'true'],
        ],
  );
}

/** What every target of a pod carries (Prometheus, discovery/kubernetes/pod.go, podLabels). */
const podLabels = ({
  namespace,
  name,
  ip,
  node,
  phase,
  ready,
  labels,
  annotations,
}: Discovered): [string, string][] => [
  ['__meta_kubernetes_namespace', namespace],
  ['__meta_kubernetes_pod_name', name],
  ['__meta_kubernetes_pod_ip', ip ?? ''],
  ['__meta_kubernetes_pod_node_name', node ?? ''],
  ['__meta_kubernetes_pod_phase', phase],
  ['__meta_kubernetes_pod_ready', String(ready)],
  ...described('__meta_kubernetes_pod', 'label', labels),
  ...described('__meta_kubernetes_pod', 'annotation', annotations),
];

const addressOf = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

/** A pod's targets by role `pod`: one for each port of each container, and one without a port for a container that names none. */
export function podCandidates(pod: Discovered): readonly Candidate[] {
  const { ip } = pod;
  if (ip === null) return [];
  const own = podLabels(pod);
  return pod.containers.flatMap(({ name, image, ports }) => {
    const container: [string, string][] = [
      ['__meta_kubernetes_pod_container_name', name],
      ['__meta_kubernetes_pod_container_image', image],
    ];
    if (ports.length === 0) return [new Map([...own, ...container, ['__address__', ip]])];
    return ports.map(
      (port) => new Map([...own, ...container, ...portLabels(port), ['__address__', addressOf(ip, port.port)]]),
    );
  });
}

const portLabels = ({ name, port }: { name: string | null; port: number }): [string, string][] => [
  ['__meta_kubernetes_pod_container_port_name', name ?? ''],
  ['__meta_kubernetes_pod_container_port_number', String(port)],
  ['__meta_kubernetes_pod_container_port_protocol', 'TCP'],
];

/**
 * A pod's targets by role `endpoints` or `endpointslice`, behind one Service: its ports, and all other ports of its containers
 * (Prometheus, discovery/kubernetes/endpoints.go).
 */
export function endpointCandidates(service: DiscoveredService, pod: Discovered): readonly Candidate[] {
  const { ip } = pod;
  if (ip === null) return [];
  const own: [string, string][] = [
    ...podLabels(pod),
    ['__meta_kubernetes_service_name', service.name],
    ...described('__meta_kubernetes_service', 'label', service.labels),
    ...described('__meta_kubernetes_service', 'annotation', service.annotations),
  ];
  const ports = pod.containers.flatMap(({ name, image, ports }) =>
    ports.map((port) => ({ ...port, container: name, image })),
  );
  const behind = service.ports.flatMap(({ name, targetPort }) => {
    const port = ports.find((each) => each.port === targetPort || each.name === targetPort);
    const number = port?.port ?? targetPort;
    return typeof number === 'number' ? [{ name, number, port }] : [];
  });
  const containerLabels = (port: (typeof ports)[number]): [string, string][] => [
    ['__meta_kubernetes_pod_container_name', port.container],
    ['__meta_kubernetes_pod_container_image', port.image],
    ...portLabels(port),
  ];
  return [
    ...behind.map(
      ({ name, number, port }) =>
        new Map([
          ...own,
          ['__meta_kubernetes_endpoint_port_name', name ?? ''],
          ...(port ? containerLabels(port) : []),
          ['__address__', addressOf(ip, number)],
        ] as [string, string][]),
    ),
    ...ports
      .filter(({ port }) => !behind.some(({ number }) => number === port))
      .map(
        (port) =>
          new Map([...own, ...containerLabels(port), ['__address__', addressOf(ip, port.port)]] as [string, string][]),
      ),
  ];
}
