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
export type Fate = { kept: ReadonlyMap<string, string> } | { droppedBy: Rule; value: string } | { undecidedBy: Rule };

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
  const own = new Map(labels);
  const unknown = new Set<string>();
  const isTold = (name: string): boolean => !unknown.has(name) && (own.has(name) || isKnown(name));
  for (const rule of rules) {
    const value = rule.sources.map((name) => own.get(name) ?? '').join(rule.separator);
    const isSure = rule.sources.every(isTold);
    if (rule.action === 'labelmap' || rule.action === 'labeldrop' || rule.action === 'labelkeep') {
      if (!mapped(rule, own)) return { undecidedBy: rule };
      continue;
    }
    const pattern = Pattern.of(rule.regex);
    if (rule.action === 'keep' || rule.action === 'drop') {
      if (!isSure || !pattern) return { undecidedBy: rule };
      if ((pattern.groupsIn(value) !== null) !== (rule.action === 'keep')) return { droppedBy: rule, value };
    } else if (rule.action === 'keepequal' || rule.action === 'dropequal') {
      if (!isSure || !isTold(rule.target)) return { undecidedBy: rule };
      if ((value === (own.get(rule.target) ?? '')) !== (rule.action === 'keepequal')) return { droppedBy: rule, value };
    } else if (rule.action === 'replace' && isSure && pattern) {
      replace(rule, pattern, value, own);
      unknown.delete(rule.target);
    } else if ((rule.action === 'lowercase' || rule.action === 'uppercase') && isSure) {
      own.set(rule.target, rule.action === 'lowercase' ? value.toLowerCase() : value.toUpperCase());
      unknown.delete(rule.target);
    } else {
      // What hashing makes of it, and what comes of a label that is not known, is not known either.
      unknown.add(rule.target);
    }
  }
  return { kept: own };
}

function replace({ target, replacement }: Rule, pattern: Pattern, value: string, labels: Map<string, string>): void {
  const groups = pattern.groupsIn(value);
  if (groups === null) return;
  const fill = (text: string): string =>
    text.replace(/\$(?:\{(\w+)\}|(\w+)|(\$))/g, (_all, braced?: string, bare?: string, dollar?: string) =>
      dollar ? '$' : (groups[Number(braced ?? bare)] ?? ''),
    );
  const made = fill(replacement);
  if (made === '') labels.delete(fill(target));
  else labels.set(fill(target), made);
}

/** Rules over the names of labels; false where the pattern is not understood. */
function mapped({ action, regex, replacement }: Rule, labels: Map<string, string>): boolean {
  const pattern = Pattern.of(regex);
  if (!pattern) return false;
  for (const [name, value] of new Map(labels)) {
    const groups = pattern.groupsIn(name);
    if (action === 'labelmap' && groups !== null)
      labels.set(
        replacement.replace(/\$\{?(\d+)\}?/g, (_all, index: string) => groups[Number(index)] ?? ''),
        value,
      );
    if (action === 'labeldrop' && groups !== null) labels.delete(name);
    if (action === 'labelkeep' && groups === null) labels.delete(name);
  }
  return true;
}
