import type { Mesh } from '../meshes.ts';
import type { Page, RecordedObject, Recording } from '../recordings.ts';
import { controlPlane } from './control-plane.ts';
import type { Reported } from './families.ts';
import { type Connected, istiodPages } from './istiod-pages.ts';
import { object, owned } from './objects.ts';
import { pagesOf } from './pages.ts';
import { podOf, releaseOf, templateOf } from './proxied.ts';
import { app, type Spec, type Workload } from './spec.ts';
import { planOf, storeObjects } from './store.ts';
import type { Peer } from './traffic.ts';

/** What other proxies know of a workload: nothing where it has no proxy. */
function peerOf({ workloads }: Spec, name: string | null): Peer | null {
  const found = workloads.find((each) => each.name === name);
  if (!found || found.proxy === 'none' || found.page.hasEnvoy === false) return null;
  const { namespace, app, version } = found;
  return { workload: found.name, namespace, app, version, account: app };
}

/** What a workload's proxies report: a gateway only what it sends, as in every release. */
function reportedBy(spec: Spec, { name, proxy, told }: Workload): readonly Reported[] {
  return spec.calls.flatMap(({ from, to, reporters, ...call }) => {
    const edge = { ...call, from: peerOf(spec, from), to: peerOf(spec, to) };
    return [
      ...(from === name && reporters.includes('source') && told.includes('outbound')
        ? [{ edge, reporter: 'source' as const }]
        : []),
      ...(to === name && proxy === 'sidecar' && reporters.includes('destination') && told.includes('inbound')
        ? [{ edge, reporter: 'destination' as const }]
        : []),
    ];
  });
}

/** Which part of its workload's traffic a pod has: no two have the same. */
const shareOf = (index: number, pods: number): number => (2 * (index + 1)) / (pods * (pods + 1));

/** A mesh that is built, with what its Prometheus scrapes. */
export type Built = Pick<Mesh, 'recording' | 'plan'>;

/** Builds objects, pages and the scrape plan of a mesh. */
export function built(name: string, spec: Spec): Built {
  let last = 9;
  const address = (): string => `10.244.${Math.floor(++last / 250)}.${last % 250}`;
  const system = controlPlane(spec, address());
  const pages = new Map<string, Page>();
  const connected: Connected[] = [];
  const workloads = spec.workloads.flatMap((each): readonly RecordedObject[] => {
    const { kind, namespace, phase, createdAt } = each;
    const objects = owned({
      kind,
      name: each.name,
      namespace,
      selector: { app: each.app, version: each.version },
      template: templateOf(spec, each),
      pod: podOf(spec, each),
      addresses: Array.from({ length: each.replicas }, address),
      phase,
      createdAt,
    });
    const proxied = each.proxy !== 'none' && phase === 'Running' ? objects.filter((of) => of.kind === 'Pod') : [];
    for (const [index, { metadata }] of proxied.entries()) {
      const hasFilter = each.told.length > 0 && each.refusal === '';
      const own = pagesOf(releaseOf(spec, each), reportedBy(spec, each), {
        hasFilter,
        ...(each.dropped.length > 0 && { without: new RegExp(`^istio_(${each.dropped.join('|')})$`) }),
        ...each.page,
        times: (each.page.times ?? 1) * shareOf(index, proxied.length),
      });
      for (const [path, page] of own) pages.set(`${namespace}/${metadata.name}:${path}`, page);
      if (each.page.hasEnvoy !== false) connected.push({ pod: `${metadata.name}.${namespace}`, of: each });
    }
    return objects;
  });
  const store = storeObjects(spec, address);
  const prometheus = store.find(({ kind, metadata }) => kind === 'Pod' && metadata.labels?.app === 'prometheus');
  if (spec.prometheus.sidecar && prometheus)
    connected.push({ pod: `${prometheus.metadata.name}.${spec.prometheus.namespace}`, of: app('prometheus') });
  const istiod = system.find(({ kind }) => kind === 'Pod')?.metadata.name ?? '';
  for (const [path, page] of istiodPages(spec, connected)) pages.set(`istio-system/${istiod}:${path}`, page);
  const namespaces = { 'istio-system': {}, [spec.prometheus.namespace]: {}, ...spec.namespaces };
  const objects = [
    ...Object.entries(namespaces).map(([each, labels]) =>
      object('v1', 'Namespace', { name: each, labels: { 'kubernetes.io/metadata.name': each, ...labels } }),
    ),
    ...system,
    ...workloads,
    ...spec.services.map(({ name: service, namespace, app: of, createdAt, portName, port, targetPort, appProtocol }) =>
      object(
        'v1',
        'Service',
        {
          name: service,
          namespace,
          labels: { app: of },
          ...(createdAt !== undefined && { creationTimestamp: createdAt }),
        },
        {
          spec: {
            selector: { app: of },
            ports: [
              {
                port,
                targetPort,
                ...(portName !== '' && { name: portName }),
                ...(appProtocol !== undefined && { appProtocol }),
              },
            ],
          },
        },
      ),
    ),
    ...store,
    ...spec.objects,
  ];
  const recording: Recording = { name: `made/${name}`, broken: null, objects, pages, logs: new Map(), queries: {} };
  return { recording, plan: planOf(spec, objects) };
}
