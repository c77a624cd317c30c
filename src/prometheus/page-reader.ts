import {
  CLOSE,
  cutFault,
  excerpt,
  HASH,
  isBlank,
  latin1,
  NEWLINE,
  nameEndOf,
  OPEN,
  RETURN,
  SPACE,
  skipBlanks,
  trimmedEndOf,
  utf8,
  wordEndOf,
} from './characters.ts';
import type { Judge } from './judge.ts';
import { readLabels } from './labels.ts';
import { NUMBER } from './numbers.ts';

/** What a `# TYPE` line says, in prom2json's upper case; UNTYPED without one. */
export interface Family {
  name: string;
  type: string;
  help: string;
}

/** One line of a page. `value` and `timestamp` are the page's own text: `1.5e+06`, `NaN`, `+Inf`. */
export interface Sample {
  name: string;
  labels: ReadonlyMap<string, string>;
  value: string;
  timestamp?: string;
}

/** A line that could not be read, or that a judge refuses. */
export interface Problem {
  line: number;
  text: string;
}

/** How the reading of a page went. */
export interface PageSummary {
  lines: number;
  /** Samples handed on. */
  samples: number;
  /** Samples of families that nobody wanted: only their names were looked at. */
  skipped: number;
  /** The first hundred lines that could not be read. */
  problems: readonly Problem[];
  /** How many there were in all. */
  problemCount: number;
}

const META = /^[ \t]*#[ \t]*(TYPE|HELP)[ \t]+("(?:[^"\\]|\\.)*"|[^ \t]+)(?:[ \t](.*))?$/s;

/** A line longer than this is no metric: a reader must not collect a page without line ends in memory. */
const LINE_LIMIT = 4 * 1024 * 1024;
const PROBLEMS_KEPT = 100;
/** Texts that are kept once: more different ones than a page of real labels repeats would only fill memory. */
const STRINGS_KEPT = 20_000;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING = Buffer.alloc(0);

/**
 * Reads the Prometheus text format, and what of OpenMetrics appears on the pages of Mixers, Envoys and agents, from
 * chunks of bytes. Families that `wants` refuses cost a look at the line's first characters. Text is held as latin1:
 * one byte is one character, so decoding is a copy and positions are bytes (packaging.md 3.2).
 */
export class PageReader {
  private readonly wants: (name: string) => boolean;
  private readonly onSample: (family: Family, sample: Sample) => void;
  /** By sample name; null is a family that is not wanted. */
  private readonly families = new Map<string, Family | null>();
  private readonly strings = new Map<string, string>();
  private readonly problems: Problem[] = [];
  private problemCount = 0;
  private lines = 0;
  private samples = 0;
  private skipped = 0;
  /** The name of the last sample: pages are sorted, so the next line most often begins with it. */
  private lastName = '';
  private lastFamily: Family | null = null;
  /** What has come of a line that has not ended. */
  private rest: Buffer = NOTHING;
  /** The block that is read, whose text has the same positions. */
  private bytes: Buffer = NOTHING;
  private readonly judge: Judge | null;
  /** The last line that the judge refused. */
  private refused = 0;

  /** With a judge, lines are problems too whose values can be read, and those of families that nobody wants. */
  constructor(
    wants: (name: string) => boolean,
    onSample: (family: Family, sample: Sample) => void,
    judge: Judge | null = null,
  ) {
    this.wants = wants;
    this.onSample = onSample;
    this.judge = judge;
  }

  push(chunk: Buffer): void {
    const read = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    const isMarked = this.lines === 0 && BYTE_ORDER_MARK.equals(read.subarray(0, BYTE_ORDER_MARK.length));
    const bytes = isMarked ? read.subarray(BYTE_ORDER_MARK.length) : read;
    if (isMarked && this.judge) this.problem('byte order mark', 1);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    this.bytes = bytes;
    this.block(bytes.toString('latin1', 0, end), end);
    this.rest = bytes.subarray(end);
    if (this.rest.length > LINE_LIMIT) {
      this.problem('line longer than 4 MB', this.lines + 1);
      this.rest = NOTHING;
    }
  }

  /** Call once, after the last chunk. */
  end(): PageSummary {
    const rest = latin1(this.rest, 0, this.rest.length);
    this.rest = NOTHING;
    const fault = this.judge ? this.judge.end(rest) : cutFault(rest);
    if (fault !== null) this.problem(fault, this.lines + 1);
    const { lines, samples, skipped, problems, problemCount } = this;
    return { lines, samples, skipped, problems, problemCount };
  }

  private problem(text: string, line = this.lines): void {
    // The judge has said it already.
    if (line === this.refused) return;
    this.problemCount++;
    if (this.problems.length < PROBLEMS_KEPT) this.problems.push({ line, text });
  }

  /** All whole lines of `text` up to `end`. */
  private block(text: string, end: number): void {
    for (let start = 0; start < end; ) {
      const lineEnd = text.indexOf('\n', start);
      const first = text.charCodeAt(start);
      this.lines++;
      if (this.judge) this.judged(this.judge.line(this.bytes, start, lineEnd));
      if (first === HASH) this.meta(text, start, lineEnd);
      else if (first !== NEWLINE && first !== RETURN) this.line(text, start, lineEnd);
      start = lineEnd + 1;
    }
  }

  private judged(fault: string | null): void {
    if (fault === null) return;
    this.problem(fault);
    this.refused = this.lines;
  }

  private line(text: string, from: number, end: number): void {
    const { lastName } = this;
    const after = text.charCodeAt(from + lastName.length);
    if (lastName !== '' && (after === OPEN || after === SPACE) && text.startsWith(lastName, from)) {
      if (this.lastFamily) this.sample(text, from, from + lastName.length, end);
      else this.skip(text, from, end);
      return;
    }
    const start = skipBlanks(this.bytes, from, end);
    if (start === end) return;
    if (text.charCodeAt(start) === HASH) return this.meta(text, start, end);
    if (text.charCodeAt(start) === OPEN) {
      // `{"utf-8 name", label="x"} 1`: the name is inside the braces.
      this.lastName = '';
      return this.sample(text, start, start, end);
    }
    const nameEnd = nameEndOf(this.bytes, start, end);
    // Also of a line that nobody wants: a login page must not pass for a page without our metrics.
    if (nameEnd === start || !isNameEnd(this.bytes, nameEnd, end))
      return this.problem(`not a metric name: ${excerpt(text.slice(start, wordEndOf(this.bytes, start, end)))}`);
    const name = text.slice(start, nameEnd);
    this.lastName = name;
    this.lastFamily = this.familyOf(this.lastName);
    if (this.lastFamily) this.sample(text, start, nameEnd, end);
    else this.skip(text, from, end);
  }

  /** A line that nobody wants. One that is refused and ends with no number is none of a metric: a login page has them. */
  private skip(text: string, from: number, end: number): void {
    if (this.refused === this.lines) {
      const stop = trimmedEndOf(this.bytes, from, end);
      let last = stop;
      while (last > from && !isBlank(text.charCodeAt(last - 1)) && text.charCodeAt(last - 1) !== CLOSE) last--;
      if (!NUMBER.test(text.slice(last, stop))) return;
    }
    this.skipped++;
  }

  private familyOf(name: string): Family | null {
    const known = this.families.get(name);
    if (known !== undefined) return known;
    const suffix = /_(?:bucket|sum|count)$/.exec(name);
    const base = suffix ? this.families.get(name.slice(0, suffix.index)) : undefined;
    let family: Family | null = null;
    if (base !== undefined && (base === null || base.type === 'HISTOGRAM' || base.type === 'SUMMARY')) family = base;
    else if (this.wants(name)) family = { name: this.own(name), type: 'UNTYPED', help: '' };
    this.families.set(this.own(name), family);
    return family;
  }

  private meta(text: string, start: number, end: number): void {
    const line = META.exec(text.slice(start, text.charCodeAt(end - 1) === RETURN ? end - 1 : end));
    if (!line) return;
    const [, kind, word = '', rest] = line;
    const name = word.startsWith('"') ? word.slice(1, -1).replace(/\\(["\\])/g, '$1') : word;
    const family = this.familyOf(name);
    if (!family) return;
    if (kind === 'TYPE') family.type = (rest ?? 'untyped').trim().toUpperCase();
    else family.help = utf8(rest ?? '').replace(/\\([\\n])/g, (_, c: string) => (c === 'n' ? '\n' : '\\'));
  }

  /** `text` from `start` is a sample whose name ends at `nameEnd`. */
  private sample(text: string, start: number, nameEnd: number, end: number): void {
    let name = text.slice(start, nameEnd);
    let family = name === '' ? null : this.lastFamily;
    let at = nameEnd;
    while (isBlank(text.charCodeAt(at))) at++;
    let labels: ReadonlyMap<string, string> = NO_LABELS;
    if (text.charCodeAt(at) === OPEN) {
      const read = readLabels(text, at + 1, end, this.ownUtf8);
      if ('problem' in read) return this.problem(read.problem);
      if (name === '' && read.name !== undefined) {
        name = read.name;
        family = this.familyOf(name);
        if (!family) {
          this.skipped++;
          return;
        }
      } else if (read.name !== undefined) return this.problem('label without value');
      labels = read.labels;
      at = read.end;
    }
    if (!family) return this.problem('sample without a name');
    this.value(family, name, labels, text, at, end);
  }

  /** What follows name and labels: value, timestamp in milliseconds, exemplar. */
  private value(
    family: Family,
    name: string,
    labels: ReadonlyMap<string, string>,
    text: string,
    at: number,
    end: number,
  ): void {
    const start = skipBlanks(this.bytes, at, end);
    const tail = text.slice(start, trimmedEndOf(this.bytes, start, end));
    const exemplar = tail.indexOf(' # ');
    const words = (exemplar < 0 ? tail : tail.slice(0, exemplar)).split(/[ \t]+/);
    const [value = '', timestamp] = words;
    if (value === '') return this.problem('no value');
    if (!NUMBER.test(value)) return this.problem(`not a number: ${excerpt(tail)}`);
    if (timestamp !== undefined && (words.length > 2 || !/^[+-]?\d+(\.\d+)?$/.test(timestamp))) {
      return this.problem(`not a timestamp: ${excerpt(tail)}`);
    }
    this.samples++;
    const sample = { name: name === family.name ? family.name : this.own(name), labels, value };
    this.onSample(family, timestamp === undefined ? sample : { ...sample, timestamp });
  }

  /** A copy that does not keep the chunk alive that it was cut from; one copy of each text. */
  private own(text: string): string {
    const known = this.strings.get(text);
    if (known !== undefined) return known;
    const bytes = Buffer.from(text, 'latin1');
    const flat = bytes.toString('latin1');
    const copy = /[\x80-\xff]/.test(flat) ? bytes.toString('utf8') : flat;
    if (this.strings.size === STRINGS_KEPT) this.strings.clear();
    this.strings.set(flat, copy);
    return copy;
  }

  private readonly ownUtf8 = (text: string): string => this.own(text);
}

const NO_LABELS: ReadonlyMap<string, string> = new Map();

/** Whether a name may end here: at labels, a blank, or a value that begins without one, as Prometheus allows. */
function isNameEnd(bytes: Buffer, at: number, end: number): boolean {
  if (at >= end || bytes[at] === OPEN || isBlank(bytes[at] as number)) return true;
  return NUMBER.test(latin1(bytes, at, wordEndOf(bytes, at, end)).replace(/\r$/, ''));
}

/** Reads a whole page as it comes in. */
export async function readPage(
  body: AsyncIterable<Buffer>,
  wants: (name: string) => boolean,
  onSample: (family: Family, sample: Sample) => void,
  judge: Judge | null = null,
): Promise<PageSummary> {
  const reader = new PageReader(wants, onSample, judge);
  for await (const chunk of body) reader.push(chunk);
  return reader.end();
}
