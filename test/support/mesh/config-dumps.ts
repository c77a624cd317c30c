import type { Connected } from './istiod-pages.ts';

const PREFIX = 'type.googleapis.com/envoy.extensions.filters';

/** A listener as a dump has it. */
interface Listener {
  name: string;
  trafficDirection?: 'INBOUND' | 'OUTBOUND';
  filterChains: readonly object[];
}

/** The stats filters that istiod makes: several where a page counts everything so often. */
function statsFilters({ type, of }: Connected, isTold: boolean): readonly object[] {
  const stats = {
    name: 'istio.stats',
    typedConfig: {
      '@type': 'type.googleapis.com/stats.PluginConfig',
      ...(type === 'waypoint' && { reporter: 'SERVER_GATEWAY' }),
      ...(of.dropped.length > 0 && { metrics: of.dropped.map((name) => ({ name, drop: true })) }),
    },
  };
  return isTold ? Array.from({ length: of.page.times ?? 1 }, () => stats) : [];
}

const httpChain = (statPrefix: string, filters: readonly object[]): object => ({
  filters: [
    {
      name: 'envoy.filters.network.http_connection_manager',
      typedConfig: {
        '@type': `${PREFIX}.network.http_connection_manager.v3.HttpConnectionManager`,
        statPrefix,
        httpFilters: [
          ...filters,
          { name: 'envoy.filters.http.router', typedConfig: { '@type': `${PREFIX}.http.router.v3.Router` } },
        ],
      },
    },
  ],
});

const tcpChain = (filters: readonly object[]): object => ({
  filters: [
    ...filters,
    {
      name: 'envoy.filters.network.tcp_proxy',
      typedConfig: { '@type': `${PREFIX}.network.tcp_proxy.v3.TcpProxy` },
    },
  ],
});

function listenerOf(connected: Connected, direction: 'inbound' | 'outbound'): Listener {
  const { of } = connected;
  const filters = statsFilters(connected, of.told.includes(direction));
  return {
    name: direction === 'inbound' ? 'virtualInbound' : `0.0.0.0_${of.port}`,
    trafficDirection: direction === 'inbound' ? 'INBOUND' : 'OUTBOUND',
    filterChains: [httpChain(`${direction}_0.0.0.0_${of.port}`, filters), tcpChain(filters)],
  };
}

/** Those of a waypoint: the tunnel's ends have no stats filters (pilot/pkg/networking/core/listener_waypoint.go). */
function waypointListeners(connected: Connected): readonly Listener[] {
  const filters = statsFilters(connected, connected.of.told.includes('inbound'));
  return [
    { name: 'connect_terminate', filterChains: [httpChain('connect_terminate', [])] },
    {
      name: 'main_internal',
      trafficDirection: 'INBOUND',
      filterChains: [httpChain('inbound_0.0.0.0_80', filters), tcpChain(filters)],
    },
    { name: 'connect_originate', filterChains: [tcpChain([])] },
  ];
}

function listenersOf(connected: Connected): readonly Listener[] {
  if (connected.type === 'ztunnel') return [];
  if (connected.type === 'waypoint') return waypointListeners(connected);
  const outbound = listenerOf(connected, 'outbound');
  return connected.type === 'router' ? [outbound] : [listenerOf(connected, 'inbound'), outbound];
}

/** As `/debug/config_dump?proxyID=` begins: the listeners that istiod makes for a proxy, with stats filters or without. */
export const configDump = (connected: Connected): object => ({
  configs: [
    {
      '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
      dynamicListeners: listenersOf(connected).map((listener) => ({
        name: listener.name,
        activeState: {
          listener: { '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener', ...listener },
        },
      })),
    },
  ],
});
