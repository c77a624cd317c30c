import type { KubernetesObject } from '../cluster/cluster.ts';
import { peerAuthentications as kind, typedName } from '../cluster/resources.ts';
import { clusterSource, planeSource } from '../diagnosis/source.ts';
import { hostOf } from '../istio/hosts.ts';
import type { MtlsMode, PeerAuthentication } from '../istio/mtls.ts';
import { callers, calls } from './calls.ts';
import { object } from './json.ts';
import { allServices, listAll } from './kubernetes.ts';
import { titleOf } from './named.ts';
import type { DestinationRule } from './routing.ts';
import type { Service } from './service.ts';

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

/** What callers’ rules say of TLS to a Service. */
export interface ClientTls {
  service: Service;
  rule: DestinationRule;
  /** `DISABLE`, `SIMPLE`, `MUTUAL`, `ISTIO_MUTUAL`. */
  mode: string;
  /** The namespaces of the callers that apply it. */
  callers: readonly string[];
}

/** Every Service to which a DestinationRule that callers apply names a mode of TLS: for all its ports and subsets. */
export const clientTls = planeSource([], async ({ from }): Promise<readonly ClientTls[]> => {
  const [{ destinationRules }, told, services] = await Promise.all([from(calls), from(callers), from(allServices)]);
  const byName = new Map(destinationRules.map((rule) => [titleOf(rule), rule]));
  return services.items.flatMap((service) => {
    const applied = new Map<DestinationRule, Set<string>>();
    for (const view of told) {
      const merged = view.destinationRuleFor(hostOf(service));
      const rule = merged?.from.map((each) => byName.get(titleOf(each))).find((each) => each?.hasPolicy);
      if (rule?.tls) applied.set(rule, (applied.get(rule) ?? new Set()).add(view.caller.namespace));
    }
    return [...applied].map(([rule, spaces]) => ({ service, rule, mode: rule.tls ?? '', callers: [...spaces] }));
  });
});
