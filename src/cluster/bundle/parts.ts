/** An object of JSON whose shape nobody has promised. */
export type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const object = (value: unknown): Json => (isObject(value) ? value : {});
export const array = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/**
 * An address without what logs in there, be it with its scheme or without: a password may hold an @, and the last one
 * before the host counts.
 */
export const withoutLogin = (text: string): string => text.replace(/(^["']?|:\/\/)[^/\s]*@/g, '$1');

/** `from` with only `names`, those that are there. */
export function only(from: unknown, ...names: readonly string[]): Json {
  const all = object(from);
  const kept: Json = {};
  for (const name of names) if (all[name] !== undefined) kept[name] = all[name];
  return kept;
}
