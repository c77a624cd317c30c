import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { madeFor } from '../../../../evidence/istio/plane-of-ztunnel.ts';
import type { Proxy as ProxyPod } from '../../../../evidence/istio/population.ts';
import { metricsTold, type ToldClass } from '../../../../evidence/istio/told.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { analyzed } from '../../telemetry/analyzed.ts';
import { callsCountedOnce, doubledIn, doubledVerdict } from '../../telemetry/counted-once.ts';
import { cureOf } from '../../telemetry/cures.ts';
import { droppedIn } from '../../telemetry/dropped.ts';
import { statsFiltersFit } from '../../telemetry/envoy-filters.ts';
import { few, subjectsIn, undecided } from '../../telemetry/family.ts';
import { type Loss, lossesOf, sizeOf } from '../../telemetry/losses.ts';
import { telemetriesRead } from '../../telemetry/objects-read.ts';
import { PUSHED, providersMakeMetrics } from '../../telemetry/providers.ts';
import { sidesOf } from '../../telemetry/sides.ts';
import { droppedVerdict, metricsSwitchedOn } from '../../telemetry/switched-on.ts';
import { lossWords } from '../../telemetry/words.ts';
import { ENROLLED } from '../steps.ts';
import { lines, NO_WAYPOINT } from './words.ts';

/** istiod is not asked: what it makes for a waypoint it makes by these objects. */
const NOT_ASKED = { got: [] } as const;

/** Of waypoints that this istiod does not tell; null where there are none. */
function toldElsewhere(proxies: readonly ProxyPod[]): Verdict | null {
  if (proxies.length === 0) return null;
  const revisions = [...new Set(proxies.flatMap(({ pod }) => madeFor(pod) ?? []))];
  return {
    status: 'unknown',
    reason: 'OtherRevision',
    message: `${count(proxies.length, 'waypoint pod')} of ${revisions.length === 1 ? 'revision' : 'revisions'} ${some(revisions)}: their istiod tells them by a MeshConfig of its own, which is not looked at here`,
    subjects: subjectsOf(proxies.map(({ pod }) => pod)),
    hint: shellLine('kubectl', 'istio-diag', 'missing-metrics', '--revision', revisions[0] ?? ''),
    missing: [],
  };
}

export const waypointsTold = defineCheck({
  id: 'waypoints-told',
  title: 'waypoints are told to count what they serve',
  explains:
    'What a waypoint counts of a Service the Telemetry API decides for each that it serves: objects for the root namespace, for the waypoint’s, and for the Service’s own; with targetRefs to the Service, or to the waypoint’s Gateway while the Service lies beside it. Objects with a selector are for no waypoint, and those for clients (mode CLIENT) change nothing: a waypoint counts as the server. Before 1.24 targetRefs do not count, and of other namespaces than the waypoint’s only since 1.30.3.',
  reasons: {
    ...providersMakeMetrics.reasons,
    ...metricsSwitchedOn.reasons,
    ...telemetriesRead.reasons,
    ...statsFiltersFit.reasons,
    ...callsCountedOnce.reasons,
    OtherRevision: 'An istiod of another revision tells these waypoints what to count.',
    TelemetryNotForWaypoint:
      'A Telemetry object that names a provider is not for the waypoint: it selects pods, lies in another namespace than what it names, or needs a newer istiod.',
  },
  needs: { told: metricsTold },
  judge({ told }, { plane }): Verdict {
    const others = toldElsewhere(told.elsewhere);
    if (told.classes.length === 0) return others ?? skip(NO_WAYPOINT);
    const evidence = { told, made: NOT_ASKED };
    const [worst, ...further] = lossesOf(evidence);
    const all = told.classes.flatMap(({ served }) => served);
    if (worst) {
      const served = worst.classes.flatMap((each) => each.served);
      const pods = worst.classes.flatMap((each) => each.proxies);
      const part = ({ classes }: Pick<Loss, 'classes'>): string => {
        const own = classes.flatMap((each) => each.served);
        return own.length > 0
          ? `${own.length} of ${count(all.length, 'Service')} behind waypoints`
          : count(sizeOf(classes), 'waypoint pod');
      };
      const more =
        further.length > 0
          ? `; ${part({ classes: further.flatMap(({ classes }) => classes) })} by ${count(further.length, 'other cause')}`
          : '';
      return {
        status: worst.isWhole ? 'fail' : 'warn',
        reason: worst.reason,
        message: `${part(worst)}: ${lossWords(worst, told, plane)}${more}`,
        evidence: [
          ...lines(served.map((each) => `${each.kind} ${titleOf(each)}`)),
          ...lines([...new Set(pods.map(({ pod }) => `waypoint pod ${titleOf(pod)}`))]),
          ...analyzed(worst, told, plane),
          ...few(further.map((each) => `${part(each)}: ${lossWords(each, told, plane)}`)),
        ],
        subjects: subjectsIn([worst, ...further].flatMap(({ classes }) => classes)),
        hint: cureOf(worst, told, plane),
        mayFollowFrom: [ENROLLED],
      };
    }
    const [doubled, ...again] = doubledIn(evidence);
    if (doubled) return doubledVerdict([doubled, ...again], evidence, plane);
    if (isSome(told.missing)) return unknown(told.missing, 'what waypoints are told');
    if (told.config === null)
      return {
        status: 'unknown',
        reason: 'MeshConfigUnknown',
        message: 'what waypoints are told: there is no MeshConfig to be read',
        missing: [],
      };
    const open = undecided(evidence, plane, null);
    if (open) return open;
    const [dropped, ...more] = droppedIn(evidence);
    if (dropped) return droppedVerdict([dropped, ...more], evidence);
    const toldTo = (answer: 'yes' | 'pushed'): readonly ToldClass[] =>
      sidesOf(evidence).flatMap(({ of, sides }) => (sides.some(({ told }) => told === answer) ? [of] : []));
    const counting = toldTo('yes');
    if (others) return others;
    if (counting.length === 0) return skip(PUSHED);
    const names = some(counting.flatMap(({ served }) => served).map(titleOf));
    return {
      status: 'pass',
      message: `${names ? `for ${names}` : 'they are told to'}${toldTo('pushed').length > 0 ? `; of others ${PUSHED}` : ''}`,
    };
  },
});
