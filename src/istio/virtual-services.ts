import { fullHost } from './hosts.ts';
import { type Destination, type HttpRule, mergedMatches } from './http-rules.ts';
import type { StreamRule } from './streams.ts';
import { byAge, type Exported, isVisible } from './visibility.ts';

/** What of a VirtualService decides where a call goes. */
export interface VirtualService extends Exported {
  /** None: its rules are parts of others'. */
  hosts: readonly string[];
  /** Empty means `mesh`: the sidecars. */
  gateways: readonly string[];
  http: readonly HttpRule[];
  /** Its rules for TCP and TLS. */
  other: readonly StreamRule[];
}

/** Why a delegate's rules are not in force. */
export interface DelegateFault {
  root: VirtualService;
  /** `NAMESPACE/NAME`. */
  delegate: string;
  why: 'missing' | 'has hosts' | 'not exported' | 'match' | 'delegates';
}

/** A VirtualService as proxies get it: its delegates' rules in their places, full names, its gateways by `NAMESPACE/NAME`. */
export interface MergedVirtualService extends VirtualService {
  faults: readonly DelegateFault[];
  /** The delegates whose rules it has, by `NAMESPACE/NAME`. */
  delegates: readonly string[];
}

/** A gateway by `NAMESPACE/NAME`: a short name is the rule's own namespace's (config.go, resolveGatewayName). */
function fullGateway(gateway: string, namespace: string): string {
  if (gateway === 'mesh') return gateway;
  if (gateway.includes('/')) return gateway.replace(/^\.\//, `${namespace}/`);
  const [name = '', of = namespace] = gateway.split('.', 2);
  return `${of}/${name}`;
}

/** Whether a rule is for the sidecars: `mesh`, which is also meant when nothing is named. */
export const isForMesh = ({ gateways }: Pick<VirtualService, 'gateways'>): boolean =>
  gateways.length === 0 || gateways.includes('mesh');

/** The Gateways that a rule is for, by `NAMESPACE/NAME`. */
export const gatewaysOf = ({ gateways }: Pick<VirtualService, 'gateways'>): readonly string[] =>
  gateways.filter((each) => each !== 'mesh');

/** Where its rules for TCP and TLS lead. */
export const streamDestinations = ({ other }: VirtualService): readonly Destination[] =>
  other.flatMap(({ destinations }) => destinations);

function resolved(rule: VirtualService): VirtualService {
  const { namespace } = rule;
  const destination = (each: Destination): Destination => ({ ...each, host: fullHost(each.host, namespace) });
  return {
    ...rule,
    hosts: rule.hosts.map((host) => fullHost(host, namespace)),
    gateways: rule.gateways.map((gateway) => fullGateway(gateway, namespace)),
    http: rule.http.map((each) => ({
      ...each,
      destinations: each.destinations.map(destination),
      matches: each.matches.map((match) =>
        match.gateways
          ? { ...match, gateways: match.gateways.map((gateway) => fullGateway(gateway, namespace)) }
          : match,
      ),
    })),
    other: rule.other.map((each) => ({
      ...each,
      destinations: each.destinations.map(destination),
      matches: each.matches.map((match) => ({
        ...match,
        gateways: match.gateways.map((gateway) => fullGateway(gateway, namespace)),
      })),
    })),
  };
}

/**
 * All VirtualServices as proxies get them, the oldest first. A delegate is a VirtualService without hosts that is exported
 * to its root's namespace; it may not delegate in turn; where its matches are none of the root's, its rule is left out
 * (pilot/pkg/model/virtualservice_controller.go, mergeVirtualServices).
 */
export function mergeVirtualServices(rules: readonly VirtualService[]): readonly MergedVirtualService[] {
  const byName = new Map(rules.map((rule) => [`${rule.namespace}/${rule.name}`, rule]));
  const merge = (root: VirtualService): MergedVirtualService => {
    const faults: DelegateFault[] = [];
    const delegates: string[] = [];
    const http = resolved(root).http.flatMap((own): readonly HttpRule[] => {
      if (own.delegate === null) return [own];
      const delegate = `${own.delegate.namespace || root.namespace}/${own.delegate.name}`;
      const found = byName.get(delegate);
      const fault = (why: DelegateFault['why']): readonly HttpRule[] => {
        faults.push({ root, delegate, why });
        return [];
      };
      if (!found) return fault('missing');
      if (found.hosts.length > 0) return fault('has hosts');
      if (!isVisible(found.exportTo, found.namespace, root.namespace)) return fault('not exported');
      delegates.push(delegate);
      return resolved(found).http.flatMap((leaf) => {
        if (leaf.delegate !== null) return fault('delegates');
        const matches = mergedMatches(own.matches, leaf.matches);
        return matches === null ? fault('match') : [{ ...leaf, matches }];
      });
    });
    return { ...resolved(root), http, faults, delegates };
  };
  return rules
    .filter(({ hosts }) => hosts.length > 0)
    .sort(byAge)
    .map(merge);
}
