type Labels = Readonly<Record<string, string>>;

const USE = 'istio.io/use-waypoint';
const USE_NAMESPACE = 'istio.io/use-waypoint-namespace';

/**
 * The waypoint that a Service asks for, by its own label, else by its namespace's; null where it asks for none
 * (pilot/pkg/serviceregistry/ambient/waypoints.go, getUseWaypoint).
 */
export function waypointFor(
  service: { namespace: string; labels: Labels },
  namespace: Labels | undefined,
): { namespace: string; name: string } | null {
  const labels = service.labels[USE] === undefined ? namespace : service.labels;
  const name = labels?.[USE];
  if (name === undefined || name === 'none') return null;
  return { namespace: labels?.[USE_NAMESPACE] ?? service.namespace, name };
}
