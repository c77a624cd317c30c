import { overlap } from './hosts.ts';
import type { MergedVirtualService } from './virtual-services.ts';
import type { Exported } from './visibility.ts';

/** A port that a Gateway opens. */
export interface GatewayServer {
  port: number;
  name: string;
  /** `HTTP`, `HTTPS`, `TLS`, `TCP`, `GRPC`, `HTTP2`, `MONGO`. */
  protocol: string;
  /** `HOST` or `NAMESPACE/HOST`. */
  hosts: readonly string[];
  /** Its mode: `SIMPLE`, `PASSTHROUGH`…; null where nothing is said of TLS. */
  tls: string | null;
  /** Whether it sends every request to HTTPS. */
  redirects: boolean;
}

/** Istio's own Gateway. */
export interface Gateway extends Exported {
  /** The labels of the pods that it is for; empty for every gateway's. */
  selector: Readonly<Record<string, string>>;
  servers: readonly GatewayServer[];
}

/** What rules a server takes. */
export type RuleKind = 'http' | 'tls' | 'tcp';

/** A server that ends TLS for HTTPS, or speaks HTTP, takes rules for HTTP; one that passes TLS on rules for TLS; any other for TCP (pilot/pkg/model/gateway.go, IsTLSServer, IsHTTPSServerWithTLSTermination). */
export function kindOf({ protocol, tls }: GatewayServer): RuleKind {
  if (tls === 'PASSTHROUGH' || tls === 'AUTO_PASSTHROUGH') return 'tls';
  if (['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTPS'].includes(protocol)) return 'http';
  return 'tcp';
}

/** Whether a server serves a host of a rule: by the rule's namespace and the host (gateway.go, pickMatchingGatewayHosts). */
export function serves({ hosts }: GatewayServer, gateway: Gateway, rule: MergedVirtualService, host: string): boolean {
  return hosts.some((entry) => {
    const [place, name] = entry.includes('/') ? entry.split('/', 2) : ['*', entry];
    const isThere =
      place === '*' || place === rule.namespace || (place === '.' && rule.namespace === gateway.namespace);
    return isThere && overlap((name ?? '').toLowerCase(), host);
  });
}
