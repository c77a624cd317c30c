import { TEXT_LIMIT } from '../question/cluster.ts';

/** What takes the place of a secret. A plain word: valid inside JSON strings, YAML and log lines alike. */
const REDACTED = 'REDACTED';

/** How a key ends whose value is a secret. Not `_file`: a path is none. */
const KEY = '(?:token|secret|pass|passwd|password|credentials?|(?:api|access|private|secret)[-_]?key)';

/** Any of these must be in a text for it to hold something to redact. One test for the many lines that hold none. */
const SUSPECT = new RegExp(`@|eyJ|bearer|BEGIN|LS0tLS1|authorization|gh[pousr]_|AKIA|xox[abprs]-|${KEY}`, 'i');

const SECRET_KEY = new RegExp(`${KEY}$`, 'i');

/** A secret key of YAML with a block of text: the lines that are indented deeper go too. */
const YAML_BLOCK = new RegExp(
  String.raw`^([ \t]*)((?:- +)*["']?[\w.-]*${KEY}["']?[ \t]*:[ \t]+)[|>][^\n]*(?:\n\1[ \t]+[^\n]*|\n[ \t]*(?=\n))*`,
  'gim',
);

/** A secret key that begins a line of YAML: what is not quoted reaches to the line's end. */
const YAML_LINE = new RegExp(String.raw`^([ \t]*(?:- +)*["']?[\w.-]*${KEY}["']?[ \t]*:[ \t]+)(\S[^\n]*)$`, 'gim');

/** A secret key within a line: its value ends with its quote, or where a bare word does. */
const INLINE = new RegExp(
  String.raw`(${KEY}\\?["']?[ \t]*[:=][ \t]*)(?!\\?["']?REDACTED|\d+[ \t]*[,}]|(?:true|false|null)\b|[[{|>])` +
    String.raw`(?:(\\")(?:[^\\\n]|\\(?!"))+|(")(?:[^"\\\n]|\\.)+|(')[^'\n]+|[^\s"',;&})\]\\]+)`,
  'gi',
);

/** Every repetition is bounded or starts at a boundary: no text from a cluster makes this slower than linear. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN ([A-Z0-9 ]{1,64})-----(?:[\s\S]{0,8192}?-----END \1-----|[^"\n]*(?:\n[A-Za-z0-9+/=]{1,128}(?=\n|$))*)/g,
    REDACTED,
  ],
  [/LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g, REDACTED],
  [/(?:(?<![\w-])|(?<=%20))eyJ[\w-]{8,8192}\.[\w-]{8,8192}(?:\.[\w-]*)?/g, REDACTED],
  [/(authorization\\?["']?[ \t]*[:=][ \t]*\\?["']?(?:[a-z]{1,16}[ \t]+)?)[\w.~+/=-]{8,}/gi, `$1${REDACTED}`],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{16,255}|AKIA[A-Z0-9]{12,32}|xox[abprs]-[\w-]{8,255})/g, REDACTED],
  [/(bearer[ \t]+)[\w.~+/-]{8,}=*/gi, `$1${REDACTED}`],
  [/(:\/\/)[^/\s"'\\]{1,1024}@/g, `$1${REDACTED}@`],
  [/(?<![\w.%+-])(?!REDACTED@)[\w.%+-]{1,256}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])/g, REDACTED],
];

/**
 * `text` without tokens, passwords, certificates, keys and e-mail addresses. Makes a bundle fit to be handed on;
 * an object's own names stay, because a diagnosis without names is none.
 */
export function redact(text: string): string {
  if (!SUSPECT.test(text)) return text;
  let clean = text.replace(YAML_BLOCK, `$1$2${REDACTED}`).replace(YAML_LINE, redactedLine).replace(INLINE, inline);
  for (const [form, replacement] of FORMS) clean = clean.replace(form, replacement);
  return clean;
}

const inline = (_all: string, key: string, ...quotes: readonly (string | undefined)[]): string =>
  `${key}${quotes.slice(0, 3).find((quote) => quote !== undefined) ?? ''}${REDACTED}`;

function redactedLine(all: string, key: string, value: string): string {
  // What opens a flow of YAML, or JSON, names its secrets in the lines that follow.
  if (/^(?:true|false|null|~|[[{]|[|>].*|\d+,)[ \t,]*\r?$/.test(value)) return all;
  const [, quoted, quote, rest] = /^((["'])(?:[^\\]|\\.)*?\2)(.*)$/.exec(value) ?? [];
  return quoted === undefined ? `${key}${REDACTED}` : `${key}${quote}${REDACTED}${quote}${rest}`;
}

/**
 * The certificates of a webhook's caBundle, in base64, and nothing that stands between them: whoever connects is shown
 * such, and a diagnosis needs them. null when it holds none.
 */
function certificatesOf(text: string): string | null {
  const pem = Buffer.from(text, 'base64').toString('latin1');
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.length === 0 ? null : Buffer.from(`${blocks.join('\n')}\n`).toString('base64');
}

/** A value of JSON with every string in it redacted. Redacting before JSON is written keeps the JSON whole. */
export function redactValue(value: unknown, key = ''): unknown {
  if (typeof value === 'string') {
    const certificates = key === 'caBundle' ? certificatesOf(value) : null;
    if (certificates !== null) return certificates;
    return value !== '' && SECRET_KEY.test(key) ? REDACTED : redact(value);
  }
  if (Array.isArray(value)) return value.map((each) => redactValue(each, key));
  if (typeof value !== 'object' || value === null) return value;
  const named = nameIn(value as Record<string, unknown>);
  return Object.fromEntries(
    Object.entries(value)
      // The whole object once more, with the environment of its containers; Envoy's bootstrap has it (guide.md f, 1).
      .filter(([name]) => name !== 'kubectl.kubernetes.io/last-applied-configuration')
      .map(([name, each]) => [name, name === 'value' && isSecretName(named) ? REDACTED : redactValue(each, name)]),
  );
}

/** The name beside a value: of a variable, a header, a label. */
const nameIn = ({ name, key }: Record<string, unknown>): string =>
  typeof name === 'string' ? name : typeof key === 'string' ? key : '';

const isSecretName = (name: string): boolean => SECRET_KEY.test(name) || /authorization|cookie/i.test(name);

/** A line longer than this is handed on in parts: a page without line ends must not be collected in memory. */
const LINE_LIMIT = 1024 * 1024;

/** A body redacted line by line, in little memory; fit for metrics pages, where a secret does not span lines. */
export async function* redactLines(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = '';
  for await (const chunk of body) {
    const text = rest + chunk.toString('latin1');
    const end = text.lastIndexOf('\n') + 1 || (text.length > LINE_LIMIT ? text.lastIndexOf(',') + 1 || text.length : 0);
    rest = text.slice(end);
    if (end > 0) yield Buffer.from(redact(text.slice(0, end)), 'latin1');
  }
  if (rest !== '') yield Buffer.from(redact(rest), 'latin1');
}

/** A body redacted as a whole: as JSON when it is JSON. */
export async function* redactWhole(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  try {
    let length = 0;
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      // Whoever reads it gives up here too: the rest need not be held.
      if (length > TEXT_LIMIT) break;
    }
  } finally {
    if (chunks.length > 0) yield Buffer.from(redactText(Buffer.concat(chunks).toString('utf8')));
  }
}

function redactText(text: string): string {
  if (!/^\s*[[{]/.test(text)) return redact(text);
  try {
    return JSON.stringify(redactValue(JSON.parse(text)));
  } catch {
    return redact(text);
  }
}
