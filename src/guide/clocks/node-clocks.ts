import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { apiServerClock, nodeClocks, renewals } from '../../evidence/clocks/node-clocks.ts';
import { apart, signed } from './offsets.ts';

/** Nodes apart by more than this reorder spans and samples; by more than that, they file them elsewhere (ms; guide.md c, 3). */
const CLOSE = 1000;
const FAR = 10_000;

/** A kubelet renews every ten seconds; a lease is late after forty (ms). */
const LATE = 40_000;

/** How to look at a node's clock and its keeper. */
const look = (node: string): string =>
  `${shellLine('kubectl', 'debug', `node/${node}`, '-it', '--image=busybox', '--', 'date', '-u')}   # then check NTP (chronyc tracking) on that node`;

export const nodeClocksAgree = defineCheck({
  id: 'node-clocks-agree',
  title: 'the nodes’ clocks agree with each other and with the API server',
  explains:
    'Reads the Date that one proxy on each of a few nodes (--sample) answers with, half the round trip taken off, and the time at which each kubelet last renewed its lease, by its own clock. A container has no clock of its own, so no shell is needed.',
  reasons: {
    NodesDisagree: 'Clocks of nodes are more than ten seconds apart: samples and spans are filed at wrong times.',
    NodesDrift: 'Clocks of nodes are more than a second apart: spans of one trace come out of order.',
  },
  needs: { nodes: attempt(nodeClocks), api: attempt(apiServerClock), renewals: attempt(renewals) },
  judge({ nodes, api, renewals }, { now }) {
    const seen =
      'got' in nodes
        ? nodes.got.flatMap(({ node, reading }) => ('got' in reading ? [{ node, ...reading.got }] : []))
        : [];
    const server = 'got' in api ? [{ node: 'the API server', ...api.got }] : [];
    const clocks = [...seen, ...server];
    // A lease is as old as its last renewal: only one that is from the future, or late on a ready node, tells something.
    const leased =
      'got' in renewals && 'got' in api
        ? renewals.got.flatMap(({ node, renewedAt, ready }) => {
            const age = now + api.got.offset - renewedAt;
            if (age < -api.got.error) return [{ node, offset: api.got.offset - age, error: api.got.error }];
            return age > LATE && ready === true
              ? [{ node, offset: api.got.offset - age, error: api.got.error + LATE / 4 }]
              : [];
          })
        : [];
    const pairs = apart([...clocks, ...leased]);
    const [worst] = pairs;
    const evidence = [...clocks, ...leased].map(
      ({ node, offset, error }) => `${node}: ${signed(offset)} from this machine, within ${signed(error).slice(1)}`,
    );
    const missing = [
      ...('missing' in nodes ? [nodes.missing] : sorted(nodes.got.map(({ reading }) => reading)).missing),
      ...('missing' in api ? [api.missing] : []),
      ...('missing' in renewals ? [renewals.missing] : []),
    ];
    if (worst && worst.least > CLOSE) {
      const far = worst.least > FAR;
      return {
        status: far ? 'fail' : 'warn',
        reason: far ? 'NodesDisagree' : 'NodesDrift',
        message: `${worst.ahead.node} is ${signed(worst.ahead.offset - worst.behind.offset).slice(1)} ahead of ${worst.behind.node}`,
        evidence,
        hint: look([worst.ahead, worst.behind].map(({ node }) => node).find((node) => node !== 'the API server') ?? ''),
      };
    }
    if (isSome(missing)) return unknown(missing, 'not every clock could be read');
    const leases = 'got' in renewals ? `, ${count(renewals.got.length, 'lease')}` : '';
    return {
      status: 'pass',
      message: `${some([...new Set(clocks.map(({ node }) => node))])}${leases} agree`,
      evidence,
    };
  },
});
