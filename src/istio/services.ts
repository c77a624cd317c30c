import { type Exported, isVisible } from './visibility.ts';

/** A Service of Kubernetes, or one host of a ServiceEntry: what Istio's registry holds. */
export interface RegistryService extends Exported {
  /** Its full name. */
  host: string;
  /** Its ports of TCP, by number. */
  ports: readonly number[];
  /** Of those the ones that rules for HTTP are about: that are HTTP, or may be. */
  http: readonly number[];
  kind: 'Service' | 'ServiceEntry';
  /** The labels of each endpoint where they are written down, to be found by DNS; null where they are found otherwise. */
  endpoints: readonly Readonly<Record<string, string>>[] | null;
}

/** Services by host: a ServiceEntry may name a host that others name too, in any namespace. */
export type Registry = ReadonlyMap<string, readonly RegistryService[]>;

export function registryOf(services: readonly RegistryService[]): Registry {
  const registry = new Map<string, RegistryService[]>();
  for (const service of services) {
    const same = registry.get(service.host);
    if (same) same.push(service);
    else registry.set(service.host, [service]);
  }
  return registry;
}

/** Whether a Service is visible in a namespace, by its own `exportTo` (push_context.go, IsServiceVisible). */
export const isServiceVisible = ({ exportTo, namespace }: RegistryService, to: string): boolean =>
  isVisible(exportTo, namespace, to);

/**
 * Which of several Services of one host a namespace gets where none was asked for by name: one of Kubernetes, else the
 * oldest (sidecar.go, pickBestVisibleNamespace).
 */
export function bestOf(services: readonly RegistryService[]): RegistryService | null {
  const sorted = [...services].sort(
    (a, b) => Number(a.kind === 'ServiceEntry') - Number(b.kind === 'ServiceEntry') || a.createdAt - b.createdAt,
  );
  return sorted[0] ?? null;
}
