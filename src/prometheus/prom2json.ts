import { numberOf } from './numbers.ts';
import type { Family, Sample } from './page-reader.ts';

/** A metric of prom2json's JSON: all numbers are strings, as Go prints them. */
interface PlainMetric {
  labels?: Record<string, string>;
  timestamp_ms?: string;
  value: string;
}

interface GroupedMetric {
  labels?: Record<string, string>;
  timestamp_ms?: string;
  buckets?: Record<string, string>;
  quantiles?: Record<string, string>;
  count: string;
  sum: string;
}

/** A family in the schema of github.com/prometheus/prom2json. */
export interface Prom2jsonFamily {
  name: string;
  help: string;
  type: string;
  metrics: (PlainMetric | GroupedMetric)[];
}

/** A number as Go's fmt.Sprint writes it: with an exponent below 1e-4 and from 1e6 on (packaging.md 3.1). */
function goFloat(text: string): string {
  const value = numberOf(text);
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const size = Math.abs(value);
  const written = size !== 0 && (size < 1e-4 || size >= 1e6) ? value.toExponential() : String(value);
  return written.replace(/e([+-])(\d)$/, 'e$10$2');
}

const goInteger = (text: string): string => (/^\d+$/.test(text) ? text : String(Math.trunc(numberOf(text))));

/** What is known of a family: its metrics, and histograms and summaries by their labels, sorted and as they were written. */
interface Known {
  metrics: Prom2jsonFamily['metrics'];
  groups: Map<string, GroupedMetric>;
  asWritten: Map<string, GroupedMetric>;
}

/** Collects samples into prom2json's families, in the page's order; histograms and summaries by their labels. */
export class Prom2json {
  private readonly byFamily = new Map<Family, Known>();

  readonly add = (family: Family, sample: Sample): void => {
    let known = this.byFamily.get(family);
    if (!known) {
      known = { metrics: [], groups: new Map(), asWritten: new Map() };
      this.byFamily.set(family, known);
    }
    if (family.type === 'HISTOGRAM') this.grouped(known, sample, 'le', 'buckets');
    else if (family.type === 'SUMMARY') this.grouped(known, sample, 'quantile', 'quantiles');
    else known.metrics.push({ ...labelsOf(sample.labels), ...timestampOf(sample), value: goFloat(sample.value) });
  };

  private grouped(known: Known, sample: Sample, splitBy: 'le' | 'quantile', parts: 'buckets' | 'quantiles'): void {
    const group = this.groupOf(known, sample.labels, splitBy);
    const split = sample.labels.get(splitBy);
    if (sample.timestamp !== undefined) group.timestamp_ms = sample.timestamp;
    if (split !== undefined) {
      group[parts] ??= {};
      group[parts][goFloat(split)] = splitBy === 'le' ? goInteger(sample.value) : goFloat(sample.value);
    } else if (sample.name.endsWith('_sum')) group.sum = goFloat(sample.value);
    else if (sample.name.endsWith('_count')) group.count = goInteger(sample.value);
  }

  /** The metric with these labels but `splitBy`. Lines of one metric have their labels in one order, as a rule. */
  private groupOf(known: Known, labels: ReadonlyMap<string, string>, splitBy: string): GroupedMetric {
    let written = '';
    for (const [name, value] of labels) if (name !== splitBy) written += `${name}\u0000${value}\u0000`;
    const seen = known.asWritten.get(written);
    if (seen) return seen;
    const own = [...labels].filter(([name]) => name !== splitBy);
    const key = JSON.stringify([...own].sort(([a], [b]) => (a < b ? -1 : 1)));
    let group = known.groups.get(key);
    if (!group) {
      group = { ...labelsOf(new Map(own)), count: '0', sum: '0' };
      known.groups.set(key, group);
      known.metrics.push(group);
    }
    known.asWritten.set(written, group);
    return group;
  }

  families(): readonly Prom2jsonFamily[] {
    return [...this.byFamily].map(([{ name, help, type }, { metrics }]) => ({ name, help, type, metrics }));
  }
}

/** An object without a prototype's names, so that a label called `__proto__` is a label. */
const dictionary = (entries: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries(entries) as Record<string, string>;

const labelsOf = (labels: ReadonlyMap<string, string>): { labels?: Record<string, string> } =>
  labels.size > 0 ? { labels: dictionary(labels) } : {};

const timestampOf = ({ timestamp }: Sample): { timestamp_ms?: string } =>
  timestamp === undefined ? {} : { timestamp_ms: timestamp };
