import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Report } from '../src/report/document.ts';
import { NOW } from './support/judging.ts';
import { built } from './support/mesh/scenario.ts';
import { shop } from './support/mesh/spec.ts';
import { sharedMesh } from './support/mesh/standing.ts';
import { it } from './support/programs.ts';
import type { RecordedObject } from './support/recordings.ts';
import { type Ran, ran, type World } from './support/run.ts';

const ESCAPE = String.fromCharCode(27);

const isKiali = ({ kind, metadata }: RecordedObject): boolean => kind === 'ConfigMap' && metadata.name === 'kiali';

/** Kiali's configuration, which names a Prometheus that is not there. */
const broken = (): RecordedObject => {
  const spec = shop();
  spec.kiali = 'http://prometheus-server.monitoring.svc:80';
  return built('watch', spec).recording.objects.find(isKiali) ?? assert.fail('there is a Kiali');
};

describe('a run that looks again', { concurrency: true }, () => {
  const mesh = sharedMesh(() => built('watch', shop()));

  /** Looks at a mesh that is broken until `mend` is called. */
  async function looking(
    argv: readonly string[],
    world: (mend: () => void) => World = () => ({}),
    isBroken = true,
  ): Promise<Ran> {
    const standing = await mesh();
    let mend = (): void => undefined;
    const change = ({ objects }: { objects: RecordedObject[] }): void => {
      const kiali = objects.find(isKiali);
      if (!kiali || !isBroken) return;
      const healthy = { ...kiali };
      Object.assign(kiali, broken());
      mend = () => Object.assign(kiali, healthy);
    };
    return standing.use({ change }, (standIn) =>
      ran(['missing-metrics', ...argv], { env: { KUBECONFIG: standIn.kubeconfig }, ...world(() => mend()) }),
    );
  }

  /** Mends when the first look has been told. */
  const whenTold = (mend: () => void): World => ({
    hears: (text) => {
      if (text.includes('broken')) mend();
    },
  });

  it('--wait is not confused by a clock that runs backwards between two looks', async () => {
    let told = 0;
    const { code, stdout } = await looking(['--wait=30s', '--every=1s', '-o', 'json'], (mend) => ({
      ...whenTold(mend),
      now: () => NOW - 60_000 * told++,
    }));
    assert.equal(code, 0, stdout);
    const { run } = JSON.parse(stdout) as Report;
    assert.equal(run.durationMs, 0);
    assert.ok(Date.parse(run.startedAt) < NOW);
  });

  it('--wait ends when all is well, with the report and its exit code', async () => {
    const { code, stdout, stderr } = await looking(['--wait=30s', '--every=1s'], whenTold);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /\nHEALTHY {2}/);
    assert.equal(stdout.match(/^STEP /gm)?.length, 1, 'the last report alone');
    const lines = stderr.trim().split('\n');
    assert.ok(
      lines.every((line) => /^\d\d:\d\d:\d\dZ {2}\S/.test(line)),
      stderr,
    );
    assert.match(
      stderr,
      /^\S+ {2}consumers: fail: .*\n.*Z {2}broken\n.*consumers: fail -> pass: .*\n.*Z {2}healthy\n$/,
    );
    const told = (what: RegExp): number => stderr.match(what)?.length ?? 0;
    assert.equal(told(/ -> /g), 1, 'what did not change is not told again');
    assert.equal(told(/: pass: /g), 0, 'nothing is waited for where all is well');
  });

  it('--wait of what is well already looks once', async () => {
    const { code, stderr } = await looking(['--wait=5m', '-v'], undefined, false);
    assert.equal(code, 0);
    assert.equal(stderr.match(/get namespaces: /g)?.length, 1);
  });

  it('--wait ends when time is up, with what was seen last', async () => {
    const { code, stdout } = await looking(['--wait=2s', '--every=1s']);
    assert.equal(code, 1);
    assert.match(stdout, /CAUSE {2}StoreGone: (.*\n)*BROKEN /);
  });

  it('prints one document of JSON, and asks for the past once', async () => {
    const { code, stdout, stderr } = await looking(['--wait=3s', '--every=1s', '-o', 'json', '-v']);
    const { verdict, exitCode } = JSON.parse(stdout) as { verdict: string; exitCode: number };
    assert.deepEqual([code, verdict, exitCode], [1, 'broken', 1]);
    assert.ok((stderr.match(/get namespaces: /g)?.length ?? 0) > 1);
    assert.ok((stderr.match(/query_range/g)?.length ?? 0) <= 2, stderr);
  });

  it('--watch goes on until it is ended, and prints the last report that is whole', async () => {
    const controller = new AbortController();
    let ended = false;
    const { code, stdout, stderr } = await looking(['--watch', '--every=1s'], (mend) => ({
      interrupt: controller.signal,
      signal: () => (ended ? 'SIGINT' : null),
      hears: (text) => {
        if (text.includes('broken')) mend();
        // It does not end by itself when all is well.
        if (!text.includes('healthy')) return;
        setTimeout(() => {
          ended = true;
          controller.abort('Interrupted');
        }, 1500);
      },
    }));
    assert.equal(code, 130);
    assert.match(stdout, /\nHEALTHY {2}.*exit 130\n$/s);
    assert.match(stderr, /healthy/);
  });

  it('draws over the look before on a terminal, and leaves the terminal as it was', async () => {
    const { code, stdout, stderr } = await looking(['--wait=30s', '--every=1s'], (mend) => {
      setTimeout(mend, 4000);
      return { isTTY: true, columns: 100 };
    });
    assert.equal(code, 0);
    const [before, rest = ''] = stdout.split(`${ESCAPE}[?1049h`);
    const [drawn, after] = rest.split(`${ESCAPE}[?1049l`);
    assert.equal(before, '');
    assert.ok((drawn?.split(`${ESCAPE}[H`).length ?? 0) > 2, 'each look is drawn');
    assert.match(drawn ?? '', /looks again every 1 s, until all is well/);
    assert.ok(!drawn?.includes(`${ESCAPE}[2J`), 'a screen that is cleared flickers');
    assert.match(after ?? '', /HEALTHY/);
    assert.ok(drawn?.endsWith(`${ESCAPE}[?25h`), 'the cursor is shown again');
    assert.doesNotMatch(stderr, / -> /);
  });

  for (const [argv, said] of [
    [['--every=5s'], /--every says how often --wait or --watch looks again/],
    [['--wait', '--watch'], /give --wait or --watch, not both/],
    [['--wait=soon'], /--wait takes a duration/],
    [['--watch', '--every=100ms'], /--every takes 1s or more/],
    [['--wait', '--bundle', 'x.tar.gz'], /--wait looks again and again, and --bundle is one look/],
    [['--watch', '--save-bundle', 'x.tar.gz'], /--watch looks again and again, and --save-bundle is one look/],
  ] as const)
    it(`refuses ${argv.join(' ')}`, async () => {
      const { code, stdout, stderr } = await ran(['missing-metrics', ...argv]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, said);
    });
});
