import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { skip, unknown } from '../../../../diagnosis/verdict.ts';
import { consumers } from '../../../../evidence/consumers/consumers.ts';
import { releaseOf } from '../../../../evidence/istio/detection.ts';
import { allPods } from '../../../../evidence/kubernetes/lists.ts';
import { toServices } from '../../../../evidence/prometheus/mesh-series.ts';
import { isAtLeast } from '../../../../istio/release.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { isTraffic, perSecond, reportedBy, total } from '../../prometheus/rates.ts';

/** The first release of Kiali that asks for what waypoints count (kiali/kiali, graph/telemetry/istio). */
const SINCE = '1.86';

export const kialiShowsWaypoints = defineCheck({
  id: 'kiali-shows-waypoints',
  title: 'Kiali asks for what waypoints count',
  explains: `Kiali asks for reporter="waypoint" beside source and destination since ${SINCE}; older ones show nothing of requests that pass a waypoint, and take ztunnel’s connections for all there is. Told by the tag of Kiali’s image.`,
  reasons: {
    KialiTooOld: 'This release of Kiali does not ask for what waypoints count.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { consumers, pods: allPods, to: attempt(toServices) },
  judge({ consumers, pods, to }): Verdict {
    const kialis = consumers.filter(({ kind, pod }) => kind === 'Kiali' && pod !== null);
    if (kialis.length === 0) return skip('no Kiali runs in this cluster');
    const known = kialis.map((each) => {
      const pod = pods.items.find(({ namespace, name }) => namespace === each.namespace && name === each.pod);
      const releases = (pod?.containers ?? []).flatMap(({ name, image }) =>
        /kiali/.test(`${name} ${image}`) ? (releaseOf(image) ?? []) : [],
      );
      return { ...each, release: releases[0] ?? null };
    });
    const old = known.find(({ release }) => release !== null && !isAtLeast(release, SINCE));
    if (!old) {
      const told = known.flatMap(({ release }) => release ?? []);
      return told.length > 0
        ? { status: 'pass', message: `Kiali ${told.join(', ')} does` }
        : skip('its image does not tell which release Kiali is');
    }
    if ('missing' in to) return unknown([to.missing], 'whether waypoints count requests');
    const nothing = nothingIn(to.got);
    if (nothing) return nothing;
    const counted = total(reportedBy(seriesIn(to.got), 'waypoint'));
    if (!isTraffic(counted)) return notWhole(gapsIn([to.got])) ?? skip('no waypoint counts requests');
    return {
      status: 'warn',
      reason: 'KialiTooOld',
      message: `Kiali ${old.release ?? ''} in ${old.namespace} shows nothing of ${perSecond(counted)} that pass waypoints`,
      hint: `${shellLine('kubectl', '-n', old.namespace, 'get', 'pod', old.pod ?? '', '-o', 'jsonpath={.spec.containers[*].image}')}   # ${SINCE} or newer`,
    };
  },
});
