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

/** The nearest of `words`, when it is near enough to be meant; else nothing. */
function suggestion(word: string, words: readonly string[], before = ''): string {
  const nearest = closest(word, words);
  return distance(word, nearest) <= Math.max(1, word.length / 3) ? `; did you mean ${before}${nearest}?` : '';
}

/** Every flag that a person may have meant. */
const flagNames = (): readonly string[] =>
  Object.keys({
    ...KUBECTL_FLAGS,
    ...flagsOf('all'),
    ...flagsOf('metrics'),
    ...flagsOf('debug'),
    ...flagsOf('completion'),
    ...flagsOf('diff'),
    help: 0,
  });

/** yargs' words as one line, with the nearest flag for an unknown one. */
export function usageWords(message: string): string {
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1]?.split(', ')[0];
  if (message.startsWith('Not enough non-option arguments')) return `a word is missing: see the command’s --help`;
  if (unknown === undefined)
    return message === '' ? `name a topic: see \`${NAME} topics\`` : message.replace(/\s*\n\s*/g, ' ');
  return `unknown flag or argument ${JSON.stringify(unknown)}${suggestion(unknown, flagNames(), '--')}`;
}
