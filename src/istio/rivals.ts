import { routesFor } from './http-rules.ts';
import type { View } from './view.ts';
import type { MergedVirtualService } from './virtual-services.ts';

/**
 * Two rules for one host that one proxy gets: of their rules for HTTP those of the first alone count, for TCP and TLS those
 * of the first that takes everything (route.go, separateVSHostsAndServices; tcp.go, buildSidecarOutboundTCPFilterChainOpts).
 */
export interface Rivals {
  host: string;
  /** The one that wins first. */
  rules: readonly MergedVirtualService[];
  /** Whether they have rules for HTTP: of others, what the first leaves over is the next one's. */
  http: boolean;
}

/** The hosts of rules that are judged for which a caller gets two, once for each order of them: callers may differ in who wins. */
export function rivalsIn(views: readonly View[], own: ReadonlySet<MergedVirtualService>): readonly Rivals[] {
  const found = new Map<string, Rivals>();
  for (const { rules, caller } of views) {
    const kinds = [
      { http: true, rules: rules.filter((rule) => routesFor(rule.http, caller, 'mesh', null).routes.length > 0) },
      { http: false, rules: rules.filter(({ other }) => other.length > 0) },
    ];
    for (const { http, rules } of kinds) {
      const byHost = new Map<string, MergedVirtualService[]>();
      for (const rule of rules)
        for (const host of new Set(rule.hosts)) byHost.set(host, [...(byHost.get(host) ?? []), rule]);
      for (const [host, same] of byHost) {
        if (same.length < 2 || !same.some((rule) => own.has(rule))) continue;
        const key = JSON.stringify([host, ...same.map(({ namespace, name }) => `${namespace}/${name}`)]);
        if (!found.has(key)) found.set(key, { host, rules: same, http });
      }
    }
  }
  return [...found.values()];
}
