import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { pendingInZtunnel } from '../../../../evidence/ambient/series.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { PodIndex } from '../../../../evidence/prometheus/pod-series.ts';
import { gapsIn, nothingIn, notWhole, seriesIn } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { ENROLLED } from '../steps.ts';

/** So long a ztunnel takes its pods after a start (ms). */
const SETTLING = 5 * 60_000;

export const proxiesStarted = defineCheck({
  id: 'proxies-started',
  title: 'ztunnel has a proxy for each pod that it was told of',
  explains:
    'ztunnel starts a proxy inside of each pod’s network; one that it could not start yet is pending (workload_manager_pending_proxy_count; five minutes of it are looked at, since it tries again). That the pod is annotated says only that it was handed over.',
  reasons: {
    ProxiesPending: 'A ztunnel was told of pods for which it could not start a proxy.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { enrolled, pending: attempt(pendingInZtunnel) },
  judge({ enrolled: { ztunnels }, pending: asked }, { now }): Verdict {
    if ('missing' in asked) return unknown([asked.missing], 'which proxies are pending');
    const nothing = nothingIn(asked.got);
    if (nothing) return nothing;
    // One that has only just started is told of all its pods at once.
    const old = ztunnels.filter(({ startedAt }) => startedAt === null || now - startedAt > SETTLING);
    const index = PodIndex.of(old);
    const own = seriesIn(asked.got).flatMap(({ labels, value }) => {
      const pod = index.podOf(labels);
      return pod ? [{ pod, value }] : [];
    });
    const pending = own.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
    const [first] = pending;
    if (first)
      return {
        status: 'fail',
        reason: 'ProxiesPending',
        message: `${count(
          pending.reduce((sum, { value }) => sum + value, 0),
          'pod',
        )} without a proxy in ${count(pending.length, 'ztunnel')}: ${titleOf(first.pod)} waits for ${first.value}`,
        evidence: pending
          .slice(0, 10)
          .map(({ pod, value }) => `${titleOf(pod)} on ${pod.node ?? '?'}: ${value} pending`),
        hint: `${shellLine('kubectl', '-n', first.pod.namespace, 'logs', first.pod.name, '--since=1h')} | grep -i -E 'pending|inpod'`,
        mayFollowFrom: [ENROLLED],
      };
    if (own.length === 0) return notWhole(gapsIn([asked.got])) ?? skip('no ztunnel’s count is stored');
    return { status: 'pass', message: `none is pending in ${count(own.length, 'ztunnel')}` };
  },
});
