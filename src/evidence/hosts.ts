interface Named {
  name: string;
  namespace: string;
}

/** A host of a rule by its full name: a short one is meant in the rule's own namespace. */
export function fullHost(host: string, namespace: string): string {
  const parts = host.split('.');
  if (host.startsWith('*') || parts.length > 2) return host;
  // `reviews.bookinfo` is no short name: Istio takes it as it stands, and serves it under the full one too.
  return parts.length === 1 ? `${host}.${namespace}.svc.cluster.local` : host;
}

/** Whether a rule's host, wildcards too, is a Service's. */
export function isHostOf(host: string, namespace: string, service: Named): boolean {
  const full = fullHost(host, namespace);
  const own = `${service.name}.${service.namespace}.svc`;
  if (full === '*') return true;
  if (full.startsWith('*.')) return `${own}.cluster.local`.endsWith(full.slice(1));
  return full === `${service.name}.${service.namespace}` || full === own || full.startsWith(`${own}.`);
}
