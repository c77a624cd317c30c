import { overlap } from './hosts.ts';

/** A listener of a Gateway of the Gateway API. */
export interface Listener {
  name: string;
  port: number;
  protocol: string;
  /** Null for every host. */
  hostname: string | null;
  /** Whether it passes TLS on. */
  passesOn: boolean;
  /** Whose routes it takes: `Same`, `All`, `Selector`. */
  from: string;
  /** The kinds of routes that it takes, of those of its protocol; empty for all of them. */
  kinds: readonly string[];
}

/** A route, and the part of a Gateway that it is for. */
export interface Attachment {
  kind: string;
  namespace: string;
  /** None for every host. */
  hostnames: readonly string[];
  section: string | null;
  port: number | null;
}

/** Why no listener of a Gateway takes a route: the reasons are those of its status. */
export interface Barrier {
  why: 'NotAllowedByListeners' | 'NoMatchingListenerHostname' | 'NoMatchingParent';
  words: string;
}

/** The kinds of routes that a protocol can have (pilot/pkg/config/kube/gatewaycommon, GenerateGatewaySupportedKinds). */
function kindsOf({ protocol, passesOn, kinds }: Listener): readonly string[] {
  const all =
    { HTTP: ['HTTPRoute', 'GRPCRoute'], HTTPS: ['HTTPRoute', 'GRPCRoute'], TCP: ['TCPRoute'] }[protocol] ??
    (protocol === 'TLS' ? ['TLSRoute', ...(passesOn ? [] : ['TCPRoute'])] : []);
  return kinds.length === 0 ? all : all.filter((kind) => kinds.includes(kind));
}

const SPACES: Readonly<Record<string, string>> = {
  Same: 'from its own namespace only',
  Selector: 'from namespaces with certain labels only',
};

function barrierAt<T extends Listener>(
  listener: T,
  route: Attachment,
  takesFrom: (listener: T) => boolean,
): Barrier | null {
  const { kind, namespace, hostnames, section, port } = route;
  if (port !== null && port !== listener.port)
    return { why: 'NoMatchingParent', words: `has no listener on port ${port}` };
  if (section !== null && section !== listener.name)
    return { why: 'NoMatchingParent', words: `has no listener ${section}` };
  const { hostname } = listener;
  const hosts = hostnames.length === 0 ? ['*'] : hostnames;
  if (hostname !== null && !hosts.some((host) => overlap(host, hostname)))
    return { why: 'NoMatchingListenerHostname', words: `has ${hostname} at listener ${listener.name}` };
  if (!takesFrom(listener)) {
    const spaces = SPACES[listener.from] ?? 'from elsewhere only';
    return {
      why: 'NotAllowedByListeners',
      words: `takes routes ${spaces} at listener ${listener.name}: the route is in ${namespace}`,
    };
  }
  const kinds = kindsOf(listener);
  if (kinds.includes(kind)) return null;
  const only = kinds.length > 0 ? `${kinds.join(' and ')} only` : 'no routes';
  return { why: 'NotAllowedByListeners', words: `takes ${only} at listener ${listener.name}` };
}

const RANK: readonly Barrier['why'][] = ['NotAllowedByListeners', 'NoMatchingListenerHostname', 'NoMatchingParent'];

/**
 * Why a Gateway does not take a route, or null where one of its listeners does: of several reasons the nearest to success
 * (pilot/pkg/config/kube/gateway/conversion.go, referenceAllowed and namespacesFromSelector; conditions.go, createRouteStatus).
 */
export function barrierOf<T extends Listener>(
  listeners: readonly T[],
  route: Attachment,
  takesFrom: (listener: T) => boolean,
): Barrier | null {
  const barriers = listeners.map((listener) => barrierAt(listener, route, takesFrom));
  if (barriers.includes(null)) return null;
  const [first] = barriers
    .filter((barrier) => barrier !== null)
    .sort((a, b) => RANK.indexOf(a.why) - RANK.indexOf(b.why));
  if (first?.why !== 'NoMatchingParent') return first ?? { why: 'NoMatchingParent', words: 'has no listeners' };
  const names = listeners.map(({ name, port }) => `${name} (${port})`).join(', ');
  return { ...first, words: `${first.words}; it has ${names}` };
}
