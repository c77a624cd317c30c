import { withoutLogin } from './parts.ts';

/** A key of YAML's block style, with what stands before it and behind it. Each blank has one place in it: it never goes back far. */
const LINE = /^([ \t]*(?:- [ \t]*)*)["']?([\w.-]+)["']?[ \t]*:(?:[ \t]+(.*))?$/;

/** Where a line begins, without its dashes: lists lie no deeper than their key. */
const depthOf = (line: string): number => /^ */.exec(line)?.[0].length ?? 0;

/**
 * A text of YAML with these keys only, wherever they stand: all others lose their values, and what lies below them, so that
 * neither passwords nor what names them is left. What is written in one line with braces counts as a value, and is lost.
 */
function onlyKeys(text: string, kept: readonly string[]): string {
  const lines: string[] = [];
  let below: number | null = null;
  for (const line of text.replace(/\r/g, '').split('\n')) {
    if (/^\s*(#.*)?$/.test(line) || /^(---|\.\.\.)/.test(line)) continue;
    // A dash at the depth of a key begins an entry of its list, unless the key is one of an entry itself.
    const depth = depthOf(line);
    const isEntry = /^ *-( |$)/.test(line);
    if (below !== null && (depth > below || (isEntry && depth === below))) continue;
    below = null;
    const [, before = '', key, value = ''] = LINE.exec(line) ?? [];
    if (key === undefined) {
      below = depth;
      continue;
    }
    if (kept.includes(key) && !/^[[{&*!|>]/.test(value)) {
      lines.push(`${before}${key}: ${withoutLogin(value)}`.trimEnd());
      continue;
    }
    // The entry stays one, whose first key says nothing.
    if (isEntry) lines.push(`${before}x: null`);
    below = before.length;
  }
  return lines.join('\n');
}

/** Which store Grafana and Kiali ask: what they log in with is theirs. */
const DATASOURCE_KEYS = ['datasources', 'name', 'type', 'url', 'isDefault', 'jsonData', 'timeInterval'];
const KIALI_KEYS = [
  'external_services',
  'prometheus',
  'url',
  'enabled',
  'thanos_proxy',
  'scrape_interval',
  'istio_namespace',
];

/** Whether a file tells Grafana where its data is. */
export const isDatasources = (key: string): boolean => /^[\w.-]*datasources?[\w.-]*\.ya?ml$/.test(key);

/** The files of a ConfigMap that tell Grafana or Kiali which store to ask, cut down to that; null where there are none. */
export function storesIn(name: string, data: Readonly<Record<string, unknown>>): Record<string, string> | null {
  const files = Object.entries(data).flatMap(([key, text]): [string, string][] => {
    if (isDatasources(key)) return [[key, onlyKeys(String(text), DATASOURCE_KEYS)]];
    return key === 'config.yaml' && /kiali/.test(name) ? [[key, onlyKeys(String(text), KIALI_KEYS)]] : [];
  });
  return files.length > 0 ? Object.fromEntries(files) : null;
}
