/** How a document is written that programs read. */
export const DATA = ['json', 'yaml'] as const;
export type Data = (typeof DATA)[number];

/** A document as text, ending with a newline. */
export async function dataText(value: unknown, format: Data): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  const { dump } = await import('js-yaml');
  return dump(value, { lineWidth: -1, noRefs: true });
}
