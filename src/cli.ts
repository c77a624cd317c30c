import { closest, distance } from 'fastest-levenshtein';
import yargs, { type Argv } from 'yargs';
import { type Io, print } from './commands/io.ts';
import { type Arguments, KUBECTL_FLAGS } from './commands/options.ts';
import { COLORS } from './commands/style.ts';
import { DiagError, NoAnswer, UsageError } from './errors.ts';
import { type Entry, guide } from './guide/index.ts';
import { escapeText } from './report/escape.ts';
import { FAIL_ON } from './report/exit.ts';
import { FORMATS } from './report/render.ts';
import { tool } from './version.ts';

const NAME = 'kubectl istio-diag';

const OTHER_COMMANDS = ['metrics', 'topics', 'explain', 'schema', 'rbac', 'version'];

const CLUSTER_FLAGS = {
  bundle: { type: 'string', requiresArg: true, describe: 'Replay a bundle: no cluster is asked' },
  'save-bundle': {
    type: 'string',
    requiresArg: true,
    describe: 'Write every question and answer to this .tar.gz, redacted',
  },
  timeout: { type: 'string', requiresArg: true, default: '60s', describe: 'The length of time the whole run may take' },
  namespace: { alias: 'n', type: 'string', requiresArg: true, describe: 'Judge the workloads of this namespace' },
  verbose: { alias: 'v', type: 'boolean', describe: 'Say on stderr what is asked and how long it takes' },
  ascii: { type: 'boolean', describe: 'Print 7-bit characters only' },
  color: { type: 'string', requiresArg: true, default: 'auto', describe: `Use colors: ${COLORS.join(', ')}` },
} as const;

const TOPIC_FLAGS = {
  'all-namespaces': { alias: 'A', type: 'boolean', describe: 'Judge the workloads of all namespaces, the default' },
  selector: { alias: 'l', type: 'string', requiresArg: true, describe: 'Judge the workloads with these labels only' },
  'istio-namespace': {
    alias: 'i',
    type: 'string',
    requiresArg: true,
    describe: 'Look at the control plane of this namespace only',
  },
  revision: { type: 'string', requiresArg: true, describe: 'Look at the control plane of this revision only' },
  output: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    default: 'table',
    describe: `Output format: ${FORMATS.join(', ')}`,
  },
  'prometheus-url': { type: 'string', requiresArg: true, describe: 'Ask the Prometheus at this URL' },
  'prometheus-service': {
    type: 'string',
    requiresArg: true,
    describe: 'Ask the Prometheus behind this Service: NAMESPACE/NAME:PORT[/PREFIX]',
  },
  window: {
    type: 'string',
    requiresArg: true,
    default: '0',
    describe: 'Read every page again after this time, and judge the difference',
  },
  sample: {
    type: 'number',
    requiresArg: true,
    default: 3,
    describe: 'How many proxies to ask when Mixer has seen no Report',
  },
  'show-commands': { type: 'boolean', describe: 'List the kubectl commands that give the same answers' },
  'fail-on': {
    type: 'string',
    requiresArg: true,
    default: 'unknown',
    describe: `What makes the exit code fail: ${FAIL_ON.join(', ')}`,
  },
  quiet: { alias: 'q', type: 'boolean', describe: 'Show no progress' },
} as const;

/** Parses `argv`, runs the command it names, and resolves to the exit code. Only a bug makes it reject. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let code = 0;
  const cli = parser(io, (next) => {
    code = next;
  });
  try {
    const words = kubectlSpelling(argv);
    assertCommand(words);
    let help = '';
    await cli.parseAsync(words, {}, (_error: unknown, _args: unknown, output: string) => {
      help = output;
    });
    if (help !== '') await print(io.stdout, `${help}\n`);
    return code;
  } catch (error) {
    // What kubectl said may hold what somebody in the cluster wrote.
    if (error instanceof DiagError) await print(io.stderr, `error: ${escapeText(error.message)}\n`);
    // For a script, one document always; a bug has one too.
    if (guide.some(({ id }) => id === argv[0])) {
      const { printError } = await import('./commands/diagnose.ts');
      await printError(argv[0] ?? '', looseArguments(argv), io, error);
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
      'duplicate-arguments-array': false,
      'dot-notation': false,
      'greedy-arrays': false,
    })
    .usage(
      `Finds the hop where an Istio mesh loses its metrics, why, and what to type next. It only reads.\n\nUsage:\n  $0 TOPIC [WORKLOAD] [flags]`,
    )
    .epilogue(
      'Flags go after the plugin’s name. Exit codes: 0 healthy, 1 broken, 2 error, 3 inconclusive, 4 no Istio, 5 unreachable.',
    )
    .version(false)
    .help()
    .alias('help', 'h')
    .wrap(100)
    .exitProcess(false)
    .strict()
    .demandCommand(1, '')
    .fail((message: string | null, error: Error | undefined) => {
      // A message is yargs' own, of the command line; without one a command has thrown.
      throw error instanceof Error && !message ? error : new UsageError(usageWords(message ?? '', cli));
    });
  for (const topic of guide) cli = withTopic(cli, topic, io, exit);
  return cli
    .command(
      'metrics <pod>',
      'Print a pod’s metrics page',
      (command) =>
        command
          .usage(`$0 metrics POD [flags]\n\nPrints a pod’s metrics page. -o json prints prom2json’s schema.`)
          .positional('pod', { type: 'string', describe: 'The pod’s name' })
          .options(KUBECTL_FLAGS)
          .options(CLUSTER_FLAGS)
          .options({
            output: {
              alias: 'o',
              type: 'string',
              requiresArg: true,
              default: 'table',
              describe: 'Output format: table, json',
            },
            port: {
              type: 'number',
              requiresArg: true,
              describe: 'The pod’s port, by default what its annotations and ports say',
            },
            path: { type: 'string', requiresArg: true, describe: 'The page’s path, by default /metrics or Envoy’s' },
            match: {
              type: 'string',
              requiresArg: true,
              describe: 'Only families whose name matches this regular expression',
            },
          })
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
    .command('topics', 'List the topics, their steps and checks', {}, async () => {
      const { topicsText } = await import('./commands/explain.ts');
      await print(io.stdout, await topicsText());
    })
    .command(
      'explain <word>',
      'Explain a check, a step or a reason',
      (command) =>
        command
          .usage('$0 explain WORD')
          .positional('word', { type: 'string', describe: 'A check, a step or a reason' })
          .example(`${NAME} explain HandlerMissing`, 'a reason')
          .example(`${NAME} explain handler-labels-match`, 'a check'),
      async ({ word }) => {
        const { explanation } = await import('./commands/explain.ts');
        await print(io.stdout, await explanation(String(word)));
      },
    )
    .command('schema', 'Print the JSON Schema of a report', {}, async () => {
      const { reportSchema } = await import('./report/schema.ts');
      await print(io.stdout, `${JSON.stringify(reportSchema, null, 2)}\n`);
    })
    .command(
      'rbac [topic]',
      'Print the ClusterRole that a topic takes',
      (command) =>
        command
          .usage('$0 rbac [TOPIC]')
          .positional('topic', { type: 'string', default: 'missing-metrics', describe: 'The topic' }),
      async ({ topic }) => {
        const { roleText } = await import('./commands/rbac.ts');
        await print(io.stdout, await roleText(await topicCalled(String(topic)).load()));
      },
    )
    .command('version', 'Print the version', {}, () => print(io.stdout, `${tool.name} v${tool.version}\n`));
}

const withTopic = (cli: Argv, topic: Entry, io: Io, exit: (code: number) => void): Argv =>
  cli.command(
    `${topic.id} [workload]`,
    topic.summary,
    (command) =>
      command
        .usage(`$0 ${topic.id} [WORKLOAD] [flags]\n\n${topic.summary}.`)
        .positional('workload', { type: 'string', describe: 'service/NAME or deployment/NAME: answer for this one' })
        .options(KUBECTL_FLAGS)
        .options(CLUSTER_FLAGS)
        .options(TOPIC_FLAGS)
        .group(Object.keys(KUBECTL_FLAGS), 'Flags for every kubectl:')
        .example(`${NAME} ${topic.id}`, 'the whole mesh')
        .example(`${NAME} ${topic.id} service/reviews -n bookinfo`, 'one service')
        .example(`${NAME} ${topic.id} -o json | jq .lostAt`, 'for a script')
        .example(`${NAME} ${topic.id} --save-bundle mesh.tar.gz`, 'to look at it elsewhere, with --bundle'),
    async (args) => {
      const { diagnose } = await import('./commands/diagnose.ts');
      exit(await diagnose(await topic.load(), args as Arguments, io));
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

/** What every user of kubectl types: `-ojson` is `-o json` (yargs would read five flags), and `help` is a command. */
const kubectlSpelling = (argv: readonly string[]): string[] =>
  argv.flatMap((word, index) => {
    if (index === 0 && word === '--version') return ['version'];
    if (index === 0 && word === 'help') return ['--help'];
    const [, flag, value] = /^-([onlis])([^=].*)$/.exec(word) ?? [];
    return flag === undefined || value === undefined ? [word] : [`-${flag}`, value];
  });

/** The first word is a topic or command: yargs would call an unknown one an "unknown argument". */
function assertCommand(argv: readonly string[]): void {
  const [first] = argv;
  const commands = [...guide.map(({ id }) => id), ...OTHER_COMMANDS];
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
      ? { ...KUBECTL_FLAGS, ...CLUSTER_FLAGS, ...TOPIC_FLAGS, port: 0, path: 0, match: 0, help: 0 }
      : {},
  );
  return `unknown flag or argument ${JSON.stringify(unknown)}${suggestion(unknown, flags, '--')}`;
}

/** -o as it was meant, of a command line that could not be parsed. */
function looseArguments(argv: readonly string[]): Arguments {
  const at = argv.findIndex((word) => word === '-o' || word === '--output');
  const joined = argv.find((word) => /^(--output=|-o=?)\w/.test(word));
  const output = at >= 0 ? argv[at + 1] : joined?.replace(/^(--output=|-o=?)/, '');
  return { output, ...(argv.some((word) => word.startsWith('--bundle')) && { bundle: true }) };
}
