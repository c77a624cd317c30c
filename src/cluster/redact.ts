/** What takes the place of a secret. A plain word: valid inside JSON strings, YAML and log lines alike. */
const REDACTED = 'REDACTED';

/** Any of these must be in a text for it to hold something to redact. One test for the many lines that hold none. */
const SUSPECT = /@|eyJ|earer|BEGIN|LS0tLS1|assw|asswd|ecret|oken|redential|pi-?_?[kK]ey/;

/**
 * `text` without tokens, passwords, certificates, keys and e-mail addresses. Makes a bundle fit to be handed on;
 * an object's own names stay, because a diagnosis without names is none.
 */
export function redact(text: string): string {
  if (!SUSPECT.test(text)) return text;
  return text
    .replace(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?(-----END \1-----|$)/g, REDACTED)
    .replace(/LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g, REDACTED)
    .replace(/eyJ[\w-]{8,}\.[\w-]{8,}(\.[\w-]*)?/g, REDACTED)
    .replace(/(bearer\s+)[\w.~+/-]{8,}=*/gi, `$1${REDACTED}`)
    .replace(
      /((?:password|passwd|client_secret|secret_key|access_token|bearer_token|id_token|refresh_token|api-?_?key|credentials)\\?["']?\s*[:=]\s*)(\\?["']?)(?!REDACTED|\d+[,}\s]|true\b|false\b|null\b|[[{$<])[^\s"',;&\\}]+/gi,
      `$1$2${REDACTED}`,
    )
    .replace(/[\w.%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}/g, REDACTED);
}

/** A body redacted line by line, in little memory; fit for metrics pages, where a secret does not span lines. */
export async function* redactLines(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = '';
  for await (const chunk of body) {
    const text = rest + chunk.toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    if (end > 0) yield Buffer.from(redact(text.slice(0, end)), 'latin1');
  }
  if (rest !== '') yield Buffer.from(redact(rest), 'latin1');
}

/** A body redacted as a whole. */
export async function* redactWhole(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } finally {
    if (chunks.length > 0) yield Buffer.from(redact(Buffer.concat(chunks).toString('utf8')));
  }
}
