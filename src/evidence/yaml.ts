/** Parses one YAML document; throws of text that is none. Loaded when first needed: it costs 30 ms (packaging.md 2.1). */
export async function yamlIn(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  return parse(text) as unknown;
}
