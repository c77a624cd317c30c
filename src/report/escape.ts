/**
 * Characters that a terminal obeys, that hide or that reorder text: control characters, format characters (zero-width,
 * bidirectional), line and paragraph separators.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const code = (character: string): string => {
  const number = character.codePointAt(0) ?? 0;
  return number < 0x100 ? `\\x${number.toString(16).padStart(2, '0')}` : `\\u{${number.toString(16)}}`;
};

/** `text` on one line, every unsafe character shown as its code. A tab becomes a space. */
export const escapeText = (text: string): string => text.replaceAll('\t', ' ').replace(UNSAFE, code);

/** A copy of plain data with its texts, and its keys, as these make them. */
function copied(value: unknown, text: (text: string) => string, key: (text: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map((each) => copied(each, text, key));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [key(name), copied(each, text, key)]));
  return value;
}

/** A copy of plain data with every string escaped: keys are ours, values may come from the cluster. */
export const escapeAll = <T>(value: T): T => copied(value, escapeText, String) as T;

/** What of these JSON and YAML leave as it is: what hides or reorders text, and the second set of control characters. */
export const HIDING = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

const escapeHiding = (text: string): string => text.replace(HIDING, code);

/** A copy of plain data from the cluster, its keys too, in which what hides or reorders text is shown as its code. */
export const escapeOrder = (value: unknown): unknown => copied(value, escapeHiding, escapeHiding);
