/** Parses one YAML document, null where the text is empty; throws of text that is none. Loaded when first needed. */
export async function yamlIn(text: string): Promise<unknown> {
  const { CORE_SCHEMA, loadAll, mergeTag } = await import('js-yaml');
  // Prometheus, Istio and kubectl read YAML in Go, which merges `<<: *anchor`.
  const [document = null, ...more] = loadAll(text, { schema: CORE_SCHEMA.withTags(mergeTag) });
  if (more.length > 0) throw new Error('more than one document');
  return document;
}
