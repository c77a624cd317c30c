import type { Unanswered } from '../errors.ts';
import type { Attempt, Verdict } from './check.ts';

/** Why a question got no answer, in a few words: what is missing, not what was typed. */
export function wordsOf({ hindrance, right, words, command }: Unanswered): string {
  const where = right.namespace === null ? '' : ` in ${right.namespace}`;
  switch (hindrance) {
    case 'Forbidden':
      return `not allowed: ${right.verb} ${right.resource}${where}`;
    case 'Interrupted':
      return 'interrupted before it was looked at';
    case 'TimedOut':
      // A timeout is called one, with what was slow.
      return `${words} to \`${command}\``;
    default:
      return words;
  }
}

/** "Could not look", with the first reason; all of them are listed under `unchecked`. */
export function unknown(missing: readonly [Unanswered, ...Unanswered[]], about?: string): Verdict {
  const [first] = missing;
  return {
    status: 'unknown',
    reason: first.hindrance,
    message: about === undefined ? wordsOf(first) : `${about}: ${wordsOf(first)}`,
    missing,
  };
}

export const skip = (message: string): Verdict => ({ status: 'skip', message });

/** The answers, and why the others are missing. */
export function sorted<T>(attempts: readonly Attempt<T>[]): { got: readonly T[]; missing: readonly Unanswered[] } {
  return {
    got: attempts.flatMap((each) => ('got' in each ? [each.got] : [])),
    missing: attempts.flatMap((each) => ('missing' in each ? [each.missing] : [])),
  };
}

/** Whether there is at least one, for `unknown`. */
export const isSome = <T>(list: readonly T[]): list is readonly [T, ...T[]] => list.length > 0;

/** A number as a page has it: all its digits, no exponent, and none of what adding fractions leaves behind. */
export function digits(number: number): string {
  if (Number.isInteger(number)) return BigInt(number).toString();
  // Below that a fraction is written with an exponent.
  return Number.isFinite(number) && Math.abs(number) >= 1e-6 ? String(Number(number.toPrecision(15))) : String(number);
}

/** `1 pod`, `2 pods`. */
export const count = (number: number, noun: string, plural = `${noun}s`): string =>
  `${digits(number)} ${number === 1 ? noun : plural}`;

/** `a and b`, `a, b and 3 more`. */
export function some(names: readonly string[], most = 3): string {
  if (names.length <= 1) return names[0] ?? '';
  if (names.length <= most) return `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
