import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { openings } from '../../../../evidence/ambient/series.ts';
import { emission } from '../../../../evidence/envoy/emission.ts';
import { workloadOf } from '../../../../evidence/kubernetes/owner.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { endOf } from '../../prometheus/rates.ts';

export const workloadsCounted = defineCheck({
  id: 'workloads-counted',
  title: 'connections of the workloads in ambient are counted',
  explains:
    'The pod and the namespace of a series of ztunnel’s are ztunnel’s own, of whatever workload it tells: whose connection it was say its labels source_workload and destination_workload. Looks for each workload in ambient at the end that reports: what its own ztunnel counted of it, and not what others counted of their calls to it. A workload without any may never have been called, nor have called anybody: that is no loss, and no proof.',
  reasons: {
    NoTraffic:
      'No connection of these workloads has been counted: nobody has called them, and they have called nobody.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { enrolled, emission, openings: attempt(openings) },
  judge({ enrolled: { members }, emission, openings }, { scope }): Verdict {
    if ('missing' in openings) return unknown([openings.missing], 'whose connections are counted');
    const nothing = nothingIn(openings.got);
    if (nothing) return nothing;
    if (members.length === 0) return skip('no pod of a workload is looked at');
    if (!emission.judged.some(({ kind, pod }) => kind === 'ztunnel' && emission.proven.has(pod)))
      return skip('no series of these pods’ ztunnels is stored');
    const names = new Set(members.map(({ pod }) => workloadOf(pod)));
    const counted = new Set(
      seriesIn(openings.got).flatMap((each) => {
        const reporter = each.labels.get('reporter');
        return reporter === 'source' || reporter === 'destination' ? [endOf(each, `${reporter}_workload`)] : [];
      }),
    );
    const quiet = [...names].filter((name) => !counted.has(name)).sort();
    if (quiet.length === names.size) {
      const gap = notWhole(gapsIn([openings.got]));
      if (gap) return gap;
      return {
        status: 'unknown',
        reason: 'NoTraffic',
        message: `no connection of ${scope.workload === null ? `any of ${count(names.size, 'workload')}` : some(quiet)} has been counted`,
        hint: 'send a few requests through the mesh, and ask again',
        missing: [],
      };
    }
    return {
      status: 'pass',
      message: `${names.size - quiet.length} of ${count(names.size, 'workload')}${quiet.length > 0 ? `; nothing yet of ${some(quiet)}` : ''}`,
    };
  },
});
