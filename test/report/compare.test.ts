import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Status } from '../../src/diagnosis/finding.ts';
import { objectsOf } from '../../src/diagnosis/objects.ts';
import { compared, freshIn } from '../../src/report/compare.ts';
import type { Past } from '../../src/report/past.ts';

type Check = Past['steps'][number]['checks'][number];

const subject = (name: string) => ({ kind: 'Deployment', namespace: 'shop', name, pods: [`${name}-1`] });

const check = (
  status: Status,
  reason: string | null,
  names: readonly string[] = [],
  more: Partial<Check> = {},
): Check => ({
  id: 'a-check',
  status,
  reason,
  causedBy: null,
  message: 'seen',
  evidence: [],
  subjects: names.map(subject),
  ...more,
});

const past = (checks: readonly Check[], run: Partial<Past['run']> = {}, unchecked: Past['unchecked'] = []): Past => ({
  unchecked,
  topic: 'missing-metrics',
  verdict: 'broken',
  run: { startedAt: '2026-11-28T10:00:00.000Z', context: 'prod', ...run },
  steps: [{ id: 'a-step', generation: 'telemetry-v2', checks }],
});

/** What is said of a check now and then, a line each: `new Bad shop/a`. */
const said = (now: readonly Check[], old: readonly Check[], run: Partial<Past['run']> = {}): readonly string[] =>
  compared(past(now, run), past(old)).findings.map(({ state, reason, objects }) =>
    [state, reason, ...objects].join(' '),
  );

const bad = (...names: readonly string[]): Check => check('fail', 'Bad', names);
const good = check('pass', null);

describe('against a baseline', () => {
  it('a finding is new, known or fixed', () => {
    assert.deepEqual(said([bad('a')], [good]), ['new Bad shop/a']);
    assert.deepEqual(said([bad('a')], [bad('a')]), ['known Bad shop/a']);
    assert.deepEqual(said([good], [bad('a')]), ['fixed Bad shop/a']);
    assert.deepEqual(said([good], [good]), []);
  });

  it('it is each of them for some of its objects', () => {
    assert.deepEqual(said([bad('a', 'b')], [bad('a')]), ['new Bad shop/b', 'known Bad shop/a']);
    assert.deepEqual(said([bad('a')], [bad('a', 'b')]), ['known Bad shop/a', 'fixed Bad shop/b']);
    assert.deepEqual(said([bad('b')], [bad('a')]), ['new Bad shop/b', 'fixed Bad shop/a']);
  });

  it('what is found for another reason now is not fixed', () => {
    const worse = check('fail', 'Worse', ['b'], { id: 'b-check' });
    assert.deepEqual(said([bad('a'), worse], [bad('a', 'b')]), ['known Bad shop/a', 'new Worse shop/b']);
    assert.deepEqual(said([check('fail', 'Worse', ['a'])], [bad('a')]), ['new Worse shop/a', 'unknown Bad shop/a']);
  });

  it('nor is what was not looked at again', () => {
    assert.deepEqual(said([check('skip', null)], [bad('a')]), ['unknown Bad shop/a']);
    assert.deepEqual(said([check('unknown', 'Forbidden')], [bad('a')]), ['new Forbidden', 'unknown Bad shop/a']);
    assert.deepEqual(said([], [bad('a')]), ['unknown Bad shop/a']);
    assert.deepEqual(said([good, check('skip', null)], [bad('a')]), ['fixed Bad shop/a'], 'of two control planes');
  });

  it('nor is what lies outside of what was looked at', () => {
    const whole = { workload: null, namespace: null, selector: null };
    const narrow = { scope: { ...whole, namespace: 'shop' } };
    const findings = (scope: Past['run']) =>
      compared(past([good], narrow), past([bad('a')], scope)).findings.map(({ state }) => state);
    assert.deepEqual(findings({ startedAt: '', context: null, scope: whole }), ['unknown']);
    assert.deepEqual(findings({ startedAt: '', context: null, ...narrow }), ['fixed']);
    assert.deepEqual(findings({ startedAt: '', context: null }), ['fixed'], 'of a version that tells of no scope');
  });

  it('what follows from another is not told apart from it', () => {
    const consequence = check('fail', 'Gone', ['a'], { id: 'b-check', causedBy: 'a-step' });
    assert.deepEqual(said([bad('a'), consequence], [bad('a')]), ['known Bad shop/a']);
    assert.deepEqual(said([bad('a')], [consequence, bad('a')]), ['known Bad shop/a']);
    const alone = { ...consequence, causedBy: null };
    assert.deepEqual(said([alone], [consequence, bad('a')]), ['known Gone shop/a', 'unknown Bad shop/a']);
  });

  it('what is worse than it was is new', () => {
    assert.deepEqual(said([bad('a')], [check('warn', 'Bad', ['a'])]), ['new Bad shop/a']);
    assert.deepEqual(said([bad('a')], [check('ignored', 'Bad', ['a'])]), ['known Bad shop/a']);
    assert.deepEqual(said([check('ignored', 'Bad', ['a'])], [bad('a')]), []);
  });

  it('a list of names that is cut may hide what is new', () => {
    const cut = (more: number) => check('fail', 'Bad', [], { message: `shop/a, shop/b, shop/c and ${more} more` });
    const names = 'shop/a shop/b shop/c';
    assert.deepEqual(said([cut(3)], [cut(3)]), [`known Bad ${names}`]);
    const uncertain = compared(past([cut(4)]), past([cut(3)]));
    assert.deepEqual([uncertain.summary.unknown, freshIn(uncertain)], [1, 'unknown']);
  });

  it('only what is new makes --fail-on new fail, and what may be is inconclusive', () => {
    const fresh = (now: readonly Check[], old: readonly Check[]) => freshIn(compared(past(now), past(old)));
    assert.equal(fresh([bad('a', 'b')], [bad('a')]), 'fail');
    assert.equal(fresh([bad('a')], [bad('a', 'b')]), null);
    assert.equal(fresh([check('warn', 'Bad', ['a'])], [good]), null);
    assert.equal(fresh([check('unknown', 'Forbidden')], [good]), 'unknown');
    assert.equal(fresh([check('unknown', 'Forbidden')], [check('unknown', 'Forbidden')]), null);
    assert.equal(fresh([check('skip', null)], [bad('a')]), null);
  });
});

describe('a question without an answer', () => {
  const pods = { step: 'detection', verb: 'list', resource: 'pods', namespace: null };
  const logs = { step: 'a-step', verb: 'get', resource: 'pods/log', namespace: 'shop' };
  const asked = (now: Past['unchecked'], old: Past['unchecked']) => compared(past([], {}, now), past([], {}, old));

  it('leaves it open whether something is new, unless it had none before either', () => {
    const blind = asked([pods, logs], [logs]);
    assert.deepEqual(blind.unasked, ['detection: list pods in all namespaces']);
    assert.equal(freshIn(blind), 'unknown');
    assert.equal(freshIn(asked([logs], [pods, logs])), null);
  });
});

describe('the objects of a finding', () => {
  const named = (message: string, evidence: readonly string[] = []) => objectsOf({ message, evidence }).names;

  it('are its subjects, or what its words name', () => {
    assert.deepEqual(objectsOf({ message: 'x/y', evidence: [], subjects: [subject('a')] }).names, ['shop/a']);
    assert.deepEqual(named('VirtualService bookinfo/front leads to gone.bookinfo.svc.cluster.local'), [
      'bookinfo/front',
    ]);
    assert.deepEqual(named('1 of 2', ['apps/web: 1', 'apps/api, apps/web']), ['apps/api', 'apps/web']);
  });

  it('are called by what they are of where they come and go', () => {
    assert.deepEqual(named('bookinfo/reviews-v3-84779c7bbc-x2x5z'), ['bookinfo/reviews-v3']);
    assert.deepEqual(named('bookinfo/kafka-0'), ['bookinfo/kafka-0']);
    assert.deepEqual(named('bookinfo/web-canary'), ['bookinfo/web-canary']);
  });

  it('are no addresses, paths, labels or rates', () => {
    for (const words of [
      '0.36 requests/s go to port 15020',
      'http://prometheus.monitoring:9090/api/v1/query',
      '/stats/prometheus',
      'istio.io/dataplane-mode=ambient',
      'sidecar.istio.io/inject',
      'a@b/c',
    ])
      assert.deepEqual(named(words), [], words);
  });

  it('are read of hostile text as fast as of any other', () => {
    for (const part of ['a', 'a-', 'a/', 'a.', '-/', 'a/b-c1f2d3b4-'])
      assert.ok(named(part.repeat(200_000)).length < 2);
  });
});
