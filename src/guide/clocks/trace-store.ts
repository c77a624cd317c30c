import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { type TraceStore, traceStores } from '../../evidence/clocks/tracing.ts';
import { spoken } from '../../evidence/text/duration.ts';

const HOUR = 3_600_000;

/** A span ahead of now by more than this was made by a clock that is (ms). */
const AHEAD = 30_000;

const forward = ({ where }: TraceStore): string => {
  const [namespace = '', pod = ''] = where.split('/');
  return shellLine('kubectl', '-n', namespace, 'port-forward', pod, '16686');
};

export const spansAreRecent = defineCheck({
  id: 'spans-are-recent',
  title: 'the newest span is of now',
  explains:
    'Asks the Jaeger or Zipkin that runs in the cluster for its newest span of the last week. One that lies in the future, or that stopped at an hour that is none, was dated by a wrong clock: it is there, and not where one looks. What no pod shows, a store outside the cluster, cannot be asked.',
  reasons: {
    SpansFromFuture:
      'The newest span begins in the future: a node’s clock is ahead, and the interface does not show it.',
    SpansOld:
      'The newest span is more than an hour old: nothing was traced since, or it was dated by a clock that is behind.',
    NoSpans: 'The store has no span of the last week.',
  },
  needs: { stores: traceStores },
  judge({ stores }, { now }) {
    if (stores.length === 0) return skip('no Jaeger and no Zipkin runs in the cluster');
    const seen = stores.flatMap((store) => ('got' in store.newest ? [{ ...store, at: store.newest.got }] : []));
    const evidence = seen.map(
      ({ where, at }) => `${where}: newest span ${at === null ? 'none' : new Date(at).toISOString()}`,
    );
    const ahead = seen.filter(({ at }) => at !== null && at - now > AHEAD);
    const [first] = ahead;
    if (first)
      return {
        status: 'fail',
        reason: 'SpansFromFuture',
        message: some(ahead.map(({ where, at }) => `the newest span in ${where} is ${spoken((at ?? 0) - now)} ahead`)),
        evidence,
        hint: forward(first),
      };
    const old = seen.filter(({ at }) => at !== null && now - at > HOUR);
    const [stale] = old;
    if (stale)
      return {
        status: 'warn',
        reason: 'SpansOld',
        message: some(old.map(({ where, at }) => `the newest span in ${where} is ${spoken(now - (at ?? 0))} old`)),
        evidence,
        hint: forward(stale),
      };
    const empty = seen.filter(({ at }) => at === null);
    const [hollow] = empty;
    if (hollow)
      return {
        status: 'warn',
        reason: 'NoSpans',
        message: `${some(empty.map(({ where }) => where))} ${empty.length === 1 ? 'has' : 'have'} no span of the last week`,
        evidence,
        hint: forward(hollow),
      };
    const { missing } = sorted(stores.map(({ newest }) => newest));
    if (isSome(missing)) return unknown(missing);
    return {
      status: 'pass',
      message: `${some(seen.map(({ where, at }) => `${spoken(Math.max(0, now - (at ?? now)))} ago in ${where}`))}`,
      evidence,
    };
  },
});
