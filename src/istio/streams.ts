import { hasLabels } from './destination-rules.ts';
import type { Caller, Destination, Shares } from './http-rules.ts';

/** A rule for TCP, or for TLS that nobody ends. */
export interface StreamRule {
  kind: 'tcp' | 'tls';
  /** Empty: for all connections. */
  matches: readonly StreamMatch[];
  destinations: readonly Destination[];
  shares: Shares;
}

/** What such a rule looks at. At the last three no gateway looks. */
export interface StreamMatch {
  port: number | null;
  gateways: readonly string[];
  /** The names that clients ask for; none for TCP. */
  sniHosts: readonly string[];
  /** The addresses that are called, where not all of the host's are meant. */
  destinationSubnets: readonly string[];
  sourceLabels: Readonly<Record<string, string>>;
  sourceNamespace: string;
}

/**
 * Whether a match is for a Gateway, or `mesh` for a sidecar, at a port; null for any. At a gateway no more of it is looked at
 * (pilot/pkg/networking/core/gateway.go, l4SingleMatch).
 */
export const isAt = (match: StreamMatch, gateway: string, port: number | null): boolean =>
  (match.port === null || port === null || match.port === port) &&
  (match.gateways.length === 0 || match.gateways.includes(gateway));

/** Whether a match is for a caller's sidecar at a port (pilot/pkg/networking/core/tls.go, matchTCP and matchTLS). */
const isForCaller = (match: StreamMatch, caller: Caller, port: number | null): boolean =>
  isAt(match, 'mesh', port) &&
  hasLabels(match.sourceLabels, caller.labels) &&
  (match.sourceNamespace === '' || match.sourceNamespace === caller.namespace);

/** The rules for TCP, or for TLS, that are for the calls of a port; `every` where nothing is left for the port itself. */
export interface Streams {
  rules: readonly StreamRule[];
  every: boolean;
}

/**
 * Of rules for one host those that a sidecar has for a port: up to the first for TCP that looks at no address; of those for
 * TLS each that asks for other names or addresses than those before, and any takes the port whole (tls.go,
 * buildSidecarOutboundTCPFilterChainOpts and buildSidecarOutboundTLSFilterChainOpts).
 */
export function streamsFor(
  all: readonly StreamRule[],
  kind: StreamRule['kind'],
  caller: Caller,
  port: number | null,
): Streams {
  const found: StreamRule[] = [];
  const asked = new Set<string>();
  for (const rule of all.filter((each) => each.kind === kind && each.shares.length > 0)) {
    const matches = rule.matches.filter((match) => isForCaller(match, caller, port));
    if (kind === 'tls') {
      const wanted = matches.map(({ sniHosts, destinationSubnets }) => JSON.stringify([sniHosts, destinationSubnets]));
      if (wanted.some((each) => !asked.has(each))) found.push(rule);
      for (const each of wanted) asked.add(each);
    } else if (rule.matches.length === 0 || matches.some(({ destinationSubnets }) => destinationSubnets.length === 0))
      return { rules: [...found, rule], every: true };
    else if (matches.length > 0) found.push(rule);
  }
  return { rules: found, every: kind === 'tls' && found.length > 0 };
}
