import { Pattern } from './pattern.ts';

/** A relabelling rule, as a Prometheus configuration and the monitors' objects have it. */
export interface Rule {
  action: string;
  sources: readonly string[];
  separator: string;
  regex: string;
  target: string;
  replacement: string;
}

/** What becomes of a target: kept, with its labels; dropped, by a rule; or not to be told here. */
export type Fate =
  | { kept: { get(name: string): string; changedBy(name: string): Rule | null } }
  | { droppedBy: Rule; value: string }
  | { undecidedBy: Rule };

/** What relabelling makes of labels, beside those that were found: targets are many, and few of their labels change. */
class Relabelled {
  /** An empty value is none, as in Prometheus. */
  private readonly changes = new Map<string, string>();
  private readonly changers = new Map<string, Rule>();
  /** Labels whose value is not known any more, and by which rule. */
  private readonly unknown = new Map<string, Rule>();
  /** Whether labels that are not read may have been copied under any name. */
  private isMapped = false;

  constructor(
    private readonly found: ReadonlyMap<string, string>,
    private readonly isKnown: (name: string) => boolean,
  ) {}

  readonly get = (name: string): string => this.changes.get(name) ?? this.found.get(name) ?? '';

  readonly isTold = (name: string): boolean => {
    if (this.unknown.has(name)) return false;
    if (this.get(name) !== '' || this.changes.has(name)) return true;
    return this.isKnown(name) && !(this.isMapped && !name.startsWith('__'));
  };

  /** The first rule that made another value of a label; null where none did. */
  readonly changedBy = (name: string): Rule | null => this.changers.get(name) ?? null;

  set(name: string, value: string, by: Rule): void {
    if (value !== this.get(name) && !this.changers.has(name)) this.changers.set(name, by);
    this.changes.set(name, value);
    this.unknown.delete(name);
  }

  forget(name: string, by: Rule): void {
    this.unknown.set(name, by);
  }

  /** The rule that leaves it open where the target is scraped; null where none does. */
  open(): Rule | null {
    const [name] = ['__address__', '__metrics_path__', '__scheme__'].filter((each) => this.unknown.has(each));
    return name === undefined ? null : (this.unknown.get(name) ?? null);
  }

  /** Rules over the names of labels; false where the pattern is not understood. */
  mapped(rule: Rule): boolean {
    const { action, regex, replacement } = rule;
    const pattern = Pattern.of(regex);
    if (!pattern) return false;
    for (const [name, value] of new Map([...this.found, ...this.changes])) {
      if (value === '') continue;
      const groups = pattern.groupsIn(name);
      if (action === 'labelmap' && groups !== null) this.set(pattern.filled(replacement, groups), value, rule);
      else if (action !== 'labelmap' && (groups === null) === (action === 'labelkeep')) this.set(name, '', rule);
    }
    if (action === 'labelmap' && !/_(pod|service)_label_/.test(regex)) this.isMapped = true;
    return true;
  }
}

const MAPPING = ['labelmap', 'labeldrop', 'labelkeep'];

/**
 * What relabelling makes of a target, as Prometheus does it (model/relabel/relabel.go), as far as that tells where it is scraped
 * and whether. Rules over labels that are not known here decide nothing: then it is not told. `isKnown` says of a label that is
 * not there whether it is known not to be.
 */
export function relabel(
  labels: ReadonlyMap<string, string>,
  isKnown: (name: string) => boolean,
  rules: readonly Rule[],
): Fate {
  const own = new Relabelled(labels, isKnown);
  for (const rule of rules) {
    const { action, sources, separator, target } = rule;
    if (MAPPING.includes(action)) {
      if (!own.mapped(rule)) return { undecidedBy: rule };
      continue;
    }
    const value = sources.map(own.get).join(separator);
    const isSure = sources.every(own.isTold);
    if (action === 'keepequal' || action === 'dropequal') {
      if (!isSure || !own.isTold(target)) return { undecidedBy: rule };
      if ((value === own.get(target)) !== (action === 'keepequal')) return { droppedBy: rule, value };
      continue;
    }
    const pattern = Pattern.of(rule.regex);
    if (action === 'keep' || action === 'drop') {
      if (!isSure || !pattern) return { undecidedBy: rule };
      if ((pattern.groupsIn(value) !== null) !== (action === 'keep')) return { droppedBy: rule, value };
    } else if (action === 'replace' && isSure && pattern) {
      const groups = pattern.groupsIn(value);
      if (groups !== null) own.set(pattern.filled(target, groups), pattern.filled(rule.replacement, groups), rule);
    } else if ((action === 'lowercase' || action === 'uppercase') && isSure) {
      own.set(target, action === 'lowercase' ? value.toLowerCase() : value.toUpperCase(), rule);
    } else {
      // What hashing makes of it, and what comes of a label that is not known, is not known either.
      own.forget(target, rule);
    }
  }
  const open = own.open();
  return open ? { undecidedBy: open } : { kept: own };
}
