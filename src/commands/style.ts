import type { Style } from '../report/style.ts';
import type { Arguments } from './arguments.ts';
import { columnsOf, type Io } from './io.ts';
import { oneOf } from './options.ts';

export const COLORS = ['auto', 'always', 'never'] as const;

/** Columns when the terminal does not say: product and mock-ups are made for a hundred. */
const WIDTH = 100;

/** In fewer, names would be cut. */
const NARROWEST = 60;

/** A variable that is there and says yes. */
const isSet = (value: string | undefined): boolean => value !== undefined && value !== '' && value !== '0';

/** Terminals that show ASCII, or have few letters besides. */
const PLAIN_TERMINAL = /^(dumb|linux|vt\d+.*)$/;

/** The columns of a terminal, or those that a pipe is told of. */
function widthOf({ stdout, env }: Pick<Io, 'stdout' | 'env'>): number {
  const told = Number(env.COLUMNS);
  const width = columnsOf(stdout) ?? (Number.isInteger(told) && told > 0 ? told : WIDTH);
  return Math.max(NARROWEST, Math.min(width, WIDTH));
}

/** Whether a locale is named that has no letters but those of ASCII, or has others in another code. */
function isPlainLocale(env: Io['env']): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale !== '' && !/utf-?8/i.test(locale);
}

/** Flags first, then NO_COLOR, then what forces colors, then what the terminal can. */
export function styleOf(args: Arguments, { stdout, env }: Pick<Io, 'stdout' | 'env'>): Style {
  const color = oneOf(args.color ?? 'auto', COLORS, 'color');
  const terminal = env.TERM ?? '';
  const forced = isSet(env.FORCE_COLOR) || isSet(env.CLICOLOR_FORCE);
  const capable = stdout.isTTY === true && terminal !== 'dumb' && env.CLICOLOR !== '0' && env.FORCE_COLOR !== '0';
  const wanted = (env.NO_COLOR ?? '') === '' && (forced || capable);
  return {
    width: widthOf({ stdout, env }),
    colour: color === 'always' || (color === 'auto' && wanted),
    ascii: args.ascii === true || isPlainLocale(env) || (stdout.isTTY === true && PLAIN_TERMINAL.test(terminal)),
    headers: args['no-headers'] !== true,
  };
}
