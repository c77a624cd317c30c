interface Typed {
  rds?: { route_config_name?: string };
  cluster?: string;
  weighted_clusters?: { clusters: { name: string }[] };
}
interface Listener {
  filter_chains?: {
    filter_chain_match?: { server_names?: string[]; application_protocols?: string[] };
    filters?: { typed_config?: Typed }[];
  }[];
}
interface VirtualHost {
  domains: string[];
  routes?: { metadata?: { filter_metadata?: { istio?: { config?: string } } } }[];
}
interface Dump {
  dynamic_listeners?: {
    name: string;
    active_state?: { listener?: Listener };
    warming_state?: { listener?: Listener };
    error_state?: object;
  }[];
  dynamic_route_configs?: { route_config: { name: string; virtual_hosts?: VirtualHost[] } }[];
}

/** What a gateway's Envoy has, in words that can be compared: a line for each filter chain of a port, the rules of each host. */
export interface EnvoyGateway {
  /** By port: `NAMES > routes NAME` or `NAMES > CLUSTER`, sorted; `refused` where Envoy does not take the listener. */
  listeners: ReadonlyMap<number, readonly string[]>;
  /** By the routes' name and the host: the rule of each route, by `NAMESPACE/NAME`. */
  routes: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
}

export async function gatewayAt(admin: number): Promise<EnvoyGateway> {
  const answer = await fetch(`http://127.0.0.1:${admin}/config_dump`, { signal: AbortSignal.timeout(10_000) });
  const { configs } = (await answer.json()) as { configs: Dump[] };
  const listeners = configs
    .flatMap((each) => each.dynamic_listeners ?? [])
    .flatMap(({ name, active_state, warming_state, error_state }): [number, readonly string[]][] => {
      const port = Number(/_(\d+)$/.exec(name)?.[1]);
      const listener = (warming_state ?? active_state)?.listener;
      if (error_state) return [[port, ['refused']]];
      return listener ? [[port, (listener.filter_chains ?? []).map(lineOf).filter(isOwn).sort()]] : [];
    });
  const routes = configs
    .flatMap((each) => each.dynamic_route_configs ?? [])
    .map(({ route_config: { name, virtual_hosts = [] } }) => [name, new Map(virtual_hosts.flatMap(hostsOf))] as const);
  return { listeners: new Map(listeners), routes: new Map(routes) };
}

type Chain = NonNullable<Listener['filter_chains']>[number];

export const chainLine = (names: readonly string[], to: string): string => `${[...names].sort().join(',')} > ${to}`;

/** A Service's own name is what AUTO_PASSTHROUGH leads by: of no rule. */
const isOwn = (line: string): boolean => !line.startsWith('outbound_.');

function lineOf({ filter_chain_match, filters = [] }: Chain): string {
  const { rds, cluster, weighted_clusters } = filters.at(-1)?.typed_config ?? {};
  const to = rds
    ? `routes ${rds.route_config_name}`
    : (cluster ?? (weighted_clusters?.clusters ?? []).map(({ name }) => name).join(','));
  return chainLine(filter_chain_match?.server_names ?? [], to);
}

function hostsOf({ domains, routes = [] }: VirtualHost): [string, readonly string[]][] {
  const rules = routes.map(({ metadata }) => {
    const path = metadata?.filter_metadata?.istio?.config?.split('/') ?? [];
    return `${path[5]}/${path[7]}`;
  });
  return domains.map((domain) => [domain, rules]);
}
