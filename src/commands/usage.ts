import { closest, distance } from 'fastest-levenshtein';
import { UsageError } from '../errors.ts';
import { guide } from '../guide/index.ts';
import { NAME } from './command.ts';
import { COMMANDS, flagsOf } from './flags.ts';
import { KUBECTL_FLAGS } from './kubectl-flags.ts';

/** The first word is a topic or command: yargs would call an unknown one an "unknown argument". */
export function assertCommand(argv: readonly string[]): void {
  const [first] = argv;
  const commands = [...guide.map(({ id }) => id), ...Object.keys(COMMANDS)];
  if (first === undefined) throw new UsageError(`name a topic, such as ${commands[0]}: see \`${NAME} --help\``);
  if (argv.some((word) => commands.includes(word) || word === '--help' || word === '-h')) return;
  if (first.startsWith('-'))
    throw new UsageError(`flags go after the topic, such as ${commands[0]}: see \`${NAME} --help\``);
  const hint = suggestion(first, commands) || `: see \`${NAME} topics\``;
  throw new UsageError(`unknown topic ${JSON.stringify(first)}${hint}`);
}

/** Whether a command line asks for help: a word behind `--` is no flag. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const flags = end < 0 ? words : words.slice(0, end);
  return words.length === 0 || flags.some((word) => word === '--help' || word === '-h');
}

/** What somebody means who types another tool's word for it. */
const MEANT: Readonly<Record<string, string>> = {
  check: 'all',
  analyze: 'all',
  diagnose: 'all',
  doctor: 'all',
  list: 'topics',
  roles: 'rbac',
  autocomplete: 'completion',
};

/** The nearest of `words`, when it is near enough to be meant; else nothing. Two slips are none of the first letter. */
function suggestion(word: string, words: readonly string[], before = ''): string {
  const meant = MEANT[word.toLowerCase()];
  if (meant !== undefined && words.includes(meant)) return `; did you mean ${before}${meant}?`;
  const nearest = closest(word, words);
  const slips = distance(word, nearest);
  const isNear = slips <= 1 || (nearest.startsWith(word.charAt(0)) && slips <= word.length / 3);
  return isNear ? `; did you mean ${before}${nearest}?` : '';
}

/** Every flag that a person may have meant. */
const flagNames = (): readonly string[] =>
  Object.keys({
    ...KUBECTL_FLAGS,
    ...Object.assign({}, ...['all', ...Object.keys(COMMANDS)].map(flagsOf)),
    help: 0,
  });

/** What topics look at that take no workload. */
const noWorkload = (word: string, topic: string): string =>
  `${topic} takes no workload, and no other word: it looks at the whole mesh, not at ${JSON.stringify(word)}`;

/** yargs' words as one line, with the nearest flag for an unknown one. `argv` is what was typed. */
export function usageWords(message: string, argv: readonly string[]): string {
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1]?.split(', ')[0];
  if (message.startsWith('Not enough non-option arguments')) return `a word is missing: see the command’s --help`;
  if (unknown === undefined)
    return message === '' ? `name a topic: see \`${NAME} topics\`` : message.replace(/\s*\n\s*/g, ' ');
  const topic =
    guide.find(({ id }) => id === argv[0]) ?? (argv[0] === 'all' ? { id: 'all', workload: null } : undefined);
  if (topic && !argv.some((word) => word.replace(/=.*/, '').replace(/^--?/, '') === unknown && word.startsWith('-')))
    return topic.workload === null
      ? noWorkload(unknown, topic.id)
      : `one workload may be named, KIND/NAME or KIND NAME, and no more words: not ${JSON.stringify(unknown)}`;
  return `unknown flag or argument ${JSON.stringify(unknown)}${suggestion(unknown, flagNames(), '--')}`;
}
