import { columnsOf, type Io, isDrawable } from '../io.ts';

/** One line on stderr that says what is waited for: on a terminal that can be drawn on only. */
export interface Spinner {
  show(text: string): void;
  /** Clears the line. */
  stop(): void;
}

/** Of what nobody waits for. */
export const NO_SPINNER: Spinner = { show: () => undefined, stop: () => undefined };

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const ASCII_FRAMES = ['|', '/', '-', '\\'];

export function startSpinner(io: Io, options: { quiet: boolean; ascii: boolean }): Spinner {
  const { stderr } = io;
  if (!isDrawable(stderr, io) || options.quiet) return NO_SPINNER;
  const frames = options.ascii ? ASCII_FRAMES : FRAMES;
  let text = '';
  let frame = 0;
  const draw = (): void => {
    stderr.write(`\r\x1b[K${frames[frame++ % frames.length]} ${text.slice(0, (columnsOf(stderr) ?? 80) - 3)}`);
  };
  const timer = setInterval(draw, 80);
  timer.unref();
  return {
    show(next) {
      text = next;
      draw();
    },
    stop() {
      clearInterval(timer);
      stderr.write('\r\x1b[K');
    },
  };
}
