import { isAtLeast } from '../../../../src/istio/release.ts';
import type { RecordedObject } from '../../recordings.ts';
import { object } from '../objects.ts';

type Protocol = 'http' | 'network';

const MANAGER = 'envoy.filters.network.http_connection_manager';

/** The filter as the charts write it: WebAssembly that is built in until 1.16, Envoy's own from 1.17 on. */
function filterOf(protocol: Protocol, minor: string): object {
  const config = {
    root_id: 'stats_outbound',
    configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: '{"stat_prefix": "istio"}' },
    vm_config: {
      vm_id: 'stats_outbound',
      runtime: 'envoy.wasm.runtime.null',
      code: { local: { inline_string: 'envoy.wasm.stats' } },
    },
  };
  if (!isAtLeast(minor, '1.6')) return { name: `envoy.filters.${protocol}.wasm`, config: { config } };
  const [type, value] = isAtLeast(minor, '1.17')
    ? ['stats.PluginConfig', { metadata_mode: 'HOST_MODE' }]
    : [`envoy.extensions.filters.${protocol}.wasm.v3.Wasm`, { config }];
  return {
    name: 'istio.stats',
    typed_config: {
      '@type': 'type.googleapis.com/udpa.type.v1.TypedStruct',
      type_url: `type.googleapis.com/${type}`,
      value,
    },
  };
}

/** The stats filters that the charts of 1.5 to 1.20 bring for proxies of a release (telemetryv2_1.x.yaml). */
export const statsFilters = (namespace: string, minor: string): readonly RecordedObject[] =>
  (['http', 'network'] as const).map((protocol) => {
    const [name, applyTo, beside] =
      protocol === 'http'
        ? ([
            'stats-filter',
            'HTTP_FILTER',
            { name: MANAGER, subFilter: { name: 'envoy.filters.http.router' } },
          ] as const)
        : (['tcp-stats-filter', 'NETWORK_FILTER', { name: 'envoy.filters.network.tcp_proxy' }] as const);
    const configPatches = ['SIDECAR_OUTBOUND', 'SIDECAR_INBOUND', 'GATEWAY'].map((context) => ({
      applyTo,
      match: {
        context,
        proxy: { proxyVersion: `^${minor.replace('.', '\\.')}.*` },
        listener: { filterChain: { filter: beside } },
      },
      patch: { operation: 'INSERT_BEFORE', value: filterOf(protocol, minor) },
    }));
    return object(
      'networking.istio.io/v1alpha3',
      'EnvoyFilter',
      { name: `${name}-${minor}`, namespace, labels: { 'istio.io/rev': 'default' } },
      { spec: { configPatches } },
    );
  });
