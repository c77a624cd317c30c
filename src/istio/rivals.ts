import { routesFor } from './http-rules.ts';
import type { View } from './view.ts';
import type { MergedVirtualService } from './virtual-services.ts';

/**
 * Two rules for one host that one proxy gets: of their rules for HTTP those of the first alone count, for TCP and TLS those
 * of the first that takes everything (route.go, separateVSHostsAndServices; tcp.go, buildSidecarOutboundTCPFilterChainOpts).
 */
export interface Rivals {
  host: string;
  rules: readonly MergedVirtualService[];
}

/** The hosts of rules that are judged for which a caller gets two. */
export function rivalsIn(views: readonly View[], own: ReadonlySet<MergedVirtualService>): readonly Rivals[] {
  const found = new Map<string, Set<MergedVirtualService>>();
  for (const { rules, caller } of views) {
    const kinds = {
      http: rules.filter((rule) => routesFor(rule.http, caller, 'mesh', null).routes.length > 0),
      other: rules.filter(({ other }) => other.length > 0),
    };
    for (const ofKind of Object.values(kinds)) {
      const byHost = new Map<string, MergedVirtualService[]>();
      for (const rule of ofKind)
        for (const host of new Set(rule.hosts)) byHost.set(host, [...(byHost.get(host) ?? []), rule]);
      for (const [host, same] of byHost) {
        if (same.length < 2 || !same.some((rule) => own.has(rule))) continue;
        const known = found.get(host) ?? new Set();
        for (const rule of same) known.add(rule);
        found.set(host, known);
      }
    }
  }
  return [...found].map(([host, rules]) => ({ host, rules: [...rules] }));
}
