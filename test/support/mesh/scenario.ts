import type { Mesh } from '../meshes.ts';
import type { Page, RecordedObject, Recording } from '../recordings.ts';
import { conditionsOf } from './ambient/binding.ts';
import { endsOf, nodesOf, takesTunnels, waypointPeer } from './ambient/edges.ts';
import { ambientPart } from './ambient/part.ts';
import { controlPlane } from './control-plane.ts';
import type { Reported } from './families.ts';
import { type Connected, istiodPages } from './istiod-pages.ts';
import { hostOf, object, owned } from './objects.ts';
import { pagesOf } from './pages.ts';
import { podOf, releaseOf, templateOf } from './proxied.ts';
import { app, type ServiceSpec, type Spec, type Workload } from './spec.ts';
import { planOf, storeObjects } from './store.ts';
import { type Peer, shareOf } from './traffic.ts';

/** What other proxies know of a workload: nothing where it has no proxy. */
function peerOf({ workloads }: Spec, name: string | null): Peer | null {
  const found = workloads.find((each) => each.name === name);
  if (!found || found.proxy === 'none' || found.page.hasEnvoy === false) return null;
  const { namespace, app, version } = found;
  return { workload: found.name, namespace, app, version, account: app };
}

/** What a workload's proxies report: a gateway only what it sends, as in every release. */
function reportedBy(spec: Spec, workload: Workload): readonly Reported[] {
  const { name, proxy, told } = workload;
  return spec.calls.flatMap(({ from, to, reporters, ...call }) => {
    const { waypoint } = endsOf(spec, { from, to, reporters, ...call });
    const edge = { ...call, from: peerOf(spec, from), to: waypoint ? waypointPeer(waypoint) : peerOf(spec, to) };
    // A ztunnel opens no tunnel to a sidecar that is older than ambient: nobody proves who calls.
    const isPlain =
      !takesTunnels(spec, workload) && spec.workloads.some((each) => each.name === from && each.proxy === 'ambient');
    const received = waypoint
      ? { ...edge, from: waypointPeer(waypoint), to: peerOf(spec, to), mutual: true }
      : isPlain
        ? { ...edge, from: null, mutual: false }
        : edge;
    return [
      ...(from === name && reporters.includes('source') && told.includes('outbound')
        ? [{ edge, reporter: 'source' as const }]
        : []),
      ...(to === name && proxy === 'sidecar' && reporters.includes('destination') && told.includes('inbound')
        ? [{ edge: received, reporter: 'destination' as const }]
        : []),
    ];
  });
}

function serviceObject(spec: Spec, service: ServiceSpec): RecordedObject {
  const { name, namespace, app: of, labels, createdAt, portName, port, targetPort, appProtocol } = service;
  const conditions = conditionsOf(spec, service);
  return object(
    'v1',
    'Service',
    {
      name,
      namespace,
      labels: { app: of, ...labels },
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
      ...(conditions.length > 0 && { status: { conditions } }),
    },
  );
}

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
      addresses: Array.from({ length: each.replicas }, (_, index) =>
        each.hostNetwork ? hostOf(nodesOf(each)[index % nodesOf(each).length] ?? '') : address(),
      ),
      nodes: nodesOf(each),
      phase,
      createdAt,
    });
    const hasEnvoy = each.proxy === 'sidecar' || each.proxy === 'gateway';
    const proxied = hasEnvoy && phase === 'Running' ? objects.filter((of) => of.kind === 'Pod') : [];
    for (const [index, { metadata }] of proxied.entries()) {
      const hasFilter = each.told.length > 0 && each.refusal === '';
      const own = pagesOf(releaseOf(spec, each), reportedBy(spec, each), {
        hasFilter,
        ...(each.dropped.length > 0 && { without: new RegExp(`^istio_(${each.dropped.join('|')})$`) }),
        ...each.page,
        times: (each.page.times ?? 1) * shareOf(index, proxied.length),
      });
      for (const [path, page] of own) pages.set(`${namespace}/${metadata.name}:${path}`, page);
      if (each.page.hasEnvoy !== false)
        connected.push({
          pod: `${metadata.name}.${namespace}`,
          type: each.proxy === 'gateway' ? 'router' : 'sidecar',
          of: each,
        });
    }
    return objects;
  });
  const store = storeObjects(spec, address);
  const prometheus = store.find(({ kind, metadata }) => kind === 'Pod' && metadata.labels?.app === 'prometheus');
  if (spec.prometheus.sidecar && prometheus)
    connected.push({
      pod: `${prometheus.metadata.name}.${spec.prometheus.namespace}`,
      type: 'sidecar',
      of: app('prometheus'),
    });
  const ambient = ambientPart(spec, address);
  for (const [where, page] of ambient.pages) pages.set(where, page);
  connected.push(...ambient.connected);
  const istiod = system.find(({ kind }) => kind === 'Pod')?.metadata.name ?? '';
  for (const [path, page] of istiodPages(spec, connected)) pages.set(`istio-system/${istiod}:${path}`, page);
  const namespaces = { 'istio-system': {}, [spec.prometheus.namespace]: {}, ...spec.namespaces };
  const objects = [
    ...Object.entries(namespaces).map(([each, labels]) =>
      object('v1', 'Namespace', { name: each, labels: { 'kubernetes.io/metadata.name': each, ...labels } }),
    ),
    ...system,
    ...workloads,
    ...ambient.objects,
    ...spec.services.map((each) => serviceObject(spec, each)),
    ...store,
    ...spec.objects,
  ];
  const recording: Recording = { name: `made/${name}`, broken: null, objects, pages, logs: new Map(), queries: {} };
  return { recording, plan: planOf(spec, objects) };
}
