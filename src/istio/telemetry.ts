import { isAttached, isNamespaceWide, type MeshProxy, type Policy, type Served } from './attachment.ts';
import { isAtLeast } from './release.ts';
import { type Aged, byAge } from './visibility.ts';

/** Which side of a call is meant: a sidecar's inbound side is the server, all else is the client. */
export type Mode = 'CLIENT' | 'SERVER';

/** What an override is for that names no mode. */
export const BOTH: readonly Mode[] = ['CLIENT', 'SERVER'];

/** What is done to a label of a metric. */
export interface TagChange {
  name: string;
  /** The expression that it is set to; null where the label is removed. */
  value: string | null;
}

/** One override of a Telemetry object. */
export interface MetricsOverride {
  /** Istio's word, `REQUEST_COUNT`, `ALL_METRICS`, or the name of a metric of one's own; null where it names none. */
  metric: string | null;
  modes: readonly Mode[];
  /** Null where it does not say. */
  disabled: boolean | null;
  tags: readonly TagChange[];
}

/** One element of `spec.metrics`. */
export interface MetricsRule {
  /** Empty for those that were named before. */
  providers: readonly string[];
  overrides: readonly MetricsOverride[];
}

/** A Telemetry object, as far as it is about metrics. */
export interface Telemetry extends Policy, Aged {
  labels: Readonly<Record<string, string>>;
  metrics: readonly MetricsRule[];
}

/** The Telemetry objects of each namespace, the oldest first. */
export type Telemetries = ReadonlyMap<string, readonly Telemetry[]>;

export function telemetriesOf(objects: readonly Telemetry[]): Telemetries {
  const found = new Map<string, Telemetry[]>();
  for (const each of [...objects].sort(byAge)) {
    const own = found.get(each.namespace);
    if (own) own.push(each);
    else found.set(each.namespace, [each]);
  }
  return found;
}

/** The same, with other objects in one namespace. */
export const withObjects = (all: Telemetries, namespace: string, objects: readonly Telemetry[]): Telemetries =>
  new Map(all).set(namespace, [...objects].sort(byAge));

/** The one object that is for a whole namespace: the oldest (pilot/pkg/model/telemetry.go, namespaceWideTelemetryConfig). */
const wholeOf = (all: Telemetries, namespace: string): Telemetry | undefined =>
  all.get(namespace)?.find(isNamespaceWide);

/** Those that are for a whole namespace and are never read, since an older one is. */
export const passedOver = (
  all: Telemetries,
  namespaces: Iterable<string> = all.keys(),
): readonly { ignored: Telemetry; by: Telemetry }[] =>
  [...namespaces].flatMap((namespace) => {
    const [by, ...rest] = (all.get(namespace) ?? []).filter(isNamespaceWide);
    return by ? rest.map((ignored) => ({ ignored, by })) : [];
  });

/** Whether an istiod looks into the namespace of a Service that a waypoint of another one serves: 1.30.3 and newer do. */
const looksElsewhere = (version: string): boolean =>
  isAtLeast(version, '1.31') || (isAtLeast(version, '1.30') && Number.parseInt(version.split('.')[2] ?? '0', 10) >= 3);

/**
 * The objects that are for a proxy, the last of which has the last word: the root namespace's, the proxy's own namespace's, that
 * of a Service which a waypoint serves in another one, and those that select it. The latter are looked for in one namespace only
 * (pilot/pkg/model/telemetry.go, applicableTelemetries). Before 1.24 whoever names targets alone is passed over.
 */
export function telemetriesFor(
  all: Telemetries,
  proxy: MeshProxy,
  root: string,
  served: Served | null = null,
  version: string | null = null,
): readonly Telemetry[] {
  const isElsewhere =
    proxy.kind === 'waypoint' &&
    served !== null &&
    served.namespace !== proxy.namespace &&
    (version === null || looksElsewhere(version));
  const takesTargets = version === null || isAtLeast(version, '1.24');
  const last = isElsewhere ? served.namespace : proxy.namespace;
  const namespaces = [
    root,
    ...(proxy.namespace === root ? [] : [proxy.namespace]),
    ...(isElsewhere ? [served.namespace] : []),
  ];
  return [
    ...namespaces.flatMap((namespace) => wholeOf(all, namespace) ?? []),
    ...(all.get(last) ?? []).filter(
      (each) =>
        !isNamespaceWide(each) && (takesTargets || each.targets.length === 0) && isAttached(each, proxy, root, served),
    ),
  ];
}
