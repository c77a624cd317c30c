import { type ControlPlane, defineCheck, type Verdict } from '../../../diagnosis/check.ts';
import { some } from '../../../diagnosis/verdict.ts';
import { titleOf } from '../../../evidence/kubernetes/named.ts';
import { passedOver } from '../../../istio/telemetry.ts';
import { analyzed } from './analyzed.ts';
import { cureOf } from './cures.ts';
import { few, judgeLosses, needs, UNDECIDED } from './family.ts';
import { isUnread, type Loss } from './losses.ts';
import type { Evidence } from './sides.ts';
import { lossWords } from './words.ts';

/** Objects about metrics that have no effect, where nothing is lost by that. */
function ineffective({ told }: Evidence): readonly Loss[] {
  const base = { providers: [], sides: [], isWhole: false, classes: [] } as const;
  const unread = told.all.telemetries.filter((each) => each.metrics.length > 0).filter(isUnread(told.revisions));
  const passed = told.config ? passedOver(told.config.telemetries) : [];
  return [
    ...unread.map(
      (object): Loss => ({ ...base, reason: 'TelemetryOfAnotherRevision', culprits: [{ kind: 'Telemetry', object }] }),
    ),
    ...passed
      .filter(({ ignored }) => ignored.metrics.length > 0)
      .map(
        ({ ignored, by }): Loss => ({
          ...base,
          reason: 'TelemetryIgnored',
          culprits: [ignored, by].map((object) => ({ kind: 'Telemetry', object })),
        }),
      ),
  ];
}

function warning(evidence: Evidence, plane: ControlPlane): Verdict {
  const [first, ...others] = ineffective(evidence);
  if (!first) {
    const names = evidence.told.all.telemetries.filter(({ metrics }) => metrics.length > 0).map(titleOf);
    return {
      status: 'pass',
      message:
        names.length === 0
          ? 'no Telemetry object is about metrics'
          : `${some(names)} ${names.length === 1 ? 'has' : 'have'} effect`,
    };
  }
  return {
    status: 'warn',
    reason: first.reason,
    message: lossWords(first, evidence.told, plane),
    evidence: [
      ...analyzed(first, evidence.told, plane),
      ...few(others.map((each) => lossWords(each, evidence.told, plane))),
    ],
    hint: cureOf(first, evidence.told, plane),
  };
}

export const telemetriesRead = defineCheck({
  id: 'telemetries-read',
  title: 'every Telemetry object about metrics has effect',
  explains:
    'Of the Telemetry objects of a namespace that select nobody in particular only the oldest is read. One with the label istio.io/rev is read by the control plane of that revision alone: the name of a tag is no revision. Of namespaces that no discoverySelector of MeshConfig selects none is read, the root namespace not excepted.',
  reasons: {
    TelemetryIgnored:
      'An older Telemetry object of the namespace is for all of its proxies too: only the oldest is read.',
    TelemetryOfAnotherRevision:
      'The label istio.io/rev of a Telemetry object names no revision that there is, perhaps a tag: no control plane reads it.',
    TelemetryNotDiscovered:
      'No discoverySelector of MeshConfig selects the namespace of a Telemetry object that would make metrics: istiod does not see it.',
    ...UNDECIDED,
  },
  needs,
  judge: (evidence, { plane }) =>
    judgeLosses(evidence, plane, ['TelemetryIgnored', 'TelemetryOfAnotherRevision', 'TelemetryNotDiscovered'], () =>
      warning(evidence, plane),
    ),
});
