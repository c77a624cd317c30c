import { isSubsetOf, isWildcard } from './hosts.ts';
import type { Destination } from './http-rules.ts';
import type { Protocol } from './protocol.ts';
import { type StreamRule, streamsFor } from './streams.ts';
import type { View } from './view.ts';

/** A host that a caller's calls arrive at: a Service, or a subset of it, at one of its ports. */
export interface Called extends Destination {
  port: number;
}

/** Every rule for TCP and TLS of a host, in order. */
const streamsOf = ({ rules }: View, host: string): readonly StreamRule[] =>
  rules
    .filter(({ other, hosts }) => other.length > 0 && hosts.some((each) => isSubsetOf(host, each)))
    .flatMap(({ other }) => other);

/**
 * Where the calls of a proxy may arrive: at each port of the Services that it knows, or where a rule leads them instead.
 * A rule for HTTP leads all calls of a port that is HTTP, to that port where it names none; the rules for TCP and TLS lead
 * those that they match, and a Service's only port is meant (pilot/pkg/networking/core/route/route.go,
 * GetDestinationCluster). `protocolAt` tells what a port is; null where that is not known.
 */
export function calledBy(view: View, protocolAt: (host: string, port: number) => Protocol | null): readonly Called[] {
  const named = new Set(view.rules.flatMap(({ hosts }) => hosts));
  const wildcards = [...named].filter(isWildcard);
  const found: Called[] = [];
  const led = new Map<string, Called>();
  const add = ({ host, subset }: Destination, port: number): void => {
    led.set(`${host} ${subset ?? ''} ${port}`, { host, subset, port });
  };
  const only = (host: string): number | undefined => {
    const [first, ...others] = view.services.get(host)?.ports ?? [];
    return others.length === 0 ? first : undefined;
  };
  const followHttp = (host: string, port: number): boolean => {
    const decided = view.ruleFor(host, port);
    for (const { rule } of decided?.routes.routes ?? [])
      for (const each of rule.destinations) add(each, each.port ?? port);
    return decided !== null;
  };
  const followStreams = (host: string, port: number, kind: StreamRule['kind']): boolean => {
    const { rules, every } = streamsFor(streamsOf(view, host), kind, view.caller, port);
    for (const each of rules.flatMap(({ destinations }) => destinations))
      add(each, each.port ?? only(each.host) ?? port);
    return every;
  };
  const follow = (host: string, port: number, protocol: Protocol | null): void => {
    const { http, name } = protocol ?? { http: 'maybe', name: null };
    const kinds: StreamRule['kind'][] =
      name === null ? ['tcp', 'tls'] : http === 'yes' ? [] : name === 'HTTPS' || name === 'TLS' ? ['tls'] : ['tcp'];
    const isTaken = [
      ...(http === 'no' ? [] : [followHttp(host, port)]),
      ...kinds.map((kind) => followStreams(host, port, kind)),
    ];
    if (isTaken.includes(false)) add({ host, subset: null, port }, port);
  };
  for (const { host, ports } of view.services.values()) {
    const isRuled = named.has(host) || wildcards.some((each) => isSubsetOf(host, each));
    for (const port of ports) {
      if (isRuled) follow(host, port, protocolAt(host, port));
      else found.push({ host, subset: null, port });
    }
  }
  for (const host of named) if (!isWildcard(host) && !view.services.has(host)) followHttp(host, 80);
  return [...found, ...led.values()];
}
