import { isSubsetOf, isWildcard } from './hosts.ts';
import type { Destination } from './http-rules.ts';
import type { Protocol } from './protocol.ts';
import type { View } from './view.ts';
import { streamDestinations } from './virtual-services.ts';

/** A host that a caller's calls arrive at: a Service, or a subset of it, at one of its ports. */
export interface Called extends Destination {
  port: number;
}

/**
 * Where the calls of a proxy may arrive: at each port of the Services that it knows, or where a rule leads them instead.
 * A rule for HTTP leads all calls of a port that is HTTP, to that port where it names none; of the rules for TCP and TLS the
 * first for the host is taken to, and a Service's only port is meant (pilot/pkg/networking/core/route/route.go,
 * GetDestinationCluster). `httpOf` tells what a port is.
 */
export function calledBy(view: View, httpOf: (host: string, port: number) => Protocol['http']): readonly Called[] {
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
  const follow = (host: string, port: number, http: Protocol['http']): void => {
    const decided = http === 'no' ? null : view.ruleFor(host, port);
    const isFor = (each: string): boolean => isSubsetOf(host, each);
    const other =
      http === 'yes' ? undefined : view.rules.find((rule) => rule.other.length > 0 && rule.hosts.some(isFor));
    for (const { rule } of decided?.routes.routes ?? [])
      for (const each of rule.destinations) add(each, each.port ?? port);
    for (const each of other ? streamDestinations(other) : []) add(each, each.port ?? only(each.host) ?? port);
    if ((http !== 'no' && !decided) || (http !== 'yes' && !other)) add({ host, subset: null, port }, port);
  };
  for (const { host, ports } of view.services.values()) {
    const isRuled = named.has(host) || wildcards.some((each) => isSubsetOf(host, each));
    for (const port of ports) {
      if (isRuled) follow(host, port, httpOf(host, port));
      else found.push({ host, subset: null, port });
    }
  }
  for (const host of named) if (!isWildcard(host) && !view.services.has(host)) follow(host, 80, 'yes');
  return [...found, ...led.values()];
}
