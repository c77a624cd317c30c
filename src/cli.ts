import type { Argv } from 'yargs';
import { type Command, NAME } from './commands/command.ts';
import { completionCommand } from './commands/completion/command.ts';
import { debugCommand } from './commands/debug/command.ts';
import { allCommand, topicCommand } from './commands/diagnose/command.ts';
import { diffCommand } from './commands/diff/command.ts';
import { explainCommand, topicsCommand } from './commands/explain/command.ts';
import { COMMANDS, type Flag, flagsOf } from './commands/flags.ts';
import { kubectlSpelling } from './commands/guess.ts';
import { optionsCommand } from './commands/help/command.ts';
import { aside, type Io, print } from './commands/io.ts';
import { KUBECTL_FLAGS } from './commands/kubectl-flags.ts';
import { legacyFlags } from './commands/legacy.ts';
import { metricsCommand } from './commands/metrics/command.ts';
import { rbacCommand } from './commands/rbac/command.ts';
import { schemaCommand } from './commands/schema.ts';
import { shippedCommand } from './commands/shipped.ts';
import { styleOf } from './commands/style.ts';
import { asksForHelp, assertCommand, usageWords } from './commands/usage.ts';
import { versionCommand, versionText } from './commands/version.ts';
import { DiagError, NoAnswer, OutputError, UsageError } from './errors.ts';
import { guide } from './guide/index.ts';
import { escapeText } from './report/escape.ts';

/** In the order of --help. */
const commands: readonly Command[] = [
  ...guide.map(topicCommand),
  allCommand,
  diffCommand,
  metricsCommand,
  debugCommand,
  topicsCommand,
  explainCommand,
  schemaCommand,
  shippedCommand,
  rbacCommand,
  completionCommand,
  optionsCommand,
  versionCommand,
];

/** Parses `argv`, runs the command it names, and resolves to the exit code. Only a bug makes it reject. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const words = kubectlSpelling([...argv, ...legacyFlags(io.env, argv[0])]);
  try {
    // kubectl asks for completions: never an error, whatever has been typed so far.
    if (argv[0] === '__complete') {
      const { complete } = await import('./commands/completion/complete.ts');
      return await complete(argv.slice(1), io);
    }
    if (asksForHelp(words)) {
      const { helpText } = await import('./commands/help/help.ts');
      await print(io.stdout, await helpText(words, styleOf({}, io)));
      return 0;
    }
    // Scripts ask for it before all else, and yargs would take a tenth of the time to read one word.
    if (words.length === 1 && words[0] === 'version') {
      await print(io.stdout, versionText);
      return 0;
    }
    assertCommand(words);
    let code = 0;
    const cli = await parser(io, words, (next) => {
      code = next;
    });
    await cli.parseAsync(words);
    return code;
  } catch (error) {
    // What kubectl said may hold what somebody in the cluster wrote.
    if (error instanceof DiagError) await aside(io.stderr, `error: ${escapeText(error.message)}\n`);
    // For a script, one document always; a bug has one too. Where none can be written, the line above is all.
    if (error instanceof OutputError) return 2;
    if (argv[0] === 'all' || guide.some(({ id }) => id === argv[0])) {
      const { printError } = await import('./commands/diagnose/diagnose.ts');
      try {
        await printError(argv[0] ?? '', words, io, error);
      } catch (unwritten) {
        if (!(unwritten instanceof OutputError)) throw unwritten;
        await aside(io.stderr, `error: ${escapeText(unwritten.message)}\n`);
        return 2;
      }
    }
    if (!(error instanceof DiagError)) throw error;
    const signal = io.signal();
    if (signal !== null) return signal === 'SIGINT' ? 130 : 143;
    return error instanceof NoAnswer ? codeOf(error) : 2;
  }
}

/** Of a command that needs one answer and did not get it. */
const codeOf = ({ unanswered }: NoAnswer): number =>
  ['Unreachable', 'Unauthorized', 'NoKubectl'].includes(unanswered.hindrance) ? 5 : 3;

/** It is told of those commands only that the words may name: of all of them it takes a millisecond longer. */
async function parser(io: Io, words: readonly string[], exit: (code: number) => void): Promise<Argv> {
  // Help does without it.
  const { default: yargs } = await import('yargs');
  const cli = yargs()
    .scriptName(NAME)
    .locale('en')
    .parserConfiguration({
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'greedy-arrays': false,
    })
    .version(false)
    .help(false)
    .exitProcess(false)
    .middleware(lastOf, true)
    .strict()
    .demandCommand(1, '')
    .fail((message: string | null, error: Error | undefined) => {
      // A message is yargs' own, of the command line; without one a command has thrown.
      throw error instanceof Error && !message ? error : new UsageError(usageWords(message ?? '', words));
    });
  return commands
    .map((command) => command(io, exit))
    .filter(({ command }) => words.includes(String(command).split(' ')[0] ?? ''))
    .reduce((all, command) => all.command(command), cli);
}

/** The words that are no flags, and the flags that may be given several times. */
const LISTS = [
  '_',
  '--',
  'parts',
  ...[KUBECTL_FLAGS, ...Object.keys(COMMANDS).map(flagsOf)].flatMap((flags) =>
    Object.entries<Flag>(flags).flatMap(([name, { type }]) => (type === 'array' ? [name] : [])),
  ),
];

/** Of a flag that is given twice the last value, as kubectl takes it. */
function lastOf(args: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(args))
    if (Array.isArray(value) && !LISTS.includes(name)) args[name] = value.at(-1);
}
