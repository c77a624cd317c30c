import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step, type Verdict } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { allSyncs, type PilotSync, pilotCounts } from '../../evidence/istio/pilot.ts';
import { expectedProxies } from '../../evidence/istio/proxies.ts';
import { type Found, foundIn, isLate, type ProxySync, podOfProxy, type SyncState } from '../../evidence/istio/sync.ts';
import { docs, PROXIES_CONNECTED, PROXIES_SYNCED } from './steps.ts';

/** What a proxy cannot do without. Routes and endpoints it may not need: "not sent" is then as it should be. */
const NEEDED = ['cluster', 'listener'];

/** Whether a later reading shows the same, still unanswered: the same nonce. */
function stillStale(syncs: readonly PilotSync[], { proxy, type }: Found): boolean {
  const later = syncs.flatMap(({ later }) => (later && 'got' in later ? later.got : []));
  return later.some(
    (each) =>
      each.proxy === proxy &&
      each.types.some((same) => same.kind === type.kind && same.sent === type.sent && same.acked !== same.sent),
  );
}

const named = (found: readonly Found[]): string => some(found.map(({ proxy, type }) => `${proxy} (${type.kind})`));

const verdictOf = (
  status: 'warn' | 'fail',
  reason: string,
  message: string,
  found: readonly Found[],
): Extract<Verdict, { status: 'warn' | 'fail' }> => {
  const { pod, namespace } = podOfProxy(found[0]?.proxy ?? '');
  return {
    status,
    reason,
    message,
    evidence: found
      .slice(0, 20)
      .map(
        ({ proxy, type }) =>
          `${proxy} ${type.kind}: sent ${type.sent || 'never'}, acked ${type.acked || 'never'}${type.error ? `, ${type.error}` : ''}`,
      ),
    hint: shellLine('kubectl', '-n', namespace, 'logs', pod, '-c', 'istio-proxy', '--tail=200'),
    ...(status === 'fail' && { mayFollowFrom: [PROXIES_CONNECTED] }),
  };
};

export const proxiesAreSynced = defineCheck({
  id: 'proxies-are-synced',
  title: 'every connected proxy has taken what Pilot sent',
  explains:
    'Judges each kind of configuration of each proxy as istioctl does: refused, never sent, sent and not answered, in sync. Routes and endpoints that were not sent are no fault. An answer that is still owed is one only after a minute, or when --window shows it twice.',
  reasons: {
    ConfigRejected:
      'A proxy refuses what Pilot sends it, and keeps what it had: its error says which resource is wrong.',
    NotSent: 'Pilot sent a proxy no clusters or listeners, a minute after it started.',
    Stale: 'A proxy has not answered for more than a minute: it is stuck, or cut off.',
    AnswerOwed: 'A proxy had not answered yet. It may have, a moment later: --window 10s looks twice.',
  },
  needs: { syncs: allSyncs, expected: expectedProxies },
  judge({ syncs, expected }, { now, scope }) {
    const { got, missing } = sorted(syncs.map(({ proxies }) => proxies));
    const wanted = new Set(expected.pods.map(({ name, namespace }) => `${name}.${namespace}`));
    const proxies = got.flat().filter(({ proxy }: ProxySync) => expected.refusal !== null || wanted.has(proxy));
    if (proxies.length === 0)
      return isSome(missing) ? unknown(missing) : skip('no proxy of this control plane is connected');
    if (proxies.every(({ types }) => types.length === 0))
      return skip('0.8 lists its proxies, and not what they have taken');
    const of = (state: SyncState): readonly Found[] => foundIn(proxies, state);
    const errors = of('error');
    const [first] = errors;
    if (first)
      return verdictOf(
        'fail',
        'ConfigRejected',
        `${named(errors)} refused: ${first.type.error.trim().slice(0, 200)}`,
        errors,
      );
    const unsent = of('not sent').filter(({ type }) => NEEDED.includes(type.kind));
    if (unsent.length > 0) return verdictOf('fail', 'NotSent', `nothing was sent to ${named(unsent)}`, unsent);
    const stale = of('stale');
    const late = stale.filter(
      (found) =>
        NEEDED.includes(found.type.kind) && (isLate(found.type, now) || (scope.window > 0 && stillStale(syncs, found))),
    );
    if (late.length > 0) return verdictOf('fail', 'Stale', `no answer from ${named(late)}`, late);
    if (stale.length > 0) return verdictOf('warn', 'AnswerOwed', `an answer is owed by ${named(stale)}`, stale);
    if (isSome(missing))
      return unknown(
        missing,
        `${count(proxies.length, 'proxy', 'proxies')} in sync; others may be on a replica that could not be asked`,
      );
    return { status: 'pass', message: `${count(proxies.length, 'proxy', 'proxies')} in sync` };
  },
});

export const pilotCountsNoRejects = defineCheck({
  id: 'pilot-counts-no-rejects',
  title: 'Pilot counts no refused configuration',
  explains:
    'Reads each replica’s counter of refused configurations. It counts since the replica started and outlives the fault: alone it is a warning.',
  reasons: { RejectsCounted: 'Proxies have refused configurations since this replica started; none may now.' },
  needs: { counts: attempt(pilotCounts) },
  judge({ counts }, { plane }) {
    if ('missing' in counts) return unknown([counts.missing]);
    const { got, missing } = sorted(counts.got);
    if (counts.got.length === 0) return skip('no replica of Pilot runs');
    const rejects = got.flatMap(({ pod, rejects }) =>
      [...rejects].filter(([, number]) => number > 0).map(([kind, number]) => `${pod}: ${number} of ${kind}`),
    );
    const [first] = got;
    if (rejects.length > 0)
      return {
        status: 'warn',
        reason: 'RejectsCounted',
        message: `refused since the start: ${some(rejects)}`,
        evidence: rejects,
        hint: `${shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'logs', first?.pod ?? '', '-c', 'discovery', '--tail=5000')} | grep 'ACK ERROR'`,
      };
    if (isSome(missing)) return unknown(missing);
    return { status: 'pass', message: `none on ${count(got.length, 'replica')}` };
  },
});

export const proxiesSynced: Step = {
  id: PROXIES_SYNCED,
  title: 'Verify every proxy is in sync with Pilot',
  hop: null,
  docs,
  checks: [proxiesAreSynced, pilotCountsNoRejects],
};
