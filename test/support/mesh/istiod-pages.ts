import { isAtLeast } from '../../../src/istio/release.ts';
import type { Page } from '../recordings.ts';
import { configDump } from './config-dumps.ts';
import type { Spec, Workload } from './spec.ts';

/** A pod's proxy as istiod knows it. */
export interface Connected {
  pod: string;
  type: 'sidecar' | 'router' | 'waypoint' | 'ztunnel';
  of: Pick<Workload, 'refusal' | 'release' | 'told' | 'dropped' | 'port' | 'page'>;
}

const TYPES = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
} as const;

/** What a ztunnel asks for. */
const ZTUNNEL_TYPES = {
  address: 'type.googleapis.com/istio.workload.Address',
  authorization: 'type.googleapis.com/istio.security.Authorization',
} as const;

/** What is sent to a proxy. A waypoint's routes are in its listeners. */
function typesOf(type: Connected['type']): Readonly<Record<string, string>> {
  if (type === 'ztunnel') return ZTUNNEL_TYPES;
  const { route: _, ...withoutRoutes } = TYPES;
  return type === 'waypoint' ? withoutRoutes : TYPES;
}

/** As `/debug/syncz` was recorded: what is refused has been sent, and has no `acked`. */
function synced(spec: Spec, { pod, type: proxyType, of }: Connected): object {
  const nonce = '2026-11-20T08:00:00Z/1';
  const isTaken = (kind: string): boolean => kind !== 'listener' || of.refusal === '';
  const types = typesOf(proxyType);
  const flat = Object.keys(proxyType === 'ztunnel' ? {} : types).flatMap((kind) => [
    [`${kind}_sent`, nonce] as const,
    ...(isTaken(kind) ? [[`${kind}_acked`, nonce] as const] : []),
  ]);
  const resources = Object.entries(types).map(([kind, type]) => [
    type,
    {
      sent: nonce,
      sentTime: '2026-11-20T08:00:00Z',
      ...(isTaken(kind) ? { acked: nonce } : { lastError: of.refusal }),
    },
  ]);
  return {
    cluster_id: 'Kubernetes',
    proxy: pod,
    proxy_type: proxyType,
    istio_version: of.release ?? spec.release,
    ...Object.fromEntries(flat),
    ...(isAtLeast(spec.release, '1.24') && { resources: Object.fromEntries(resources) }),
  };
}

function metrics(spec: Spec, connected: readonly Connected[]): string {
  const refused = connected.filter(({ of }) => of.refusal !== '');
  return [
    '# TYPE istio_build gauge',
    `istio_build{component="pilot",tag="${spec.release}"} 1`,
    '# TYPE pilot_info gauge',
    `pilot_info{version="${spec.release}-module-Clean"} 1`,
    '# TYPE pilot_xds gauge',
    `pilot_xds{version="${spec.release}"} ${connected.length}`,
    '# TYPE pilot_xds_pushes counter',
    ...['cds', 'eds', 'lds', 'rds'].map((type) => `pilot_xds_pushes{type="${type}"} 90`),
    ...(refused.length > 0
      ? [
          '# TYPE pilot_total_xds_rejects counter',
          `pilot_total_xds_rejects{type="lds"} ${refused.length}`,
          '# TYPE pilot_xds_lds_reject gauge',
          ...refused.map(({ pod }) => `pilot_xds_lds_reject{err="Internal",node="${pod}"} 1`),
        ]
      : []),
    '',
  ].join('\n');
}

/** What an istiod answers, by `PORT/PATH`: its debug pages on both of its ports. */
export function istiodPages(spec: Spec, connected: readonly Connected[]): ReadonlyMap<string, Page> {
  const json = (body: unknown): Page => ({
    status: 200,
    contentType: 'application/json',
    body: JSON.stringify(body),
  });
  const text = (body: string): Page => ({ status: 200, contentType: 'text/plain; version=0.0.4', body });
  const builtIn = [{ name: 'prometheus', prometheus: {} }, { name: 'stackdriver', stackdriver: {} }, { name: 'envoy' }];
  const extensionProviders = [...((spec.mesh.extensionProviders ?? []) as object[]), ...builtIn];
  const debug: readonly (readonly [path: string, page: Page])[] = [
    ['debug/syncz', json(connected.map((each) => synced(spec, each)))],
    ...(isAtLeast(spec.release, '1.8')
      ? [
          [
            'debug/clusterz',
            json([
              { id: spec.cluster, secretName: '', syncStatus: 'synced' },
              ...spec.remotes.map((id) => ({ id, secretName: `istio-system/${id}`, syncStatus: 'synced' })),
            ]),
          ] as const,
        ]
      : []),
    ['debug/mesh', json({ ...spec.mesh, extensionProviders })],
    ...connected.map((each) => [`debug/config_dump__proxyID=${each.pod}`, json(configDump(each))] as const),
  ];
  return new Map([
    ...debug.flatMap(([path, page]) => [[`15014/${path}`, page] as const, [`8080/${path}`, page] as const]),
    ['15014/metrics', text(metrics(spec, connected))],
    ['15014/version', text(`${spec.release}-module-Clean`)],
  ]);
}
