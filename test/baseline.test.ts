import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import type { Differences } from '../src/report/differences.ts';
import type { Report } from '../src/report/document.ts';
import { it } from './support/programs.ts';
import { loadRecording } from './support/recordings.ts';
import { ran, reported } from './support/run.ts';
import { assertSchema } from './support/schema.ts';
import { startStandIn } from './support/stand-in.ts';

const bundle = (name: string): string => join(import.meta.dirname, 'bundles', `${name}.tar.gz`);
const TODAY = ['missing-metrics', '--bundle', bundle('today')];

/** A report of a version that had no scope, no subjects and no losses' history yet. */
const FIRST = join(import.meta.dirname, 'reports/first-version.json');

const folder = mkdtempSync(join(tmpdir(), 'baseline-'));
after(() => rmSync(folder, { recursive: true }));

const fileOf = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

const statusOf = ({ steps }: Report, step: string): string | undefined => steps.find(({ id }) => id === step)?.status;

describe('--ignore', () => {
  it('shows a failure as ignored, with what follows from it, and is healthy without', async () => {
    const { report, code } = await reported([...TODAY, '--ignore', 'ScrapeSaysFalse']);
    assertSchema(report);
    assert.deepEqual([report.verdict, code, report.lostAt], ['healthy', 0, null]);
    assert.deepEqual([statusOf(report, 'scrape'), statusOf(report, 'stored')], ['ignored', 'ignored']);
    assert.deepEqual([report.summary.fail, report.summary.ignored, report.summary.causes], [0, 2, 0]);
    const { stdout } = await ran([...TODAY, '--ignore', 'ScrapeSaysFalse']);
    assert.match(stdout, /^scrape +IGNORED ~ /m);
    assert.match(stdout, /^IGNORED {2}ScrapeSaysFalse \(scrape\): 4 of 10 proxies.*\n.*--ignore ScrapeSaysFalse/m);
    assert.match(stdout, /^HEALTHY {2}8 steps: 6 passed, 2 ignored\. .* exit 0$/m);
  });

  it('takes globs, and objects of which all must fit', async () => {
    for (const [codeWanted, ...ignores] of [
      [0, 'Scrape*'],
      [0, 'ScrapeSays?alse=bookinfo/*'],
      // Everything of a namespace (istio/istio#55504).
      [0, '*=bookinfo/*'],
      [1, '*=kube-*/*'],
      [0, 'ScrapeSaysFalse=bookinfo/reviews-v1', 'Scrape*=*/reviews-v?'],
      [1, 'ScrapeSaysFalse=bookinfo/reviews-v1'],
      [1, 'ScrapeSaysFalse=shop/*'],
    ] as const) {
      const flags = ignores.flatMap((each) => ['--ignore', each]);
      const { code, report } = await reported([...TODAY, ...flags]);
      assert.equal(code, codeWanted, ignores.join(' '));
      const unused = report.warnings.filter((each) => each.includes('ignores nothing'));
      assert.equal(unused.length, codeWanted, ignores.join(' '));
    }
  });

  it('says of what it ignores nothing of, and why', async () => {
    const { report, code } = await reported([...TODAY, '--ignore', 'TargetDown', '--ignore', 'ScrapeSaysFalse=a/b']);
    assert.equal(code, 1);
    assert.deepEqual(report.warnings, [
      '--ignore TargetDown ignores nothing: nothing of that kind is found',
      '--ignore ScrapeSaysFalse=a/b ignores nothing: ScrapeSaysFalse is about others too, or its list is cut',
    ]);
  });

  it('refuses a reason that there is not, and what is none', async () => {
    for (const [ignore, words] of [
      [
        'ScrapeSayFalse',
        /^error: --ignore: nothing is found for the reason ScrapeSayFalse; did you mean ScrapeSaysFalse\?\n$/,
      ],
      [
        'Scrape Says',
        /^error: --ignore takes REASON or REASON=NAMESPACE\/NAME, both with \* and \?, not "Scrape Says"\n$/,
      ],
      ['HostMissing', /did you mean/],
      // As istioctl analyze takes it (istio/istio#58188).
      [
        'ScrapeSaysFalse=Deployment reviews-v1.bookinfo',
        /^error: --ignore takes REASON or REASON=NAMESPACE\/NAME, both with \* and \?, not "ScrapeSaysFalse=Deployment/,
      ],
    ] as const) {
      const { code, stderr } = await ran([...TODAY, '--ignore', ignore]);
      assert.equal(code, 2);
      assert.match(stderr, words);
    }
  });
});

describe('--baseline', () => {
  it('tells of a report what is known, and --fail-on new does not fail for it', async () => {
    const { stdout: text } = await ran([...TODAY, '-o', 'json']);
    const file = fileOf('same.json', text);
    const { report, code } = await reported([...TODAY, '--baseline', file, '--fail-on', 'new']);
    assertSchema(report);
    assert.deepEqual([code, report.verdict], [0, 'broken']);
    assert.deepEqual(report.baseline?.summary, { new: 0, known: 1, fixed: 0, unknown: 0 });
    const { stdout } = await ran([...TODAY, '--baseline', file]);
    assert.match(stdout, /^BASELINE {2}2026-11-22 10:00:00 UTC {2}recorded: 1 known$/m);
    assert.match(stdout, /Against the baseline: 1 known\.$/m);
  });

  it('is a bundle as well, and fails for what is new', async () => {
    const { report, code } = await reported([...TODAY, '--baseline', bundle('demo'), '--fail-on', 'new']);
    assertSchema(report);
    assert.equal(code, 1);
    assert.deepEqual(report.baseline?.findings.map(({ state, reason }) => [state, reason]).at(0), [
      'new',
      'ScrapeSaysFalse',
    ]);
  });

  it('is a report of the first version too', async () => {
    const demo = ['missing-metrics', '--bundle', bundle('demo')];
    const { report, code } = await reported([...demo, '--baseline', FIRST, '--fail-on', 'new']);
    assertSchema(report);
    const known = report.baseline?.findings.filter(({ state }) => state === 'known').map(({ reason }) => reason);
    assert.ok(known?.includes('HandlerMissing'), JSON.stringify(report.baseline));
    assert.equal(code, 0, JSON.stringify(report.baseline));
  });

  it('warns of another cluster’s, and of other workloads’', async () => {
    const { report } = await reported([...TODAY]);
    const other = { ...report, run: { ...report.run, context: 'elsewhere' } };
    const { report: told } = await reported([...TODAY, '--baseline', fileOf('other.json', JSON.stringify(other))]);
    assert.match(told.warnings.join('\n'), /^--baseline: one is of the context elsewhere, the other of recorded/m);
    const healthy = fileOf('narrow.json', JSON.stringify(report));
    const { report: narrow } = await reported([...TODAY, '-n', 'bookinfo', '--baseline', healthy]);
    assert.match(narrow.warnings.join('\n'), /^--baseline: the older one looked at other workloads/m);
  });

  it('refuses what it cannot compare with, in one line', async () => {
    const { report } = await reported([...TODAY]);
    for (const [file, words] of [
      [join(folder, 'none.json'), /^error: cannot read .*none\.json: .*ENOENT/],
      [folder, /^error: cannot read .*EISDIR/],
      [fileOf('text.json', 'nothing'), /^error: .*text\.json is neither a bundle nor a report in JSON \(-o json\)\n$/],
      [
        fileOf('list.json', '{"kind":"PodList","apiVersion":"v1","items":[]}'),
        /list\.json is no report of kubectl istio-diag’s/,
      ],
      [fileOf('null.json', 'null'), /null\.json is no report/],
      [fileOf('steps.json', JSON.stringify({ ...report, steps: [{ id: 1 }] })), /steps\.json is no report/],
      [
        fileOf('topic.json', JSON.stringify({ ...report, topic: 'http10' })),
        /topic\.json is of http10, not of missing-metrics\n$/,
      ],
      [fileOf('cut.tar.gz', readFileSync(bundle('demo')).subarray(0, 5000).toString('latin1')), /cut\.tar\.gz/],
      [
        fileOf('error.json', JSON.stringify({ ...report, verdict: 'unreachable' })),
        /error\.json is the report of a run that came to no diagnosis \(unreachable\)\n$/,
      ],
    ] as const) {
      const { code, stderr } = await ran([...TODAY, '--baseline', file]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, words);
      assert.equal(stderr.split('\n').length, 2, stderr);
    }
    const other = await ran(['http10', '--bundle', bundle('today'), '--baseline', bundle('today')]);
    assert.deepEqual(
      [other.code, other.stderr.endsWith('today.tar.gz is of missing-metrics, not of http10\n')],
      [2, true],
    );
    const { code, stderr } = await ran([...TODAY, '--fail-on', 'new']);
    assert.deepEqual([code, stderr.includes('name one with --baseline')], [2, true]);
  });

  it('is no reason to be green for a run that may ask nothing', async () => {
    const file = fileOf('seen.json', JSON.stringify((await reported(TODAY)).report));
    const standIn = await startStandIn(loadRecording('istio-1.0.6/healthy'), {
      faults: [{ match: /./, fault: 'forbid' }],
    });
    try {
      const argv = ['missing-metrics', '--baseline', file, '--fail-on', 'new'];
      const { report, code } = await reported(argv, { env: { KUBECONFIG: standIn.kubeconfig } });
      assertSchema(report);
      assert.deepEqual([report.verdict, code], ['inconclusive', 3]);
      assert.ok(report.baseline?.unasked.includes('detection: list pods in all namespaces'));
    } finally {
      await standIn.close();
    }
  });

  it('of all topics is compared topic by topic', async () => {
    const all = ['all', '--bundle', bundle('today')];
    const { stdout: text } = await ran([...all, '-o', 'json']);
    const file = fileOf('all.json', text);
    const { stdout, code } = await ran([...all, '--baseline', file, '--fail-on', 'new']);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ALL .*Against the baseline: \d+ known\./m);
    const one = fileOf('one.json', JSON.stringify((await reported(TODAY)).report));
    assert.equal((await ran([...all, '--baseline', one, '--fail-on', 'new'])).code, 3, 'other topics are all new');
  });
});

describe('diff', () => {
  it('says nothing differs of one and the same, and what does of two', async () => {
    const same = await ran(['diff', bundle('today'), bundle('today')]);
    assert.deepEqual([same.code, same.stderr], [0, '']);
    assert.match(
      same.stdout,
      /^missing-metrics\n {2}old {2}.*broken\n {2}new {2}.*broken\n {2}known {4}ScrapeSaysFalse \(scrape\): bookinfo/,
    );
    const other = await ran(['diff', FIRST, bundle('today'), '-o', 'json']);
    assert.equal(other.code, 1);
    const made = JSON.parse(other.stdout) as Differences;
    assertSchema(made);
    assert.equal(made.exitCode, 1);
    assert.ok(made.items[0]?.findings.some(({ state, reason }) => state === 'new' && reason === 'ScrapeSaysFalse'));
  });

  it('tells what is fixed', async () => {
    const { report } = await reported(TODAY);
    const mended = report.steps.map((step) => ({
      ...step,
      checks: step.checks.map((check) =>
        check.status === 'fail' ? { ...check, status: 'pass', reason: null } : check,
      ),
    }));
    const healthy = fileOf('healthy.json', JSON.stringify({ ...report, verdict: 'healthy', steps: mended }));
    const { code, stdout } = await ran(['diff', bundle('today'), healthy]);
    assert.equal(code, 1);
    assert.match(stdout, /healthy\n {2}fixed {4}ScrapeSaysFalse \(scrape\): bookinfo\/reviews-v1/);
  });

  it('refuses what cannot be compared', async () => {
    const { report } = await reported(TODAY);
    const http = fileOf('http10.json', JSON.stringify({ ...report, topic: 'http10' }));
    const reports = fileOf('today.json', JSON.stringify(report));
    for (const [argv, words] of [
      [['diff', http, reports], /http10\.json is of http10, and .*today\.json of missing-metrics\n$/],
      [['diff', reports], /a word is missing/],
      [['diff', reports, join(folder, 'none')], /cannot read .*ENOENT/],
      [['diff', reports, reports, '-o', 'wide'], /allowed formats are: table, json, yaml/],
    ] as const) {
      const { code, stderr } = await ran(argv);
      assert.deepEqual([code, stderr.split('\n').length], [2, 2], stderr);
      assert.match(stderr, words);
    }
  });
});

describe('--plan', () => {
  it('needs a cluster', async () => {
    const { code, stderr } = await ran([...TODAY, '--plan']);
    assert.equal(code, 2);
    assert.match(stderr, /^error: --plan asks a cluster what there is, and --bundle replays one: give one of them\n$/);
  });
});
