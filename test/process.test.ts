import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../src/report/document.ts';
import { it, needed } from './support/programs.ts';
import { assertSchema } from './support/schema.ts';
import { withStandIn } from './support/standing.ts';
import { leftWith, started } from './support/started.ts';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'bin/kubectl-istio-diag');

/** How much was read or written; 0 where the other end is not ready. */
function tried(act: () => number): number {
  try {
    return act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

const TODAY = join(root, 'test/bundles/today.tar.gz');

const DEMO = join(root, 'test/bundles/demo.tar.gz');

/** What a run with this kubeconfig has left. */
const leftBy = (kubeconfig: string): readonly string[] => leftWith('KUBECONFIG', kubeconfig);

describe('the program as a process', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'process-'));
    // What npm ci builds, from the sources as they are now.
    execFileSync(process.execPath, ['src/build/bundle.mjs'], { cwd: root });
  });
  after(() => rmSync(folder, { recursive: true }));

  it('runs through kubectl, through a link, from another folder', async () => {
    symlinkSync(bin, join(folder, 'kubectl-istio_diag'));
    const path = `${folder}:${process.env.PATH}`;
    const { code, stdout } = await started(needed('kubectl'), ['istio-diag', 'version'], { PATH: path });
    assert.deepEqual([code, /^kubectl-istio-diag v\d/.test(stdout)], [0, true]);
  });

  it('passes its exit code through kubectl', async () => {
    await withStandIn('istio-1.0.6/handler-missing', async (_, env) => {
      const { code, stdout } = await started('kubectl', ['istio-diag', 'missing-metrics', '-o', 'json'], {
        ...env,
        PATH: `${folder}:${process.env.PATH}`,
      });
      assert.equal(code, 1);
      assert.equal((JSON.parse(stdout) as Report).exitCode, 1);
    });
  });

  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    for (const delay of [40, 120, 200, 280, 360]) {
      it(`after ${signal} at ${delay} ms prints one document and leaves nothing`, async () => {
        // Its own: other programs make folders too.
        const TMPDIR = mkdtempSync(join(folder, 't'));
        await withStandIn(
          'istio-1.0.6/healthy',
          async ({ kubeconfig }, env) => {
            const ended = await started(
              process.execPath,
              [bin, 'missing-metrics', '-o', 'json', '--save-bundle', join(TMPDIR, 'x.tgz')],
              { ...env, TMPDIR },
              (child) => {
                setTimeout(() => child.kill(signal), delay);
                // An impatient hand: the second one this soon is the same one.
                if (delay === 280) setTimeout(() => child.kill(signal), delay + 30);
              },
            );
            // Before the handlers stand, a signal ends the process as it ends any.
            if (ended.code === null) return assert.equal(ended.signal, signal);
            const report = JSON.parse(ended.stdout) as Report;
            assertSchema(report);
            assert.deepEqual([ended.code, report.exitCode, report.run.interrupted], [exit, exit, true]);
            assert.deepEqual(leftBy(kubeconfig), []);
          },
          // Long enough that every signal comes before the end.
          { faults: [{ match: /^PAGE .*:9093\/metrics/, fault: 'stall' }] },
        );
        assert.deepEqual(
          readdirSync(TMPDIR).filter((name) => name !== 'x.tgz'),
          [],
        );
      });
    }
  }

  it('makes the diagnosis without a socket where no temporary folder can be made', async () => {
    const TMPDIR = join(folder, 'no-folder');
    writeFileSync(TMPDIR, '');
    await withStandIn('istio-1.0.6/handler-missing', async ({ requests }, env) => {
      const { code, stdout, stderr } = await started(process.execPath, [bin, 'missing-metrics', '-o', 'json'], {
        ...env,
        TMPDIR,
      });
      const report = JSON.parse(stdout) as Report;
      assert.deepEqual([code, report.lostAt?.reason, report.unchecked, stderr], [1, 'HandlerMissing', [], '']);
      // A tunnel takes the socket; a port-forward is kubectl's own.
      assert.ok(
        !requests.some((line) => line.startsWith('TUNNEL')) && requests.some((line) => line.startsWith('UPGRADE')),
      );
    });
  });

  it('says in one line that a bundle cannot be unpacked without a folder', async () => {
    const demo = join(root, 'test/bundles/demo.tar.gz');
    const { code, stderr } = await started(process.execPath, [bin, 'missing-metrics', '--bundle', demo], {
      TMPDIR: join(folder, 'nowhere'),
    });
    assert.equal(code, 2);
    assert.match(stderr, /^error: .*demo\.tar\.gz cannot be unpacked: ENOENT.*\n$/);
  });

  for (const [what, file, TMPDIR] of [
    ['into a folder that is not there', 'nowhere/x.tgz', ''],
    ['into what is no folder', 'a-file/x.tgz', ''],
    ['where no answer can be kept', 'x.tgz', 'a-file'],
  ] as const) {
    it(`makes the report though the bundle cannot be written ${what}, and exits with 2`, async () => {
      writeFileSync(join(folder, 'a-file'), '');
      await withStandIn('istio-1.0.6/healthy', async (_, env) => {
        const args = [bin, 'all', '-o', 'json', '--save-bundle', join(folder, file)];
        const plain = await started(process.execPath, args.slice(0, 4), env);
        const own = { ...env, ...(TMPDIR !== '' && { TMPDIR: join(folder, TMPDIR) }) };
        const { code, stdout, stderr } = await started(process.execPath, args, own);
        const list = (text: string) => JSON.parse(text) as { items: Report[]; exitCode: number };
        assert.deepEqual([code, list(stdout).exitCode], [2, 2]);
        assert.match(stderr, /^error: the bundle was not written: E\w+: .*\n$/);
        const verdicts = (text: string) => list(text).items.map(({ topic, verdict }) => [topic, verdict]);
        assert.deepEqual(verdicts(stdout), verdicts(plain.stdout));
        assert.ok(list(stdout).items.every(({ warnings }) => warnings.some((each) => /bundle was not/.test(each))));
        assert.deepEqual(
          readdirSync(folder).filter((name) => name.startsWith('x.tgz')),
          [],
        );
      });
    });
  }

  it('says the same on stdout when stderr is full', async () => {
    await withStandIn('istio-1.0.6/handler-missing', async (_, env) => {
      const args = [bin, 'missing-metrics', '-v'];
      const plain = await started(process.execPath, args, env);
      const full = await started('sh', ['-c', 'exec "$0" "$@" 2>/dev/full', process.execPath, ...args], env);
      // The last line tells how long it took.
      const lines = (text: string): string[] => text.split('\n').slice(0, -2);
      assert.deepEqual([full.code, lines(full.stdout)], [plain.code, lines(plain.stdout)]);
    });
  });

  it('ends quietly when nobody reads its output', async () => {
    await withStandIn('istio-1.0.6/handler-missing', async ({ kubeconfig }, env) => {
      const { code, stderr } = await started(process.execPath, [bin, 'missing-metrics', '-o', 'wide'], env, (child) =>
        child.stdout?.destroy(),
      );
      assert.deepEqual([code, stderr], [1, '']);
      assert.deepEqual(leftBy(kubeconfig), []);
    });
  });

  for (const words of [
    'version',
    'topics',
    '--help',
    'explain HandlerMissing',
    'schema',
    'rbac',
    'completion',
    '__complete ',
    ...['table', 'wide', 'json', 'yaml'].flatMap((format) => [
      `missing-metrics --bundle ${DEMO} -o ${format}`,
      `all --bundle ${DEMO} -o ${format}`,
    ]),
    `missing-metrics --bundle ${DEMO} --fail-on nonsense -o json`,
    'metrics MIXER -n istio-system --port 9093',
    'metrics MIXER -n istio-system --port 9093 -o json',
    'debug tcpdump MIXER -n istio-system',
  ]) {
    for (const [redirection, said] of [
      ['> /dev/full', /ENOSPC/],
      ['1< /dev/null', /EBADF/],
    ] as const) {
      it(`says in one line that it could not write: ${words.replace(DEMO, 'DEMO')} ${redirection}`, async () => {
        await withStandIn('istio-1.0.6/healthy', async ({ recording }, env) => {
          const mixer = recording.objects.find(
            ({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('istio-telemetry'),
          );
          const line = `"$0" "$1" ${words.replace('MIXER', mixer?.metadata.name ?? '')} ${redirection}`;
          const { code, stderr } = await started('sh', ['-c', line, process.execPath, bin], env);
          const lines = stderr
            .trimEnd()
            .split('\n')
            .filter((each) => !/--fail-on takes/.test(each));
          assert.equal(code, 2, stderr);
          assert.equal(lines.length, 1, stderr);
          assert.match(lines[0] ?? '', /^error: the output could not be written: /);
          assert.match(lines[0] ?? '', said);
        });
      });
    }
  }

  it('tells a stdout that is closed from one that nobody wants', async () => {
    const line = `"$0" "$1" missing-metrics --bundle ${DEMO} -o json`;
    const ended = async (words: string) => {
      const { code, stderr } = await started('/bin/sh', ['-c', `${words}; exit $?`, process.execPath, bin], {});
      return [code, stderr];
    };
    const closed = [2, 'error: the output could not be written: EBADF: stdout is closed\n'];
    assert.deepEqual(await ended(`${line} >&-`), closed);
    assert.deepEqual(await ended(`exec >&-; ${line}`), closed);
    assert.deepEqual(await ended(`${line} > /dev/null`), [1, '']);
    assert.deepEqual(await ended(`exec > /dev/null; ${line}`), [1, '']);
    // Node's own, and Python's, are opened for reading and writing too.
    const { status, stderr } = spawnSync(process.execPath, [bin, 'missing-metrics', '--bundle', DEMO], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    assert.deepEqual([status, stderr.toString()], [1, '']);
  });

  /** Runs the program with a pipe for stdout that is full: `read` takes what it holds. */
  async function withFullPipe(
    args: readonly string[],
    { waits }: { waits: boolean },
    use: (child: ChildProcess, read: () => Promise<string>) => Promise<void>,
  ): Promise<void> {
    const pipe = join(folder, 'pipe');
    execFileSync(needed('mkfifo'), [pipe]);
    // Two: what one end does to its own, the other does not meet.
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    const isFull = (): boolean => tried(() => writeSync(writer, '\n'.repeat(4096))) < 4096;
    while (!isFull());
    const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', writer, 'inherit'] });
    // It is given to a child as one that waits; Node's streams do not, and say so to whoever else has it.
    const other = waits ? null : new Socket({ fd: writer, readable: false });
    try {
      await use(child, async () => {
        const ended = once(child, 'close');
        const pieces: Buffer[] = [];
        for (let isOver = false; ; ) {
          isOver ||= await Promise.race([ended.then(() => true), sleep(100).then(() => false)]);
          const piece = Buffer.alloc(1 << 20);
          const length = tried(() => readSync(reader, piece));
          pieces.push(piece.subarray(0, length));
          if (isOver && length === 0) return Buffer.concat(pieces).toString().trimStart();
        }
      });
    } finally {
      child.kill('SIGKILL');
      if (other) other.destroy();
      else closeSync(writer);
      closeSync(reader);
      rmSync(pipe);
    }
  }

  it('waits for a pipe that says it is full, and writes all of its answer', async () => {
    await withFullPipe(['version'], { waits: false }, async (child, read) => {
      await sleep(500);
      assert.equal(child.exitCode, null);
      assert.match(await read(), /^kubectl-istio-diag v\d[^\n]*\n$/);
      assert.equal(child.exitCode, 0);
    });
    const args = ['missing-metrics', '--bundle', TODAY, '-o', 'json', '--fail-on', 'never'];
    await withFullPipe(args, { waits: false }, async (child, read) => {
      await sleep(1000);
      const text = await read();
      // More than a pipe holds.
      assert.ok(text.length > 65_536);
      assert.equal((JSON.parse(text) as Report).exitCode, 0);
      assert.equal(child.exitCode, 0);
    });
  });

  it('ends by a second signal though nobody reads its output', async () => {
    await withFullPipe(['missing-metrics', '--bundle', TODAY, '-o', 'json'], { waits: true }, async (child) => {
      await sleep(1000);
      child.kill('SIGINT');
      await sleep(2200);
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      assert.deepEqual(await Promise.race([ended, sleep(3000).then(() => 'it did not end')]), [130, null]);
    });
  });

  it('keeps its answer where stderr cannot be written', async () => {
    const args = [bin, 'missing-metrics', '--bundle', DEMO, '-o', 'json', '-v'];
    const whole = await started(process.execPath, args, {});
    const { code, stdout } = await started(
      needed('sh'),
      ['-c', '"$0" "$@" 2> /dev/full', process.execPath, ...args],
      {},
    );
    const steady = (text: string): Report => {
      const report = JSON.parse(text) as Report;
      return { ...report, run: { ...report.run, durationMs: 0 } };
    };
    assert.deepEqual([code, steady(stdout).steps.length], [whole.code, steady(whole.stdout).steps.length]);
  });

  it('ends by --timeout when the API server stalls, and calls it unreachable', async () => {
    await withStandIn(
      'istio-1.0.6/healthy',
      async ({ kubeconfig }, env) => {
        const { code, stdout, stderr } = await started(
          process.execPath,
          [bin, 'missing-metrics', '-o', 'json', '--timeout', '1s', '--request-timeout', '0'],
          env,
        );
        const report = JSON.parse(stdout) as Report;
        assert.deepEqual([code, report.verdict], [5, 'unreachable']);
        assert.match(stderr, /^error: timed out: no answer within the run’s --timeout 1s to `kubectl get pods .*`\n$/);
        for (const { reason, words } of report.unchecked)
          assert.deepEqual([reason, words], ['TimedOut', 'no answer within the run’s --timeout 1s']);
        assert.deepEqual(leftBy(kubeconfig), []);
      },
      { faults: [{ match: /^GET/, fault: 'stall' }] },
    );
  });

  it('calls what its --timeout cut short a timeout, and names it', async () => {
    await withStandIn(
      'istio-1.0.6/healthy',
      async (_, env) => {
        const args = [bin, 'missing-metrics', '-o', 'json', '--timeout', '1500ms'];
        const { code, stdout } = await started(process.execPath, args, env);
        const report = JSON.parse(stdout) as Report;
        assert.deepEqual([code, report.verdict, report.run.interrupted], [3, 'inconclusive', false]);
        assert.ok(report.unchecked.length > 0);
        for (const { reason, words } of report.unchecked)
          assert.deepEqual([reason, words], ['TimedOut', 'no answer within the run’s --timeout 1500ms']);
      },
      { faults: [{ match: /^PAGE .*:9093\/metrics/, fault: 'stall' }] },
    );
  });

  it('says which cluster it is that does not answer', async () => {
    const stalls = join(folder, 'stalls');
    writeFileSync(stalls, '#!/bin/sh\n[ "$1" = proxy ] && exec sleep 60\nexec kubectl "$@"\n', { mode: 0o755 });
    await withStandIn('istio-1.0.6/healthy', async ({ kubeconfig }, env) => {
      const args = [bin, 'missing-metrics', '-o', 'json', '--timeout', '4s'];
      const { code, stdout } = await started(process.execPath, args, { ...env, KUBECTL_PATH: stalls });
      const report = JSON.parse(stdout) as Report;
      assert.deepEqual([code, report.verdict, report.run.context], [5, 'unreachable', 'recorded']);
      assert.deepEqual(leftBy(kubeconfig), []);
    });
  });

  it('leaves nothing of a kubectl that is a wrapper, and does not wait for it', async () => {
    const wrapper = join(folder, 'wrapper');
    writeFileSync(wrapper, `#!/bin/sh\ntrap "" INT\n"${needed('kubectl')}" "$@"\n`, { mode: 0o755 });
    await withStandIn('istio-1.0.6/healthy', async ({ kubeconfig }, env) => {
      const { code } = await started(process.execPath, [bin, 'missing-metrics'], { ...env, KUBECTL_PATH: wrapper });
      assert.equal(code, 0);
      assert.deepEqual(leftBy(kubeconfig), []);
    });
  });

  it('says in one line that there is no kubectl', async () => {
    const { code, stdout, stderr } = await started(process.execPath, [bin, 'missing-metrics', '-o', 'json'], {
      PATH: '/nonexistent',
    });
    assert.deepEqual([code, (JSON.parse(stdout) as Report).verdict], [5, 'unreachable']);
    assert.match(stderr, /^error: .*there is no kubectl on the PATH.*\n$/);
  });

  it('pipes its JSON to the README’s jq recipes', async () => {
    await withStandIn('istio-1.0.6/handler-missing', async (_, env) => {
      const { stdout: json } = await started(process.execPath, [bin, 'missing-metrics', '-o', 'json'], env);
      const recipes = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^jq (-\w) '(.*)'(\|sort -u)?$/gm)];
      assert.equal(recipes.length, 6);
      const answers: string[] = [];
      for (const [, flag = '', program = ''] of recipes) {
        answers.push(
          await new Promise((resolve) => {
            const jq = spawn(needed('jq'), [flag, program], { stdio: ['pipe', 'pipe', 'inherit'] });
            let text = '';
            jq.stdout.on('data', (chunk: Buffer) => {
              text += chunk.toString();
            });
            jq.once('close', () => resolve(text));
            jq.stdin.end(json);
          }),
        );
      }
      assert.deepEqual(answers.slice(0, 2), ['false\n', 'mixer->adapter: HandlerMissing\n']);
      assert.match(answers[2] ?? '', /^HandlerMissing since HTTP 404/);
      assert.match(answers[3] ?? '', /^prometheus-handler\tfail\tcause\nconfig-errors\tfail\tprometheus-handler\n/);
      assert.match(answers[4] ?? '', /^kubectl istio-diag shipped /);
      assert.equal(answers[5], '');
    });
  });
});
