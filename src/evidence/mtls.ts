import type { KubernetesObject } from '../cluster/cluster.ts';
import { peerAuthentications as kind, typedName } from '../cluster/resources.ts';
import { clusterSource, planeSource } from '../diagnosis/source.ts';
import { calledBy } from '../istio/called.ts';
import type { Subset } from '../istio/destination-rules.ts';
import { hostOf } from '../istio/hosts.ts';
import { clientModeOf, type MtlsMode, type PeerAuthentication } from '../istio/mtls.ts';
import { type Protocol, protocolOf } from '../istio/protocol.ts';
import { callers, calls } from './calls.ts';
import { object } from './json.ts';
import { allServices, listAll } from './kubernetes.ts';
import { titleOf } from './named.ts';
import type { DestinationRule } from './routing.ts';
import type { Service, ServicePort } from './service.ts';

const modeIn = (value: unknown): MtlsMode | null => {
  const { mode } = object(value);
  return mode === 'STRICT' || mode === 'PERMISSIVE' || mode === 'DISABLE' ? mode : null;
};

export const peerAuthentications = clusterSource([{ verb: 'list', resource: typedName(kind) }], (ask) =>
  listAll(ask, kind, ({ metadata, spec }: KubernetesObject): PeerAuthentication => {
    const { selector, mtls, portLevelMtls } = object(spec);
    const labels = object(object(selector).matchLabels) as Record<string, string>;
    return {
      name: metadata.name,
      namespace: metadata.namespace ?? '',
      exportTo: [],
      createdAt: Date.parse(metadata.creationTimestamp ?? '') || 0,
      selector: Object.keys(labels).length > 0 ? labels : null,
      mode: modeIn(mtls),
      ports: new Map(Object.entries(object(portLevelMtls)).map(([port, each]) => [Number(port), modeIn(each)])),
    };
  }),
);

/** What callers’ rules say of TLS to a port of a Service, or of a subset of it. */
export interface ClientTls {
  service: Service;
  port: ServicePort;
  /** Null for the Service as a whole. */
  subset: Subset | null;
  /** The rule that says so. */
  rule: DestinationRule;
  /** `DISABLE`, `SIMPLE`, `MUTUAL`, `ISTIO_MUTUAL`. */
  mode: string;
  /** The namespaces of the callers that apply it. */
  callers: readonly string[];
}

/** What is said of one port, and by which of the rules that are taken together. */
function saidOf(
  rules: readonly DestinationRule[],
  { port, subset, headless }: { port: number; subset: string | null; headless: boolean },
): { rule: DestinationRule; mode: string } | null {
  // The first rule with a policy counts, and the first that has the subset.
  const main = rules.find(({ hasPolicy }) => hasPolicy);
  const own = rules.find(({ subsets }) => subsets.some(({ name }) => name === subset));
  const all = main?.tls?.all ?? null;
  const part = (subset === null ? undefined : own?.tls?.subsets.get(subset)) ?? null;
  const mode = clientModeOf(all, part, { port, headless });
  const rule = main && mode === clientModeOf(all, null, { port, headless }) ? main : own;
  return mode === null || !rule ? null : { rule, mode };
}

/** Every port of a Service, or of a subset, to which calls may go and for which a DestinationRule names a mode of TLS. */
export const clientTls = planeSource([], async ({ from, plane }): Promise<readonly ClientTls[]> => {
  const [{ destinationRules }, told, services] = await Promise.all([from(calls), from(callers), from(allServices)]);
  if (!destinationRules.some(({ tls }) => tls)) return [];
  const byName = new Map(destinationRules.map((rule) => [titleOf(rule), rule]));
  const byHost = new Map(services.items.map((service) => [hostOf(service), service]));
  const portOf = (host: string, number: number): ServicePort | undefined =>
    byHost.get(host)?.ports.find(({ port, protocol }) => port === number && protocol === 'TCP');
  const httpOf = (host: string, number: number): Protocol['http'] => {
    const port = portOf(host, number);
    return port ? protocolOf(port, plane.version).http : 'maybe';
  };
  const found = new Map<string, Omit<ClientTls, 'callers'> & { callers: Set<string> }>();
  for (const view of told) {
    for (const called of calledBy(view, httpOf)) {
      const service = byHost.get(called.host);
      const port = portOf(called.host, called.port);
      const merged = view.destinationRuleFor(called.host);
      if (!service || !port || !merged) continue;
      const subset = merged.subsets.find(({ name }) => name === called.subset) ?? null;
      const rules = merged.from.flatMap((each) => byName.get(titleOf(each)) ?? []);
      if ((called.subset !== null && !subset) || !rules.some(({ tls }) => tls)) continue;
      const said = saidOf(rules, { port: port.port, subset: called.subset, headless: service.headless });
      if (!said) continue;
      const key = JSON.stringify([called, titleOf(said.rule), said.mode]);
      const same = found.get(key) ?? { service, port, subset, ...said, callers: new Set() };
      found.set(key, { ...same, callers: same.callers.add(view.caller.namespace) });
    }
  }
  return [...found.values()].map((each) => ({ ...each, callers: [...each.callers] }));
});
