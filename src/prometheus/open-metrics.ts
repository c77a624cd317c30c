import { CUT_FAULT, excerpt, isUtf8, latin1 } from './characters.ts';
import type { Judge } from './judge.ts';
import { isNumber } from './numbers.ts';
import { hashOf, Seen } from './seen.ts';

const TYPES = ['counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset', 'unknown'];
const META = /^# (?:HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) /;
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:\\\\.|[^\\\\"])*"';
const LABELS = `\\{(?:${LABEL}(?:,${LABEL})*)?\\}`;
/** Name, labels, value, timestamp, exemplar. */
const SAMPLE = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(${LABELS})? ([^ ]+)(?: (?!# \\{)([^ ]+))?( # \\{.*)?$`, 's');
/** An exemplar: its labels, value and timestamp. */
const EXEMPLAR = new RegExp(`^ # (${LABELS}) ([^ ]+)(?: ([^ ]+))?$`, 's');

/**
 * Says of each line of a page of OpenMetrics what a scrape refuses (prometheus/prometheus model/textparse/openmetricslex.l,
 * openmetricsparse.go). Few pages are: who asks without a header is given the text format.
 */
export class OpenMetrics implements Judge {
  private readonly seen = new Seen();
  private hasEnded = false;

  line(bytes: Buffer, start: number, end: number): string | null {
    const line = latin1(bytes, start, end);
    if (this.hasEnded) return 'line after # EOF';
    if (line === '# EOF') {
      this.hasEnded = true;
      return null;
    }
    if (line === '') return 'empty line in OpenMetrics';
    return line.startsWith('#') ? metaFault(line) : this.sample(line);
  }

  end(rest: string): string | null {
    if (rest !== '' && (this.hasEnded || rest !== '# EOF')) return this.hasEnded ? 'line after # EOF' : CUT_FAULT;
    return rest !== '' || this.hasEnded ? null : 'OpenMetrics that does not end with # EOF';
  }

  private sample(line: string): string | null {
    const parts = SAMPLE.exec(line);
    if (!parts) return `not a sample of OpenMetrics: ${excerpt(line)}`;
    const [, name = '', labels = '', value = '', timestamp, exemplar] = parts;
    const fault = labelsFault(labels) ?? numbersFault(value, timestamp);
    if (fault !== null) return fault;
    if (exemplar !== undefined) {
      if (!/_(?:total|bucket)$/.test(name)) return 'exemplar on neither a counter nor a bucket';
      const [, its = '', number = '', at] = EXEMPLAR.exec(exemplar) ?? [];
      if (number === '') return `not an exemplar: ${excerpt(exemplar.slice(3))}`;
      const inside = labelsFault(its) ?? numbersFault(number, at);
      if (inside !== null) return inside;
    }
    const series = [
      name,
      ...pairsOf(labels)
        .filter(([, text]) => text !== '')
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flat(),
      timestamp ?? '',
    ];
    return this.seen.add(...hashOf(series.join('\n'))) ? `sample twice: ${name}` : null;
  }
}

const pairsOf = (labels: string): [string, string][] =>
  [...labels.matchAll(/([a-zA-Z0-9_]+)="((?:\\.|[^\\"])*)"/gs)].map(([, name = '', value = '']) => [name, value]);

function labelsFault(labels: string): string | null {
  if (!isUtf8(Buffer.from(labels, 'latin1'))) return 'bytes that are not UTF-8';
  const names = pairsOf(labels).map(([name]) => name);
  if (names.includes('__name__')) return 'label __name__, which is the metric’s own';
  return new Set(names).size < names.length ? 'label twice' : null;
}

function numbersFault(value: string, timestamp: string | undefined): string | null {
  if (!isNumber(value)) return `not a number: ${excerpt(value)}`;
  if (timestamp === undefined) return null;
  return isNumber(timestamp) && !/[in]/i.test(timestamp) ? null : `not a timestamp: ${excerpt(timestamp)}`;
}

function metaFault(line: string): string | null {
  const name = META.exec(line)?.[1];
  if (name === undefined) return `a comment that OpenMetrics does not know: ${excerpt(line)}`;
  const rest = line.slice(8 + name.length);
  if (line.startsWith('# HELP')) return isUtf8(Buffer.from(rest, 'latin1')) ? null : 'bytes that are not UTF-8';
  if (line.startsWith('# TYPE')) return TYPES.includes(rest) ? null : `not a type: ${excerpt(rest)}`;
  return rest === '' || name.endsWith(`_${rest}`) ? null : `unit that the name does not end with: ${excerpt(rest)}`;
}
