import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { identify } from '../../src/cluster/ways/identity.ts';
import { contextIn, filesIn, TELLS_FILES } from '../../src/cluster/ways/kubeconfig.ts';
import { lastWords } from '../../src/cluster/ways/kubectl.ts';
import type { Kubectl } from '../../src/cluster/ways/kubectl-process.ts';
import { it, needed } from '../support/programs.ts';

const context = (name: string, namespace?: string) => ({ name, context: { cluster: 'c', user: 'u', namespace } });
const config = (current: string | undefined, ...contexts: readonly object[]): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    ...(current !== undefined && { 'current-context': current }),
    contexts,
    clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
    users: [{ name: 'u', user: {} }],
  });

describe('the context, by the files that kubectl says it reads', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
    writeFileSync(join(folder, 'a'), config('one', context('one', 'bookinfo'), context('two')));
    writeFileSync(join(folder, 'b'), config('two', context('two', 'never'), context('three', 'shop')));
    writeFileSync(join(folder, 'none'), config(undefined, context('four', 'x')));
    writeFileSync(join(folder, 'gone'), config('nowhere', context('four', 'x')));
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(
      join(folder, 'merged'),
      'apiVersion: v1\nkind: Config\ncurrent-context: m\nclusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]\nusers: [{name: u, user: {}}]\ncontexts:\n- name: base\n  context: &base {cluster: c, user: u, namespace: shop}\n- name: m\n  context: {<<: *base, user: u}\n',
    );
    writeFileSync(
      join(folder, 'yaml'),
      'apiVersion: v1\nkind: Config\ncurrent-context: 12\ncontexts:\n- name: 12\n  context: {cluster: c, user: u}\n',
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What a real `kubectl proxy` says on stderr until it serves or ends. */
  const said = (env: NodeJS.ProcessEnv, flags: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      const socket = join(folder, 's');
      rmSync(socket, { force: true });
      const child = spawn('kubectl', ['proxy', `--unix-socket=${socket}`, TELLS_FILES, ...flags], { env });
      let words = '';
      child.stderr.on('data', (chunk: Buffer) => {
        words += chunk.toString();
      });
      child.stdout.once('data', () => child.kill('SIGKILL'));
      child.once('close', () => resolve(words));
    });

  for (const [files, flags, is] of [
    ['a', [], { context: 'one', namespace: 'bookinfo' }],
    ['a:b', [], { context: 'one', namespace: 'bookinfo' }],
    ['b:a', [], { context: 'two', namespace: 'never' }],
    ['none:b', [], { context: 'two', namespace: 'never' }],
    ['missing:a', [], { context: 'one', namespace: 'bookinfo' }],
    ['empty:a', [], { context: 'one', namespace: 'bookinfo' }],
    ['a:b', ['--context=two'], { context: 'two', namespace: 'default' }],
    ['a:b', ['--context=one', '--context=three'], { context: 'three', namespace: 'shop' }],
    ['merged', [], { context: 'm', namespace: 'shop' }],
    ['none', [], null],
    ['gone', [], null],
    ['a', ['--context=nowhere'], null],
  ] as const) {
    it(`is ${is?.context ?? 'not told'} in ${files} ${flags.join(' ')}, as kubectl config view has it`, async () => {
      needed('kubectl');
      const env = {
        PATH: process.env.PATH,
        HOME: folder,
        KUBECONFIG: files
          .split(':')
          .map((file) => join(folder, file))
          .join(':'),
      };
      const kubectl: Kubectl = { program: 'kubectl', flags, env };
      assert.deepEqual(await contextIn(filesIn(await said(env, flags)), kubectl), is);
      const asked = await identify(kubectl, [], { request: 5000, run: new AbortController().signal });
      if (is) assert.deepEqual(asked, { ...is, words: null });
      else assert.notEqual(asked.words, null);
    });
  }

  const kubectl: Kubectl = { program: 'kubectl', flags: [], env: process.env };

  it('is not told by what YAML reads as a number', async () => {
    assert.equal(await contextIn([join(folder, 'yaml')], kubectl), null);
  });

  it('is not told where kubectl is a script, nor by what is no file', async () => {
    needed('kubectl');
    const script = join(folder, 'script');
    writeFileSync(script, '#!/bin/sh\nexec kubectl --context three "$@"\n');
    chmodSync(script, 0o755);
    const a = join(folder, 'a');
    assert.equal(await contextIn([a], { ...kubectl, program: script }), null);
    const bare = join(folder, 'bare');
    writeFileSync(bare, 'exec kubectl --context three "$@"\n', { mode: 0o755 });
    assert.equal(await contextIn([a], { ...kubectl, program: bare }), null);
    // What may not be run is not what is run.
    mkdirSync(join(folder, 'first'));
    writeFileSync(join(folder, 'first/kubectl'), '\x7fELF');
    const PATH = `${join(folder, 'first')}:${process.env.PATH}`;
    assert.equal((await contextIn([a], { ...kubectl, env: { PATH } }))?.context, 'one');
    chmodSync(join(folder, 'first/kubectl'), 0o755);
    writeFileSync(join(folder, 'first/kubectl'), 'exec kubectl');
    assert.equal(await contextIn([a], { ...kubectl, env: { PATH } }), null);
    assert.equal(
      await contextIn([a], { ...kubectl, program: 'script', env: { PATH: `/nonexistent:${folder}` } }),
      null,
    );
    execFileSync(needed('mkfifo'), [join(folder, 'fifo')]);
    assert.equal(await contextIn([join(folder, 'fifo')], kubectl), null);
    assert.equal(await contextIn([], kubectl), null);
    // It is asked then, and says what it makes of it.
    const env = { ...process.env, KUBECONFIG: `${a}:${join(folder, 'b')}` };
    const patience = { request: 5000, run: new AbortController().signal };
    assert.deepEqual(await identify({ program: script, flags: [], env }, [a], patience), {
      context: 'three',
      namespace: 'shop',
      words: null,
    });
  });

  it('is read from the words of old and new kubectls, which are no last words', () => {
    const words = [
      'I1125 10:40:09.919859   30735 loader.go:402] Config loaded from file:  /home/sre/.kube/config',
      'I0528 15:32:20.350320  145956 loader.go:359] Config loaded from file /a b/kube config',
      'I1125 10:40:09.919859   30735 loader.go:402] Config loaded from file:  /home/sre/.kube/config',
    ].join('\n');
    assert.deepEqual(filesIn(words), ['/home/sre/.kube/config', '/a b/kube config']);
    assert.equal(lastWords(words), '');
  });
});
