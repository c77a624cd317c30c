import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck, type Verdict } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { enrolled } from '../../../../evidence/ambient/enrolled.ts';
import { servedByZtunnel } from '../../../../evidence/ambient/series.ts';
import { type ServedBy, servedNow } from '../../../../evidence/ambient/served-now.ts';
import { grouped } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { linesOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import { gapsIn, nothingIn, notWhole } from '../../prometheus/answers.ts';
import { PARTIAL_ANSWER } from '../../prometheus/partial.ts';
import { ENROLLED } from '../steps.ts';

export const podsAreServed = defineCheck({
  id: 'pods-are-served',
  title: 'each ztunnel serves as many pods as are marked on its node',
  explains:
    'The mark on a pod says that its ztunnel took it once; it stays when the node restarts, or when the agent gives up on a pod that runs (“can’t find netns for pod”). What is true now ztunnel counts itself: workload_manager_active_proxy_count, as the store has it, against the running pods of its node that are marked enabled. A store’s number may be older than a mark: a ztunnel that seems to serve too few is asked for its own page. More are no fault: pods that end are served until they are gone. Releases before 1.21 do not count.',
  reasons: {
    MarkedNotServed:
      'Pods are marked as redirected, and the ztunnel of their node has no proxy for them: nothing of theirs is carried or counted.',
    NotLookedAt:
      'By the store ztunnels serve fewer pods than are marked; its numbers may be older than the marks, and none of the ztunnels was asked for its page: --sample says how many are.',
    PartialAnswer: PARTIAL_ANSWER,
  },
  needs: { enrolled, served: attempt(servedByZtunnel), now: attempt(servedNow) },
  judge({ enrolled: { members }, served, now }): Verdict {
    if ('missing' in served) return unknown([served.missing], 'how many pods each ztunnel serves');
    const nothing = nothingIn(served.got);
    if (nothing) return nothing;
    const counted = 'got' in now ? now.got : now;
    if ('missing' in counted) return unknown([counted.missing], 'how many pods each ztunnel serves');
    const known = counted.got;
    if (known.length === 0) return notWhole(gapsIn([served.got])) ?? skip('no ztunnel’s count is stored');
    const own = grouped(members, ({ node: { ztunnel } }) => ztunnel);
    const all = known.flatMap((each) => {
      const theirs = (own.get(each.ztunnel) ?? []).filter(({ redirection }) => redirection === 'enabled');
      return each.active < each.marked && theirs.length > 0 ? [{ ...each, members: theirs }] : [];
    });
    const short = all.filter(({ unconfirmed }) => unconfirmed === null);
    const [first] = [...short].sort((a, b) => b.marked - b.active - (a.marked - a.active));
    if (!first && all.length > 0) return unconfirmedIn(all);
    if (!first)
      return {
        status: 'pass',
        message: `${count(known.length, 'ztunnel')}: as many as are marked on their nodes, or more`,
      };
    const lost = short.reduce((sum, each) => sum + each.marked - each.active, 0);
    const subjects = subjectsOf(short.flatMap((each) => each.members.map(({ pod }) => pod)));
    const agent = first.members[0]?.node.agent;
    return {
      status: 'fail',
      reason: 'MarkedNotServed',
      message: `${count(lost, 'pod')} of ${count(short.length, 'node')} ${lost === 1 ? 'is' : 'are'} marked enabled and not served: ${titleOf(first.ztunnel)} on ${first.ztunnel.node ?? '?'} serves ${digitsOf(first.active)} of ${first.marked}`,
      evidence: [
        ...short
          .slice(0, 5)
          .map(
            (each) =>
              `${titleOf(each.ztunnel)} on ${each.ztunnel.node ?? '?'}: ${digitsOf(each.active)} of ${each.marked}`,
          ),
        'which of a node’s pods they are only ztunnel can tell:',
        ...linesOf(subjects),
      ],
      subjects,
      hint: `${
        agent
          ? `${shellLine('kubectl', '-n', agent.namespace, 'logs', agent.name)} | grep netns`
          : shellLine('istioctl', 'ztunnel-config', 'workload', `${first.ztunnel.name}.${first.ztunnel.namespace}`)
      }   # names them; what brings them back is a new pod: kubectl delete pod`,
      mayFollowFrom: [ENROLLED],
    };
  },
});

/** Of ztunnels that serve too few by the store alone. */
function unconfirmedIn(all: readonly ServedBy[]): Verdict {
  const [first] = all;
  const words = `${count(all.length, 'ztunnel')} ${all.length === 1 ? 'serves' : 'serve'} fewer pods by the store than are marked${first ? `, as ${titleOf(first.ztunnel)}` : ''}`;
  const missing = all.flatMap(({ unconfirmed }) =>
    unconfirmed === null || unconfirmed === 'not-asked' ? [] : [unconfirmed],
  );
  if (isSome(missing)) return unknown(missing, `${words}; the page`);
  return {
    status: 'unknown',
    reason: 'NotLookedAt',
    message: `${words}; none was asked for its page`,
    hint: 'kubectl istio-diag missing-metrics --sample 20',
    missing: [],
  };
}

const digitsOf = (number: number): string => String(Math.round(number));
