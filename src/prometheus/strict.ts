import type { Sample } from './page-reader.ts';

/** The types that the text format knows; OpenMetrics has more. */
const TYPES = ['COUNTER', 'GAUGE', 'HISTOGRAM', 'SUMMARY', 'UNTYPED'];
const OPEN_METRICS_TYPES = [...TYPES, 'UNKNOWN', 'INFO', 'STATESET', 'GAUGEHISTOGRAM'];

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** An escape that a help text does not know. */
const BAD_HELP_ESCAPE = /(?:^|[^\\])(?:\\\\)*\\(?![\\n])/;
/** An escape that a label's value does not know. */
const BAD_ESCAPE = /(?:^|[^\\])(?:\\\\)*\\(?![\\n"])/;

/** What is wrong with a line, and whether that is so for a page of the text format only, and not for OpenMetrics. */
export interface Fault {
  text: string;
  inText?: true;
}

/**
 * What Prometheus refuses, or drops without a word, in lines whose values can be read all the same: for whoever looks at a
 * page because Prometheus does not take it. The text format 0.0.4 as `promtool check metrics` reads it (prometheus/common
 * expfmt/text_parse.go); what OpenMetrics allows is no fault on a page that ends with `# EOF`.
 */
export class Strict {
  private readonly types = new Map<string, string>();
  private readonly helps = new Set<string>();
  private readonly sampled = new Set<string>();
  private readonly series = new Set<string>();

  /** A `# TYPE` or `# HELP` line: `rest` is what follows the name, null where nothing does. */
  meta(kind: string, name: string, rest: string | null): Fault | null {
    if (kind === 'HELP') {
      if (this.helps.has(name)) return { text: `second HELP of ${name}` };
      this.helps.add(name);
      return rest !== null && BAD_HELP_ESCAPE.test(rest) ? { text: 'backslash that escapes nothing' } : null;
    }
    const type = (rest ?? '').trimStart();
    if (this.types.has(name)) return { text: `second TYPE of ${name}` };
    if (this.sampled.has(name)) return { text: `TYPE of ${name} after its samples` };
    this.types.set(name, type.toUpperCase());
    if (type === '') return { text: `TYPE of ${name} without a type` };
    if (!OPEN_METRICS_TYPES.includes(type.toUpperCase())) return { text: `not a type: ${type.slice(0, 60)}` };
    return TYPES.includes(type.toUpperCase()) ? null : { text: `a type of OpenMetrics only: ${type}`, inText: true };
  }

  /** A sample whose value could be read; `raw` is its line, `family` its family's name and type. */
  sample(
    { name, labels, value, timestamp }: Sample,
    family: { name: string; type: string },
    raw: string,
    tail: string,
  ): readonly Fault[] {
    this.sampled.add(name);
    this.sampled.add(family.name);
    const faults: Fault[] = [];
    const series = JSON.stringify([name, [...labels].sort(([a], [b]) => (a < b ? -1 : 1)), timestamp ?? '']);
    if (this.series.has(series)) faults.push({ text: `sample twice: ${name}` });
    this.series.add(series);
    for (const label of labels.keys()) {
      if (!LABEL.test(label)) faults.push({ text: `not a label name: ${label.slice(0, 60)}` });
      if (label === '__name__') faults.push({ text: 'label __name__, which is the metric’s own' });
    }
    const bound = name === family.name ? 'quantile' : 'le';
    const isBounded = family.type === (bound === 'le' ? 'HISTOGRAM' : 'SUMMARY');
    const limit = labels.get(bound);
    if (isBounded && limit !== undefined && !isNumber(limit))
      faults.push({ text: `${bound} is no number: ${limit.slice(0, 60)}` });
    if (!isNumber(value)) faults.push({ text: `number out of range: ${value}` });
    if (tail.includes('#')) faults.push({ text: 'exemplar on a page that is not OpenMetrics', inText: true });
    if (timestamp?.includes('.')) faults.push({ text: `timestamp with a fraction: ${timestamp}`, inText: true });
    return [...faults, ...shapeFaults(raw)];
  }
}

/** What Go reads as a number: not one that is larger than it can hold. */
function isNumber(text: string): boolean {
  if (/^[+-]?inf(inity)?$/i.test(text) || /^nan$/i.test(text)) return true;
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text));
}

/** Whether a line that was read as latin1 is UTF-8. */
function isUtf8(raw: string): boolean {
  if (!/[\x80-\xff]/.test(raw)) return true;
  const bytes = Buffer.from(raw, 'latin1');
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}

/** What is wrong with the blanks, commas and escapes of a line. */
function shapeFaults(raw: string): readonly Fault[] {
  const faults: Fault[] = [];
  if (raw.endsWith('\r')) faults.push({ text: 'carriage return at the end of the line' });
  else if (/[ \t]$/.test(raw)) faults.push({ text: 'blank at the end of the line' });
  if (!isUtf8(raw)) faults.push({ text: 'bytes that are not UTF-8' });
  const bare = raw.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  if (/\{\s*,|,\s*,/.test(bare)) faults.push({ text: 'comma without a label' });
  for (const [value] of raw.matchAll(/"(?:[^"\\]|\\.)*"/g))
    if (BAD_ESCAPE.test(value.slice(1, -1))) faults.push({ text: 'backslash that escapes nothing' });
  const names = [...bare.matchAll(/[{,]\s*([a-zA-Z0-9_]+)\s*=/g)].map(([, name]) => name);
  if (new Set(names).size < names.length) faults.push({ text: 'label twice' });
  return faults;
}
