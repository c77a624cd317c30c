import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { pack } from 'tar-stream';
import { REPORT_WORDS } from '../src/commands/explain/words.ts';
import { COMMANDS, flagsOf } from '../src/commands/flags.ts';
import { KUBECTL_FLAGS, kubectlFlagsOf } from '../src/commands/kubectl-flags.ts';
import { durationOf, scopeOf, workloadOf } from '../src/commands/options.ts';
import { guide, topics } from '../src/guide/index.ts';
import { matchesGolden } from './support/golden.ts';
import { it, needed } from './support/programs.ts';
import type { Recording } from './support/recordings.ts';
import { ran, reported } from './support/run.ts';
import { withStandIn } from './support/standing.ts';
import { svgOf } from './support/svg.ts';

const folder = mkdtempSync(join(tmpdir(), 'cli-'));
after(() => rmSync(folder, { recursive: true }));
const DEMO = join(import.meta.dirname, 'bundles/demo.tar.gz');

describe('the command line', () => {
  it('has help that reads like kubectl’s, with examples', async () => {
    const { code, stdout } = await ran(['--help']);
    assert.equal(code, 0);
    assert.match(stdout, /\nUsage:\n {2}kubectl istio-diag TOPIC \[KIND\/NAME\] \[flags\]\n/);
    // A bare call asks for the same.
    assert.deepEqual(await ran([]), { code: 0, stdout, stderr: '' });
    const topic = (await ran(['missing-metrics', '--help'])).stdout;
    const heads = topic.match(/^(Examples|Asks for|Takes|Options|Usage):$/gm);
    assert.deepEqual(heads, ['Examples:', 'Asks for:', 'Takes:', 'Options:', 'Usage:']);
    for (const flag of ['--save-bundle=', '--fail-on=', '-A, --all-namespaces=']) assert.ok(topic.includes(flag), flag);
    assert.match(
      topic,
      /\n {2}lists pods, services, .*\n(.*\n)* {2}as a role: kubectl istio-diag rbac missing-metrics\n/,
    );
    // Flags of every kubectl are folded, as kubectl does.
    assert.doesNotMatch(topic, /--kubeconfig/);
    assert.match(topic, /\nUse "kubectl istio-diag options" for the flags of every kubectl\.\n$/);
    const options = (await ran(['options'])).stdout;
    for (const flag of Object.keys(KUBECTL_FLAGS)) assert.ok(options.includes(`--${flag}=`), flag);
  });

  it('takes every connection flag of the real kubectl', () => {
    needed('kubectl');
    const { stdout } = spawnSync('kubectl', ['options'], { encoding: 'utf8' });
    const theirs = [...stdout.matchAll(/^\s+(?:-\w, )?--([\w-]+)=/gm)].map(([, name = '']) => name);
    // How kubectl itself is logged and measured; and what is each command's own here.
    const others = /^(log-flush-frequency|profile(-output)?|vmodule|warnings-as-errors|v|namespace|kuberc)$/;
    assert.deepEqual(
      theirs.filter((name) => !others.test(name) && !Object.hasOwn(KUBECTL_FLAGS, name)),
      [],
    );
  });

  it('has help for every command, in sixty columns, and no word of it is cut', async () => {
    for (const command of [...guide.map(({ id }) => id), ...Object.keys(COMMANDS)]) {
      const { code, stdout, stderr } = await ran([command, '--help'], { env: { COLUMNS: '60' } });
      assert.deepEqual([code, stderr], [0, ''], command);
      assert.match(stdout, /\n\nExamples:\n {2}# /);
      // What is typed stays in one line.
      const wide = stdout.split('\n').filter((line) => line.length > 60 && !line.startsWith('  kubectl istio-diag'));
      assert.deepEqual(wide, [], command);
      for (const flag of Object.keys(flagsOf(command))) assert.ok(stdout.includes(`--${flag}=`), `${command} ${flag}`);
    }
  });

  const wrong: readonly [readonly string[], RegExp][] = [
    [['mising-metrics'], /^error: unknown topic "mising-metrics"; did you mean missing-metrics\?\n$/],
    [['something-else-entirely'], /^error: unknown topic .*: see `kubectl istio-diag topics`\n$/],
    [['missing-metrics', '--contxt', 'x'], /^error: unknown flag or argument "contxt"; did you mean --context\?\n$/],
    [['missing-metrics', '--zzzzzzzzzzzz'], /^error: unknown flag or argument "zzzzzzzzzzzz"\n$/],
    [
      ['missing-metrics', '-o', 'xml'],
      /^error: unable to match a printer suitable for the output format "xml", allowed formats are: table, wide, short, name, json, yaml\n$/,
    ],
    [['missing-metrics', '--context'], /^error: Not enough arguments following: context\n$/],
    [['missing-metrics', '--context', ''], /^error: --context takes a value\n$/],
    [
      ['missing-metrics', 'a', 'b'],
      /^error: one may be named, KIND\/NAME or KIND NAME, and no more words: not "a b"\n$/,
    ],
    [['missing-metrics', 'deploy', 'a', 'b'], /^error: one workload may be named, .* not "b"\n$/],
    [['missing-metrics', '--', 'a', 'b'], /^error: one may be named/],
    [['envoy-crash', 'deploy/x'], /^error: envoy-crash takes no workload, .* not at "deploy\/x"\n$/],
    [['all', 'x'], /^error: all takes no workload, /],
    [['missing-metrics', 'deployment.batch/x'], /^error: a workload is KIND\/NAME/],
    [
      ['missing-metrics', '-o', 'jsonpath={.lostAt.reason}'],
      /jq .*: the same line, with -o json \| jq -r \.lostAt\.reason\n$/,
    ],
    [
      ['all', '-o', 'custom-columns=A:.b'],
      /-o custom-columns is not printed here; jq .* with -o json \| jq -r '\.items\[\]\.verdict'\n$/,
    ],
    [['missing-metrics', '-o', 'go-template={{.verdict}}'], /-o go-template is not printed here/],
    [['debug', 'sync', '-o', 'jsonpath={.proxies[0].pilot}'], /with -o json \| jq -r '\.proxies\[0\]\.pilot'\n$/],
    [['metrics', 'pod/x', '-o', 'custom-columns=A:.b'], /with -o json \| jq -r \.\n$/],
    [['diff', 'a', 'b', '-o', 'go-template={{.x}}'], /with -o json \| jq -r \.\n$/],
    [['rbac', '-o', 'go-template={{.x}}'], /with -o json \| jq -r \.\n$/],
    [
      ['missing-metrics', '--only', 'red'],
      /^error: --only takes one of pass, warn, fail, unknown, skip, ignored, not "red"\n$/,
    ],
    [['rbac', '--user', 'sre'], /^error: a role names no user: kubectl create clusterrolebinding .* --user=sre\n$/],
    [['rbac', '--context', 'x'], /^error: --context is for rbac --missing: /],
    [['missing-metrics', '--bundle', folder], /^error: cannot read the bundle: it is a folder, /],
    [['explain'], /^error: name a word: /],
    [['missing-metrics', '-n', '../x'], /^error: "\.\.\/x" cannot be the name of a namespace\n$/],
    [['missing-metrics', '--prometheus-url', 'http://h/?a=b'], /^error: --prometheus-url takes no query/],
    [['missing-metrics', '--bundle', DEMO, '--timeout', 'zz'], /^error: --timeout takes a duration/],
    [['-o', 'json'], /^error: flags go after the topic, such as missing-metrics/],
    [['foo'], /^error: unknown topic "foo": see/],
    [['metrics', 'x', '--port', 'abc'], /^error: --port takes a number from 1 to 65535\n$/],
    [['metrics', 'x', '--port', '99999'], /^error: --port takes a number from 1 to 65535\n$/],
    [['metrics', 'BAD NAME', '-n', 'x'], /^error: metrics takes POD, NAMESPACE\/POD or KIND\/NAME, not "BAD NAME"\n$/],
    [['metrics'], /^error: a word is missing: see the command’s --help\n$/],
    [['explain', 'constructor'], /^error: there is no topic, step, check or reason called "constructor"/],
    [['missing-metrics', '-o'], /^error: Not enough arguments following: o/],
    [
      ['missing-metrics', '--fail-on', 'always'],
      /^error: --fail-on takes one of warn, unknown, fail, new, never, not "always"\n$/,
    ],
    [['missing-metrics', '--color', 'pink'], /^error: --color takes one of auto, always, never/],
    [['missing-metrics', '--window', 'soon'], /^error: --window takes a duration such as 5s/],
    [['missing-metrics', '--request-timeout', '5x'], /^error: --request-timeout takes a duration/],
    [['missing-metrics', '--sample', '-1'], /^error: --sample takes a number/],
    [
      ['missing-metrics', '--prometheus-url', 'http://a:100%zz@127.0.0.1:1'],
      /^error: --prometheus-url: write a % in .* as %25\n$/,
    ],
    [['missing-metrics', '--prometheus-url', 'ftp://x'], /^error: --prometheus-url takes an http or https URL/],
    [
      ['missing-metrics', '--prometheus-service', 'nonsense'],
      /^error: --prometheus-service takes NAMESPACE\/NAME:PORT/,
    ],
    [['missing-metrics', '--prometheus-url', 'http://x', '--prometheus-service', 'a/b:1'], /not both/],
    [['missing-metrics', '-A', '-n', 'x'], /^error: give -n or -A/],
    [['missing-metrics', 'service/x', '-A'], /^error: a workload lies in one namespace/],
    [['missing-metrics', 'node/x'], /^error: a workload is KIND\/NAME, of a service, .*job or pod, not "node\/x"/],
    [['missing-metrics', 'service/Bad Name'], /^error: a workload is/],
    [['missing-metrics', '--bundle', DEMO, '--context', 'x'], /^error: --context means a live cluster/],
    [['missing-metrics', '--bundle', DEMO, '--save-bundle', 'x'], /^error: --save-bundle means a live cluster/],
    [['metrics'], /^error: /],
    [['metrics', 'x', '--match', '('], /^error: --match takes a regular expression/],
    [['metrics', 'x', '-o', 'wide'], /allowed formats are: table, json, yaml/],
    [['explain', 'HandlerMising'], /did you mean HandlerMissing\?/],
    [['rbac', 'mising-metrics'], /did you mean missing-metrics\?/],
  ];
  for (const [argv, words] of wrong) {
    it(`answers ${JSON.stringify(argv.map((word) => word.replace(import.meta.dirname, '')))} with one line and exit 2`, async () => {
      const { code, stdout, stderr } = await ran(argv);
      assert.match(stderr, words);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }

  it('prints a document of the error for -o json', async () => {
    const { report, code } = await reported(['missing-metrics', '--nonsense-flag']);
    assert.deepEqual([code, report.verdict, report.exitCode], [2, 'error', 2]);
    assert.match(report.warnings[0] ?? '', /unknown flag/);
  });

  it('explains words of the report by the names that the report has for them', async () => {
    const { stdout: schema } = await ran(['schema']);
    for (const word of Object.keys(REPORT_WORDS)) {
      assert.ok(schema.includes(`"${word}"`), word);
      const { code, stdout } = await ran(['explain', word]);
      assert.deepEqual([code, stdout.startsWith(`${word}  `)], [0, true]);
      assert.ok(stdout.split('\n').every((line) => line.length <= 100));
    }
  });

  it('lists topics, and explains every check, step and reason', async () => {
    const { stdout } = await ran(['topics']);
    for (const topic of await topics()) {
      for (const { steps } of Object.values(topic.walks)) {
        for (const step of steps) {
          assert.ok(stdout.includes(step.id));
          assert.match((await ran(['explain', step.id])).stdout, new RegExp(step.title));
          for (const check of step.checks) {
            const explained = (await ran(['explain', check.id])).stdout;
            assert.ok(explained.includes(check.title));
            for (const reason of Object.keys(check.reasons))
              assert.ok(explained.includes(reason) && (await ran(['explain', reason])).code === 0);
          }
        }
      }
    }
    assert.match((await ran(['explain', 'Forbidden'])).stdout, /RBAC refuses/);
  });

  it('prints its version', async () => {
    assert.match((await ran(['version'])).stdout, /^kubectl-istio-diag v\d+\.\d+\.\d+\n$/);
  });

  it('prints a JSON Schema that is one', async () => {
    const schema = JSON.parse((await ran(['schema'])).stdout) as object;
    assert.ok(new Ajv2020({ allowUnionTypes: true }).validateSchema(schema));
  });

  it('prints the ClusterRole that it takes', async () => {
    const { stdout } = await ran(['rbac']);
    matchesGolden('rbac.yaml', stdout);
    assert.doesNotMatch(stdout, /REVISION/);
    const { stdout: named } = await ran(['rbac', 'webhook-certs']);
    assert.match(named, /^# Add istio-sidecar-injector-REVISION for each/m);
    assert.ok(!/secrets|exec|"\*"|delete|patch/.test(stdout.replace(/^#.*$/gm, '')));
  });

  it('runs every topic on a bundle, with the commands when they are wanted', async () => {
    const { stdout, code } = await ran(['all', '--bundle', DEMO]);
    assert.equal(code, 1);
    assert.match(stdout, /^missing-metrics +FAIL/m);
    // Nobody asked for the other topics when it was made: unknown, never green.
    assert.match(stdout, /^webhook-certs +UNKNOWN/m);
    assert.ok(!stdout.includes('COMMANDS'));
    assert.match(
      (await ran(['all', '--bundle', DEMO, '--show-commands'])).stdout,
      /^COMMANDS\n(.*\n)* {2}kubectl get pods/m,
    );
    const broken = await ran(['all', '--bundle', '/nonexistent', '-o', 'json']);
    assert.deepEqual([broken.code, (JSON.parse(broken.stdout) as { kind: string }).kind], [2, 'DiagnosisReportList']);
  });

  it('draws the README’s picture', async () => {
    const { stdout } = await ran(['missing-metrics', '--bundle', DEMO, '--color', 'always'], { isTTY: true });
    const shown = stdout.split('\n').map((line) => line.replace(/\d+\.\d s,/, '0.3 s,'));
    matchesGolden('terminal.svg', svgOf(`$ kubectl istio-diag missing-metrics\n${shown.join('\n')}`));
  });
});

describe('options', () => {
  it('are durations as kubectl takes them', () => {
    const cases: readonly [string, number][] = [
      ['5s', 5000],
      ['1m30s', 90_000],
      ['500ms', 500],
      ['0', 0],
      ['2', 2000],
      ['1h', 3_600_000],
    ];
    for (const [text, milliseconds] of cases) assert.equal(durationOf(text, 'x'), milliseconds);
  });
  it('go to kubectl when they are its own, and only those that were given', () => {
    assert.deepEqual(
      kubectlFlagsOf({
        context: 'a',
        'as-group': ['b', 'c'],
        'insecure-skip-tls-verify': true,
        namespace: 'x',
        as: undefined,
      }),
      ['--context=a', '--as-group=b', '--as-group=c', '--insecure-skip-tls-verify'],
    );
  });
  it('have the last value where they are given twice, but for groups', async () => {
    const kubectl = join(folder, 'kubectl');
    writeFileSync(kubectl, `#!/bin/sh\necho "$@" >>'${folder}/calls'\nexit 1\n`, { mode: 0o755 });
    const given = ['--as', 'sre', '--as-group', 'a', '--context', 'x', '--as-group=b', '--context=y'];
    const { code } = await ran(['missing-metrics', ...given, '-o', 'table', '-o', 'json'], {
      env: { KUBECTL_PATH: kubectl },
    });
    const [first = ''] = readFileSync(join(folder, 'calls'), 'utf8').split('\n');
    assert.equal(code, 5);
    assert.match(first, / --context=y --as=sre --as-group=a --as-group=b$/);
  });
  it('name workloads as kubectl does', () => {
    assert.deepEqual(workloadOf('reviews', 'a'), { kind: 'service', name: 'reviews', namespace: 'a' });
    assert.deepEqual(workloadOf('deploy/reviews-v1', 'a'), { kind: 'deployment', name: 'reviews-v1', namespace: 'a' });
    const kinds = ['svc', 'Deployments', 'sts', 'statefulset', 'ds', 'daemonsets', 'jobs', 'po', 'Pod'];
    assert.deepEqual(
      kinds.map((kind) => workloadOf(`${kind}/x`, 'a').kind),
      ['service', 'deployment', 'statefulset', 'statefulset', 'daemonset', 'daemonset', 'job', 'pod', 'pod'],
    );
  });
  it('take a Prometheus behind a Service, with a prefix', () => {
    const scope = scopeOf({ 'prometheus-service': 'monitoring/prom:9090/prefix/', window: '0', sample: 3 }, 'x');
    assert.deepEqual(scope.prometheus, { namespace: 'monitoring', service: 'prom', port: 9090, prefix: '/prefix' });
  });
});

describe('a bundle that is none', () => {
  async function tarOf(files: Record<string, string>): Promise<Buffer> {
    const archive = pack();
    for (const [name, text] of Object.entries(files)) archive.entry({ name }, text);
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    return gzipSync(Buffer.concat(chunks));
  }
  const manifest = {
    apiVersion: 'istio-diag/v1alpha1',
    kind: 'Bundle',
    tool: {},
    startedAt: '2026-11-22T10:00:00Z',
    context: null,
    namespace: 'x',
    questions: [],
  };

  const cases: readonly [string, () => Promise<Buffer> | Buffer, RegExp][] = [
    ['empty', () => Buffer.alloc(0), /is cut off|is not a bundle/],
    ['text', () => Buffer.from('hello'), /is not a bundle: a \.tar\.gz made by --save-bundle was wanted/],
    ['cut off', () => readFileSync(DEMO).subarray(0, 4000), /is cut off/],
    ['another archive', () => tarOf({ 'README.md': 'hi' }), /is not a bundle: it has no bundle\.json/],
    [
      'of a newer version',
      () => tarOf({ 'bundle.json': JSON.stringify({ ...manifest, apiVersion: 'istio-diag/v2' }) }),
      /made by another version \(istio-diag\/v2\)/,
    ],
    [
      'without an answer',
      () =>
        tarOf({
          'bundle.json': JSON.stringify({
            ...manifest,
            questions: [{ key: 'x', command: 'x', got: 'list', file: 'answers/0' }],
          }),
        }),
      /the answer answers\/0 is missing/,
    ],
    ...[
      { questions: [null] },
      { questions: ['x'] },
      { questions: [{}] },
      { questions: [{ key: 'x', command: 'x', got: 'nothing' }] },
      { questions: [{ key: 'x', command: 'x', got: 'something', file: 'answers/0' }] },
      { startedAt: 'garbage' },
      { startedAt: 1e20 },
      { context: 5 },
    ].map((change): [string, () => Promise<Buffer>, RegExp] => [
      `damaged: ${JSON.stringify(change)}`,
      () => tarOf({ 'bundle.json': JSON.stringify({ ...manifest, ...change }), 'answers/0': '[]' }),
      /is damaged: its bundle\.json is not as --save-bundle writes it/,
    ]),
    ...['{', '{"a":1}', '[null]'].map((list): [string, () => Promise<Buffer>, RegExp] => [
      `with ${list} for a list`,
      () =>
        tarOf({
          'bundle.json': JSON.stringify({
            ...manifest,
            questions: [{ key: '/api/v1/pods?labelSelector=', command: 'x', got: 'list', file: 'answers/0' }],
          }),
          'answers/0': list,
        }),
      /is damaged: its answer to `x` is no list of objects/,
    ]),
    ['with broken JSON', () => tarOf({ 'bundle.json': '{' }), /is not a bundle/],
  ];
  for (const [what, make, words] of cases) {
    it(`(${what}) is one line and exit 2`, async () => {
      const file = join(folder, 'bad.tar.gz');
      writeFileSync(file, await make());
      const { code, stdout, stderr } = await ran(['missing-metrics', '--bundle', file]);
      assert.match(stderr, words);
      assert.deepEqual([code, stdout, stderr.trimEnd().split('\n').length], [2, '', 1]);
    });
  }
  it('(missing) is one line and exit 2', async () => {
    const { code, stderr } = await ran(['missing-metrics', '--bundle', '/nonexistent.tar.gz']);
    assert.match(stderr, /^error: cannot read the bundle: ENOENT/);
    assert.equal(code, 2);
  });
  it('with names that climb writes nowhere but its own folder', async () => {
    const file = join(folder, 'climbing.tar.gz');
    writeFileSync(
      file,
      await tarOf({ 'bundle.json': JSON.stringify(manifest), [`../../../..${folder}/climbed`]: 'x' }),
    );
    const { report, code } = await reported(['missing-metrics', '--bundle', file]);
    assert.throws(() => readFileSync(join(folder, 'climbed')));
    assert.deepEqual([code, report.verdict], [3, 'inconclusive']);
    assert.equal(report.unchecked[0]?.reason, 'NotInBundle');
  });
});

describe('a flag', () => {
  const healthy = 'istio-1.0.6/healthy';
  it('-v tells on stderr what was asked', async () => {
    await withStandIn(healthy, async (_, env) => {
      const { stderr } = await ran(['missing-metrics', '-v'], { env });
      assert.match(stderr, / ms {2}kubectl get pods --all-namespaces: 16 objects\n/);
      assert.match(stderr, /curl -s localhost:9093\/metrics: HTTP 200/);
    });
  });
  it('--fail-on warn makes a warning exit 1', async () => {
    const { code, report } = await withStandIn(healthy, (_, env) =>
      reported(['missing-metrics', '--fail-on', 'warn'], { env }),
    );
    assert.deepEqual([code, report.exitCode, report.verdict], [1, 1, 'healthy']);
  });
  it('--show-commands lists what a person would type', async () => {
    const { stdout } = await ran(['missing-metrics', '--bundle', DEMO, '--show-commands']);
    assert.match(stdout, /COMMANDS\n.*\n?.*kubectl/);
  });
  it('-i and --revision choose the control plane, and say where there is one', async () => {
    await withStandIn(healthy, async (_, env) => {
      assert.equal((await ran(['missing-metrics', '-i', 'istio-system'], { env })).code, 0);
      for (const flags of [
        ['-i', 'elsewhere'],
        ['--revision', 'canary'],
      ]) {
        const { code, stderr } = await ran(['missing-metrics', ...flags], { env });
        assert.equal(code, 2);
        assert.match(stderr, /there is one in istio-system/);
      }
    });
  });
  it('--window reads every page twice', async () => {
    await withStandIn(healthy, async ({ requests }, env) => {
      const { report } = await reported(['missing-metrics', '--window', '100ms'], { env });
      assert.equal(requests.filter((line) => /^PAGE .*:9093\/metrics/.test(line)).length, 2);
      assert.match(report.steps[0]?.message ?? '', /, 0 in 0\.1 s$/);
    });
  });
  it('--context, --as and the others reach kubectl', async () => {
    await withStandIn(healthy, async (_, env) => {
      const { code, stderr } = await ran(['missing-metrics', '--context', 'nowhere'], { env });
      assert.equal(code, 5);
      assert.match(stderr, /context "nowhere" does not exist/);
      assert.equal(
        (await ran(['missing-metrics', '--context', 'recorded', '--as', 'sre', '--as-group', 'ops'], { env })).code,
        0,
      );
    });
  });
  it('--prometheus-service names a Service', async () => {
    await withStandIn(healthy, async (_, env) => {
      const { report } = await reported(['missing-metrics', '--prometheus-service', 'istio-system/prometheus:9090'], {
        env,
      });
      assert.equal(report.verdict, 'healthy');
      const none = await reported(['missing-metrics', '--prometheus-service', 'istio-system/nothing:9090'], { env });
      assert.equal(none.report.verdict, 'inconclusive');
      assert.match(none.report.steps[7]?.message ?? '', /no such Service/);
    });
  });
  it('-n and -l narrow the workloads that are judged', async () => {
    await withStandIn(healthy, async ({ requests }, env) => {
      const { report } = await reported(['missing-metrics', '-n', 'bookinfo', '-l', 'app=reviews'], { env });
      assert.ok(
        requests.some(
          (line) => line.includes('labelSelector=app%3Dreviews') || line.includes('labelSelector=app=reviews'),
        ),
      );
      assert.match(JSON.stringify(report.steps[0]), /3 of 3 workload pods have a proxy/);
    });
  });
  it('--sample says how many proxies to ask when there is no Report', async () => {
    const withSidecars = (sample: string) =>
      withStandIn(
        'istio-1.0.6/no-reports',
        async ({ requests }, env) => {
          await reported(['missing-metrics', '--sample', sample], { env });
          return requests.filter((line) => /^TUNNEL .*bookinfo/.test(line)).length;
        },
        {
          change: ({ objects }) => {
            for (const { kind, metadata, spec } of objects) {
              if (kind === 'Pod' && metadata.namespace === 'bookinfo')
                (spec as { containers: object[] }).containers.push({
                  name: 'istio-proxy',
                  image: 'istio/proxyv2:1.0.6',
                });
            }
          },
        },
      );
    assert.deepEqual([await withSidecars('0'), await withSidecars('2')], [0, 2]);
  });
  it('-q shows no progress on a terminal', async () => {
    assert.match(
      (await ran(['missing-metrics', '--bundle', DEMO], { isTTY: true })).stderr,
      /looking for control planes/,
    );
    assert.equal((await ran(['missing-metrics', '--bundle', DEMO, '-q'], { isTTY: true })).stderr, '');
    // One that cannot go back in its line gets no line that is drawn anew.
    const dumb = await ran(['missing-metrics', '--bundle', DEMO], { isTTY: true, env: { TERM: 'dumb' } });
    assert.equal(dumb.stderr, '');
  });
  it('NO_COLOR, TERM=dumb and --color decide on colours', async () => {
    const coloured = async (flags: readonly string[], env: Record<string, string>): Promise<boolean> =>
      (await ran(['missing-metrics', '--bundle', DEMO, '-q', ...flags], { isTTY: true, env })).stdout.includes('\x1b[');
    assert.deepEqual(
      await Promise.all([
        coloured([], {}),
        coloured([], { NO_COLOR: '1' }),
        coloured([], { TERM: 'dumb' }),
        coloured(['--color', 'never'], {}),
        coloured(['--color', 'always'], { NO_COLOR: '1' }),
      ]),
      [true, false, false, false, true],
    );
  });
});

describe('metrics POD', () => {
  const POD = 'istio-telemetry-gb257cd5hf-43880';
  it('prints a page as a table, and in prom2json’s schema', async () => {
    await withStandIn('istio-1.0.6/healthy', async (_, env) => {
      const table = await ran(['metrics', POD, '-n', 'istio-system', '--match', '^grpc_server_handled_total$'], {
        env,
      });
      assert.match(table.stdout, /^NAME +TYPE +VALUE +LABELS\ngrpc_server_handled_total +counter +160 +grpc_code="OK"/);
      const json = await ran(
        [
          'metrics',
          `pod/${POD}`,
          '-n',
          'istio-system',
          '--port',
          '42422',
          '--match',
          'istio_requests_total',
          '-o',
          'json',
        ],
        { env },
      );
      const [family] = JSON.parse(json.stdout) as { name: string; type: string; metrics: { value: string }[] }[];
      assert.deepEqual(
        [family?.name, family?.type, family?.metrics.length, family?.metrics[0]?.value],
        ['istio_requests_total', 'COUNTER', 4, '40'],
      );
      assert.equal(
        (await ran(['metrics', POD, '-n', 'istio-system', '--match', 'nothing'], { env })).stdout,
        'No metric matches.\n',
      );
    });
  });
  it('names the lines that it cannot read, and exits 3', async () => {
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, env) => {
        const { code, stdout, stderr } = await ran(['metrics', POD, '-n', 'istio-system'], { env });
        assert.deepEqual([code, stderr], [3, 'line 2: not a number: x\n']);
        assert.match(stdout, /good/);
        const other = await ran(['metrics', POD, '-n', 'istio-system', '--match', 'good'], { env });
        assert.deepEqual([other.code, other.stderr], [3, stderr]);
        const none = await ran(['metrics', POD, '-n', 'istio-system', '--match', 'ugly'], { env });
        assert.deepEqual([none.code, none.stderr, none.stdout], [3, stderr, 'No metric matches.\n']);
      },
      {
        change: ({ pages }) =>
          pages.set(`istio-system/${POD}:9093/metrics`, {
            status: 200,
            contentType: 'text/plain',
            body: 'good 1\nbad x\n',
          }),
      },
    );
  });
  it('says of a page that is none so, whatever is asked of it', async () => {
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, env) => {
        const { code, stdout } = await ran(['metrics', POD, '-n', 'istio-system', '--match', 'x'], { env });
        assert.deepEqual([code, stdout], [3, 'This page cannot be read as metrics.\n']);
      },
      {
        change: ({ pages }) =>
          pages.set(`istio-system/${POD}:9093/metrics`, {
            status: 200,
            contentType: 'text/plain',
            body: 'invalid path. admin commands are:\r\n/: Admin home page\r\n',
          }),
      },
    );
  });
  it('reads a page of OpenMetrics as a scrape does, by its header', async () => {
    const body = '# TYPE a counter\na_total 1 # {b="c"} 1\n# EOF\n';
    for (const [contentType, said] of [
      ['application/openmetrics-text; version=1.0.0; charset=utf-8', [0, '']],
      ['text/plain; version=0.0.4', [3, 'line 2: exemplar on a page that is not OpenMetrics\n']],
    ] as const) {
      await withStandIn(
        'istio-1.0.6/healthy',
        async (_, env) => {
          const { code, stderr } = await ran(['metrics', POD, '-n', 'istio-system'], { env });
          assert.deepEqual([code, stderr], said);
        },
        { change: ({ pages }) => pages.set(`istio-system/${POD}:9093/metrics`, { status: 200, contentType, body }) },
      );
    }
  });
  it('writes JSON without characters that a terminal obeys', async () => {
    const mark = '\u202e';
    const change = (recording: Recording): void => {
      const [name, page] = [...recording.pages].find(([each]) => each.includes(`${POD}:9093`)) ?? [];
      assert.ok(name && page);
      recording.pages.set(name, { ...page, body: `x{a="${mark}\u009b1m"} 1\n` });
    };
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, env) => {
        const { stdout } = await ran(['metrics', POD, '-n', 'istio-system', '-o', 'json', '--port', '9093'], { env });
        assert.match(stdout, /\\u202e\\u009b1m/);
        assert.deepEqual((JSON.parse(stdout) as { metrics: { labels: unknown }[] }[])[0]?.metrics[0]?.labels, {
          a: `${mark}\u009b1m`,
        });
      },
      { change },
    );
  });
  it('cannot be made to ask for anything else', async () => {
    await withStandIn('istio-1.0.6/healthy', async ({ requests }, env) => {
      const { code, stderr } = await ran(
        ['metrics', POD, '-n', 'istio-system', '--port', '15000', '--path', '/quitquitquit'],
        { env },
      );
      assert.equal(code, 2);
      assert.equal(stderr, 'error: --path takes a page that is read and changes nothing, not "/quitquitquit"\n');
      assert.ok(!requests.some((line) => line.includes('quitquitquit')));
    });
  });
  it('says in one line that there is no such pod, page or cluster', async () => {
    await withStandIn('istio-1.0.6/healthy', async (_, env) => {
      const nobody = await ran(['metrics', 'nobody', '-n', 'istio-system'], { env });
      assert.deepEqual([nobody.code, nobody.stderr.trimEnd().split('\n').length], [3, 1]);
      assert.match(nobody.stderr, /pods "nobody" not found/);
      assert.match(
        (await ran(['metrics', POD, '-n', 'istio-system', '--port', '9093', '--path', '/stats/prometheus'], { env }))
          .stderr,
        /HTTP 404/,
      );
    });
    assert.equal((await ran(['metrics', POD], { env: { KUBECONFIG: '/nonexistent' } })).code, 5);
  });
  it('looks where the context says, where -n is given nothing', async () => {
    await withStandIn('istio-1.0.6/healthy', async (_, env) => {
      const [without, empty] = await Promise.all([
        ran(['metrics', 'nobody'], { env }),
        ran(['metrics', 'nobody', '-n', ''], { env }),
      ]);
      assert.match(without.stderr, /pods "nobody" not found/);
      assert.deepEqual([empty.code, empty.stderr], [without.code, without.stderr]);
    });
  });
});

describe('kubectl’s spelling', () => {
  it('has help as a command, --version, and flags before the topic', async () => {
    assert.equal((await ran(['help'])).stdout, (await ran(['--help'])).stdout);
    assert.equal((await ran(['--version'])).stdout, (await ran(['version'])).stdout);
    const { code } = await ran(['-o', 'json', 'missing-metrics', '--bundle', DEMO]);
    assert.equal(code, (await ran(['missing-metrics', '--bundle', DEMO])).code);
  });

  it('-ojson is -o json, and -nNAMESPACE is -n NAMESPACE', async () => {
    const { code, stdout } = await ran(['missing-metrics', '--bundle', DEMO, '-ojson', '-nbookinfo']);
    assert.equal((JSON.parse(stdout) as { exitCode: number }).exitCode, code);
    assert.equal(code, (await ran(['missing-metrics', '--bundle', DEMO, '-n', 'bookinfo'])).code);
  });

  it('--as-group takes one word: the next is the workload', async () => {
    const { stderr } = await ran(['missing-metrics', '--as', 'a', '--as-group', 'b', 'nonsense/x']);
    assert.match(stderr, /^error: a workload is KIND\/NAME/);
  });
});
