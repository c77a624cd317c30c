/** Parses one YAML document, null where the text is empty; throws of text that is none. Loaded when first needed. */
export async function yamlIn(text: string): Promise<unknown> {
  const { loadAll } = await import('js-yaml');
  const [document = null, ...more] = loadAll(text);
  if (more.length > 0) throw new Error('more than one document');
  return document;
}
