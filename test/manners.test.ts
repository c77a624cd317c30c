import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { load as parse } from 'js-yaml';
import { kubectlSpelling } from '../src/commands/guess.ts';
import { workloadOf } from '../src/commands/options.ts';
import { styleOf } from '../src/commands/style.ts';
import type { Report } from '../src/report/document.ts';
import { matchesGolden } from './support/golden.ts';
import { it, needed } from './support/programs.ts';
import { ran } from './support/run.ts';
import { withStandIn } from './support/standing.ts';

const DEMO = join(import.meta.dirname, 'bundles/demo.tar.gz');
const folder = mkdtempSync(join(tmpdir(), 'manners-'));
after(() => rmSync(folder, { recursive: true }));

/** A kubeconfig of one context. */
const config = (name: string, more: object): string => {
  const file = join(folder, name);
  const clusters = [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }];
  const contexts = [{ name: 'a', context: { cluster: 'c', user: 'sre' } }];
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters, contexts, users: [], ...more }));
  return file;
};

const replayed = (topic: string, ...argv: readonly string[]) => ran([topic, '--bundle', DEMO, ...argv]);

describe('words of a command line', () => {
  it('name a workload as kubectl does', () => {
    for (const [typed, kind] of [
      ['deploy/x', 'deployment'],
      ['deployment/x', 'deployment'],
      ['deployments/x', 'deployment'],
      ['Deployment/x', 'deployment'],
      ['deployment.apps/x', 'deployment'],
      ['deployments.v1.apps/x', 'deployment'],
      ['sts/x', 'statefulset'],
      ['ds.apps/x', 'daemonset'],
      ['job.batch/x', 'job'],
      ['svc/x', 'service'],
      ['po/x', 'pod'],
      ['pods/x', 'pod'],
      ['x', 'service'],
    ] as const)
      assert.deepEqual(workloadOf(typed, 'shop'), { kind, name: 'x', namespace: 'shop' }, typed);
    for (const typed of [
      'deployment.batch/x',
      'deployments.v1/x',
      'pod.apps/x',
      'replicaset/x',
      'deploy/x/y',
      'deploy/',
    ])
      assert.throws(() => workloadOf(typed, 'shop'), /a workload is KIND\/NAME/, typed);
  });

  it('take TYPE NAME for TYPE/NAME, behind -- too', async () => {
    const scope = async (...argv: readonly string[]) =>
      (JSON.parse((await replayed('missing-metrics', '-o', 'json', ...argv)).stdout) as Report).run.scope.workload;
    const wanted = await scope('deploy/reviews-v1', '-n', 'bookinfo');
    assert.deepEqual(wanted, { kind: 'deployment', name: 'reviews-v1', namespace: 'bookinfo' });
    assert.deepEqual(await scope('deploy', 'reviews-v1', '-n', 'bookinfo'), wanted);
    assert.deepEqual(await scope('deployments.apps', 'reviews-v1', '-n', 'bookinfo'), wanted);
    assert.deepEqual(await scope('-n', 'bookinfo', '--', 'deploy', 'reviews-v1'), wanted);
  });

  it('take -v as kubectl does', () => {
    for (const level of [['-v=6'], ['-v6'], ['--v=9'], ['-v', '6'], ['--v', '1'], ['--v']])
      assert.deepEqual(kubectlSpelling(['all', ...level, '-q']), ['all', '--verbose', '-q'], level.join(' '));
    for (const level of [['-v=0'], ['-v0'], ['-v', '0']])
      assert.deepEqual(kubectlSpelling(['all', ...level]), ['all'], level.join(' '));
    assert.deepEqual(kubectlSpelling(['all', '-v', 'x']), ['all', '-v', 'x']);
  });

  it('may stand behind flags, as kubectl sudo puts them', async () => {
    const { stdout } = await ran(['--bundle', DEMO, 'missing-metrics', '-o', 'name']);
    assert.match(stdout, /^prometheus-handler\/HandlerMissing\n/);
    const help = await ran(['-n', 'bookinfo', 'missing-metrics', '--help']);
    assert.deepEqual(help, await ran(['missing-metrics', '--help']));
    assert.match(
      (await ran(['-n', 'bookinfo', 'nothing', '--help'])).stderr,
      /^error: there is no help for "bookinfo"/,
    );
  });

  it('are guessed where they are near in letters or in meaning, and nowhere else', async () => {
    for (const [typed, said] of [
      ['mising-metrics', /did you mean missing-metrics\?/],
      ['topcs', /did you mean topics\?/],
      ['analyze', /did you mean all\?/],
      ['list', /did you mean topics\?/],
      ['get', /^(?!.*did you mean)/],
      ['foo', /^(?!.*did you mean)/],
      ['gdb', /^(?!.*did you mean)/],
    ] as const)
      assert.match((await ran([typed])).stderr, said, typed);
    const flag = async (typed: string) => (await ran(['missing-metrics', typed])).stderr;
    assert.match(await flag('--contxt'), /did you mean --context\?/);
    assert.doesNotMatch(await flag('--version'), /did you mean/);
  });

  it('lead metrics and debug to a pod of a workload', async () => {
    await withStandIn('istio-1.0.6/healthy', async (_, env) => {
      const asked = ['-n', 'istio-system', '--port', '9093', '--match', '^grpc_server_handled', '-o', 'json'];
      const pod = await ran(['metrics', 'istio-telemetry-gb257cd5hf-43880', ...asked], { env });
      for (const words of [['deploy/istio-telemetry'], ['deployment.apps', 'istio-telemetry'], ['svc/istio-telemetry']])
        assert.deepEqual(await ran(['metrics', ...words, ...asked], { env }), pod, words.join(' '));
      const table = await ran(['metrics', 'deploy/istio-telemetry', ...asked.slice(0, -2)], { env });
      const bare = await ran(['metrics', 'deploy/istio-telemetry', ...asked.slice(0, -2), '--no-headers'], { env });
      assert.match(table.stdout, /^NAME +TYPE +VALUE +LABELS\n/);
      // Columns are as wide as they need to be.
      const cells = (text: string) => text.split('\n').map((line) => line.split(/ {2,}/));
      assert.deepEqual(cells(bare.stdout), cells(table.stdout).slice(1));
      const none = await ran(['metrics', 'deploy/nobody', ...asked], { env });
      assert.deepEqual([none.code, none.stdout], [2, '']);
      assert.match(none.stderr, /^error: no pod of deployment\/nobody runs in namespace istio-system: kubectl -n /);
      const same = await ran(['debug', 'tcpdump', 'details-v1-6gccfh80f8-00cc0', '-n', 'bookinfo'], { env });
      assert.deepEqual(await ran(['debug', 'tcpdump', 'deploy', 'details-v1', '-n', 'bookinfo'], { env }), same);
    });
  });
});

describe('the output', () => {
  it('-o short is at most six lines to paste, each whole', async () => {
    for (const topic of ['missing-metrics', 'all', 'http10']) {
      const { code, stdout } = await replayed(topic, '-o', 'short');
      assert.equal(code, (await replayed(topic)).code);
      const lines = stdout.trimEnd().split('\n');
      assert.ok(lines.length >= 2 && lines.length <= 6, stdout);
      assert.match(lines[0] ?? '', /^Context {2}recorded \(bundle\) {2}Mesh {2}Istio 1\.0\.6/);
    }
    const { stdout } = await replayed('missing-metrics', '-o', 'short');
    assert.match(
      stdout,
      /\nmissing-metrics: BROKEN {2}8 steps: .*\nCAUSE {4}HandlerMissing: .*\nFIX {6}kubectl istio-diag shipped .*\nDOCS {5}\S+\n$/,
    );
  });

  it('-o short of somebody without rights says which, and who prints them', async () => {
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, env) => {
        const { code, stdout } = await ran(['missing-metrics', '-o', 'short'], { env });
        assert.equal(code, 3);
        assert.match(
          stdout,
          /\nUNKNOWN {2}Forbidden: not allowed: list pods\nLOOK {5}kubectl istio-diag rbac missing-metrics\n$/,
        );
      },
      { faults: [{ match: /^GET (?!\/version)/, fault: 'forbid' }] },
    );
  });

  it('of all has no raw words of a kubelet, and wide has them', async () => {
    await withStandIn('istio-1.0.6/healthy', async (_, env) => {
      const table = (await ran(['all'], { env })).stdout;
      assert.doesNotMatch(table, /error forwarding|error executing command/);
      assert.match(table, /envoy-cpu +UNKNOWN \? +3 of 3 proxies could not be asked: /);
      assert.match(table, /\nNOT LOOKED AT\n( {2}[\w-]+: .*\n(?: {4}.*\n)*)+ {2}why: /);
    });
  });

  it('-o name is what is not well, a line each', async () => {
    const { stdout } = await replayed('missing-metrics', '-o', 'name');
    assert.match(stdout, /^prometheus-handler\/HandlerMissing\n([\w-]+\/\w+\n)*$/);
    assert.match(
      (await replayed('all', '-o', 'name')).stdout,
      /^missing-metrics\/prometheus-handler\/HandlerMissing\n/,
    );
  });

  it('--only leaves out the rest, and counts it', async () => {
    const { stdout, code } = await replayed('missing-metrics', '--only', 'fail,warn', '--no-headers');
    assert.equal(code, 1);
    assert.doesNotMatch(stdout, /PASS|^STEP/m);
    assert.match(stdout, /^prometheus-handler {2}FAIL/m);
    assert.match(stdout, /\nBROKEN {2}8 steps: 3 passed, /);
    const all = await replayed('all', '--only', 'unknown');
    assert.doesNotMatch(all.stdout, /\n\nmissing-metrics\n\n/);
    for (const format of ['json', 'yaml']) {
      const refused = await replayed('missing-metrics', '--only', 'fail', '-o', format);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /jq '\.steps\[\]\|select\(\.status=="fail"\)'/);
    }
  });

  it('-o wide says each command once', async () => {
    const { stdout } = await replayed('missing-metrics', '-o', 'wide');
    const commands = stdout.match(/^ {8}\$ .*$/gm) ?? [];
    assert.ok(commands.length > 5);
    assert.equal(new Set(commands).size, commands.length);
  });

  it('is JSON and YAML of what the program knows', async () => {
    for (const [argv, kind] of [
      [['topics'], 'TopicList'],
      [['explain', 'HandlerMissing'], 'ExplanationList'],
      [['explain', '--list'], 'WordList'],
      [['version'], 'Version'],
    ] as const) {
      const [json, yaml] = await Promise.all(['json', 'yaml'].map((format) => ran([...argv, '-o', format])));
      const value = JSON.parse(json?.stdout ?? '') as { apiVersion: string; kind: string };
      assert.deepEqual(parse(yaml?.stdout ?? ''), value);
      assert.deepEqual([value.apiVersion, value.kind], ['istio-diag/v1alpha1', kind]);
    }
    const role = JSON.parse((await ran(['rbac', '-o', 'json'])).stdout) as unknown;
    assert.deepEqual(parse((await ran(['rbac'])).stdout), role);
    const { items } = JSON.parse((await ran(['topics', '-o', 'json'])).stdout) as { items: { id: string }[] };
    assert.equal((await ran(['topics', '-o', 'name'])).stdout, items.map(({ id }) => `${id}\n`).join(''));
  });

  it('explains every word that explain --list has', async () => {
    const words = (await ran(['explain', '--list'])).stdout.trimEnd().split('\n');
    assert.equal(new Set(words).size, words.length);
    for (const word of [
      'missing-metrics',
      'HandlerMissing',
      'Forbidden',
      'since',
      'inconclusive',
      'skip',
      'mixer->adapter',
      'exit-codes',
      'fail-on',
    ])
      assert.ok(words.includes(word), word);
    for (const word of words) {
      const { code, stdout } = await ran(['explain', word]);
      assert.equal(code, 0, word);
      assert.ok(stdout.includes(word) && stdout.length > word.length + 20, word);
    }
  });
});

describe('a terminal', () => {
  for (const width of [60, 80, 140])
    it(`of ${width} columns has lines that fit, but for what is to be pasted`, async () => {
      for (const [name, argv] of [
        ['missing-metrics', ['missing-metrics']],
        ['all', ['all']],
      ] as const) {
        const { stdout } = await ran([...argv, '--bundle', DEMO], { env: { COLUMNS: String(width) } });
        const long = stdout.split('\n').filter((line) => line.length > Math.min(width, 100));
        for (const line of long) assert.match(line, /^(FIX|LOOK|DOCS| {5}) {2,}(kubectl|istioctl|http)/);
        matchesGolden(`width-${width}-${name}.txt`, stdout.replace(/\d+\.\d s, exit/g, '0.0 s, exit'));
      }
    });

  const style = (env: NodeJS.ProcessEnv, isTTY = true, args = {}) =>
    styleOf(args, { env, stdout: { write: () => true, isTTY, columns: 90 } });

  it('is told its columns; a pipe by COLUMNS', () => {
    assert.equal(style({ COLUMNS: '70' }).width, 90);
    assert.equal(style({ COLUMNS: '70' }, false).width, 70);
    assert.equal(style({}, false).width, 100);
    // A pseudo-terminal without a window has none.
    assert.equal(styleOf({}, { env: {}, stdout: { write: () => true, isTTY: true, columns: 0 } }).width, 100);
    for (const nonsense of ['', '0', '-5', 'wide', '7.5']) assert.equal(style({ COLUMNS: nonsense }, false).width, 100);
    assert.equal(style({ COLUMNS: '20' }, false).width, 60);
  });

  it('without UTF-8 gets ASCII by itself', () => {
    for (const env of [
      { LC_ALL: 'C' },
      { LANG: 'POSIX' },
      { LC_CTYPE: 'de_DE.ISO-8859-1' },
      { TERM: 'dumb' },
      { TERM: 'linux' },
    ])
      assert.ok(style(env).ascii, JSON.stringify(env));
    for (const env of [{}, { LANG: 'C.UTF-8' }, { LANG: 'de_DE.utf8' }, { LC_ALL: 'en_US.UTF-8', LANG: 'C' }])
      assert.ok(!style(env).ascii, JSON.stringify(env));
    assert.ok(style({ LC_ALL: 'C' }, false).ascii);
  });

  it('has colors where they are wanted', () => {
    for (const [env, isTTY, colour] of [
      [{}, true, true],
      [{}, false, false],
      [{ FORCE_COLOR: '1' }, false, true],
      [{ CLICOLOR_FORCE: '1' }, false, true],
      [{ FORCE_COLOR: '0' }, true, false],
      [{ CLICOLOR: '0' }, true, false],
      [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
      [{ TERM: 'dumb' }, true, false],
    ] as const)
      assert.equal(style(env, isTTY).colour, colour, JSON.stringify([env, isTTY]));
    assert.ok(style({ NO_COLOR: '1' }, false, { color: 'always' }).colour);
  });

  it('has no glyph without its word', async () => {
    for (const topic of ['missing-metrics', 'all']) {
      const { stdout } = await replayed(topic);
      for (const line of stdout.split('\n').filter((each) => /[✔✖]/.test(each))) assert.match(line, /(PASS ✔|FAIL ✖)/);
    }
  });
});

describe('a bad start', () => {
  const cases: readonly [string, () => { argv?: readonly string[]; env: NodeJS.ProcessEnv }, RegExp][] = [
    [
      'a KUBECONFIG that does not exist',
      () => ({ env: { KUBECONFIG: join(folder, 'none') } }),
      /^error: the cluster could not be reached: KUBECONFIG names \S+none, which does not exist: name one: export KUBECONFIG=FILE, or --kubeconfig FILE/,
    ],
    [
      'no kubeconfig at all',
      () => ({ env: { HOME: folder } }),
      /^error: the cluster could not be reached: there is no kubeconfig, \S+\.kube\/config is not there: name one/,
    ],
    [
      'a context whose user is missing',
      () => ({ env: { KUBECONFIG: config('user', { 'current-context': 'a' }) } }),
      /^error: the cluster could not be reached: the kubeconfig has no user "sre", which its context names: `kubectl config get-users`/,
    ],
    [
      'no current context',
      () => ({ env: { KUBECONFIG: config('empty', {}) } }),
      /^error: the cluster could not be reached: the kubeconfig has no current context: `kubectl config get-contexts`/,
    ],
    [
      'a user without credentials',
      () => ({ env: { KUBECONFIG: config('bare', { 'current-context': 'a', users: [{ name: 'sre', user: {} }] }) } }),
      /^error: the cluster could not be reached with `kubectl get pods --all-namespaces`: error: EOF: kubectl asks for a user name where the user of this context has no credentials \(`kubectl config view --minify`/,
    ],
    [
      'a context that is not there',
      () => ({ argv: ['--context', 'b'], env: { KUBECONFIG: config('other', { 'current-context': 'a' }) } }),
      /^error: the cluster could not be reached: the kubeconfig has no context "b": `kubectl config get-contexts`/,
    ],
  ];
  for (const [what, given, words] of cases)
    it(`(${what}) is named in one line, with what to type`, async () => {
      needed('kubectl');
      const { argv = [], env } = given();
      for (const topic of ['missing-metrics', 'all']) {
        const { code, stdout, stderr } = await ran([topic, ...argv], { env });
        assert.equal(code, 5, stderr);
        assert.match(stderr, words);
        assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
        // Of several topics it is said once.
        assert.equal(stdout.match(/could not be asked/g)?.length, 1, stdout);
      }
    });

  it('of somebody whom the server knows as anonymous says so', async () => {
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, env) => {
        const { stdout } = await ran(['missing-metrics'], { env });
        assert.match(stdout, /NOTE {3}the API server knows you as system:anonymous: /);
      },
      { faults: [{ match: /^GET (?!\/version)/, fault: 'forbid' }], user: 'system:anonymous' },
    );
  });
});

describe('rbac --missing', () => {
  const lacking = async (match: RegExp, ...argv: readonly string[]) =>
    withStandIn(
      'istio-1.0.6/healthy',
      async (_, env) => {
        const { code, stdout, stderr } = await ran(['rbac', ...argv, '--missing', '-o', 'json'], { env });
        assert.deepEqual([code, stderr], [0, '']);
        return JSON.parse(stdout) as { items: { kind: string; rules: { resources: string[]; verbs: string[] }[] }[] };
      },
      { faults: [{ match, fault: 'forbid' }] },
    );

  it('is a role with the rights alone that the run lacked', async () => {
    const { items } = await lacking(/^GET .*\/v1alpha2\/(.*\/)?(rules|prometheuses)/);
    assert.deepEqual(
      items.map(({ kind, rules }) => [kind, rules.flatMap(({ resources, verbs }) => [...verbs, ...resources]).sort()]),
      [['ClusterRole', ['list', 'prometheuses', 'rules']]],
    );
  });

  it('is no word of a role where the cluster cannot be asked', async () => {
    needed('kubectl');
    const file = config('gone', { users: [{ name: 'sre', user: { token: 'x' } }], 'current-context': 'a' });
    const { code, stdout, stderr } = await ran(['rbac', '--missing'], { env: { KUBECONFIG: file } });
    assert.deepEqual([code, stdout], [5, '']);
    assert.match(stderr, /^error: no answer to `kubectl get .*connection refused\n$/);
  });

  it('is none where nothing was lacking', async () => {
    assert.deepEqual((await lacking(/^nothing/)).items, []);
    await withStandIn('istio-1.0.6/healthy', async (_, env) => {
      assert.equal((await ran(['rbac', '--missing'], { env })).stdout, '# This run lacked no right.\n');
    });
  });
});
