import { defineCheck } from '../../../../diagnosis/check.ts';
import { count } from '../../../../diagnosis/verdict.ts';
import { droppedIn, REQUESTS } from '../../telemetry/dropped.ts';
import { statsFiltersFit } from '../../telemetry/envoy-filters.ts';
import { judgeSide, needs } from '../../telemetry/family.ts';
import { sizeOf } from '../../telemetry/losses.ts';
import { telemetriesRead } from '../../telemetry/objects-read.ts';
import { providersMakeMetrics } from '../../telemetry/providers.ts';
import { droppedVerdict, metricsSwitchedOn } from '../../telemetry/switched-on.ts';

/** Whether callers are told to count what they send: one of the questions of `callers-told`. What they answer is not looked at. */
export const sendingIsTold = defineCheck({
  id: 'sending-is-told',
  title: 'callers are told to make metrics of what they send',
  explains:
    'As for the workload itself, of the calls that go out alone: what comes in to its callers is none of its metrics.',
  reasons: {
    ...providersMakeMetrics.reasons,
    ...metricsSwitchedOn.reasons,
    ...telemetriesRead.reasons,
    ...statsFiltersFit.reasons,
  },
  needs,
  judge: (evidence, { plane }) =>
    judgeSide(evidence, plane, 'outbound', () => {
      const [first, ...rest] = droppedIn(evidence, 'outbound').filter(({ metric }) => metric === REQUESTS);
      if (first) return droppedVerdict([first, ...rest], evidence);
      return {
        status: 'pass',
        message: `${count(sizeOf(evidence.told.classes), 'proxy', 'proxies')} told to make metrics of what they send`,
      };
    }),
});
