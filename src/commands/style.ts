import type { Style } from '../report/style.ts';
import type { Arguments } from './arguments.ts';
import type { Io } from './io.ts';
import { oneOf } from './options.ts';

export const COLORS = ['auto', 'always', 'never'] as const;

/** Columns when the terminal does not say: product and mock-ups are made for a hundred. */
const WIDTH = 100;

/** Flags first, then NO_COLOR, then what the terminal can. */
export function styleOf(args: Arguments, { stdout, env }: Io): Style {
  const color = oneOf(args.color, COLORS, 'color');
  const dumb = env.TERM === 'dumb';
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  const capable = stdout.isTTY === true && !dumb && (env.NO_COLOR ?? '') === '';
  return {
    width: Math.max(60, Math.min(stdout.isTTY ? (stdout.columns ?? WIDTH) : WIDTH, WIDTH)),
    colour: color === 'always' || (color === 'auto' && capable),
    ascii: args.ascii === true || (stdout.isTTY === true && (dumb || /^(C|POSIX)$/.test(locale))),
  };
}
