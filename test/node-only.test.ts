import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { it } from './support/programs.ts';
import { started } from './support/started.ts';

const root = join(import.meta.dirname, '..');

// The run that this starts must not start another.
if (process.env.ISTIO_DIAG_NODE_ONLY !== '1') {
  describe('the tests on a machine with Node and npm only', () => {
    const PATH = mkdtempSync(join(tmpdir(), 'node-only-'));
    symlinkSync(process.execPath, join(PATH, 'node'));
    after(() => rmSync(PATH, { recursive: true }));
    const run = (env: NodeJS.ProcessEnv, file: string) =>
      started(process.execPath, ['--import', 'tsx', join(root, file)], {
        ...env,
        PATH,
        ISTIO_DIAG_NODE_ONLY: '1',
        // Its results are not those of the run that started it.
        NODE_TEST_CONTEXT: undefined,
        NODE_V8_COVERAGE: undefined,
        UPDATE_GOLDEN: undefined,
        UPDATE_DEMO: undefined,
        LEAVE_OUT: undefined,
      });

    it('pass, but for those that need another program, which one line names', async () => {
      const { code, stdout, stderr } = await run({ CI: undefined }, 'test/all.ts');
      assert.equal(code, 0, stdout.match(/^ *(not ok|✖) .*/gm)?.join('\n') ?? stderr);
      const [, skipped] = /skipped (\d+)/.exec(stdout) ?? [];
      const lines = stderr.split('\n').filter((line) => line.startsWith('tests left out: '));
      assert.equal(lines.length, 1, stderr);
      const counts = [...(lines[0] ?? '').matchAll(/(\d+) for want of ([\w-]+)/g)];
      const programs = counts.map(([, , program]) => program);
      for (const program of ['kubectl', 'prometheus']) assert.ok(programs.includes(program), lines[0]);
      assert.equal(
        counts.reduce((sum, [, count]) => sum + Number(count), 0),
        Number(skipped),
      );
    });

    it('fail in CI for want of a program', async () => {
      const { code, stdout } = await run({ CI: 'true' }, 'test/traffic.test.ts');
      assert.equal(code, 1);
      assert.match(stdout, /kubectl is not on this machine/);
    });
  });
}
