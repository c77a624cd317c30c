import {
  excerpt,
  isBlank,
  isUtf8,
  latin1,
  nameEndOf,
  QUOTE,
  RETURN,
  RETURN_FAULT,
  skipBlanks,
  wordEndOf,
} from './characters.ts';

/** What a page has said of a family: its type is settled by a TYPE line or, if none came, by the first sample. */
export interface Declared {
  name: string;
  type: string | null;
  /** By a TYPE line. */
  isTyped: boolean;
  hasHelp: boolean;
}

/** The families of a page by every name that a line may call them, a histogram's parts too. */
export class Families {
  private readonly byName = new Map<string, Declared>();

  /** Of a `# TYPE` or `# HELP` line. As expfmt/text_parse.go's setOrCreateCurrentMF. */
  of(name: string): Declared {
    const known = this.byName.get(name) ?? this.whole(name);
    if (known) return known;
    const family = { name, type: null, isTyped: false, hasHelp: false };
    this.byName.set(name, family);
    return family;
  }

  /** Of a sample. */
  sampled(name: string): Declared {
    const family = this.of(name);
    family.type ??= 'UNTYPED';
    return family;
  }

  /** The histogram or summary that `name` is a part of. */
  private whole(name: string): Declared | null {
    const part = /_(?:bucket|sum|count)$/.exec(name);
    const family = part && this.byName.get(name.slice(0, part.index));
    if (!family) return null;
    const isPart = family.type === 'HISTOGRAM' || (family.type === 'SUMMARY' && part[0] !== '_bucket');
    return isPart ? family : null;
  }
}

const TYPES = ['COUNTER', 'GAUGE', 'HISTOGRAM', 'SUMMARY', 'UNTYPED'];
const OPEN_METRICS_TYPES = ['UNKNOWN', 'INFO', 'STATESET', 'GAUGEHISTOGRAM'];

/** An escape that a help text does not know. */
const BAD_ESCAPE = /(?:^|[^\\])(?:\\\\)*\\(?![\\n])/;

/** What is wrong with the comment of `bytes` whose hash is at `hash`. */
export function commentFault(families: Families, bytes: Buffer, hash: number, end: number): string | null {
  const word = skipBlanks(bytes, hash + 1, end);
  // To a scrape a line without this blank is a comment, to promtool it may be a TYPE all the same.
  const isSpaced = word > hash + 1;
  const wordEnd = wordEndOf(bytes, word, end);
  const kind = latin1(bytes, word, wordEnd);
  const isMeta = wordEnd < end && (kind === 'HELP' || kind === 'TYPE');
  const whole = latin1(bytes, hash, end);
  // A scrape's lexer ends the page at some zeros, and reads over others.
  if (whole.includes('\0') && (!isSpaced || bytes[word] === 0)) return 'NUL, at which Prometheus stops reading';
  if (!isMeta) return whole.includes('\0') && HIDDEN.test(whole) ? 'NUL inside of HELP or TYPE' : null;
  return metaFault(families, kind, isSpaced, bytes, wordEnd, end);
}

/** HELP or TYPE to a lexer that reads over zeros. */
const HIDDEN = /^#[ \t]+(?:H\0*E\0*L\0*P|T\0*Y\0*P\0*E)\0*[ \t]/;

function metaFault(
  families: Families,
  kind: string,
  isSpaced: boolean,
  bytes: Buffer,
  wordEnd: number,
  end: number,
): string | null {
  const start = skipBlanks(bytes, wordEnd, end);
  if (start === end) return isSpaced ? `${kind} without a metric name` : null;
  const isQuoted = bytes[start] === QUOTE;
  const nameEnd = isQuoted ? start + quotedLength(latin1(bytes, start, end)) : nameEndOf(bytes, start, end);
  if (nameEnd === end - 1 && bytes[nameEnd] === RETURN) return RETURN_FAULT;
  if (nameEnd === start || (nameEnd < end && !isBlank(bytes[nameEnd] as number)))
    return `not a metric name: ${excerpt(latin1(bytes, start, wordEndOf(bytes, start, end)))}`;
  const name = isQuoted ? latin1(bytes, start + 1, nameEnd - 1) : latin1(bytes, start, nameEnd);
  const rest = skipBlanks(bytes, nameEnd, end);
  if (kind === 'HELP') {
    if (rest === end) return null;
    const help = latin1(bytes, rest, end);
    const family = families.of(name);
    const had = family.hasHelp;
    family.hasHelp = true;
    if (had) return `second HELP of ${excerpt(family.name)}${family.name === name ? '' : `, by ${excerpt(name)}`}`;
    if (BAD_ESCAPE.test(help)) return 'backslash that escapes nothing';
    return isSpaced && !isUtf8(Buffer.from(help, 'latin1')) ? 'bytes that are not UTF-8' : null;
  }
  if (rest === end) return isSpaced ? `TYPE of ${excerpt(name)} without a type` : null;
  const family = families.of(name);
  const by = family.name === name ? '' : `, by ${excerpt(name)}`;
  if (family.isTyped) return `second TYPE of ${excerpt(family.name)}${by}`;
  if (family.type !== null) return `TYPE of ${excerpt(family.name)} after its samples${by}`;
  return typeFault(family, latin1(bytes, rest, end), isSpaced, rest - nameEnd);
}

function typeFault(family: Declared, written: string, isSpaced: boolean, blanks: number): string | null {
  const type = written.replace(/\r$/, '');
  const upper = type.toUpperCase();
  if (!isSpaced && upper === 'GAUGE_HISTOGRAM' && type === written) return null;
  if (OPEN_METRICS_TYPES.includes(upper)) return `a type of OpenMetrics only: ${type}`;
  if (!TYPES.includes(upper)) return `not a type: ${excerpt(type)}`;
  family.type = upper;
  family.isTyped = true;
  if (type !== written) return RETURN_FAULT;
  if (!isSpaced) return null;
  if (type !== type.toLowerCase()) return `type not in lower case: ${type}`;
  return blanks > 1 ? 'more than one blank before the type' : null;
}

/** The length of the quoted name that `text` begins with; 0 for none. */
const quotedLength = (text: string): number => /^"(?:[^"\\]|\\.)*"/.exec(text)?.[0].length ?? 0;
