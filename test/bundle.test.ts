import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { writeBundle } from '../src/cluster/bundle/bundle.ts';
import { type Entry, recording } from '../src/cluster/bundle/recording.ts';
import type { Cluster } from '../src/cluster/question/cluster.ts';
import { pods } from '../src/cluster/question/resources.ts';
import { textOf as textOfAnswer } from '../src/cluster/question/text.ts';
import { once } from '../src/cluster/ways/http.ts';
import { textOf } from './support/bundles.ts';
import { loadMesh, withMesh } from './support/meshes.ts';
import { it, until } from './support/programs.ts';
import type { Recording } from './support/recordings.ts';
import { ran, reported } from './support/run.ts';
import { withStandIn } from './support/standing.ts';

const folder = mkdtempSync(join(tmpdir(), 'saved-'));
after(() => rmSync(folder, { recursive: true }));

const HEALTHY = 'istio-1.0.6/healthy';

const named = (recording: Recording, kind: string, name: RegExp): Recording['objects'][number] => {
  const object = recording.objects.find((each) => each.kind === kind && name.test(each.metadata.name));
  assert.ok(object, `${kind} ${name}`);
  return object;
};

describe('a saved bundle', () => {
  it('holds no secret of a ConfigMap, a log or a Pod', async () => {
    const bundle = join(folder, 'secrets.tgz');
    const page = join(folder, 'page.tgz');
    let pod = '';
    await withStandIn(
      HEALTHY,
      async (_, env) => {
        const { report } = await reported(['missing-metrics', '--save-bundle', bundle], { env });
        assert.equal(report.verdict, 'healthy');
        await ran(['metrics', pod, '-n', 'istio-system', '--save-bundle', page], { env });
      },
      {
        change: (recording) => {
          const prometheus = named(recording, 'ConfigMap', /^prometheus$/);
          assert.ok(prometheus.data);
          prometheus.data['prometheus.yml'] +=
            '\nremote_write:\n- url: http://prom:S0S@10.0.0.1/w\n  basic_auth:\n    password: "S0S;S0S"\n';
          for (const [name, text] of recording.logs)
            recording.logs.set(name, `${text}x Authorization: Basic S0SS0SS0S\n`);
          const mixer = named(recording, 'Pod', /^istio-telemetry/);
          pod = mixer.metadata.name;
          const { containers } = mixer.spec as { containers: { env?: unknown }[] };
          for (const container of containers) container.env = [{ name: 'DB_PASSWORD', value: 'S0S' }];
          Object.assign(mixer.metadata, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'S0S' } });
        },
      },
    );
    for (const file of [bundle, page]) {
      const text = textOf(file);
      assert.ok(text.includes(pod));
      assert.doesNotMatch(text, /S0S/);
    }
  });

  it('survives half a certificate in a rule', async () => {
    const bundle = join(folder, 'half.tgz');
    await withStandIn(
      HEALTHY,
      async (_, env) => {
        const live = await reported(['missing-metrics', '--save-bundle', bundle], { env });
        const replayed = await reported(['missing-metrics', '--bundle', bundle]);
        assert.deepEqual([replayed.report.verdict, replayed.report.losses], [live.report.verdict, live.report.losses]);
      },
      {
        change: (recording) => {
          named(recording, 'rule', /^promhttp$/).spec = { match: '"-----BEGIN X-----"', actions: [] };
        },
      },
    );
  });

  it('is refused at once where it cannot be a file', async () => {
    const wanted = join(folder, 'directory');
    mkdirSync(wanted);
    for (const target of [wanted, '/dev/full']) {
      const { code, stderr } = await ran(['missing-metrics', '--save-bundle', target]);
      assert.equal(code, 2);
      assert.match(stderr, /^error: cannot write the bundle: .* is not a regular file\n$/);
    }
  });

  it('that cannot be written in the end costs no report', async () => {
    const gone = join(folder, 'gone');
    mkdirSync(gone);
    await withStandIn(HEALTHY, async ({ requests }, env) => {
      const running = reported(['missing-metrics', '--save-bundle', join(gone, 'x.tgz')], { env });
      await until(() => requests.length > 0, 'the first request comes');
      rmSync(gone, { recursive: true });
      const { report, stderr, code } = await running;
      assert.deepEqual([report.verdict, report.exitCode, code], ['healthy', 2, 2]);
      assert.match(stderr, /^error: the bundle was not written: ENOENT/m);
      assert.match(report.warnings.join(), /the bundle was not written/);
    });
  });

  it('that meets a full disk is told, and what was asked goes on', async () => {
    const why: unknown[] = [];
    const question = { ask: 'discovery', path: '/version' } as const;
    const asked: Cluster = {
      list: async () => [{ metadata: { name: 'a' } }],
      read: async () => ({ status: 200, contentType: '', body: once(Buffer.from('text')) }),
    };
    const full = join(folder, 'full');
    const scratch = { path: () => join(full, 'none'), remove: () => undefined };
    const entries: Entry[] = [];
    const recorder = recording(asked, scratch, entries, (each) => why.push(each));
    assert.equal((await recorder.list({ ask: 'list', resource: pods, namespace: null })).length, 1);
    assert.equal(await textOfAnswer(question, await recorder.read(question)), 'text');
    assert.deepEqual([entries, why.length], [[], 2]);
    const head = {
      tool: { name: 't', version: '1' },
      startedAt: '',
      context: null,
      prometheus: null,
      command: null,
      namespace: 'default',
    };
    await assert.rejects(writeBundle(join(folder, 'x.tgz'), '/dev/full', head, []), /ENOSPC/);
  });

  it('may be written by two runs at once, and touches no other file', async () => {
    const bundle = join(folder, 'two.tgz');
    writeFileSync(`${bundle}.partial`, 'mine');
    await withStandIn(HEALTHY, async (_, env) => {
      const both = await Promise.all([1, 2].map(() => reported(['missing-metrics', '--save-bundle', bundle], { env })));
      assert.deepEqual(
        both.map(({ code }) => code),
        [0, 0],
      );
    });
    assert.equal((await reported(['missing-metrics', '--bundle', bundle])).report.verdict, 'healthy');
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('two.tgz')),
      ['two.tgz', 'two.tgz.partial'],
    );
  });

  it('without a second reading is not replayed with --window', async () => {
    const { code, stderr } = await ran([
      'missing-metrics',
      '--bundle',
      join(import.meta.dirname, 'bundles/demo.tar.gz'),
      '--window',
      '1s',
    ]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: .* holds no second reading: it was recorded without --window, so leave --window out\n$/,
    );
  });

  it('of the README’s first command answers every question', async () => {
    const demo = join(import.meta.dirname, 'bundles/demo.tar.gz');
    // Apart from the goldens: no two recordings are the same bytes.
    if (process.env.UPDATE_DEMO === '1') {
      await withStandIn('istio-1.0.6/handler-missing', (_, env) =>
        ran(['missing-metrics', '--save-bundle', demo], { env }),
      );
    }
    const { report } = await reported(['missing-metrics', '--bundle', demo]);
    assert.deepEqual([report.lostAt?.reason, report.unchecked], ['HandlerMissing', []]);
  });

  for (const { name, mesh, step } of [
    { name: 'today', mesh: 'no-scrape-annotations', step: 'scrape' },
    { name: 'ambient', mesh: 'ambient-waypoint-unbound', step: 'waypoint' },
  ])
    it(`of a mesh of ${name}, which the README shows, answers every question`, async () => {
      const bundle = join(import.meta.dirname, `bundles/${name}.tar.gz`);
      if (process.env.UPDATE_DEMO === '1')
        await withMesh(loadMesh(mesh), (_, env) => ran(['missing-metrics', '--save-bundle', bundle], { env }));
      const { report } = await reported(['missing-metrics', '--bundle', bundle]);
      assert.deepEqual([report.lostAt?.step, report.unchecked], [step, []]);
      const { stdout } = await ran(['missing-metrics', '--bundle', bundle]);
      const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
      const timeless = (text: string): string => text.replace(/\d+\.\d s, exit/g, 'T s, exit');
      assert.ok(timeless(readme).includes(timeless(stdout.trim())), stdout);
    });

  it('does not say which ports a pod has', async () => {
    const { code, stderr } = await ran([
      'metrics',
      'istio-telemetry-x',
      '-n',
      'istio-system',
      '--bundle',
      join(import.meta.dirname, 'bundles/demo.tar.gz'),
    ]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: the bundle does not say which ports pod istio-telemetry-x has: name one with --port\n$/,
    );
  });
});
