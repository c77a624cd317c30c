import type { KubernetesObject, ManagedFields } from '../../cluster/question/cluster.ts';
import {
  attributeManifests,
  configMaps,
  deployments,
  envoyFilters,
  gateways,
  handlers,
  instances,
  metrics,
  mutatingWebhooks,
  namespaces,
  networkPolicies,
  operatedPrometheuses,
  podMonitors,
  prometheuses,
  type Resource,
  rules,
  serviceEntries,
  serviceMonitors,
  services,
  sidecars,
  telemetries,
  typedName,
} from '../../cluster/question/resources.ts';
import { askJson } from '../../cluster/question/text.ts';
import type { Ask, Attempt, Source } from '../../diagnosis/check.ts';
import { clusterSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';

/** Who has changed an object, and when. */
export interface Managed {
  kind: string;
  namespace: string | null;
  name: string;
  /** RFC 3339. */
  createdAt: string | null;
  fields: readonly ManagedFields[];
}

/** Kinds that decide about metrics, in one version of each: who has changed an object is the same in all. */
const RESOURCES = {
  Namespace: namespaces,
  MutatingWebhookConfiguration: mutatingWebhooks('v1'),
  Deployment: deployments,
  Service: services,
  Telemetry: telemetries('v1alpha1'),
  EnvoyFilter: envoyFilters,
  Sidecar: sidecars,
  ServiceEntry: serviceEntries,
  Gateway: gateways('v1'),
  PodMonitor: podMonitors,
  ServiceMonitor: serviceMonitors,
  Prometheus: operatedPrometheuses,
  NetworkPolicy: networkPolicies,
  // Mixer's: which of them are served differs by release.
  rule: rules,
  handler: handlers,
  prometheus: prometheuses,
  instance: instances,
  metric: metrics,
  attributemanifest: attributeManifests,
} satisfies Readonly<Record<string, Resource>>;

export type ManagedKind = keyof typeof RESOURCES;

const sources = new Map<ManagedKind, Source<Attempt<readonly Managed[]>>>();

/** Who has changed the objects of a kind. A kind that is not served has none. */
export function managedOfKind(kind: ManagedKind): Source<Attempt<readonly Managed[]>> {
  const resource: Resource = RESOURCES[kind];
  const source =
    sources.get(kind) ??
    clusterSource([{ verb: 'list', resource: typedName(resource) }], async ({ cluster }) => {
      const listed = await settle(cluster.list({ ask: 'list', resource, namespace: null, managed: true }));
      return 'got' in listed ? { got: listed.got.map((each) => managedIn(kind, each)) } : unlessAbsent(listed.missing);
    });
  sources.set(kind, source);
  return source;
}

/** Who has changed a ConfigMap: one, or none where it is not there. */
export async function managedConfigMap(
  { cluster }: Ask,
  namespace: string,
  name: string,
): Promise<Attempt<readonly Managed[]>> {
  const question = { ask: 'object', resource: configMaps, namespace, name, managed: true } as const;
  const found = await settle(askJson(cluster, question));
  return 'got' in found
    ? { got: [managedIn('ConfigMap', found.got as KubernetesObject)] }
    : unlessAbsent(found.missing);
}

const unlessAbsent = (missing: Unanswered): Attempt<readonly Managed[]> =>
  missing.hindrance === 'NotFound' ? { got: [] } : { missing };

const managedIn = (kind: string, { metadata }: KubernetesObject): Managed => ({
  kind,
  namespace: metadata.namespace ?? null,
  name: metadata.name,
  createdAt: metadata.creationTimestamp ?? null,
  fields: metadata.managedFields ?? [],
});
