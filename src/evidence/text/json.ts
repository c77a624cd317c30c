/** An object of JSON whose shape nobody has promised. */
export type Json = Record<string, unknown>;

/** The value where it is an object, else an empty one. */
export const object = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

/** The objects of a list; none where it is no list. */
export const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : []);

/** The list that a page of a Go program is, which writes an empty one as null; null where it is no list. */
export function listOf(page: string): readonly unknown[] | null {
  let value: unknown;
  try {
    value = JSON.parse(page);
  } catch {
    return null;
  }
  if (value === null) return [];
  return Array.isArray(value) ? value : null;
}

/** The texts of a list. */
export const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

/** The value where it is a text, else an empty one. */
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A number, also one that is written as a text ("80"), as Istio reads it; null where it is none. */
export function number(value: unknown): number | null {
  const found = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

/** The texts of a map, by their names. */
export const textMap = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(object(value)).map(([name, each]) => [name, text(each)]));
