import type { Io } from '../io.ts';

/** Where each look is drawn over the one before: a terminal's other screen, so that what was on it comes back. */
export interface Screen {
  draw(text: string): void;
  /** Leaves it. */
  close(): void;
}

const [ENTER, LEAVE] = ['\x1b[?1049h\x1b[?25l', '\x1b[?25h\x1b[?1049l'];

/** Lines of a terminal that does not tell. */
const ROWS = 24;

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
      const rows = stdout.rows ?? ROWS;
      const lines = text.trimEnd().split('\n');
      const more = lines.length - rows;
      const shown = more > 0 ? [...lines.slice(0, rows - 1), `… ${more + 1} more lines`] : lines;
      // At once, and each line's rest cleared as it is written: a screen that is cleared first flickers.
      stdout.write(`\x1b[H${shown.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
    },
    close() {
      process.off('exit', leave);
      leave();
    },
  };
}
