import type { Io } from '../io.ts';

/** Where each look is drawn over the one before: a terminal's other screen, so that what was on it comes back. */
export interface Screen {
  draw(text: string): void;
  /** Leaves it. */
  close(): void;
}

const [ENTER, LEAVE] = ['\x1b[?1049h\x1b[?25l', '\x1b[?25h\x1b[?1049l'];

/** Of a terminal that does not tell. */
const [ROWS, COLUMNS] = [24, 80];

/** What is written between a line's characters: colours. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** How many of the lines fit, with one more that says how many do not: what is there to be pasted may take several rows. */
function fittingIn(lines: readonly string[], stdout: Io['stdout']): number {
  const columns = stdout.columns || COLUMNS;
  let left = stdout.rows || ROWS;
  for (const [index, line] of lines.entries()) {
    left -= Math.max(1, Math.ceil(line.replaceAll(COLOURS, '').length / columns));
    if (left < (index === lines.length - 1 ? 0 : 1)) return index;
  }
  return lines.length;
}

export function openScreen({ stdout }: Pick<Io, 'stdout'>): Screen {
  let isOpen = true;
  stdout.write(ENTER);
  const leave = (): void => {
    if (isOpen) stdout.write(LEAVE);
    isOpen = false;
  };
  // On every way out: nobody wants a terminal without a cursor.
  process.once('exit', leave);
  return {
    draw(text) {
      const lines = text.trimEnd().split('\n');
      const fitting = fittingIn(lines, stdout);
      const shown =
        fitting < lines.length ? [...lines.slice(0, fitting), `… ${lines.length - fitting} more lines`] : lines;
      // At once, and each line's rest cleared as it is written: a screen that is cleared first flickers.
      stdout.write(`\x1b[H${shown.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
    },
    close() {
      process.off('exit', leave);
      leave();
    },
  };
}
