import { defineCheck, type Verdict } from '../../../diagnosis/check.ts';
import { titleOf } from '../../../evidence/kubernetes/named.ts';
import { linesOf } from '../../../evidence/kubernetes/owner.ts';
import { objectLine } from './cures.ts';
import { type Dropped, droppedIn, REQUESTS } from './dropped.ts';
import { few, judgeLosses, needs, part, subjectsIn, UNDECIDED } from './family.ts';
import type { Evidence } from './sides.ts';

const droppedWords = ({ metric, by, classes }: Dropped, evidence: Evidence): string =>
  `${part(classes, evidence)}: Telemetry ${titleOf(by)} leaves out istio_${metric}`;

/** Without the metric of requests there is nothing to see; any other may be left out to save room. */
export function droppedVerdict([worst, ...others]: readonly [Dropped, ...Dropped[]], evidence: Evidence): Verdict {
  const isLost = worst.metric === REQUESTS && worst.whole.length > 0;
  const subjects = subjectsIn(isLost ? worst.whole : worst.classes);
  return {
    status: isLost ? 'fail' : 'warn',
    reason: 'MetricDropped',
    message: droppedWords(isLost ? { ...worst, classes: worst.whole } : worst, evidence),
    evidence: [...linesOf(subjects), ...few(others.map((each) => droppedWords(each, evidence)))],
    subjects,
    hint: `${objectLine('edit', { kind: 'Telemetry', object: worst.by })}   # take out disabled: true of this metric`,
  };
}

export const metricsSwitchedOn = defineCheck({
  id: 'metrics-switched-on',
  title: 'no Telemetry object switches metrics off',
  explains:
    'An override with disabled: true of all metrics takes the filter that counts away, for both sides of calls or for one (mode). Only a later override of that side undoes it: a namespace’s object that names providers again does not. With the name of a metric, that one is left out.',
  reasons: {
    MetricsDisabled: 'A Telemetry object switches all metrics of these proxies off, and no later one switches them on.',
    OneSideDisabled:
      'A Telemetry object switches the metrics of one side of calls off: what callers report is there and what their servers report is not, or the other way round.',
    MetricDropped: 'A Telemetry object leaves a metric out: the proxies do not make it.',
    ...UNDECIDED,
  },
  needs,
  judge(evidence, { plane }) {
    return judgeLosses(evidence, plane, ['MetricsDisabled', 'OneSideDisabled'], () => {
      const [first, ...rest] = droppedIn(evidence);
      if (first) return droppedVerdict([first, ...rest], evidence);
      return { status: 'pass', message: 'no metric is switched off' };
    });
  },
});
