import { escapeOrder, HIDING } from './escape.ts';

/** The version of every document but a bundle's. */
export const API_VERSION = 'istio-diag/v1alpha1';

/** How a document is written that programs read. */
export const DATA = ['json', 'yaml'] as const;
export type Data = (typeof DATA)[number];

/** Plain data as JSON, and no character in it that a terminal obeys or that reorders text. */
export const jsonOf = (value: unknown, space?: number): string =>
  JSON.stringify(value, null, space).replace(HIDING, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/**
 * Plain data from the cluster as text, ending with a newline: no character in it moves a terminal or reorders text. YAML has
 * no other way to write those that reorder than as their codes; lines and tabs stay.
 */
export const rawText = async (value: unknown, format: Data, space = 2): Promise<string> =>
  format === 'json' ? `${jsonOf(value, space)}\n` : dataText(escapeOrder(value), format);

/** A document as text, ending with a newline. */
export async function dataText(value: unknown, format: Data): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  const { dump } = await import('js-yaml');
  return dump(value, { lineWidth: -1, noRefs: true });
}
