const HIDDEN = 'REDACTED';

/** Finds every one of `values`: of two that begin at one place the longer, of which more would be left. */
function anyOf(values: readonly string[]): RegExp {
  const longestFirst = [...values].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
}

/** A text without `values`. */
export const hidden = (text: string, values: readonly string[]): string =>
  values.length === 0 ? text : text.replace(anyOf(values), HIDDEN);

/** A body without `values`, wherever a server repeats them: also where a chunk ends within one. */
export async function* hiding(body: AsyncIterable<Buffer>, values: readonly string[]): AsyncGenerator<Buffer> {
  if (values.length === 0) return yield* body;
  // Byte by byte: a chunk may end within a character.
  const secrets = values.map((value) => Buffer.from(value).toString('latin1'));
  const any = anyOf(secrets);
  const longest = Math.max(...secrets.map(({ length }) => length));
  let rest = '';
  for await (const chunk of body) {
    const text = rest + chunk.toString('latin1');
    // What may be the beginning of one waits for the next chunk.
    const ready = Math.max(0, text.length - longest + 1);
    const parts: string[] = [];
    let from = 0;
    for (const { index, 0: secret } of text.matchAll(any)) {
      if (index >= ready) break;
      parts.push(text.slice(from, index), HIDDEN);
      from = index + secret.length;
    }
    const end = Math.max(from, ready);
    parts.push(text.slice(from, end));
    rest = text.slice(end);
    if (end > 0) yield Buffer.from(parts.join(''), 'latin1');
  }
  if (rest !== '') yield Buffer.from(rest.replace(any, HIDDEN), 'latin1');
}
