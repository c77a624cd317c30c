import { fullHost, isSubsetOf } from '../../istio/hosts.ts';
import type { Destination } from '../../istio/http-rules.ts';
import { type Lacking, lackingOf, type Part } from '../../istio/parts.ts';
import type { Lack } from '../../istio/view.ts';
import type { MergedVirtualService } from '../../istio/virtual-services.ts';
import type { Service } from '../kubernetes/service.ts';
import type { Calls } from './calls.ts';
import type { DestinationRule } from './routing.ts';

/** Where a rule leads those who call through it, and what is there. */
export interface Target extends Destination {
  rule: MergedVirtualService;
  /** Whether this comes from a rule for HTTP. */
  http: boolean;
  service: Service | null;
  /** A ServiceEntry has this host, whoever sees it. */
  entered: boolean;
  /** The namespaces whose callers it is for. */
  callers: readonly string[];
  /** Of those, whose callers have nowhere to send requests to, by what they do not know. */
  lacking: Readonly<Record<Lack, readonly string[]>>;
  /** Ports that are called where the destination names none, and that it does not have. */
  astray: readonly number[];
  /** The labels of the subset, by the rules that callers apply. */
  labels: readonly Readonly<Record<string, string>>[];
  /** DestinationRules that define the subset, and that those callers do not apply. */
  elsewhere: readonly DestinationRule[];
}

const key = ({ host, subset, port }: Destination, http: boolean): string => JSON.stringify([host, subset, port, http]);

interface Met {
  part: Part;
  lacking: Lacking;
}

const spaces = (met: readonly Met[]): readonly string[] => [
  ...new Set(met.map(({ part }) => part.view.caller.namespace)),
];

/** Where a rule leads, of all its parts taken together. */
export function targetsOf(
  rule: MergedVirtualService,
  parts: readonly Part[],
  { routing, destinationRules }: Calls,
  find: (host: string, namespace: string) => Service | null,
): readonly Target[] {
  const found = new Map<string, { destination: Destination; http: boolean; met: Met[] }>();
  const add = (destination: Destination, http: boolean, part: Part, called: readonly number[]): void => {
    const at = key(destination, http);
    const known = found.get(at) ?? { destination, http, met: [] };
    known.met.push({ part, lacking: lackingOf(part, destination, called, http) });
    found.set(at, known);
  };
  for (const part of parts) {
    for (const [each, called] of part.http)
      for (const destination of each.destinations) add(destination, true, part, called);
    for (const [each, called] of part.streams)
      for (const destination of each.destinations) add(destination, false, part, called);
  }
  return [...found.values()].map(({ destination, http, met: all }): Target => {
    // Who calls a host that is nobody's is not known: its port 80 counts where nobody else finds the destination.
    const isFound = all.some(({ part, lacking }) => lacking.lack === null && !part.isNobodys);
    const met = isFound ? all.filter(({ part, lacking }) => !part.isNobodys || lacking.lack !== 'port') : all;
    const { host, subset } = destination;
    const without = (lack: Lack): readonly Met[] => met.filter(({ lacking }) => lacking.lack === lack);
    const appliedBy = ({ part }: Met) => part.view.destinationRuleFor(host);
    const applied = new Set(without('subset').flatMap((each) => appliedBy(each)?.from ?? []));
    return {
      ...destination,
      rule,
      http,
      service: find(host, rule.namespace),
      entered: (routing.registry.get(host) ?? []).some(({ kind }) => kind === 'ServiceEntry'),
      callers: spaces(met),
      lacking: {
        host: spaces(without('host')),
        port: spaces(without('port')),
        subset: spaces(without('subset')),
        endpoint: spaces(without('endpoint')),
      },
      astray: [...new Set(met.flatMap(({ lacking }) => lacking.astray))],
      labels: met.flatMap((each) => {
        const defined = appliedBy(each)?.subsets.find(({ name }) => name === subset);
        return defined ? [defined.labels] : [];
      }),
      elsewhere:
        without('subset').length === 0
          ? []
          : destinationRules.filter(
              (each) =>
                !applied.has(each) &&
                each.subsets.some(({ name }) => name === subset) &&
                isSubsetOf(host, fullHost(each.host, each.namespace)),
            ),
    };
  });
}
