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

/** What such a rule looks at. */
export interface StreamMatch {
  port: number | null;
  gateways: readonly string[];
  sourceLabels: Readonly<Record<string, string>>;
  sourceNamespace: string;
  /** The names that clients ask for; none for TCP. */
  sniHosts: readonly string[];
  /** Whether it is for some addresses only. */
  isNarrow: boolean;
}

/** Whether a match is for a sidecar's calls of a port, whatever else it looks at; null for any port (pilot/pkg/networking/core/tls.go, matchTCP and matchTLS). */
const isForSidecar = (match: StreamMatch, caller: Caller, port: number | null): boolean =>
  (match.port === null || port === null || match.port === port) &&
  (match.gateways.length === 0 || match.gateways.includes('mesh')) &&
  hasLabels(match.sourceLabels, caller.labels) &&
  (match.sourceNamespace === '' || match.sourceNamespace === caller.namespace);

/** What a sidecar has of rules for TCP and TLS, in order. */
export interface Streams {
  rules: readonly StreamRule[];
  /** Whether none of the port's connections is left to the Service itself. */
  takesAll: boolean;
}

/**
 * What a sidecar has of rules for TCP and TLS for a port. Of those for TCP none stands behind one that takes every
 * connection; once one for TLS is there, only the names that are asked for lead anywhere (core/tls.go,
 * buildSidecarOutboundTCPFilterChainOpts, buildSidecarOutboundTLSFilterChainOpts).
 */
export function streamsFor(all: readonly StreamRule[], caller: Caller, port: number | null): Streams {
  const rules: StreamRule[] = [];
  let isOver = false;
  let hasNames = false;
  for (const rule of all) {
    const own = rule.matches.filter((match) => isForSidecar(match, caller, port));
    if (rule.destinations.length === 0 || (own.length === 0 && (rule.matches.length > 0 || rule.kind === 'tls')))
      continue;
    if (rule.kind === 'tls') hasNames = true;
    else if (isOver) continue;
    else isOver = rule.matches.length === 0 || own.some(({ isNarrow }) => !isNarrow);
    rules.push(rule);
  }
  return { rules, takesAll: isOver || hasNames };
}
