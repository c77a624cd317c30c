import type { Step } from '../../../diagnosis/check.ts';
import { DOCS, WAYPOINT } from './steps.ts';
import { waypointsBound } from './waypoint/bound.ts';
import { waypointsCountForIstio, waypointsEmit } from './waypoint/emitting.ts';
import { envoysPassWaypoints } from './waypoint/envoys.ts';
import { trafficPasses } from './waypoint/passed.ts';
import { waypointsProgrammed } from './waypoint/programmed.ts';
import { waypointsTold } from './waypoint/told.ts';
import { workloadHasWaypoint } from './waypoint/workload.ts';

export const waypoint: Step = {
  id: WAYPOINT,
  title: 'Verify requests pass the waypoints that are asked for',
  hop: 'proxy->page',
  docs: () => DOCS.waypoint,
  checks: [
    waypointsProgrammed,
    waypointsBound,
    workloadHasWaypoint,
    waypointsTold,
    waypointsEmit,
    waypointsCountForIstio,
    trafficPasses,
    envoysPassWaypoints,
  ],
  headline: waypointsBound.id,
};
