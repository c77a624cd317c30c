import { painted, type Style } from './style.ts';

/** What a fix would change. */
export interface Plan {
  hint: string;
  /** The lines that `kubectl diff` would show; none where nothing would change, or nothing is foreseen. */
  diff: readonly string[];
  /** Its commands whose result is not foreseen, each with why. */
  unforeseen: readonly string[];
}

const lineOf = (style: Style, line: string): string => {
  const paint = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : line.startsWith('@@') ? 'cyan' : null;
  return paint === null ? line : painted(style, paint, line);
};

/** What each fix would change, and that nothing was. */
export function plansText(plans: readonly Plan[], style: Style): string {
  if (plans.length === 0) return '';
  const parts = plans.map(({ hint, diff, unforeseen }) => {
    const lines = diff.map((line) => lineOf(style, line));
    const nothing = lines.length === 0 && unforeseen.length === 0 ? ['nothing would change'] : [];
    return [`# ${hint}`, ...lines, ...nothing, ...unforeseen.map((words) => `not foreseen: ${words}`)].join('\n');
  });
  return [painted(style, 'bold', 'PLAN  (nothing was applied)'), ...parts].join('\n');
}
