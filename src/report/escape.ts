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

/** A copy of plain data with every string escaped: keys are ours, values may come from the cluster. */
export function escapeAll<T>(value: T): T {
  if (typeof value === 'string') return escapeText(value) as T;
  if (Array.isArray(value)) return value.map(escapeAll) as T;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, escapeAll(each)])) as T;
  }
  return value;
}

/** Those that js-yaml takes for printable: they hide or reorder text, or are of the second set of control characters. */
const HIDING = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A copy of plain data from the cluster, its keys too, in which what hides or reorders text is shown as its code. */
export function escapeOrder(value: unknown): unknown {
  const shown = (text: string): string => text.replace(HIDING, code);
  if (typeof value === 'string') return shown(value);
  if (Array.isArray(value)) return value.map(escapeOrder);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [shown(key), escapeOrder(each)]));
  return value;
}
