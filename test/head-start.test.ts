import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { takeHeadStart } from '../src/cluster/ways/head-start.ts';
import { asksCluster, COMMANDS } from '../src/commands/flags.ts';
import { guessedKubectl, looksLive } from '../src/commands/guess.ts';
import { guide } from '../src/guide/index.ts';
import { it, needed, until } from './support/programs.ts';
import { ran, reported } from './support/run.ts';
import { withStandIn } from './support/standing.ts';
import { leftWith } from './support/started.ts';

describe('the head start', () => {
  let folder = '';
  let kubectl = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'head-start-'));
    kubectl = join(folder, 'kubectl');
    // What it is called with, one argument a line.
    writeFileSync(kubectl, `#!/bin/sh\nprintf '%s\\n' "$@" >>'${folder}/calls'\nexit 1\n`);
    chmodSync(kubectl, 0o755);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is for the words that ask a cluster, and no others', () => {
    for (const word of [...guide.map(({ id }) => id), ...Object.keys(COMMANDS)])
      assert.equal(looksLive(word === 'rbac' ? [word, '--missing'] : [word]), asksCluster(word), word);
    for (const argv of [
      [],
      ['rbac'],
      ['--help'],
      ['help'],
      ['--version'],
      ['topcis'],
      ['__complete', 'missing-metrics', ''],
    ])
      assert.equal(looksLive(argv), false, argv.join(' '));
    for (const flags of ['--help', '-h', '--bundle', '--bundle=x'])
      assert.equal(looksLive(['missing-metrics', flags]), false, flags);
    assert.equal(guessedKubectl(['missing-metrics'], { KUBECTL_PLUGINS_CALLER: 'kubectl' }), null);
    // Joined flags, which may be help.
    for (const flags of ['-qh', '-vs', '-s=https://a']) assert.equal(guessedKubectl(['all', flags], {}), null, flags);
  });

  // What the program makes of the same line when it reads it with care.
  for (const line of [
    'missing-metrics',
    'missing-metrics -ojson -nshop -i istio-system',
    'missing-metrics service/reviews -n bookinfo -o json --context a',
    'missing-metrics --context=a --kubeconfig /x/y --request-timeout 3s -q',
    'all --as sre --as-group developers --as-group=system:masters --as-uid 7',
    'route-rules -s https://10.0.0.1:6443 --insecure-skip-tls-verify -v --token t',
    'route-rules --server=https://10.0.0.1 --context a --context b --tls-server-name n --certificate-authority c',
    'metrics istio-telemetry-x --context a --cluster=b --user c --match ^istio',
  ]) {
    it(`guesses the kubectl of \`${line}\``, async () => {
      rmSync(join(folder, 'calls'), { force: true });
      const argv = line.split(' ');
      await ran(argv, { env: { KUBECTL_PATH: kubectl } });
      const [first, ...args] = readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n');
      const flags = args.slice(args.findIndex((arg) => arg.startsWith('--reject-methods=')) + 1);
      const end = flags.findIndex((flag) => !flag.startsWith('--'));
      assert.equal(first, 'proxy');
      assert.deepEqual(guessedKubectl(argv, { KUBECTL_PATH: kubectl }), {
        program: kubectl,
        flags: end < 0 ? flags : flags.slice(0, end),
        env: { KUBECTL_PATH: kubectl },
      });
    });
  }

  const taken = (program: string, flags: readonly string[], TMPDIR: string, env: NodeJS.ProcessEnv) => {
    const before = process.env.TMPDIR;
    process.env.TMPDIR = TMPDIR;
    try {
      return takeHeadStart({ program, flags, env: { ...process.env, ...env } });
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  };

  for (const [what, flags] of [
    ['is used where it was guessed right', []],
    ['is ended where it was guessed wrong', ['--context=other']],
  ] as const) {
    it(what, async () => {
      const TMPDIR = mkdtempSync(join(folder, 't'));
      const counting = join(TMPDIR, 'kubectl');
      writeFileSync(counting, `#!/bin/sh\necho "$1" >>'${TMPDIR}/calls'\nexec kubectl "$@"\n`, { mode: 0o755 });
      await withStandIn('istio-1.0.6/healthy', async (_, env) => {
        const headStart = taken(counting, flags, TMPDIR, { ...env, TMPDIR });
        assert.ok(headStart);
        // Ended at once, it would not have told that it was there.
        await until(() => existsSync(join(TMPDIR, 'calls')), 'the guessed kubectl has started');
        const { report } = await reported(['missing-metrics'], { env: { ...env, KUBECTL_PATH: counting }, headStart });
        assert.equal(report.verdict, 'healthy');
        await headStart.process.ended;
        await headStart.end();
      });
      const proxies = readFileSync(join(TMPDIR, 'calls'), 'utf8').match(/^proxy$/gm);
      assert.equal(proxies?.length, flags.length > 0 ? 2 : 1);
      rmSync(counting);
      rmSync(join(TMPDIR, 'calls'));
      assert.deepEqual([leftWith('TMPDIR', TMPDIR), readdirSync(TMPDIR)], [[], []]);
    });
  }

  it('is taken again where kubectl does not know a flag of it', async () => {
    const other = join(folder, 'other');
    const real = needed('kubectl');
    const refusal = '*" --vmodule"*) echo "error: unknown flag: --vmodule" >&2; echo "See help" >&2; exit 1';
    writeFileSync(other, `#!/bin/sh\ncase "$*" in ${refusal};; esac\nexec '${real}' "$@"\n`, { mode: 0o755 });
    await withStandIn('istio-1.0.6/healthy', async ({ requests }, env) => {
      const { report } = await reported(['missing-metrics'], { env: { ...env, KUBECTL_PATH: other } });
      assert.deepEqual([report.verdict, report.run.context], ['healthy', 'recorded']);
      assert.ok(requests.some((line) => line.startsWith('TUNNEL')));
    });
  });

  it('ends by itself where there is no kubectl, and the run says so', async () => {
    const headStart = takeHeadStart({ program: '/nonexistent/kubectl', flags: [], env: {} });
    const env = { KUBECTL_PATH: '/nonexistent/kubectl' };
    const { code, stderr } = await ran(['missing-metrics'], { env, headStart });
    assert.equal(code, 5);
    assert.match(stderr, /there is no kubectl on the PATH/);
    await headStart?.end();
  });
});
