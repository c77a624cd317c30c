import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe } from 'node:test';
import { manual } from '../src/build/reference.ts';
import { explainedWords } from '../src/commands/explain/explain.ts';
import { COMMANDS } from '../src/commands/flags.ts';
import { guide } from '../src/guide/index.ts';
import { it, needed } from './support/programs.ts';
import { ran } from './support/run.ts';

/** A letter that a terminal of paper strikes twice. */
const OVERSTRUCK = new RegExp(`.${String.fromCharCode(8)}`, 'g');

/** What a man page shows of some text, in a terminal that has only ASCII. */
const shown = (text: string): string => {
  needed('groff');
  const { stdout, stderr, status } = spawnSync('groff', ['-man', '-ww', '-Tascii', '-P-c', '-rLL=90n'], {
    input: text,
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.replaceAll(OVERSTRUCK, '');
};

describe('the manual', () => {
  it('has the help of every topic and command, as it is printed', async () => {
    const files = await manual();
    const page = shown(files['kubectl-istio_diag.1'] ?? '');
    for (const name of [...guide.map(({ id }) => id), ...Object.keys(COMMANDS)]) {
      const { stdout } = await ran([name, '--help'], { env: { COLUMNS: '78', LC_ALL: 'C' } });
      const lines = stdout.split('\n').filter((line) => line.trim() !== '');
      const from = page.indexOf(`\n${name}\n`);
      assert.ok(from > 0, name);
      for (const line of lines) assert.ok(page.indexOf(line.trim(), from) > 0, `${name}: ${line}`);
    }
  });

  it('explains every word that explain does, in roff and in Markdown', async () => {
    const files = await manual();
    const page = shown(files['kubectl-istio_diag.7'] ?? '');
    const reference = files['reference.md'] ?? '';
    for (const word of await explainedWords()) {
      assert.ok(page.includes(`\n${word}\n`), word);
      const { stdout } = await ran(['explain', word]);
      assert.ok(reference.includes(`### \`${word}\`\n\n\`\`\`\n${stdout}\`\`\`\n`), word);
    }
  });

  it('is the same each time', async () => {
    assert.deepEqual(await manual(), await manual());
  });
});
