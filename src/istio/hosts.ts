/** The domain that Services' full names are told in here; a cluster may have another. */
const DOMAIN = 'cluster.local';

/**
 * A host of a rule by its full name. One without a dot is short for a Service of the rule's own namespace; any other is
 * taken as it stands: `reviews.bookinfo` is nobody's (istio/istio pilot/pkg/model/config.go, ResolveShortnameToFQDN).
 * A Service's name in another domain than cluster.local is told in cluster.local: which one a cluster has is not known.
 */
export function fullHost(host: string, namespace: string): string {
  if (host === '*' || host.includes(':') || host === '') return host;
  if (!host.includes('.')) return hostOf({ name: host, namespace });
  const [, service] = /^((?:[^.]+\.){1,2}svc\.)(?!clusterset\.local$)[^.*]/.exec(host.toLowerCase()) ?? [];
  return service === undefined ? host.toLowerCase() : service + DOMAIN;
}

/** The full name of a Service. */
export const hostOf = ({ name, namespace }: { name: string; namespace: string }): string =>
  `${name}.${namespace}.svc.${DOMAIN}`;

export const isWildcard = (host: string): boolean => host.startsWith('*');

/** Whether all that `inner` names is named by `outer` too (pkg/config/host/name.go, SubsetOf). */
export function isSubsetOf(inner: string, outer: string): boolean {
  if (!isWildcard(outer)) return inner === outer;
  const suffix = outer.slice(1);
  const rest = isWildcard(inner) ? inner.slice(1) : inner;
  return rest.length >= suffix.length && rest.endsWith(suffix);
}

/** Whether two hosts have a name in common (pkg/config/host/name.go, Matches). */
export const overlap = (a: string, b: string): boolean => isSubsetOf(a, b) || isSubsetOf(b, a);

/**
 * What a host is taken for: its own entry, else that of the longest wildcard that takes it in
 * (pilot/pkg/model/config.go, MostSpecificHostMatch).
 */
export function mostSpecific<T>(
  host: string,
  specific: ReadonlyMap<string, T>,
  wildcards: ReadonlyMap<string, T>,
): T | null {
  const exact = (isWildcard(host) ? wildcards : specific).get(host);
  if (exact !== undefined) return exact;
  const inside = [...wildcards.keys()].filter((each) => isSubsetOf(host, each));
  const [best] = inside.sort((a, b) => b.length - a.length);
  return best === undefined ? null : (wildcards.get(best) ?? null);
}

/** Whether a rule's host, wildcards too, is a Service's. */
export const isHostOf = (host: string, namespace: string, service: { name: string; namespace: string }): boolean =>
  isSubsetOf(hostOf(service), fullHost(host, namespace));

/** Services by the hosts that name them: a mesh has thousands of both. */
export function servicesByHost<T extends { name: string; namespace: string }>(
  services: readonly T[],
): (host: string, namespace: string) => T | null {
  const byHost = new Map(services.map((service) => [hostOf(service), service]));
  return (host, namespace) => byHost.get(fullHost(host, namespace)) ?? null;
}
