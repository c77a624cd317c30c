import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { count, skip } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';

/** What the annotations of a pod tell Datadog's agent of its reader; null where they tell it nothing. */
function readerOf({ annotations }: Pod): 'newest' | 'old' | 'unsaid' | null {
  const said = Object.entries(annotations).flatMap(([name, value]) =>
    name.startsWith('ad.datadoghq.com/istio-proxy.') ? [value] : [],
  );
  if (said.length === 0) return null;
  if (said.some((each) => each.endsWith('true'))) return 'newest';
  return said.some((each) => each.endsWith('false')) ? 'old' : 'unsaid';
}

export const readersKeepCounters = defineCheck({
  id: 'readers-keep-counters',
  title: 'readers that are told of ztunnel’s page keep its counters',
  explains:
    'ztunnel’s page is in the style of OpenMetrics: the type of istio_tcp_connections_opened stands over samples that end in _total. Prometheus reads both; Datadog’s agent, told by annotations of ztunnel’s pods, drops such counters silently, and keeps the gauges, unless its instance says use_latest_spec: true (DataDog/integrations-core#23707). What other vendors’ stores hold cannot be seen from here.',
  reasons: {
    CountersDropped: 'The reader that the annotations name drops ztunnel’s counters: no istio_tcp_* arrives there.',
    CountersMayBeDropped: 'The annotations do not say use_latest_spec: the reader drops ztunnel’s counters by default.',
  },
  needs: { enrolled },
  judge({ enrolled: { ztunnels } }): Verdict {
    const told = ztunnels.map((pod) => ({ pod, reader: readerOf(pod) }));
    const bad = told.filter(({ reader }) => reader === 'old' || reader === 'unsaid');
    const [first] = bad;
    if (first) {
      const isOld = first.reader === 'old';
      const pods = bad.map(({ pod }) => pod);
      return {
        status: isOld ? 'fail' : 'warn',
        reason: isOld ? 'CountersDropped' : 'CountersMayBeDropped',
        message: `Datadog’s agent ${isOld ? 'is told use_latest_spec: false' : 'is not told use_latest_spec: true'} for ${titleOf(first.pod)}${bad.length > 1 ? ` and ${bad.length - 1} more` : ''}: it drops the counters of ztunnel’s page`,
        evidence: linesOf(subjectsOf(pods)),
        subjects: subjectsOf(pods),
        hint: `${shellLine('kubectl', '-n', first.pod.namespace, 'edit', 'daemonset', first.pod.owner?.name ?? 'ztunnel')}   # ad.datadoghq.com/istio-proxy.checks: "use_latest_spec": true`,
      };
    }
    const good = told.filter(({ reader }) => reader === 'newest').length;
    return good > 0
      ? { status: 'pass', message: `the agent is told to read the newest form of ${count(good, 'ztunnel')}` }
      : skip('no reader of another make is told of ztunnel by its annotations');
  },
});
