import { isAtLeast } from '../../../src/istio/release.ts';
import type { Page } from '../recordings.ts';
import { releaseOf } from './proxied.ts';
import type { Spec, Workload } from './spec.ts';

/** A pod's proxy as istiod knows it. */
export interface Connected {
  pod: string;
  of: Workload;
}

const TYPES = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
} as const;

/** As `/debug/syncz` was recorded: what is refused has been sent, and has no `acked`. */
function synced(spec: Spec, { pod, of }: Connected): object {
  const nonce = '2026-11-20T08:00:00Z/1';
  const isTaken = (kind: string): boolean => kind !== 'listener' || of.refusal === '';
  const flat = Object.keys(TYPES).flatMap((kind) => [
    [`${kind}_sent`, nonce] as const,
    ...(isTaken(kind) ? [[`${kind}_acked`, nonce] as const] : []),
  ]);
  const resources = Object.entries(TYPES).map(([kind, type]) => [
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
    proxy_type: of.proxy === 'gateway' ? 'router' : 'sidecar',
    istio_version: releaseOf(spec, of),
    ...Object.fromEntries(flat),
    ...(isAtLeast(spec.release, '1.24') && { resources: Object.fromEntries(resources) }),
  };
}

/** As `/debug/config_dump?proxyID=` begins: the listeners that istiod makes for a proxy, with stats filters or without. */
function configDump({ of }: Connected): object {
  const listener = (direction: 'inbound' | 'outbound'): object => {
    const stats = {
      name: 'istio.stats',
      typedConfig: {
        '@type': 'type.googleapis.com/stats.PluginConfig',
        ...(of.dropped.length > 0 && { metrics: of.dropped.map((name) => ({ name, drop: true })) }),
      },
    };
    const filters = of.told.includes(direction) ? Array.from({ length: of.page.times ?? 1 }, () => stats) : [];
    const tcp = {
      name: 'envoy.filters.network.tcp_proxy',
      typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy' },
    };
    const router = {
      name: 'envoy.filters.http.router',
      typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
    };
    const manager = {
      name: 'envoy.filters.network.http_connection_manager',
      typedConfig: {
        '@type':
          'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
        statPrefix: `${direction}_0.0.0.0_${of.port}`,
        httpFilters: [...filters, router],
      },
    };
    return {
      name: direction === 'inbound' ? 'virtualInbound' : `0.0.0.0_${of.port}`,
      activeState: {
        listener: {
          '@type': TYPES.listener,
          name: direction === 'inbound' ? 'virtualInbound' : `0.0.0.0_${of.port}`,
          trafficDirection: direction.toUpperCase(),
          filterChains: [{ filters: [manager] }, { filters: [...filters, tcp] }],
        },
      },
    };
  };
  return {
    configs: [
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
        dynamicListeners: [...(of.proxy === 'gateway' ? [] : [listener('inbound')]), listener('outbound')],
      },
    ],
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
    ['debug/mesh', json({ ...spec.mesh, extensionProviders })],
    ...connected.map((each) => [`debug/config_dump__proxyID=${each.pod}`, json(configDump(each))] as const),
  ];
  return new Map([
    ...debug.flatMap(([path, page]) => [[`15014/${path}`, page] as const, [`8080/${path}`, page] as const]),
    ['15014/metrics', text(metrics(spec, connected))],
    ['15014/version', text(`${spec.release}-module-Clean`)],
  ]);
}
