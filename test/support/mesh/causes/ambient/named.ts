import { type Cause, healthy, lost } from '../cause.ts';
import { changedAmbient, changedWaypoint, labelled } from './waypoints.ts';

/** One workload of ambient that is asked about: its connections and its requests. */
export const namedCauses: readonly Cause[] = [
  {
    name: 'a workload with a waypoint is asked about',
    facts: 'one workload',
    spec: changedAmbient(() => undefined),
    command: 'missing-metrics deployment/cart-v1 -n shop',
    expect: healthy({ status: { waypoint: 'pass' } }),
  },
  {
    name: 'a Service with a waypoint is asked about',
    facts: 'one workload',
    spec: changedAmbient(() => undefined),
    command: 'missing-metrics service/cart -n shop',
    expect: healthy({ status: { waypoint: 'pass' } }),
  },
  {
    name: 'a workload without a waypoint is asked about',
    facts: 'one workload',
    spec: changedAmbient(() => undefined),
    command: 'missing-metrics deployment/prices-v1 -n shop',
    expect: lost('waypoint', ['NoWaypoint']),
  },
  {
    name: 'a Service that wants no waypoint is asked about',
    facts: 'one workload',
    spec: changedAmbient((spec) => {
      spec.namespaces.shop = { ...spec.namespaces.shop, 'istio.io/use-waypoint': 'waypoint' };
      labelled(spec, 'prices', { 'istio.io/use-waypoint': 'none' });
    }),
    command: 'missing-metrics service/prices -n shop',
    expect: lost('waypoint', ['NoWaypoint']),
  },
  {
    name: 'a workload that speaks TCP is asked about',
    facts: 'one workload',
    spec: changedAmbient(() => undefined),
    command: 'missing-metrics deployment/db-v1 -n shop',
    expect: healthy(),
  },
  {
    name: 'a workload whose waypoint is not there is asked about',
    facts: 'one workload',
    spec: changedAmbient((spec) => {
      if (spec.ambient) spec.ambient.waypoints = [];
    }),
    command: 'missing-metrics deployment/cart-v1 -n shop',
    expect: lost('waypoint', ['WaypointMissing']),
  },
  {
    name: 'a waypoint is asked about',
    facts: 'one workload',
    spec: changedAmbient(() => undefined),
    command: 'missing-metrics deployment/waypoint -n shop',
    expect: healthy({ status: { waypoint: 'pass' } }),
  },
  {
    name: 'a waypoint that is not ready is asked about',
    facts: 'one workload',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { ready: [false] });
    }),
    command: 'missing-metrics deployment/waypoint -n shop',
    expect: lost('waypoint', ['WaypointHasNoPod']),
  },
  {
    name: 'a waypoint that counts nothing is asked about',
    facts: 'one workload',
    spec: changedAmbient((spec) => {
      changedWaypoint(spec, { page: { without: /^istio_(requests|request|response|tcp)_/ } });
    }),
    command: 'missing-metrics deployment/waypoint -n shop',
    expect: lost('waypoint', ['WaypointCountsNothing']),
  },
];
