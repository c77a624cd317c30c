import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openScreen } from '../src/commands/diagnose/screen.ts';

const ESCAPE = String.fromCharCode(27);

/** What is on a screen of so many rows and columns, as far as a line's length tells. */
function drawn(text: string, rows: number, columns: number): readonly string[] {
  let written = '';
  const write = (part: string): boolean => {
    written += part;
    return true;
  };
  const screen = openScreen({ stdout: { write, rows, columns } });
  screen.draw(text);
  screen.close();
  const [, shown = ''] = written.split(`${ESCAPE}[H`);
  return (
    shown
      .split(`${ESCAPE}[J`)[0]
      ?.split('\r\n')
      .map((line) => line.replace(`${ESCAPE}[K`, '')) ?? []
  );
}

it('a screen shows what fits, and says how much does not', () => {
  const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index}`).join('\n');
  assert.equal(drawn(lines(4), 4, 80).length, 4);
  assert.deepEqual(drawn(lines(6), 4, 80), ['line 0', 'line 1', 'line 2', '… 3 more lines']);
  // A line that is longer than the screen is wide takes two rows; colours take none.
  assert.deepEqual(drawn(`${'x'.repeat(15)}\n${lines(4)}`, 4, 10), ['x'.repeat(15), 'line 0', '… 3 more lines']);
  const colour = `${ESCAPE}[31mred${ESCAPE}[39m`;
  assert.deepEqual(drawn([colour, colour].join('\n'), 2, 3), [colour, colour]);
});
