import { BACKSLASH, CLOSE, COMMA, EQUALS, QUOTE, SPACE, TAB } from './characters.ts';

/** Labels read from a sample's line, with where they end; `name` when a bare quoted word named the sample. */
type Labels = { labels: Map<string, string>; end: number; name?: string } | { problem: string };

/**
 * Reads `a="x",b="y"}` of `text` from `at`, which stands behind the opening brace. `own` makes a lasting string of a
 * slice of the page.
 */
export function readLabels(text: string, at: number, end: number, own: (slice: string) => string): Labels {
  const labels = new Map<string, string>();
  let name: string | undefined;
  let i = at;
  for (;;) {
    i = skip(text, i, true);
    if (i >= end) return { problem: 'label list does not end' };
    if (text.charCodeAt(i) === CLOSE) return { labels, end: i + 1, ...(name !== undefined && { name }) };
    let key: string;
    if (text.charCodeAt(i) === QUOTE) {
      const quoted = readQuoted(text, i + 1, end, own);
      if (!quoted) return { problem: 'open quote' };
      [key, i] = quoted;
    } else {
      const from = i;
      while (i < end && !endsKey(text.charCodeAt(i))) i++;
      key = text.slice(from, i);
      if (key === '' || /["{]/.test(key)) return { problem: 'label without name' };
      key = own(key);
    }
    i = skip(text, i, false);
    if (text.charCodeAt(i) !== EQUALS) {
      if (name !== undefined || labels.size > 0) return { problem: 'label without value' };
      name = key;
      continue;
    }
    i = skip(text, i + 1, false);
    if (text.charCodeAt(i) !== QUOTE) return { problem: 'label value not quoted' };
    const value = readQuoted(text, i + 1, end, own);
    if (!value) return { problem: 'open quote' };
    labels.set(key, value[0]);
    i = value[1];
    const next = text.charCodeAt(skip(text, i, false));
    if (next !== COMMA && next !== CLOSE) return { problem: 'label value not followed by a comma or brace' };
  }
}

const endsKey = (code: number): boolean =>
  code === EQUALS || code === COMMA || code === CLOSE || code === SPACE || code === TAB;

function skip(text: string, from: number, commas: boolean): number {
  let i = from;
  for (let code = text.charCodeAt(i); code === SPACE || code === TAB || (commas && code === COMMA); ) {
    code = text.charCodeAt(++i);
  }
  return i;
}

/** The quoted text that begins at `from`, and where it ends behind the quote; null when it does not end. */
function readQuoted(text: string, from: number, end: number, own: (slice: string) => string): [string, number] | null {
  let close = text.indexOf('"', from);
  if (close < 0 || close >= end) return null;
  const plain = text.slice(from, close);
  if (!plain.includes('\\')) return [own(plain), close + 1];
  for (let i = from; ; i++) {
    if (i >= end) return null;
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) {
      close = i;
      break;
    }
  }
  const unescaped = own(text.slice(from, close)).replace(/\\(["\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c));
  return [unescaped, close + 1];
}
