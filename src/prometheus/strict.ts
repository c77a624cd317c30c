import {
  CLOSE,
  COLON,
  COMMA,
  cutFault,
  EQUALS,
  excerpt,
  HASH,
  isDigit,
  isOfName,
  latin1,
  nameEndOf,
  OPEN,
  POINT,
  QUOTE,
  RETURN,
  RETURN_FAULT,
  skipBlanks,
  startsWith,
  wordEndOf,
} from './characters.ts';
import { commentFault, type Declared, Families } from './comments.ts';
import type { Judge } from './judge.ts';
import { isNumber, NUMBER } from './numbers.ts';
import { hashOf, Seen, spread } from './seen.ts';
import { labelNameFault, NO_COLON, quoteEndOf, quoteFault, Series } from './series.ts';

/**
 * Says of each line what Prometheus refuses, or drops without a word: for whoever looks at a page because Prometheus does
 * not take it. It takes what both readers of the text format 0.0.4 take: `promtool check metrics` (prometheus/common
 * expfmt/text_parse.go) and a scrape (prometheus/prometheus model/textparse/promlex.l, promparse.go); and names in quotes,
 * which Prometheus 3 takes. Each line is read once, without a copy.
 */
export class Strict implements Judge {
  private readonly families = new Families();
  private readonly seen = new Seen();
  /** The name of the last sample: pages are sorted, so the next line most often begins with it. */
  private lastName = '';
  private lastFamily: Declared | null = null;
  private lastHigh = 0;
  private lastLow = 0;
  /** Of the line that is read. */
  private readonly series = new Series();

  line(bytes: Buffer, start: number, end: number): string | null {
    const first = skipBlanks(bytes, start, end);
    if (first === end) return null;
    if ((bytes[first] as number) === HASH) return commentFault(this.families, bytes, first, end);
    const stop = bytes[end - 1] === RETURN ? end - 1 : end;
    if (first === stop) return 'carriage return in an empty line';
    const fault = this.sample(bytes, first, stop);
    if (fault !== null) return fault;
    if (stop < end) return RETURN_FAULT;
    return first > start ? 'blank before the metric name' : null;
  }

  end(rest: string): string | null {
    return cutFault(rest);
  }

  private sample(bytes: Buffer, start: number, end: number): string | null {
    const { lastName } = this;
    let at = start + lastName.length;
    if (
      lastName === '' ||
      !startsWith(bytes, lastName, start) ||
      isOfName(bytes[at] as number) ||
      bytes[at] === COLON
    ) {
      at = nameEndOf(bytes, start, end);
      if (at > start) this.named(latin1(bytes, start, at));
      // `{"utf-8 name", label="x"} 1`: the name is inside the braces.
      else if ((bytes[start] as number) === OPEN) this.unnamed();
      else return `not a metric name: ${excerpt(latin1(bytes, start, wordEndOf(bytes, start, end)))}`;
    }
    this.series.begin(this.lastHigh, this.lastLow);
    const nameEnd = at;
    at = skipBlanks(bytes, at, end);
    if ((bytes[at] as number) === OPEN) {
      const labels = this.labels(bytes, at + 1, end);
      if (typeof labels === 'string') return labels;
      at = skipBlanks(bytes, labels, end);
    }
    if (!this.lastFamily) return 'sample without a name';
    const fault = this.value(bytes, at, end);
    if (fault !== null) {
      const isGlued = at === nameEnd && at < end && fault.startsWith('not a number');
      return isGlued ? `not a metric name: ${excerpt(latin1(bytes, start, wordEndOf(bytes, start, end)))}` : fault;
    }
    return this.series.isIn(this.seen) ? `sample twice: ${excerpt(this.lastName || this.lastFamily.name)}` : null;
  }

  /** What follows is of the metric with this name. */
  private named(name: string): void {
    this.lastFamily = this.families.sampled(name);
    this.lastName = name;
    const [high, low] = hashOf(name);
    this.lastHigh = spread(high);
    this.lastLow = spread(low);
  }

  /** What follows has its name among its labels. */
  private unnamed(): void {
    this.lastFamily = null;
    this.lastName = '';
    this.lastHigh = 0;
    this.lastLow = 0;
  }

  /** Where the labels end that begin at `from`, behind their brace, or what is wrong with them. */
  private labels(bytes: Buffer, from: number, end: number): number | string {
    for (let i = from; ; ) {
      i = skipBlanks(bytes, i, end);
      if ((bytes[i] as number) === CLOSE && i < end) return i + 1;
      const nameStart = i;
      const isQuoted = i < end && (bytes[i] as number) === QUOTE;
      let nameEnd: number;
      if (isQuoted) {
        i = quoteEndOf(bytes, i + 1, end);
        if (i < 0) return quoteFault(i);
        nameEnd = i;
      } else {
        nameEnd = nameEndOf(bytes, i, end, NO_COLON);
        i = nameEnd;
        const fault = labelNameFault(bytes, nameStart, nameEnd, end);
        if (fault !== null) return fault;
      }
      i = skipBlanks(bytes, i, end);
      if (isQuoted && this.lastFamily === null && ((bytes[i] as number) === COMMA || (bytes[i] as number) === CLOSE)) {
        this.named(latin1(bytes, nameStart + 1, nameEnd - 1));
        this.series.add(this.lastHigh, this.lastLow);
        // The next line cannot begin with a name that needs quotes.
        this.lastName = '';
        if ((bytes[i] as number) === COMMA) i++;
        continue;
      }
      if (i >= end) return 'label list does not end';
      if ((bytes[i] as number) !== EQUALS) return 'label without value';
      i = skipBlanks(bytes, i + 1, end);
      if (i >= end || (bytes[i] as number) !== QUOTE) return 'label value not quoted';
      const valueStart = i + 1;
      i = this.series.pair(bytes, nameStart, nameEnd, valueStart, end);
      if (i < 0) return quoteFault(i);
      if (this.series.hasName(bytes, nameStart, nameEnd)) return 'label twice';
      const bound = this.boundFault(bytes, nameStart, nameEnd, valueStart, i - 1);
      if (bound !== null) return bound;
      i = skipBlanks(bytes, i, end);
      const next = i < end ? (bytes[i] as number) : 0;
      if (next === COMMA) i++;
      else if (next !== CLOSE) return 'label value not followed by a comma or brace';
    }
  }

  private boundFault(bytes: Buffer, nameStart: number, nameEnd: number, from: number, to: number): string | null {
    const type = this.lastFamily?.type;
    const bound = type === 'HISTOGRAM' ? 'le' : type === 'SUMMARY' ? 'quantile' : null;
    if (bound === null || nameEnd - nameStart !== bound.length || !startsWith(bytes, bound, nameStart)) return null;
    if (isSmall(bytes, from, to)) return null;
    const limit = latin1(bytes, from, to);
    return isNumber(limit) ? null : `${bound} is no number: ${excerpt(limit)}`;
  }

  /** What is wrong with the value and the timestamp at `at`. */
  private value(bytes: Buffer, at: number, end: number): string | null {
    const valueEnd = wordEndOf(bytes, at, end);
    if (valueEnd === at) return 'no value';
    if (!isSmall(bytes, at, valueEnd)) {
      const value = latin1(bytes, at, valueEnd);
      if (!NUMBER.test(value)) return `not a number: ${excerpt(latin1(bytes, at, end))}`;
      if (!isNumber(value)) return `number out of range: ${excerpt(value)}`;
    }
    if (valueEnd === end) return null;
    const start = skipBlanks(bytes, valueEnd, end);
    if (start === end) return 'blank at the end of the line';
    const stop = wordEndOf(bytes, start, end);
    const stamp = latin1(bytes, start, stop);
    if (startsWith(bytes, '# ', start) || startsWith(bytes, '# ', skipBlanks(bytes, stop, end)))
      return 'exemplar on a page that is not OpenMetrics';
    if (!/^\d+$/.test(stamp)) return stampFault(latin1(bytes, at, end), stamp);
    if (BigInt(stamp) > LARGEST) return `timestamp out of range: ${excerpt(stamp)}`;
    if (stop < end)
      return skipBlanks(bytes, stop, end) === end
        ? 'blank at the end of the line'
        : `not a timestamp: ${excerpt(latin1(bytes, at, end))}`;
    this.series.stamp(bytes, start, stop);
    return null;
  }
}

/** The largest timestamp: what an int64 holds. */
const LARGEST = 9_223_372_036_854_775_807n;

/** A number of at most fifteen digits and a point: most are. */
function isSmall(bytes: Buffer, from: number, to: number): boolean {
  if (to - from > 16) return false;
  let points = 0;
  for (let i = from; i < to; i++) {
    if (bytes[i] === POINT) points++;
    else if (!isDigit(bytes[i] as number)) return false;
  }
  return points < 2 && to - from > points;
}

function stampFault(tail: string, stamp: string): string {
  if (/^-\d+$/.test(stamp)) return `negative timestamp: ${excerpt(stamp)}`;
  if (/^\d+\.\d+$/.test(stamp)) return `timestamp with a fraction: ${excerpt(stamp)}`;
  return `not a timestamp: ${excerpt(tail)}`;
}
