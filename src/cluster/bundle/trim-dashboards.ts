import { array, type Json, object } from './parts.ts';

/** What a panel asks of requests, and by whom they were counted: `istio_requests_total{reporter=~"source|waypoint"}`. */
const REPORTER = /\breporter\s*(=~|!~|!=|=)\s*(["'`])([^"'`]*)\2/;

/** What Grafana calls all values of a variable. */
export const ANYTHING = '$__all';

/** Every text below `expr`, wherever panels nest: however deep, as anybody may write a ConfigMap. */
function expressionsIn(value: unknown): readonly string[] {
  const found: string[] = [];
  const open = [value];
  while (open.length > 0) {
    const each = open.pop();
    if (typeof each !== 'object' || each === null) continue;
    for (const [key, part] of Object.entries(each))
      if (key === 'expr' && typeof part === 'string') found.push(part);
      else open.push(part);
  }
  return found;
}

/** So long are the labels of a selector at most: longer ones are nobody's, and would take long to read. */
const LONGEST = 2_000;

/** Of an expression, the selectors of requests, with nothing but their reporter. */
const selectorsIn = (expression: string): readonly string[] =>
  [...expression.matchAll(/istio_requests_total\s*/g)].map(({ 0: name, index }) => {
    const rest = expression.slice(index + name.length, index + name.length + LONGEST);
    const [, labels = ''] = /^\{((?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}/.exec(rest) ?? [];
    const [, operator = '', , said = ''] = REPORTER.exec(labels) ?? [];
    return `istio_requests_total{${operator === '' ? '' : `reporter${operator}"${said}"`}}`;
  });

/** One dashboard, cut down to whom it asks for; null of what is none, or asks for no requests. */
function dashboardIn(text: string): string | null {
  let read: Json;
  try {
    read = object(JSON.parse(text));
  } catch {
    return null;
  }
  const asked = [...new Set(expressionsIn([read.panels, read.rows]).flatMap(selectorsIn))].sort();
  if (asked.length === 0) return null;
  const variables = array(object(read.templating).list).map((each) => {
    const { name, query, current, options, allValue } = object(each);
    const isList = typeof query === 'string' && /^[\w,.: -]+$/.test(query);
    const said = [
      ...array(options).map((option) => String(object(option).value)),
      ...(isList ? query.split(',').map((word) => (word.split(' : ').at(-1) ?? '').trim()) : []),
      ...[object(current).value].flat().map(String),
    ];
    return {
      name: String(name),
      // Of a list of words, which may have names before them (`NAME : WORD`), all are these words, unless it says otherwise; what a query finds may be anything.
      values: isList
        ? [
            ...said.filter((value) => value !== ANYTHING),
            ...(typeof allValue === 'string' && allValue ? [allValue] : []),
          ]
        : query === undefined
          ? said
          : [...said, ANYTHING],
    };
  });
  const used = variables.filter(({ name }) =>
    asked.some((each) => [`$${name}`, `\${${name}`, `[[${name}`].some((written) => each.includes(written))),
  );
  return JSON.stringify({
    title: typeof read.title === 'string' ? read.title : '',
    panels: asked.map((expr) => ({ expr })),
    templating: {
      list: used.map(({ name, values }) => ({ name, options: [...new Set(values)].map((value) => ({ value })) })),
    },
  });
}

/** The dashboards of a ConfigMap that ask for requests, cut down to that; null where it holds none. */
export function dashboardsIn(data: Readonly<Record<string, unknown>>): Record<string, string> | null {
  const files = Object.entries(data).flatMap(([key, text]): [string, string][] => {
    const read = key.endsWith('.json') ? dashboardIn(String(text)) : null;
    return read === null ? [] : [[key, read]];
  });
  return files.length > 0 ? Object.fromEntries(files) : null;
}
