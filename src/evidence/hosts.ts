import { type Named, titleOf } from './named.ts';

/**
 * A host of a rule by its full name. One without a dot is short for a Service of the rule's own namespace; any other is
 * taken as it stands: `reviews.bookinfo` is nobody's, as a real istiod and `istioctl analyze` (IST0101) have it.
 */
export const fullHost = (host: string, namespace: string): string =>
  host.includes('.') || host === '*' ? host : `${host}.${namespace}.svc.cluster.local`;

/** Whether two full names are of the same: a Service has one in whatever domain the cluster has. */
export const isSameHost = (a: string, b: string): boolean =>
  a === b || (serviceIn(a) !== null && serviceIn(a) === serviceIn(b));

/** `NAMESPACE/NAME` of the Service that a full name is of, in any cluster's domain; null of every other host. */
function serviceIn(full: string): string | null {
  const [, name, namespace] = /^([^.*]+)\.([^.]+)\.svc\.[^.]/.exec(full) ?? [];
  return name === undefined || namespace === undefined ? null : `${namespace}/${name}`;
}

/** Whether a host with a wildcard takes in a Service's. */
const takesIn = (wildcard: string, { name, namespace }: Named): boolean =>
  wildcard === '*' ||
  (wildcard.startsWith('*.') && `${name}.${namespace}.svc.cluster.local`.endsWith(wildcard.slice(1)));

/** Whether a rule's host, wildcards too, is a Service's. */
export function isHostOf(host: string, namespace: string, service: Named): boolean {
  const full = fullHost(host, namespace);
  return full.startsWith('*') ? takesIn(full, service) : serviceIn(full) === titleOf(service);
}

/** Services by the hosts that name them: a mesh has thousands of both. */
export function servicesByHost<T extends Named>(services: readonly T[]): (host: string, namespace: string) => T | null {
  const byName = new Map(services.map((service) => [titleOf(service), service]));
  return (host, namespace) => byName.get(serviceIn(fullHost(host, namespace)) ?? '') ?? null;
}

/** Rules by the Services that their hosts are of. */
export function rulesByService<T extends Named & { host: string }>(
  rules: readonly T[],
): (service: Named) => readonly T[] {
  const exact = new Map<string, T[]>();
  const wildcards: T[] = [];
  for (const rule of rules) {
    const full = fullHost(rule.host, rule.namespace);
    const key = serviceIn(full);
    if (full.startsWith('*')) wildcards.push(rule);
    else if (key !== null) exact.set(key, [...(exact.get(key) ?? []), rule]);
  }
  return (service) => {
    const general = wildcards.filter((rule) => takesIn(rule.host, service));
    return [...(exact.get(titleOf(service)) ?? []), ...general];
  };
}
