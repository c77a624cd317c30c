const HIDDEN = Buffer.from('REDACTED');

/** A body without `values`, wherever a server repeats them: also where a chunk ends within one. */
export async function* hiding(body: AsyncIterable<Buffer>, values: readonly string[]): AsyncGenerator<Buffer> {
  if (values.length === 0) return yield* body;
  const secrets = values.map((value) => Buffer.from(value));
  const longest = Math.max(...secrets.map(({ length }) => length));
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    const text = secrets.reduce(without, Buffer.concat([rest, chunk]));
    // What may be the beginning of one waits for the next chunk.
    const ready = Math.max(0, text.length - longest + 1);
    if (ready > 0) yield text.subarray(0, ready);
    rest = text.subarray(ready);
  }
  if (rest.length > 0) yield rest;
}

function without(text: Buffer, secret: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, from)) {
    parts.push(text.subarray(from, at), HIDDEN);
    from = at + secret.length;
  }
  return from === 0 ? text : Buffer.concat([...parts, text.subarray(from)]);
}
