import { readLabels } from './labels.ts';
import type { Fault, Strict } from './strict.ts';

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

/** A line that could not be read. */
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

const NUMBER = /^(?:[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[iI]nf(?:inity)?)|[nN]a[nN])$/;
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const META = /^#[ \t]*(TYPE|HELP)[ \t]+("(?:[^"\\]|\\.)*"|\S+)(?:[ \t](.*))?$/;

/** A line longer than this is no metric: a reader must not collect a page without line ends in memory. */
const LINE_LIMIT = 4 * 1024 * 1024;
const PROBLEMS_KEPT = 100;
/** Texts that are kept once: more different ones than a page of real labels repeats would only fill memory. */
const STRINGS_KEPT = 20_000;

/** As latin1 sees its three bytes. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

const HASH = 35;
const OPEN = 123;
const SPACE = 32;
const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;

/** Bytes above 0x7f were read as latin1; this makes characters of them. */
const utf8 = (text: string): string => (/[\x80-\xff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text);

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
  private rest = '';
  /** What is a problem unless the page turns out to be OpenMetrics. */
  private readonly ofTextFormat: Problem[] = [];
  private isOpenMetrics = false;
  private readonly strict: Strict | null;

  /** With `strict`, lines are problems too whose values can be read and that Prometheus refuses. */
  constructor(
    wants: (name: string) => boolean,
    onSample: (family: Family, sample: Sample) => void,
    strict: Strict | null = null,
  ) {
    this.wants = wants;
    this.onSample = onSample;
    this.strict = strict;
  }

  push(chunk: Buffer): void {
    const read = this.rest + chunk.toString('latin1');
    const isMarked = this.lines === 0 && read.startsWith(BYTE_ORDER_MARK);
    const text = isMarked ? read.slice(BYTE_ORDER_MARK.length) : read;
    if (isMarked && this.strict) this.problem('byte order mark', 1);
    const end = text.lastIndexOf('\n') + 1;
    this.block(text, end);
    this.rest = text.slice(end);
    if (this.rest.length > LINE_LIMIT) {
      this.problem('line longer than 4 MB', this.lines + 1);
      this.rest = '';
    }
  }

  /** Call once, after the last chunk. */
  end(): PageSummary {
    if (this.rest !== '') this.problem('page ends inside a line', this.lines + 1);
    this.rest = '';
    if (!this.isOpenMetrics) for (const { line, text } of this.ofTextFormat) this.problem(text, line);
    this.problems.sort((a, b) => a.line - b.line);
    const { lines, samples, skipped, problems, problemCount } = this;
    return { lines, samples, skipped, problems, problemCount };
  }

  private problem(text: string, line = this.lines): void {
    this.problemCount++;
    if (this.problems.length < PROBLEMS_KEPT) this.problems.push({ line, text });
  }

  private fault(fault: Fault | null): void {
    if (fault?.inText) this.ofTextFormat.push({ line: this.lines, text: fault.text });
    else if (fault) this.problem(fault.text);
  }

  /** All whole lines of `text` up to `end`. */
  private block(text: string, end: number): void {
    for (let start = 0; start < end; ) {
      const lineEnd = text.indexOf('\n', start);
      const first = text.charCodeAt(start);
      this.lines++;
      if (first === HASH) this.meta(text, start, lineEnd);
      else if (first !== NEWLINE && first !== RETURN) this.line(text, start, lineEnd);
      else if (first === RETURN && this.strict) this.problem('carriage return in an empty line');
      start = lineEnd + 1;
    }
  }

  private line(text: string, from: number, end: number): void {
    const { lastName } = this;
    const after = text.charCodeAt(from + lastName.length);
    if (lastName !== '' && (after === OPEN || after === SPACE) && text.startsWith(lastName, from)) {
      if (this.lastFamily) this.sample(text, from, from + lastName.length, end);
      else this.skipped++;
      return;
    }
    let start = from;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    let nameEnd = start;
    while (nameEnd < end && text.charCodeAt(nameEnd) !== OPEN && !isBlank(text.charCodeAt(nameEnd))) nameEnd++;
    if (nameEnd === start) {
      // `{"utf-8 name", label="x"} 1`: the name is inside the braces.
      if (text.charCodeAt(start) !== OPEN) return;
      this.lastName = '';
      this.sample(text, start, start, end);
      return;
    }
    const name = text.slice(start, nameEnd);
    // Also of a line that nobody wants: a login page must not pass for a page without our metrics.
    if (!NAME.test(name)) return this.problem(`not a metric name: ${utf8(name.slice(0, 60))}`);
    this.lastName = name;
    this.lastFamily = this.familyOf(this.lastName);
    if (this.lastFamily) this.sample(text, start, nameEnd, end);
    else this.skipped++;
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
    const whole = text.slice(start, text.charCodeAt(end - 1) === RETURN ? end - 1 : end);
    if (whole === '# EOF') this.isOpenMetrics = true;
    const line = META.exec(whole);
    if (!line) return;
    const [, kind, word = '', rest] = line;
    const name = word.startsWith('"') ? word.slice(1, -1).replace(/\\(["\\])/g, '$1') : word;
    const family = this.familyOf(name);
    if (!family) return;
    if (this.strict) {
      if (whole.length < end - start) this.problem('carriage return at the end of the line');
      this.fault(
        NAME.test(word) || word.startsWith('"')
          ? this.strict.meta(kind ?? '', name, rest ?? null)
          : { text: `not a metric name: ${utf8(word.slice(0, 60))}` },
      );
    }
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
    this.value(family, name, labels, text, start, at, end);
  }

  /** What follows name and labels: value, timestamp in milliseconds, exemplar. */
  private value(
    family: Family,
    name: string,
    labels: ReadonlyMap<string, string>,
    text: string,
    start: number,
    at: number,
    end: number,
  ): void {
    const tail = text.slice(at, end).trim();
    const exemplar = tail.indexOf(' # ');
    const words = (exemplar < 0 ? tail : tail.slice(0, exemplar)).split(/[ \t]+/);
    const [value = '', timestamp] = words;
    if (value === '') return this.problem('no value');
    if (!NUMBER.test(value)) return this.problem(`not a number: ${utf8(tail.slice(0, 60))}`);
    if (timestamp !== undefined && (words.length > 2 || !/^-?\d+(\.\d+)?$/.test(timestamp))) {
      return this.problem(`not a timestamp: ${utf8(tail.slice(0, 60))}`);
    }
    this.samples++;
    const sample = { name: name === family.name ? family.name : this.own(name), labels, value };
    const whole = timestamp === undefined ? sample : { ...sample, timestamp };
    if (this.strict)
      for (const fault of this.strict.sample(whole, family, text.slice(start, end), tail)) this.fault(fault);
    this.onSample(family, whole);
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

const isBlank = (code: number): boolean => code === SPACE || code === TAB;

/** Reads a whole page as it comes in. */
export async function readPage(
  body: AsyncIterable<Buffer>,
  wants: (name: string) => boolean,
  onSample: (family: Family, sample: Sample) => void,
  strict: Strict | null = null,
): Promise<PageSummary> {
  const reader = new PageReader(wants, onSample, strict);
  for await (const chunk of body) reader.push(chunk);
  return reader.end();
}
