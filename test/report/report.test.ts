import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { withCauses } from '../../src/diagnosis/cause.ts';
import type { OpenFinding } from '../../src/diagnosis/diagnose.ts';
import type { Finding, Section } from '../../src/diagnosis/finding.ts';
import { UNDATED } from '../../src/diagnosis/history.ts';
import { ignoreOf } from '../../src/diagnosis/ignore.ts';
import type { FlowReport, Report } from '../../src/report/document.ts';
import { escapeAll, escapeText } from '../../src/report/escape.ts';
import { exitCodeOf, FAIL_ON, NO_GROUNDS, type VerdictWord } from '../../src/report/exit.ts';
import { flowChain, flowPicture } from '../../src/report/flow.ts';
import { listOf } from '../../src/report/list.ts';
import { type Facts, reportOf } from '../../src/report/report.ts';
import { tableOf } from '../../src/report/table.ts';
import { plane } from '../support/judging.ts';
import { missing } from '../support/mixer.ts';
import { assertSchema } from '../support/schema.ts';

const plainStyle = { width: 100, colour: false, ascii: false };

const finding = (change: Partial<OpenFinding>): OpenFinding => ({
  check: 'a-check',
  title: 'it holds',
  status: 'pass',
  reason: null,
  meaning: null,
  message: 'seen',
  hint: null,
  evidence: [],
  subjects: [],
  effect: change.status === 'fail' || change.status === 'warn' ? 'missing' : null,
  commands: [],
  causedBy: null,
  ignoredBy: null,
  durationMs: 0,
  missing: [],
  ...change,
});

const section = (...steps: readonly [string, ...OpenFinding[]][]): Section => ({
  plane,
  steps: steps.map(([id, ...findings]) => ({
    step: { id, title: id, hop: 'envoy->mixer', docs: () => 'https://example.invalid', checks: [] },
    plane,
    findings,
  })),
  flow: { got: [] },
});

const facts = (change: Partial<Facts> = {}): Facts => ({
  topic: 'missing-metrics',
  tool: { name: 'kubectl-istio-diag', version: '0.1.0' },
  run: {
    startedAt: '2026-11-22T10:00:00.000Z',
    durationMs: 1,
    context: 'prod',
    source: 'live',
    scope: { workload: null, namespace: null, selector: null },
  },
  planes: [plane],
  sections: [section(['one', finding({})])],
  shares: null,
  unsearched: [],
  warnings: [],
  baseline: null,
  failOn: 'unknown',
  signal: null,
  ...change,
});

describe('causes', () => {
  const failing = (mayFollowFrom: readonly string[] = [], withoutCause?: 'unknown'): OpenFinding =>
    finding({ status: 'fail', reason: 'Bad', mayFollowFrom, ...(withoutCause && { withoutCause }) });
  const told = (given: Section): unknown =>
    withCauses(given).steps.map(({ findings }) => findings.map(({ status, causedBy }) => [status, causedBy]));

  it('explain what follows from them', () => {
    assert.deepEqual(told(section(['a', failing()], ['b', failing(['a'])])), [[['fail', null]], [['fail', 'a']]]);
  });
  it('are not consequences themselves: the first cause is named', () => {
    assert.deepEqual(told(section(['a', failing()], ['b', failing(['a'])], ['c', failing(['b', 'a'])])), [
      [['fail', null]],
      [['fail', 'a']],
      [['fail', 'a']],
    ]);
  });
  it('may be missing: then it is a cause, or unknown', () => {
    assert.deepEqual(told(section(['a', finding({})], ['b', failing(['a'])], ['c', failing(['a'], 'unknown')])), [
      [['pass', null]],
      [['fail', null]],
      [['unknown', null]],
    ]);
  });
  it('may lie in the same step, before it', () => {
    assert.deepEqual(told(section(['a', failing(), failing(['a'])])), [
      [
        ['fail', null],
        ['fail', 'a'],
      ],
    ]);
  });
  it('that are ignored take with them what they explain, and no more', () => {
    const ignore = ignoreOf('Bad');
    assert.ok(ignore);
    const about = (...pods: readonly string[]): Pick<Finding, 'subjects'> => ({
      subjects: [{ kind: 'Deployment', namespace: 'shop', name: 'web', pods }],
    });
    const follows = (...from: readonly string[]): OpenFinding => ({ ...failing(from), reason: 'Gone' });
    const ignoring = (...steps: readonly [string, ...OpenFinding[]][]): unknown =>
      withCauses(section(...steps), [ignore]).steps.map(({ findings }) =>
        findings.map(({ status, causedBy, ignoredBy }) => [status, causedBy, ignoredBy].join(' ').trim()),
      );
    assert.deepEqual(ignoring(['a', failing()], ['b', follows('a')], ['c', follows('b')]), [
      ['ignored  Bad'],
      ['ignored a Bad'],
      ['ignored b Bad'],
    ]);
    // The next loss is behind it: of other pods, or of the whole mesh where the first was of some pods.
    const partial = { ...failing(), ...about('web-1') };
    assert.deepEqual(ignoring(['a', partial], ['b', { ...follows('a'), ...about('web-1') }]), [
      ['ignored  Bad'],
      ['ignored a Bad'],
    ]);
    for (const more of [about('web-1', 'web-2'), { subjects: [] }])
      assert.deepEqual(ignoring(['a', partial], ['b', { ...follows('a'), ...more }]), [['ignored  Bad'], ['fail']]);
    // Another cause explains it as well: then it is not ignored.
    assert.deepEqual(ignoring(['a', failing(), { ...failing(), reason: 'Worse' }], ['b', follows('a')]), [
      ['ignored  Bad', 'fail'],
      ['fail a'],
    ]);
    // What is unknown without a cause stays so, and a warning can be ignored.
    assert.deepEqual(ignoring(['a', failing(['z'], 'unknown')]), [['unknown']]);
    assert.deepEqual(ignoring(['a', finding({ status: 'warn', reason: 'Bad' })]), [['ignored  Bad']]);
    assert.deepEqual(ignoring(['a', finding({ status: 'unknown', reason: 'Bad' })]), [['unknown']]);
  });
  it('are a workload’s own or its callers’, and one where both have the same', () => {
    const ofCallers = (...mayFollowFrom: readonly string[]): OpenFinding => ({
      ...failing(mayFollowFrom),
      about: 'callers',
    });
    const other = { ...ofCallers(), reason: 'Odd' };
    assert.deepEqual(
      told(section(['a', failing(), other, ofCallers()], ['b', failing(['a'])], ['c', ofCallers('b', 'a')])),
      [
        [
          ['fail', null],
          ['fail', null],
          ['fail', 'a'],
        ],
        [['fail', 'a']],
        [['fail', 'a']],
      ],
    );
    // The same reason of another object is another cause, and what explains the one explains the other.
    const elsewhere = { ...ofCallers(), hint: 'kubectl -n far edit' };
    assert.deepEqual(told(section(['a', failing(), elsewhere])), [
      [
        ['fail', null],
        ['fail', null],
      ],
    ]);
    assert.deepEqual(told(section(['a', failing()], ['b', failing(['a']), ofCallers()], ['c', ofCallers('b')])), [
      [['fail', null]],
      [
        ['fail', 'a'],
        ['fail', 'a'],
      ],
      [['fail', 'b']],
    ]);
    assert.deepEqual(told(section(['a', ofCallers()], ['b', failing(['a']), ofCallers('a')])), [
      [['fail', null]],
      [
        ['fail', null],
        ['fail', 'a'],
      ],
    ]);
  });
  it('of a warning make no failure', () => {
    assert.deepEqual(told(section(['a', finding({ status: 'warn', reason: 'Odd' })], ['b', failing(['a'])])), [
      [['warn', null]],
      [['fail', null]],
    ]);
  });
});

describe('a verdict', () => {
  const verdict = (change: Partial<Facts>): [VerdictWord, number] => {
    const report = reportOf(facts(change));
    assertSchema(report);
    return [report.verdict, report.exitCode];
  };
  const withStatus = (status: OpenFinding['status'], more: Partial<OpenFinding> = {}): Partial<Facts> => ({
    sections: [section(['one', finding({ status, reason: 'Odd', ...more })])],
  });
  const refused = { missing: [missing()] };

  it('is healthy when every step passed', () => assert.deepEqual(verdict({}), ['healthy', 0]));
  it('is healthy with warnings', () => assert.deepEqual(verdict(withStatus('warn')), ['healthy', 0]));
  it('is broken by one failure', () => assert.deepEqual(verdict(withStatus('fail')), ['broken', 1]));
  it('is inconclusive when something is unknown', () =>
    assert.deepEqual(verdict(withStatus('unknown', refused)), ['inconclusive', 3]));
  it('is inconclusive when a pass stands on part of a list', () =>
    assert.deepEqual(verdict(withStatus('pass', refused)), ['inconclusive', 3]));
  it('is inconclusive when a search was refused, though all passed', () =>
    assert.deepEqual(verdict({ unsearched: [missing()] }), ['inconclusive', 3]));
  it('is not-applicable when every search found nothing', () =>
    assert.deepEqual(verdict({ planes: [], sections: [] }), ['not-applicable', 4]));
  it('is not-applicable when every step was skipped, and says what was looked for', () => {
    const skipped = withStatus('skip', { reason: null, message: 'no rule to judge' });
    assert.deepEqual(verdict(skipped), ['not-applicable', 4]);
    const scope = { workload: null, namespace: 'shop', selector: null };
    assert.deepEqual(reportOf(facts({ ...skipped, run: { ...facts().run, scope } })).warnings, [
      'nothing to judge: in namespace shop, no rule to judge',
    ]);
    assert.deepEqual(verdict({ ...skipped, unsearched: [missing()] }), ['inconclusive', 3]);
  });
  it('of several leaves out those that judged nothing, unless all did', () => {
    const healthy = reportOf(facts());
    const nothing = reportOf(facts(withStatus('skip', { reason: null })));
    const unclear = reportOf(facts(withStatus('unknown', refused)));
    const code = (...reports: readonly Report[]): number => listOf(reports, 'unknown', null).exitCode;
    assert.deepEqual([code(healthy, nothing), code(nothing, nothing), code(nothing, unclear)], [0, 4, 3]);
  });
  it('is inconclusive when a search was refused and nothing was found', () =>
    assert.deepEqual(verdict({ planes: [], sections: [], unsearched: [missing()] }), ['inconclusive', 3]));
  for (const hindrance of ['Unreachable', 'Unauthorized', 'NoKubectl', 'TimedOut'] as const) {
    it(`is unreachable after ${hindrance}`, () =>
      assert.deepEqual(verdict({ planes: [], sections: [], unsearched: [missing(hindrance)] }), ['unreachable', 5]));
  }
  it('is as far as known after a signal', () => {
    assert.deepEqual(verdict({ signal: 'SIGINT' }), ['inconclusive', 130]);
    assert.deepEqual(verdict({ ...withStatus('fail'), signal: 'SIGTERM' }), ['broken', 143]);
  });
});

describe('a workload that was asked for', () => {
  const scope = {
    workload: { kind: 'service', name: 'reviews', namespace: 'bookinfo' },
    namespace: null,
    selector: null,
  } as const;
  const failing = (reason: string, more: Partial<OpenFinding> = {}): OpenFinding =>
    finding({ check: reason, status: 'fail', reason, message: reason, hint: 'do it', ...more });
  const sections = [
    section(
      ['one', failing('Mesh')],
      ['two', failing('Other'), failing('Mine', { about: 'workload' })],
      ['three', failing('Late')],
    ),
  ];
  const report = reportOf(facts({ sections, run: { ...facts().run, scope } }));

  it('decides where it is lost, before what is wrong with the whole mesh', () => {
    assertSchema(report);
    assert.deepEqual(
      report.losses.map(({ reason }) => reason),
      ['Mine', 'Mesh', 'Other', 'Late'],
    );
    assert.deepEqual([report.lostAt?.step, report.lostAt?.reason], ['two', 'Mine']);
    assert.equal(report.steps[1]?.message, 'Mine');
  });
  it('is the first CAUSE of the table, which names it', () => {
    const text = tableOf(report, plainStyle, { wide: false, showCommands: false });
    assert.match(text, /^Only {5}service\/reviews in bookinfo$/m);
    assert.deepEqual(
      [...text.matchAll(/^CAUSE {2}(\w+)/gm)].map(([, reason]) => reason),
      ['Mine', 'Mesh', 'Other', 'Late'],
    );
  });
});

describe('the head of the table', () => {
  const head = (change: Partial<Facts>): string =>
    tableOf(reportOf(facts(change)), plainStyle, { wide: false, showCommands: false }).split('\n\n')[0] ?? '';
  const none = { planes: [], sections: [] };

  it('says that there is no mesh only when every search ran', () => {
    assert.match(head(none), /Mesh {2}none found/);
    for (const unsearched of [[missing()], [missing('Unreachable')], [missing('TimedOut')]])
      assert.match(head({ ...none, unsearched }), /Mesh {2}unknown/);
    assert.match(head({ ...none, signal: 'SIGINT' }), /Mesh {2}unknown/);
  });
  it('names what was asked for', () => {
    const of = (scope: Facts['run']['scope']): string | undefined =>
      head({ run: { ...facts().run, scope } }).split('\n')[1];
    const workload = { kind: 'service', name: 'reviews', namespace: 'bookinfo' } as const;
    assert.equal(of({ workload, namespace: 'bookinfo', selector: null }), 'Only     service/reviews in bookinfo');
    assert.equal(
      of({ workload: null, namespace: 'shop', selector: 'app=a' }),
      'Only     namespace shop    pods with the labels app=a',
    );
    assert.equal(of({ workload: null, namespace: null, selector: null }), undefined);
  });
});

describe('the exit code', () => {
  const matrix: Record<VerdictWord, readonly number[]> = {
    healthy: [1, 0, 0, 0, 0],
    broken: [1, 1, 1, 0, 0],
    error: [2, 2, 2, 2, 2],
    inconclusive: [1, 3, 0, 0, 0],
    'not-applicable': [4, 4, 4, 4, 4],
    unreachable: [5, 5, 5, 5, 5],
  };
  for (const [verdict, codes] of Object.entries(matrix)) {
    it(`of ${verdict} with a warning is ${codes.join(', ')} for --fail-on ${FAIL_ON.join(', ')}`, () => {
      assert.deepEqual(
        FAIL_ON.map((failOn) => exitCodeOf(verdict as VerdictWord, { warns: true, fresh: null }, failOn)),
        codes,
      );
    });
  }
  it('of healthy without a warning is 0 for all', () => {
    assert.deepEqual(
      FAIL_ON.map((failOn) => exitCodeOf('healthy', NO_GROUNDS, failOn)),
      [0, 0, 0, 0, 0],
    );
  });
});

describe('text from the cluster', () => {
  it('is shown with its control, format and separator characters as codes', () => {
    assert.equal(escapeText('a\x1b[31mred\x07'), 'a\\x1b[31mred\\x07');
    assert.equal(escapeText('a\tb\nc\r'), 'a b\\x0ac\\x0d');
    assert.equal(escapeText('x\u202eevil\u200b\u2028\ufeff\x9b'), 'x\\u{202e}evil\\u{200b}\\u{2028}\\u{feff}\\x9b');
    assert.equal(escapeText('grün ✔ 日本'), 'grün ✔ 日本');
  });
  it('is escaped wherever it stands', () => {
    assert.deepEqual(escapeAll({ a: ['\x1b'], b: { c: '\x00' }, d: 1, e: null }), {
      a: ['\\x1b'],
      b: { c: '\\x00' },
      d: 1,
      e: null,
    });
  });
});

const hop = (change: Partial<FlowReport>): FlowReport => ({
  generation: 'mixer',
  namespace: 'x',
  revision: null,
  hop: 'envoy->mixer',
  from: 'Envoy',
  to: 'Mixer',
  steps: ['one'],
  status: 'pass',
  in: 10,
  out: 10,
  unit: 'reports',
  ...change,
});

describe('the flow', () => {
  const lost = {
    generation: 'mixer',
    namespace: 'x',
    revision: null,
    hop: 'mixer->adapter',
    step: 's',
    reason: 'R',
    effect: 'missing',
    about: null,
    ...UNDATED,
  } as const;
  const toAdapter = { hop: 'mixer->adapter', from: 'Mixer', to: 'adapter', steps: ['s'] };
  it('is a bar for each stage, the lost one marked', () => {
    const picture = flowPicture(plainStyle, [hop({}), hop({ ...toAdapter, out: 5, unit: 'dispatches' })], lost).split(
      '\n',
    );
    assert.match(picture[0] ?? '', /^ {2}Envoy {4}█{40} +10 reports$/);
    assert.match(picture[2] ?? '', /^ {2}adapter {2}█{20} {20} +5 dispatches {3}◀ LOST HERE$/);
  });
  it('says from where on numbers are false', () => {
    const wrong = { ...lost, effect: 'wrong' } as const;
    assert.match(flowPicture(plainStyle, [hop({}), hop(toAdapter)], wrong), /10 reports {3}◀ WRONG FROM HERE$/);
  });
  it('marks the line of the step that lost, of several on one hop', () => {
    const funnel = reportOf(
      facts({
        sections: [
          {
            ...section(
              ['in-mesh', finding({})],
              ['telemetry-config', finding({ status: 'fail', reason: 'R', hint: 'h' })],
            ),
            flow: {
              got: [
                { hop: 'a->b', between: ['workloads', 'in mesh'], steps: ['in-mesh'], in: 4, out: 4, unit: 'pods' },
                { hop: 'a->b', between: ['in mesh', 'told'], steps: ['telemetry-config'], in: 4, out: 1, unit: 'pods' },
              ],
            },
          },
        ],
      }),
    );
    assert.deepEqual(
      flowPicture(plainStyle, funnel.flow, funnel.lostAt)
        .split('\n')
        .map((line) => line.replace(/█+ */, '')),
      ['  workloads  4 pods', '  in mesh    4 pods', '  told       1 pods   ◀ LOST HERE'],
    );
  });
  it('shows what was not measured as a question', () => {
    assert.match(flowPicture(plainStyle, [hop({ in: null, out: null })], null), /Envoy {2}\? +\? reports/);
  });
  it('marks no loss where no number is known, and the table draws none', () => {
    const unseen = [hop({ in: null, out: null }), hop({ ...toAdapter, in: null, out: null })];
    assert.doesNotMatch(flowPicture(plainStyle, unseen, lost), /LOST HERE/);
    const told = (flow: readonly FlowReport[]): string => {
      const failing = section(['one', finding({ status: 'fail', reason: 'R', hint: 'h' })]);
      const ofPlane = { ...failing, flow: { got: flow.map((each) => ({ ...each, namespace: plane.namespace })) } };
      return tableOf(reportOf(facts({ sections: [ofPlane] })), plainStyle, { wide: false, showCommands: false });
    };
    assert.match(told([hop({})]), /WHERE THE METRICS ARE LOST\n(?:.*\n)*.*LOST HERE/);
    assert.doesNotMatch(told(unseen), /WHERE THE METRICS ARE LOST|LOST HERE/);
    assert.match(told(unseen), /Lost at envoy->mixer\./);
  });
  it('marks no line where the loss has none, and the table does not say where it is', () => {
    const measured = [hop({}), hop({ ...toAdapter, out: 5 })];
    const elsewhere = { ...lost, step: 'another' };
    assert.doesNotMatch(flowPicture(plainStyle, measured, elsewhere), /LOST HERE/);
    assert.doesNotMatch(flowPicture(plainStyle, measured, { ...lost, about: 'callers' }), /LOST HERE/);
    const failing = section(['one', finding({ status: 'fail', reason: 'R', hint: 'h' })]);
    const flow = { got: [{ hop: 'page->prometheus', in: 4, out: 4, unit: 'pods' }] };
    const report = reportOf(facts({ sections: [{ ...failing, flow }] }));
    const table = tableOf(report, plainStyle, { wide: false, showCommands: false });
    assert.doesNotMatch(table, /WHERE THE METRICS ARE LOST|LOST HERE/);
    assert.match(table, /FLOW {2}Page ──4 pods──▶ Prometheus\n\n.*R/s);
  });
  it('has every cure in the table, where one reason has several', () => {
    const failed = finding({ status: 'fail', reason: 'R', message: 'one is lost', hint: 'kubectl edit one' });
    const other = { ...failed, about: 'callers', message: 'caller two is lost', hint: 'kubectl edit two' } as const;
    const told = (...more: readonly OpenFinding[]): string => {
      const report = reportOf(facts({ sections: [section(['one', failed, ...more])] }));
      return tableOf(report, plainStyle, { wide: false, showCommands: false });
    };
    assert.match(told(other), /CAUSE {2}R: one is lost; caller two is lost\./);
    assert.match(told(other), /FIX {4}kubectl edit one\n {7}kubectl edit two\n/);
    assert.match(told(), /CAUSE {2}R: one is lost\.[^;]*\nFIX {4}kubectl edit one\nDOCS/);
  });
  it('is a chain when nothing is lost', () => {
    assert.equal(flowChain([hop({})], 60, ''), 'Envoy ──10 reports──▶ Mixer');
    assert.equal(flowChain([], 60, ''), '');
    assert.equal(
      flowChain([hop({}), hop({ to: 'adapter' }), hop({ to: 'Prometheus' })], 60, '  '),
      'Envoy ──10 reports──▶ Mixer ──10 reports──▶ adapter\n  ──10 reports──▶ Prometheus',
    );
  });
});

describe('the table', () => {
  const goldens = readdirSync(new URL('../golden/', import.meta.url)).filter((name) => name.endsWith('.json'));
  const reports = goldens.map(
    (name) => JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8')) as Report,
  );

  it('keeps its steps within a hundred columns', () => {
    for (const report of reports) {
      const [, steps = ''] = tableOf(report, plainStyle, { wide: false, showCommands: false }).split('\n\n');
      for (const line of steps.split('\n')) assert.ok(line.length <= 100, line);
    }
  });
  it('begins each step with its id, and each continuation with a space', () => {
    for (const report of reports) {
      const [, steps = ''] = tableOf(report, { ...plainStyle, width: 70 }, { wide: false, showCommands: false }).split(
        '\n\n',
      );
      const ids = steps
        .split('\n')
        .filter((line) => !line.startsWith(' '))
        .map((line) => line.split(' ')[0]);
      assert.deepEqual(ids, ['STEP', ...report.steps.map(({ id }) => id)]);
    }
  });
  it('says in a line what of a generation has nothing to judge, and how many pods each data plane carries', () => {
    const ambient = { ...plane, generation: 'ambient' } as const;
    const idle = section(['one', finding({ status: 'skip', message: 'no pod has a proxy' })]);
    const judged = section(['two', finding({})]);
    const sections = [
      idle,
      { ...judged, plane: ambient, steps: judged.steps.map((each) => ({ ...each, plane: ambient })) },
    ];
    const report = reportOf(facts({ planes: [plane, ambient], sections, shares: { sidecars: 3, ambient: 12 } }));
    const told = (wide: boolean): string => tableOf(report, plainStyle, { wide, showCommands: false });
    assert.match(told(false), /\n1 steps? skipped: no pod has a proxy\n/);
    assert.doesNotMatch(told(true), /skipped: no pod has a proxy/);
    assert.match(told(false), /, 3 pods with sidecars and 12 in ambient/);
    assert.doesNotMatch(
      tableOf(reportOf(facts({ shares: { sidecars: 3, ambient: 0 } })), plainStyle, {
        wide: false,
        showCommands: false,
      }),
      /in ambient/,
    );
  });
  it('is 7-bit with --ascii', () => {
    for (const report of reports) {
      assert.match(
        tableOf(report, { ...plainStyle, ascii: true }, { wide: true, showCommands: true }),
        /^[\x20-\x7e\n]*$/,
      );
    }
  });
  it('has colours only where they are wanted', () => {
    const [report] = reports;
    assert.ok(report);
    const options = { wide: false, showCommands: false };
    assert.ok(!tableOf(report, plainStyle, options).includes('\x1b'));
    assert.ok(tableOf(report, { ...plainStyle, colour: true }, options).includes('\x1b['));
  });
  it('lists the commands when they are asked for', () => {
    const [report] = reports;
    assert.ok(report);
    assert.match(tableOf(report, plainStyle, { wide: false, showCommands: true }), /\nCOMMANDS\n {2}kubectl /);
  });
  it('names the rights that are missing, and how to ask for them', () => {
    const report = reportOf(
      facts({
        sections: [
          section([
            'one',
            finding({
              status: 'unknown',
              reason: 'Forbidden',
              missing: [{ ...missing(), triedInstead: ['list rules in namespace x'] }],
            }),
          ]),
        ],
      }),
    );
    const table = tableOf(report, plainStyle, { wide: false, showCommands: false });
    assert.match(
      table,
      /RIGHTS YOU LACK \(1\)\n {2}list rules\.config\.istio\.io in all namespaces, needed by one; tried instead: list rules/,
    );
    assert.match(table, /INCONCLUSIVE.*Not a clean bill of health/);
  });
  it('tells several control planes apart', () => {
    const other = { ...plane, namespace: 'istio-b' };
    const report = reportOf(
      facts({
        planes: [plane, other],
        sections: [section(['one', finding({})]), { ...section(['one', finding({})]), plane: other }],
      }),
    );
    assert.match(tableOf(report, plainStyle, { wide: false, showCommands: false }), /and 1 more/);
  });
});
