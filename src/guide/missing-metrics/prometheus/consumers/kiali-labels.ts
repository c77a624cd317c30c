import { defineCheck } from '../../../../diagnosis/check.ts';
import { skip, some } from '../../../../diagnosis/verdict.ts';
import { consumers } from '../../../../evidence/consumers/consumers.ts';
import { kialiLabels } from '../../../../evidence/prometheus/mesh-series.ts';
import { nothingIn, notWhole, seriesIn } from '../answers.ts';
import { PARTIAL_ANSWER } from '../partial.ts';
import { share } from '../rates.ts';

export const kialiFindsLabels = defineCheck({
  id: 'kiali-finds-labels',
  title: 'the series carry the labels that Kiali needs',
  explains:
    'Kiali leaves out every series that lacks one of fourteen labels (the source’s and destination’s workloads, namespaces, canonical names and revisions, the service, request_protocol, response_code, response_flags), and says so in its log only. A Telemetry that removes one, or a rule that drops it, empties Kiali’s graph while everything else is well.',
  reasons: {
    LabelsRemoved: 'Labels that Kiali needs are on none of the requests: its graph is empty.',
    LabelsRemovedInPart: 'Labels that Kiali needs are missing on a part of the requests: its graph lacks those.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { consumers, labels: kialiLabels },
  judge({ consumers, labels }) {
    if (!consumers.some(({ kind }) => kind === 'Kiali')) return skip('no Kiali in this cluster');
    const nothing = nothingIn(labels);
    if (nothing) return nothing;
    const counts = new Map(seriesIn(labels).map((each) => [each.labels.get('lacks') ?? '', each.value]));
    const all = counts.get('') ?? 0;
    const lacking = [...counts].filter(([label]) => label !== '').sort(([, a], [, b]) => b - a);
    const gap = notWhole({ missing: [], partial: labels?.partial ?? [] });
    if (lacking.length === 0)
      return (
        gap ??
        (all === 0
          ? skip('no requests are stored')
          : { status: 'pass', message: 'each of the fourteen is on all requests' })
      );
    const [[, most] = ['', 0]] = lacking;
    const isAll = most >= all;
    return {
      status: isAll ? 'fail' : 'warn',
      reason: isAll ? 'LabelsRemoved' : 'LabelsRemovedInPart',
      message: `${some(lacking.map(([label]) => label))} ${lacking.length === 1 ? 'is' : 'are'} missing on ${isAll ? 'all' : share(most, all)} of the series of requests: Kiali leaves them out`,
      evidence: lacking.map(([label, number]) => `${label}: missing on ${number} of ${all} series`).slice(0, 14),
      hint: `kubectl get telemetries.telemetry.istio.io --all-namespaces -o yaml | grep -B2 -A2 'operation: REMOVE'   # remove the tagOverrides of ${some(lacking.map(([label]) => label))}`,
    };
  },
});
