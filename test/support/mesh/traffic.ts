import type { Dialect } from './dialect.ts';

/** An end of a connection as proxies name it. */
export interface Peer {
  workload: string;
  namespace: string;
  app: string;
  version: string;
  account: string;
}

/** Who calls whom, how often, with which codes; of TCP how many connections. */
export interface Edge {
  /** Null of a caller without a proxy, of whom nobody knows anything. */
  from: Peer | null;
  /** Null of a destination without a proxy. */
  to: Peer | null;
  /** Name of the Service and its namespace, or `PassthroughCluster` and none. */
  service: { name: string; namespace: string | null };
  protocol: 'http' | 'grpc' | 'tcp';
  /** Requests by response code; of TCP the one code '0' has the connections. */
  codes: Readonly<Record<string, number>>;
  /** Whether the destination has a certificate of the caller. */
  mutual: boolean;
}

export type Labels = readonly (readonly [name: string, value: string])[];

/** An identity, as proxies prove it to each other. */
export const principal = ({ namespace, account }: Peer): string =>
  `spiffe://cluster.local/ns/${namespace}/sa/${account}`;

/** The labels of one end, in the order in which Istio's filters write them. */
function endOf(side: 'source' | 'destination', peer: Peer | null, mutual: boolean, dialect: Dialect): Labels {
  const unknown = 'unknown';
  return [
    [`${side}_workload`, peer?.workload ?? unknown],
    [`${side}_workload_namespace`, peer?.namespace ?? unknown],
    [`${side}_principal`, peer && mutual ? principal(peer) : unknown],
    [`${side}_app`, peer?.app ?? unknown],
    [`${side}_version`, peer?.version ?? unknown],
    ...(dialect.hasCanonical
      ? ([
          [`${side}_canonical_service`, peer?.app ?? unknown],
          [`${side}_canonical_revision`, peer ? peer.version : 'latest'],
        ] as const)
      : []),
    ...(dialect.hasCluster ? ([[`${side}_cluster`, peer ? 'Kubernetes' : unknown]] as const) : []),
  ];
}

/** Who reports an edge: an end of it, or a waypoint between them. */
export type Reporter = 'source' | 'destination' | 'waypoint';

/** Which part of its workload's traffic a pod has: no two have the same. */
export const shareOf = (index: number, pods: number): number => (2 * (index + 1)) / (pods * (pods + 1));

/** The labels of an edge as one of these reports it (istio/proxy, istio_stats.cc; modern.md 2c and 8.1 have whole ones). */
export function labelsOf(edge: Edge, reporter: Reporter, code: string, dialect: Dialect): Labels {
  const { from, to, service, protocol, mutual } = edge;
  const host = service.namespace === null ? service.name : `${service.name}.${service.namespace}.svc.cluster.local`;
  const ofRequests: Labels =
    protocol === 'tcp'
      ? []
      : [
          ['response_code', code],
          ['grpc_response_status', protocol === 'grpc' ? '0' : ''],
        ];
  return [
    ['reporter', reporter],
    ...endOf('source', from, mutual, dialect),
    ...endOf('destination', to, mutual, dialect),
    ['destination_service', host],
    ['destination_service_name', service.name],
    ['destination_service_namespace', service.namespace ?? 'unknown'],
    ['request_protocol', protocol],
    ...ofRequests,
    ['response_flags', code === '503' ? 'UF' : '-'],
    ['connection_security_policy', reporter === 'source' ? 'unknown' : mutual ? 'mutual_tls' : 'none'],
  ];
}
