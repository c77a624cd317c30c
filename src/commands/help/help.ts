import { UsageError } from '../../errors.ts';
import { guide } from '../../guide/index.ts';
import { plain, type Style, wrapped } from '../../report/style.ts';
import { NAME } from '../command.ts';
import { asksCluster, COMMANDS, type Flag, flagsOf } from '../flags.ts';
import { KUBECTL_FLAGS } from '../kubectl-flags.ts';
import { FIRST, PAGES, type Page, typed } from './pages.ts';

/**
 * The help that a command line asks for: what it does, examples, what it asks a cluster for, its flags, its forms. Those for every
 * kubectl stand behind `options`, as kubectl's do.
 */
export async function helpText(words: readonly string[], style: Style): Promise<string> {
  // Flags may stand before the command, with their values.
  const command = words.find((word) => Object.hasOwn(PAGES, word)) ?? words.find((word) => !word.startsWith('-'));
  if (command === undefined) return plain(style, firstText(style));
  const page = Object.hasOwn(PAGES, command) ? PAGES[command] : undefined;
  if (!page) throw new UsageError(`there is no help for ${JSON.stringify(command)}: see \`${NAME} --help\``);
  const flags = command === 'options' ? KUBECTL_FLAGS : flagsOf(command);
  const parts = [
    ...page.about.map((text) => wrapped(text, style.width, '')),
    examplesOf(page),
    ...(guide.some(({ id }) => id === command) ? [await askedText(command, style)] : []),
    flagsText('Options', flags, style),
    usageOf(page),
    ...(asksCluster(command)
      ? [wrapped(`Use "${NAME} options" for the flags of every kubectl.`, style.width, '')]
      : []),
  ];
  return plain(style, `${parts.filter((part) => part !== '').join('\n\n')}\n`);
}

const examplesOf = ({ examples }: Page): string =>
  `Examples:\n${examples.map(([what, line]) => `  # ${what}\n  ${typed(line)}`).join('\n\n')}`;

const usageOf = ({ usage }: Page): string => `Usage:\n${usage.map((line) => `  ${typed(line)}`).join('\n')}`;

const SPELLED = /^(string|number|array)$/;

/** `-o, --output='table':`, and what it does below, as kubectl has it. */
function flagsText(head: string, flags: Readonly<Record<string, Flag>>, style: Style): string {
  const lines = Object.entries(flags).map(([name, flag]) => {
    const short = flag.alias === undefined ? '    ' : `-${flag.alias}, `;
    const value =
      flag.default !== undefined
        ? `=${JSON.stringify(flag.default)}`
        : SPELLED.test(flag.type)
          ? `=${flag.type === 'array' ? '[]' : "''"}`
          : '=false';
    return `  ${short}--${name}${value.replaceAll('"', "'")}:\n        ${wrapped(`${flag.describe}.`, style.width - 8, '        ')}`;
  });
  return lines.length === 0 ? '' : `${head}:\n${lines.join('\n')}`;
}

/** What a topic asks the cluster for, by the rights that it takes, and how long that is. */
async function askedText(id: string, style: Style): Promise<string> {
  const { sources } = (await guide.find((entry) => entry.id === id)?.load()) ?? { sources: [] };
  const rights = sources.flatMap(({ rights: own }) => own);
  const named = (verb: string): string =>
    [...new Set(rights.filter((right) => right.verb === verb).map(({ resource }) => resource))].join(', ');
  const asked = [
    ['lists', named('list')],
    ['gets', named('get')],
    ['reads in pods, by', named('create')],
  ] as const;
  const lines = asked.flatMap(([verb, what]) =>
    what === '' ? [] : [`  ${wrapped(`${verb} ${what}`, style.width - 2, '    ')}`],
  );
  return [
    'Asks for:',
    ...lines,
    `  ${wrapped(`as a role: ${NAME} rbac ${id}`, style.width - 2, '    ')}`,
    '',
    'Takes:',
    `  ${wrapped('below a second on a small mesh, three with 10,000 pods on a quick API server; at most --timeout, and then says what it did not get to', style.width - 2, '  ')}`,
  ].join('\n');
}

/** The topics and commands, each with what it is for. */
function firstText(style: Style): string {
  const list = (head: string, entries: readonly (readonly [string, string])[]): string => {
    const width = Math.max(...entries.map(([name]) => name.length)) + 2;
    const indent = ' '.repeat(width + 2);
    return [
      `${head}:`,
      ...entries.map(([name, text]) => `  ${name.padEnd(width)}${wrapped(text, style.width - width - 2, indent)}`),
    ].join('\n');
  };
  return `${[
    ...FIRST.about.map((text) => wrapped(text, style.width, '')),
    examplesOf(FIRST),
    list(
      'Topics, as the guide has them',
      guide.map(({ id, summary }) => [id, summary]),
    ),
    list('Commands', Object.entries(COMMANDS)),
    usageOf(FIRST),
    wrapped(
      `Use "${NAME} TOPIC --help" for its flags, and "${NAME} options" for those of every kubectl. Flags go after the plugin’s name. Exit codes: 0 healthy, 1 broken, 2 error, 3 inconclusive, 4 nothing to judge, 5 unreachable.`,
      style.width,
      '',
    ),
  ].join('\n\n')}\n`;
}
