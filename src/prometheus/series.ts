import {
  BACKSLASH,
  CLOSE,
  COMMA,
  EQUALS,
  excerpt,
  isBlank,
  isUtf8,
  LETTER_N,
  latin1,
  QUOTE,
  startsWith,
} from './characters.ts';
import { HIGH, HIGH_PRIME, LOW, LOW_PRIME, type Seen, spread } from './seen.ts';

/** So many names are compared with each other, without a copy; those of more are looked up. */
const FEW = 32;

/** A line's series as a hash: of its name, and the sum of its labels' hashes, in whatever order they are. */
export class Series {
  private high = 0;
  private low = 0;
  /** Where the names of the labels lie. */
  private readonly nameStarts: number[] = [];
  private readonly nameEnds: number[] = [];
  private names = 0;
  /** All of them, where they are many. */
  private readonly many = new Set<string>();

  /** With the hash of the name. */
  begin(high: number, low: number): void {
    this.high = high;
    this.low = low;
    this.names = 0;
    if (this.many.size > 0) this.many.clear();
  }

  add(high: number, low: number): void {
    this.high = (this.high + high) | 0;
    this.low = (this.low + low) | 0;
  }

  /** Adds a label. Where its value ends, behind the quote; below 0 where something is wrong. */
  pair(bytes: Buffer, nameStart: number, nameEnd: number, valueStart: number, end: number): number {
    let high = HIGH;
    let low = LOW;
    for (let i = nameStart; i < nameEnd; i++) {
      high = Math.imul(high ^ (bytes[i] as number), HIGH_PRIME);
      low = Math.imul(low ^ (bytes[i] as number), LOW_PRIME);
    }
    // A character that no name has ends it.
    high = Math.imul(high ^ EQUALS, HIGH_PRIME);
    low = Math.imul(low ^ EQUALS, LOW_PRIME);
    let isAscii = true;
    for (let i = valueStart; i < end; i++) {
      const code = bytes[i] as number;
      if (code === QUOTE) {
        if (!isAscii && !isUtf8(bytes.subarray(valueStart, i))) return NOT_UTF8;
        // A label without a value is none.
        if (i > valueStart) {
          this.add(spread(high), spread(low));
        }
        return i + 1;
      }
      high = Math.imul(high ^ code, HIGH_PRIME);
      low = Math.imul(low ^ code, LOW_PRIME);
      if (code === BACKSLASH) {
        i++;
        const escaped = bytes[i] as number;
        if (i < end && escaped !== QUOTE && escaped !== BACKSLASH && escaped !== LETTER_N) return BAD_ESCAPE;
        high = Math.imul(high ^ escaped, HIGH_PRIME);
        low = Math.imul(low ^ escaped, LOW_PRIME);
      } else if (code > 127) isAscii = false;
    }
    return NO_END;
  }

  /** Whether the line has a label with this name already. */
  hasName(bytes: Buffer, start: number, end: number): boolean {
    const { nameStarts, nameEnds } = this;
    if (this.names === FEW) return this.isAmongMany(bytes, start, end);
    const length = end - start;
    for (let each = 0; each < this.names; each++) {
      const from = nameStarts[each] as number;
      if ((nameEnds[each] as number) - from !== length) continue;
      let i = 0;
      while (i < length && (bytes[from + i] as number) === (bytes[start + i] as number)) i++;
      if (i === length) return true;
    }
    nameStarts[this.names] = start;
    nameEnds[this.names++] = end;
    return false;
  }

  private isAmongMany(bytes: Buffer, start: number, end: number): boolean {
    const { nameStarts, nameEnds, many } = this;
    for (let each = many.size; each < FEW; each++)
      many.add(latin1(bytes, nameStarts[each] as number, nameEnds[each] as number));
    const { size } = many;
    return many.add(latin1(bytes, start, end)).size === size;
  }

  /** Samples of one series at two times are two. */
  stamp(bytes: Buffer, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      this.high = Math.imul(this.high ^ (bytes[i] as number), HIGH_PRIME);
      this.low = Math.imul(this.low ^ (bytes[i] as number), LOW_PRIME);
    }
  }

  /** Whether it was seen before. */
  isIn(seen: Seen): boolean {
    return seen.add(this.high, this.low);
  }
}

/** In the place of a colon, where none may be. */
export const NO_COLON = -1;

const NO_END = -1;
const BAD_ESCAPE = -2;
const NOT_UTF8 = -3;

export const quoteFault = (fault: number): string => {
  if (fault === BAD_ESCAPE) return 'backslash that escapes nothing';
  return fault === NOT_UTF8 ? 'bytes that are not UTF-8' : 'open quote';
};

/** Where a quoted name ends, behind its quote; below 0 where something is wrong. */
export function quoteEndOf(bytes: Buffer, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    const code = bytes[i] as number;
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return isUtf8(bytes.subarray(from, i)) ? i + 1 : NOT_UTF8;
  }
  return NO_END;
}

export function labelNameFault(bytes: Buffer, start: number, nameEnd: number, end: number): string | null {
  if (start >= end) return 'label list does not end';
  if ((bytes[start] as number) === COMMA) return 'comma without a label';
  if ((bytes[start] as number) === EQUALS) return 'label without name';
  const next = bytes[nameEnd] as number;
  const isWhole =
    nameEnd > start && (nameEnd >= end || isBlank(next) || next === EQUALS || next === COMMA || next === CLOSE);
  if (!isWhole) {
    const [word = ''] = /^[^=,}" \t]*/.exec(latin1(bytes, start, Math.min(end, start + 200))) ?? [];
    return `not a label name: ${excerpt(word === '' ? latin1(bytes, start, start + 1) : word)}`;
  }
  if (nameEnd - start === 8 && startsWith(bytes, '__name__', start)) return 'label __name__, which is the metric’s own';
  return null;
}
