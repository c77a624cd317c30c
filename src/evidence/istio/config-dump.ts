import { STATS } from '../../istio/stats-filters.ts';
import { type Json, list, object, text } from '../text/json.ts';

/** The stats filters of one protocol on one side of a proxy, as istiod made them. */
export interface MadeFilters {
  /** How many listeners' chains could have them. */
  chains: number;
  /** For each chain that has some, what each of them leaves out, without `istio_`. */
  filters: readonly (readonly (readonly string[])[])[];
}

/** One side of a proxy. */
export interface MadeSide {
  http: MadeFilters;
  tcp: MadeFilters;
}

/** The stats filters that istiod makes for a proxy. */
export interface MadeStats {
  inbound: MadeSide;
  outbound: MadeSide;
}

const droppedBy = ({ typedConfig }: Json): readonly string[] => {
  const { metrics, value } = object(typedConfig);
  return [...list(metrics), ...list(object(value).metrics)]
    .filter(({ drop }) => drop === true)
    .map(({ name }) => text(name));
};

const statsAmong = (filters: readonly Json[]): readonly (readonly string[])[] =>
  filters.filter(({ name }) => name === STATS).map(droppedBy);

const HTTP = 'envoy.filters.network.http_connection_manager';

function madeBy(chains: readonly (readonly Json[])[]): MadeFilters {
  const filters = chains.map(statsAmong);
  return { chains: filters.length, filters: filters.filter((each) => each.length > 0) };
}

function sideOf(listeners: readonly Json[]): MadeSide {
  const chains = listeners
    .flatMap(({ filterChains, defaultFilterChain }) => [...list(filterChains), object(defaultFilterChain)])
    .map(({ filters }) => list(filters));
  const managers = chains.flatMap((filters) => filters.filter(({ name }) => name === HTTP));
  return {
    http: madeBy(managers.map(({ typedConfig }) => list(object(typedConfig).httpFilters))),
    tcp: madeBy(chains.filter((filters) => filters.some(({ name }) => name === 'envoy.filters.network.tcp_proxy'))),
  };
}

/** The stats filters in istiod's `/debug/config_dump`; null where that is no such page. */
export function madeStatsIn(page: string): MadeStats | null {
  let dump: unknown;
  try {
    dump = JSON.parse(page);
  } catch {
    return null;
  }
  const part = list(object(dump).configs).find(({ '@type': type }) => text(type).endsWith('ListenersConfigDump'));
  if (!part) return null;
  const listeners = list(part.dynamicListeners).map(({ activeState }) => object(object(activeState).listener));
  // A waypoint's own listener has no direction: all comes in by it.
  const isInbound = ({ trafficDirection, name }: Json): boolean =>
    trafficDirection === 'INBOUND' ||
    (trafficDirection === undefined && /^main_internal|^connect_terminate/.test(text(name)));
  return {
    inbound: sideOf(listeners.filter(isInbound)),
    outbound: sideOf(listeners.filter((each) => !isInbound(each))),
  };
}
