import { saidHint } from '../../report/hint.ts';

/** What a report says of a reason: a line of one, and what to type there. */
export interface Example {
  message: string;
  /** Null where there is nothing to type. */
  hint: string | null;
}

type Kept = Readonly<Record<string, { message: string; hint: string | null }>>;

/** By check and reason, as it was said in the tests (`npm run golden`), of a mesh where one makes it; null where it was not. */
export async function exampleOf(check: string, reason: string): Promise<Example | null> {
  const { default: examples } = await import('./examples.json', { with: { type: 'json' } });
  const kept: Kept = examples;
  // Checks of the same reason say alike: callers' as those of all.
  const alike = Object.keys(kept).find((key) => key.endsWith(` ${reason}`)) ?? '';
  const found = kept[`${check} ${reason}`] ?? kept[alike];
  return found ? { message: found.message, hint: found.hint === null ? null : saidHint(found.hint) } : null;
}
