import { numberOf } from './numbers.ts';
import type { Family, Sample } from './page-reader.ts';

/** Wanted samples of a page, by their names. Absent is not zero: ask `has` before you add up. */
export class Metrics {
  private readonly byName = new Map<string, Sample[]>();

  readonly add = (_family: Family, sample: Sample): void => {
    const samples = this.byName.get(sample.name);
    if (samples) samples.push(sample);
    else this.byName.set(sample.name, [sample]);
  };

  has(name: string): boolean {
    return this.byName.has(name);
  }

  names(): readonly string[] {
    return [...this.byName.keys()];
  }

  /** The samples called `name` whose labels have these values. */
  select(name: string, labels: Readonly<Record<string, string>> = {}): readonly Sample[] {
    const wanted = Object.entries(labels);
    return (this.byName.get(name) ?? []).filter((sample) =>
      wanted.every(([label, value]) => sample.labels.get(label) === value),
    );
  }

  /** Their sum; 0 when there are none. */
  total(name: string, labels?: Readonly<Record<string, string>>): number {
    return totalOf(this.select(name, labels));
  }
}

export const totalOf = (samples: readonly Sample[]): number =>
  samples.reduce((sum, sample) => sum + numberOf(sample.value), 0);

/** A sample as a page writes it, for evidence. */
export function lineOf({ name, labels, value }: Sample): string {
  const quoted = [...labels].map(([label, text]) => `${label}=${JSON.stringify(text)}`);
  return `${name}${quoted.length > 0 ? `{${quoted.join(',')}}` : ''} ${value}`;
}
