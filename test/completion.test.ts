import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { it, needed } from './support/programs.ts';
import { ran } from './support/run.ts';
import { withStandIn } from './support/standing.ts';

const folder = mkdtempSync(join(tmpdir(), 'completion-'));
after(() => rmSync(folder, { recursive: true }));

const KUBECONFIG = join(folder, 'kubeconfig');
writeFileSync(
  KUBECONFIG,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    contexts: ['prod-eu', 'prod-us', 'x; rm -rf ~', 'arn:aws:eks:eu:1:cluster/p'].map((name) => ({
      name,
      context: { cluster: 'c', user: 'u' },
    })),
    clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
    users: [{ name: 'u', user: {} }],
    'current-context': 'prod-eu',
  }),
);

/** The words that are offered, and how the shell is to go on. */
async function offered(args: readonly string[], env: { KUBECONFIG: string } = { KUBECONFIG }) {
  const { code, stdout, stderr } = await ran(['__complete', ...args], { env });
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  return { words: lines.slice(0, -1).map((line) => line.split('\t')[0]), directive: lines.at(-1) };
}

describe('completion', () => {
  const cases: readonly [readonly string[], readonly string[], string][] = [
    [['m'], ['missing-metrics', 'metrics'], ':4'],
    [['comp'], ['completion'], ':4'],
    [['missing-metrics', '-o', ''], ['table', 'wide', 'short', 'name', 'json', 'yaml'], ':4'],
    [['missing-metrics', '--output=j'], ['json'], ':4'],
    [['metrics', 'x', '-o', ''], ['table', 'json', 'yaml'], ':4'],
    [['missing-metrics', '--fail-on', 'u'], ['unknown'], ':4'],
    [['missing-metrics', '--color', ''], ['auto', 'always', 'never'], ':4'],
    [['missing-metrics', '--sa'], ['--sample', '--save-bundle'], ':4'],
    [['missing-metrics', '--sample', '3', '--sa'], ['--save-bundle'], ':4'],
    [['missing-metrics', '--as-group', 'a', '--as-g'], ['--as-group'], ':4'],
    [['missing-metrics', '--timeout', ''], [], ':4'],
    [['missing-metrics', '--bundle', ''], [], ':0'],
    [['missing-metrics', '--prometheus-token-file', ''], [], ':0'],
    [['missing-metrics', '--prometheus-ca', ''], [], ':0'],
    [['missing-metrics', '--prometheus-header', 'A: b', '--prometheus-h'], ['--prometheus-header'], ':4'],
    [['missing-metrics', '--kubeconfig=/e'], [], ':0'],
    [['missing-metrics', '--context', 'prod'], ['prod-eu', 'prod-us'], ':4'],
    [['missing-metrics', '--cluster', ''], ['c'], ':4'],
    [['missing-metrics', '--user', ''], ['u'], ':4'],
    [['missing-metrics', '--kubeconfig', '/nonexistent', '--context', ''], [], ':4'],
    [['missing-metrics', '-n', ''], [], ':4'],
    [['missing-metrics', 'service/x', ''], [], ':4'],
    [['missing-metrics', '--bundle', 'mesh.tgz', ''], [], ':4'],
    [['missing-metrics', '-', ''], [], ':4'],
    [['explain', 'HandlerMis'], ['HandlerMissing'], ':4'],
    [
      ['rbac', ''],
      [
        'missing-metrics',
        'route-rules',
        'pilot-connectivity',
        'zipkin-clock',
        'http10',
        'grafana-clock',
        'envoy-crash',
        'headless-tcp',
        'envoy-cpu',
        'webhook-certs',
        'apiserver-proxy',
        'all',
        'debug',
      ],
      ':4',
    ],
    [['completion', ''], ['bash', 'zsh', 'fish', 'powershell', 'install', 'uninstall'], ':4'],
    [['diff', ''], [], ':0'],
    [['diff', 'old.json', ''], [], ':0'],
    [['missing-metrics', '--baseline', ''], [], ':0'],
    [['missing-metrics', '--ignore', 'ScrapeSays'], ['ScrapeSaysFalse'], ':4'],
    [['route-rules', '--ignore', 'ScrapeSays'], [], ':4'],
    [['missing-metrics', '--fail-on', 'n'], ['new', 'never'], ':4'],
    [['schema', ''], [], ':4'],
    [['version', '-o', ''], ['text', 'json', 'yaml'], ':4'],
    [['shipped', '1.'], ['1.0', '1.1', '1.2', '1.3', '1.4'], ':4'],
    [['shipped', '1.0', 'rules/promt'], ['rules/promtcp'], ':4'],
    [['nonsense', '--c'], [], ':4'],
  ];
  for (const [args, words, directive] of cases) {
    it(`offers ${words.join(' ') || 'nothing'} for ${JSON.stringify(args)}`, async () => {
      if (/^--(context|cluster|user)$/.test(args.at(-2) ?? '')) needed('kubectl');
      assert.deepEqual(await offered(args), { words, directive });
    });
  }

  it('offers every topic and command, each with what it does', async () => {
    const { stdout } = await ran(['__complete', '']);
    const help = (await ran(['--help'])).stdout;
    const lines = stdout.trimEnd().split('\n').slice(0, -1);
    assert.ok(lines.length >= 8);
    for (const line of lines) {
      const [word = '', means = ''] = line.split('\t');
      assert.match(help, new RegExp(`\n  ${word} +${means.slice(0, 20).replace(/[<>`]/g, '.')}`));
    }
  });

  it('never offers a word that a shell would read', async () => {
    needed('kubectl');
    const { words } = await offered(['missing-metrics', '--context', '']);
    assert.deepEqual(words, ['arn:aws:eks:eu:1:cluster/p', 'prod-eu', 'prod-us']);
  });

  it('offers what the cluster holds: namespaces, workloads, pods', async () => {
    await withStandIn('istio-1.0.6/healthy', async (_, env) => {
      const { words } = await offered(['missing-metrics', '-n', ''], env);
      assert.ok(words.includes('bookinfo') && words.includes('istio-system'));
      assert.deepEqual(await offered(['missing-metrics', '-n=book'], env), { words: ['bookinfo'], directive: ':4' });
      const workloads = await offered(['missing-metrics', '-n', 'bookinfo', 'service/r'], env);
      assert.deepEqual(workloads.words, ['service/ratings', 'service/reviews']);
      const ofPods = await offered(['missing-metrics', '-n', 'bookinfo', 'pod/reviews-v1'], env);
      assert.equal(ofPods.words.length, 1);
      const pods = await offered(['metrics', '--namespace=istio-system', 'istio-telemetry'], env);
      assert.equal(pods.words.length, 1);
    });
  });

  it('offers what may be listed, and lists no kind that the word cannot be', async () => {
    const argv = (word: string): readonly string[] => ['missing-metrics', '-n', 'bookinfo', word];
    const refused = /^GET \/api\/v1\/namespaces\/bookinfo\/pods/;
    const faults = [{ match: refused, fault: 'forbid' as const }];
    await withStandIn(
      'istio-1.0.6/healthy',
      async ({ requests }, env) => {
        const { words } = await offered(argv(''), env);
        assert.ok(words.includes('service/reviews') && words.includes('deployment/reviews-v1'), words.join(' '));
        assert.ok(requests.some((line) => refused.test(line)));
        assert.deepEqual((await offered(argv('pod/'), env)).words, []);
        const before = requests.length;
        assert.deepEqual((await offered(argv('service/r'), env)).words, ['service/ratings', 'service/reviews']);
        assert.ok(!requests.slice(before).some((line) => /\/(pods|deployments)/.test(line)), requests.join('\n'));
      },
      { faults },
    );
  });

  it('writes nothing for a run that is only being typed', async () => {
    await withStandIn('istio-1.0.6/healthy', async (_, env) => {
      const bundle = join(folder, 'never.tgz');
      assert.ok((await offered(['missing-metrics', '--save-bundle', bundle, '-n', ''], env)).words.length > 0);
      assert.ok(!existsSync(bundle));
    });
  });
});

describe('completion install', () => {
  const path = join(folder, 'krew/bin');
  const file = join(path, 'kubectl_complete-istio_diag');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'kubectl-istio_diag'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
  const env = { PATH: `/nonexistent:${path}` };

  it('writes the script beside the plugin, and uninstall deletes it', async () => {
    const installed = await ran(['completion', 'install'], { env });
    assert.deepEqual([installed.code, installed.stdout.split('\n')[0]], [0, `wrote ${file}`]);
    assert.equal(statSync(file).mode & 0o777, 0o755);
    const { stdout } = spawnSync(file, ['a b', ''], { env: { PATH: `${path}:${process.env.PATH}` } });
    assert.equal(stdout.toString(), '__complete a b \n');
    assert.equal((await ran(['completion', 'install'], { env })).code, 0);
    assert.equal((await ran(['completion', 'uninstall'], { env })).stdout, `deleted ${file}\n`);
    assert.equal((await ran(['completion', 'uninstall'], { env })).stdout, `there is no ${file}: nothing to undo\n`);
  });

  it('says nothing when the plugin is gone', async () => {
    await ran(['completion', 'install', '--dir', path], { env });
    const { stdout, stderr, status } = spawnSync(file, [''], { env: { PATH: '/usr/bin:/bin' } });
    assert.deepEqual([status, stdout.toString(), stderr.toString()], [0, '', '']);
    rmSync(file);
  });

  it('leaves a file that it has not written as it is', async () => {
    writeFileSync(file, 'mine');
    for (const action of ['install', 'uninstall']) {
      const { code, stderr } = await ran(['completion', action], { env });
      assert.deepEqual([code, stderr.includes('left as it is')], [2, true]);
    }
    rmSync(file);
  });

  it('says in one line what it cannot do', async () => {
    const taken = join(folder, 'taken');
    mkdirSync(join(taken, 'kubectl_complete-istio_diag'), { recursive: true });
    for (const [args, words] of [
      [['completion', 'install', '--dir', join(folder, 'nowhere')], /^error: there is no folder .*nowhere\n$/],
      [['completion', 'install', '--dir', taken], /^error: .* so it is left as it is\n$/],
      [['completion', 'uninstall', '--dir', taken], /^error: .* so it is left as it is\n$/],
      [
        ['completion', 'remove'],
        /^error: completion takes one of bash, zsh, fish, powershell, install, uninstall, not "remove"\n$/,
      ],
    ] as const) {
      const { code, stderr } = await ran(args, { env });
      assert.match(stderr, words);
      assert.deepEqual([code, stderr.trimEnd().split('\n').length], [2, 1]);
    }
    const { stderr } = await ran(['completion', 'install'], { env: { PATH: '/nonexistent' } });
    assert.equal(stderr, 'error: there is no kubectl-istio_diag on the PATH: name the folder with --dir\n');
  });

  it('writes over a link that leads nowhere, and through none', async () => {
    symlinkSync(join(folder, 'victim'), file);
    assert.equal((await ran(['completion', 'install'], { env })).code, 0);
    assert.ok(!existsSync(join(folder, 'victim')));
    rmSync(file);
  });

  it('knows the file that npm has put in place', async () => {
    copyFileSync(join(import.meta.dirname, '../bin/kubectl_complete-istio_diag'), file);
    for (const action of ['install', 'uninstall']) {
      const { code, stdout } = await ran(['completion', action], { env });
      assert.deepEqual([code, stdout], [0, `npm has put ${file} in place, and takes it away with the plugin\n`]);
    }
    rmSync(file);
  });

  it('prints the script without a word', async () => {
    assert.match((await ran(['completion'])).stdout, /^#!\/bin\/sh\n[\s\S]*__complete "\$@"\n$/);
  });
});
