import { closest, distance } from 'fastest-levenshtein';
import yargs, { type Argv } from 'yargs';
import { COMMANDS, flagsOf } from './commands/flags.ts';
import { kubectlSpelling } from './commands/guess.ts';
import { aside, type Io, print } from './commands/io.ts';
import { KUBECTL_FLAGS } from './commands/kubectl-flags.ts';
import { legacyFlags } from './commands/legacy.ts';
import type { Arguments } from './commands/options.ts';
import { DiagError, NoAnswer, OutputError, UsageError } from './errors.ts';
import { type Entry, guide } from './guide/index.ts';
import { escapeText } from './report/escape.ts';
import { tool } from './version.ts';

const NAME = 'kubectl istio-diag';

/** Parses `argv`, runs the command it names, and resolves to the exit code. Only a bug makes it reject. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const words = kubectlSpelling([...argv, ...legacyFlags(io.env, argv[0])]);
  try {
    // kubectl asks for completions: never an error, whatever has been typed so far.
    if (argv[0] === '__complete') {
      const { complete } = await import('./commands/complete.ts');
      return await complete(argv.slice(1), io);
    }
    assertCommand(words);
    let code = 0;
    let help = '';
    const cli = parser(io, (next) => {
      code = next;
    });
    await cli.parseAsync(words, {}, (_error: unknown, _args: unknown, output: string) => {
      help = output;
    });
    if (help !== '') await print(io.stdout, `${help}\n`);
    return code;
  } catch (error) {
    // What kubectl said may hold what somebody in the cluster wrote.
    if (error instanceof DiagError) await aside(io.stderr, `error: ${escapeText(error.message)}\n`);
    // For a script, one document always; a bug has one too. Where none can be written, the line above is all.
    if (error instanceof OutputError) return 2;
    if (argv[0] === 'all' || guide.some(({ id }) => id === argv[0])) {
      const { printError } = await import('./commands/diagnose.ts');
      try {
        await printError(argv[0] ?? '', looseArguments(words), io, error);
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

function parser(io: Io, exit: (code: number) => void): Argv {
  let cli: Argv = yargs()
    .scriptName(NAME)
    .locale('en')
    .parserConfiguration({
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'greedy-arrays': false,
    })
    .usage(
      `Walks Istio’s Troubleshooting Guide: finds what is broken in a mesh, why, and what to type next. It only reads, but for debug --execute.\n\nUsage:\n  $0 TOPIC [WORKLOAD] [flags]`,
    )
    .epilogue(
      'Flags go after the plugin’s name. Exit codes: 0 healthy, 1 broken, 2 error, 3 inconclusive, 4 nothing to judge, 5 unreachable.',
    )
    .version(false)
    .help()
    .alias('help', 'h')
    .wrap(100)
    .exitProcess(false)
    .middleware(lastOf, true)
    .strict()
    .demandCommand(1, '')
    .fail((message: string | null, error: Error | undefined) => {
      // A message is yargs' own, of the command line; without one a command has thrown.
      throw error instanceof Error && !message ? error : new UsageError(usageWords(message ?? '', cli));
    });
  for (const topic of guide) cli = withTopic(cli, topic, io, exit);
  return withAll(cli, io, exit)
    .command(
      'metrics <pod>',
      COMMANDS.metrics,
      (command) =>
        command
          .usage(
            `$0 metrics POD [flags]\n\nPrints a pod’s metrics page. -o json prints prom2json’s schema. Lines that Prometheus refuses are named on stderr,\nwhatever --match says, and the exit code is then 3.`,
          )
          .positional('pod', { type: 'string', describe: 'The pod’s name' })
          .options(KUBECTL_FLAGS)
          .options(flagsOf('metrics'))
          .example(`${NAME} metrics istio-telemetry-6d8f -n istio-system`, 'Mixer’s page about itself')
          .example(
            `${NAME} metrics istio-telemetry-6d8f -n istio-system --port 42422 --match ^istio_requests -o json`,
            'what its adapter exports',
          ),
      async (args) => {
        const { metrics } = await import('./commands/metrics.ts');
        exit(await metrics(args, io));
      },
    )
    .command(
      'debug [helper] [what] [pod]',
      COMMANDS.debug,
      (command) =>
        command
          .usage('$0 debug proxy-config KIND POD | sync [POD] | pilot PAGE | diff POD | tcpdump POD | gdb POD [flags]')
          .positional('helper', { type: 'string', describe: 'proxy-config, sync, pilot, diff, tcpdump or gdb' })
          .positional('what', { type: 'string', describe: 'The pod; of proxy-config and pilot what to print' })
          .positional('pod', { type: 'string', describe: 'Of proxy-config, the pod' })
          .options(KUBECTL_FLAGS)
          .options(flagsOf('debug'))
          .group(Object.keys(KUBECTL_FLAGS), 'Flags for every kubectl:')
          .example(`${NAME} debug proxy-config routes reviews-v1-6d8f -n bookinfo`, 'as istioctl does, of any release')
          .example(`${NAME} debug diff reviews-v1-6d8f -n bookinfo`, 'what Pilot sent and Envoy has not')
          .example(`${NAME} debug tcpdump reviews-v1-6d8f -n bookinfo`, 'the line to type, and what it does'),
      async (args) => {
        const { debug } = await import('./commands/debug/index.ts');
        const words = [args.helper, args.what, args.pod].filter((word) => typeof word === 'string');
        exit(await debug(words, args as Arguments, io));
      },
    )
    .command('topics', COMMANDS.topics, {}, async () => {
      const { topicsText } = await import('./commands/explain.ts');
      await print(io.stdout, await topicsText());
    })
    .command(
      'explain <word>',
      COMMANDS.explain,
      (command) =>
        command
          .usage('$0 explain WORD')
          .positional('word', { type: 'string', describe: 'A topic, a step, a check or a reason' })
          .example(`${NAME} explain HandlerMissing`, 'a reason')
          .example(`${NAME} explain handler-labels-match`, 'a check'),
      async ({ word }) => {
        const { explanation } = await import('./commands/explain.ts');
        await print(io.stdout, await explanation(String(word)));
      },
    )
    .command('schema', COMMANDS.schema, {}, async () => {
      const { reportSchema } = await import('./report/schema.ts');
      await print(io.stdout, `${JSON.stringify(reportSchema, null, 2)}\n`);
    })
    .command(
      'rbac [topic]',
      COMMANDS.rbac,
      (command) =>
        command
          .usage('$0 rbac [TOPIC]')
          .positional('topic', { type: 'string', default: 'missing-metrics', describe: 'The topic, all or debug' }),
      async ({ topic }) => {
        const { debugRights, roleText } = await import('./commands/rbac.ts');
        const id = String(topic);
        const topics =
          id === 'debug'
            ? []
            : await Promise.all((id === 'all' ? guide : [topicCalled(id)]).map((entry) => entry.load()));
        await print(io.stdout, await roleText(id, id === 'debug' ? [debugRights] : topics));
      },
    )
    .command(
      'completion [action]',
      COMMANDS.completion,
      (command) =>
        command
          .usage('$0 completion [install|uninstall] [flags]\n\nWithout a word prints the script that install writes.')
          .positional('action', { type: 'string', describe: 'install: write the script; uninstall: delete it' })
          .options(flagsOf('completion'))
          .example(`${NAME} completion install`, 'once, after kubectl krew install istio-diag'),
      async ({ action, dir }) => {
        const { completion } = await import('./commands/completion.ts');
        await completion(action as string | undefined, dir as string | undefined, io);
      },
    )
    .command('version', COMMANDS.version, {}, () => print(io.stdout, `${tool.name} v${tool.version}\n`));
}

const withTopic = (cli: Argv, { id, summary, workload, ...topic }: Entry, io: Io, exit: (code: number) => void): Argv =>
  cli.command(
    workload === null ? id : `${id} [workload]`,
    summary,
    (command) => {
      if (workload !== null) command.positional('workload', { type: 'string', describe: workload });
      command
        .usage(`$0 ${id}${workload === null ? '' : ' [WORKLOAD]'} [flags]\n\n${summary}.`)
        .options(KUBECTL_FLAGS)
        .options(flagsOf(id))
        .group(Object.keys(KUBECTL_FLAGS), 'Flags for every kubectl:')
        .example(`${NAME} ${id}`, 'the whole mesh');
      if (workload !== null) command.example(`${NAME} ${id} service/reviews -n bookinfo`, 'one service');
      return command
        .example(`${NAME} ${id} -o json | jq .lostAt`, 'for a script')
        .example(`${NAME} ${id} --save-bundle mesh.tar.gz`, 'to look at it elsewhere, with --bundle');
    },
    async (args) => {
      const { diagnose } = await import('./commands/diagnose.ts');
      exit(await diagnose([{ id, summary, workload, ...topic }], args as Arguments, io));
    },
  );

const withAll = (cli: Argv, io: Io, exit: (code: number) => void): Argv =>
  cli.command(
    'all',
    COMMANDS.all,
    (command) =>
      command
        .usage(`$0 all [flags]\n\n${COMMANDS.all}.`)
        .options(KUBECTL_FLAGS)
        .options(flagsOf('all'))
        .group(Object.keys(KUBECTL_FLAGS), 'Flags for every kubectl:')
        .example(`${NAME} all`, 'everything there is to look at')
        .example(`${NAME} all -o json | jq -r '.items[]|[.topic,.verdict]|@tsv'`, 'for a script'),
    async (args) => {
      const { diagnose } = await import('./commands/diagnose.ts');
      exit(await diagnose(guide, args as Arguments, io));
    },
  );

function topicCalled(id: string): Entry {
  const topic = guide.find((each) => each.id === id);
  if (topic) return topic;
  throw new UsageError(
    `there is no topic ${JSON.stringify(id)}; did you mean ${closest(
      id,
      guide.map((each) => each.id),
    )}?`,
  );
}

/** The first word is a topic or command: yargs would call an unknown one an "unknown argument". */
function assertCommand(argv: readonly string[]): void {
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

/** yargs' words as one line, with the nearest flag for an unknown one. */
function usageWords(message: string, cli: Argv): string {
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1]?.split(', ')[0];
  if (message.startsWith('Not enough non-option arguments')) return `a word is missing: see the command’s --help`;
  if (unknown === undefined)
    return message === '' ? `name a topic: see \`${NAME} topics\`` : message.replace(/\s*\n\s*/g, ' ');
  const flags = Object.keys(
    (cli.parsed as unknown as { aliases?: object } | false)
      ? {
          ...KUBECTL_FLAGS,
          ...flagsOf('all'),
          ...flagsOf('metrics'),
          ...flagsOf('debug'),
          ...flagsOf('completion'),
          help: 0,
        }
      : {},
  );
  return `unknown flag or argument ${JSON.stringify(unknown)}${suggestion(unknown, flags, '--')}`;
}

/** The words that are no flags, and the one flag that kubectl takes several times. */
const LISTS = ['_', '--', 'as-group'];

/** Of a flag that is given twice the last value, as kubectl takes it. */
function lastOf(args: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(args))
    if (Array.isArray(value) && !LISTS.includes(name)) args[name] = value.at(-1);
}

/** -o as it was meant, of a command line that could not be parsed. */
function looseArguments(argv: readonly string[]): Arguments {
  const at = argv.findIndex((word) => word === '-o' || word === '--output');
  const joined = argv.find((word) => /^(--output=|-o=?)\w/.test(word));
  const output = at >= 0 ? argv[at + 1] : joined?.replace(/^(--output=|-o=?)/, '');
  return { output, ...(argv.some((word) => word.startsWith('--bundle')) && { bundle: true }) };
}
