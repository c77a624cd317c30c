import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import type { Report } from '../src/report/document.ts';
import { matchesGolden } from './support/golden.ts';
import { it, needed } from './support/programs.ts';
import { recordingNames } from './support/recordings.ts';
import { ran, reported } from './support/run.ts';
import { assertSchema } from './support/schema.ts';
import { withStandIn } from './support/standing.ts';

/** The steps that may be named as the loss, for what scenario.json says is broken (captures: any of these is right). */
const RIGHT: Record<string, readonly string[]> = {
  handler: ['prometheus-handler'],
  instances: ['metric-instances'],
  dispatch: ['dispatches', 'prometheus-handler', 'metric-instances'],
  scrape: ['prometheus-scrape'],
  rules: ['rules'],
  'report-calls': ['report-calls'],
  'config-errors': ['config-errors', 'prometheus-handler', 'rules'],
};

/** What only a bundle's replay may differ in. */
const comparable = ({ run, ...report }: Report): unknown => ({ ...report, run: { ...run, source: 'either' } });

for (const name of recordingNames()) {
  describe(`the recorded mesh ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
    const bundle = join(folder, 'bundle.tar.gz');
    let live: Report;
    let broken: string | null;

    it('is diagnosed through the real kubectl, as its golden says', async () => {
      await withStandIn(name, async ({ recording }, env) => {
        const result = await reported(['missing-metrics', '--save-bundle', bundle], { env });
        live = result.report;
        broken = recording.broken;
        assertSchema(live);
        assert.equal(result.code, live.exitCode);
        matchesGolden(`${name.replace('/', '-')}.json`, result.stdout);
      });
    });

    it('loses its metrics where it was broken, and nowhere else', () => {
      needed('kubectl');
      if (broken === null) {
        assert.deepEqual([live.verdict, live.exitCode, live.lostAt], ['healthy', 0, null]);
        return;
      }
      assert.deepEqual([live.verdict, live.exitCode], ['broken', 1]);
      assert.ok(
        RIGHT[broken]?.includes(live.lostAt?.step ?? ''),
        `${live.lostAt?.step} is not where ${broken} was broken`,
      );
      assert.equal(live.losses.length, 1, JSON.stringify(live.losses));
    });

    it('gives the same report from its bundle, in every format', async () => {
      needed('kubectl');
      const replayed = await reported(['missing-metrics', '--bundle', bundle]);
      assert.deepEqual(comparable(replayed.report), comparable(live));
      for (const format of ['table', 'wide', 'yaml']) {
        const { code } = await ran(['missing-metrics', '--bundle', bundle, '-o', format]);
        assert.equal(code, live.exitCode, format);
      }
      const table = await ran(['missing-metrics', '--bundle', bundle]);
      // What is there to be pasted is never broken up.
      const wide = table.stdout.split('\n').filter((line) => line.length > 100 && !/kubectl|https:/.test(line));
      assert.deepEqual(wide, []);
      matchesGolden(
        `${name.replace('/', '-')}.md`,
        `\`\`\`\n$ kubectl istio-diag missing-metrics --bundle ${name}.tar.gz\n${table.stdout}\`\`\`\nExit code: ${table.code}\n`,
      );
      rmSync(folder, { recursive: true });
    });
  });
}
