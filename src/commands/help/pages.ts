import { guide } from '../../guide/index.ts';
import { NAME } from '../command.ts';
import { COMMANDS } from '../flags.ts';

/** What the help of a command says beside its flags. */
export interface Page {
  about: readonly string[];
  /** What it does, and the line for it. */
  examples: readonly (readonly [what: string, line: string])[];
  /** The words behind the command, in each of its forms. */
  usage: readonly string[];
}

const topicPages: Readonly<Record<string, Page>> = Object.fromEntries(
  guide.map(({ id, title, summary, workload }): [string, Page] => [
    id,
    {
      about: [`${summary}.`, `“${title}” of Istio’s Troubleshooting Guide.`],
      examples: [
        ['The whole mesh', id],
        ...(workload === null ? [] : ([['One service', `${id} service/reviews -n bookinfo`]] as const)),
        ['Its evidence, and the commands that show it', `${id} -o wide`],
        ['For a script', `${id} -o json | jq .lostAt`],
        ['To look at it elsewhere, with --bundle', `${id} --save-bundle mesh.tar.gz`],
      ],
      usage: [`${id}${workload === null ? '' : ' [KIND/NAME | KIND NAME]'} [flags]`],
    },
  ]),
);

/** The help of each command, by its name. */
export const PAGES: Readonly<Record<string, Page>> = {
  ...topicPages,
  all: {
    about: [`${COMMANDS.all}.`],
    examples: [
      ['Everything there is to look at', 'all'],
      ['For a script', `all -o json | jq -r '.items[]|[.topic,.verdict]|@tsv'`],
    ],
    usage: ['all [flags]'],
  },
  diff: {
    about: [
      `${COMMANDS.diff}: what is new, what is known and what is fixed.`,
      'Exit codes: 0 nothing differs, 1 something does, 2 error.',
    ],
    examples: [
      ['Two bundles', 'diff before.tar.gz after.tar.gz'],
      ['Two reports', 'diff old.json new.json -o json'],
    ],
    usage: ['diff OLD NEW [flags]'],
  },
  metrics: {
    about: [
      `${COMMANDS.metrics}. -o json and yaml print prom2json’s schema.`,
      'Lines that Prometheus refuses are named on stderr, whatever --match says, and the exit code is then 3.',
    ],
    examples: [
      ['Mixer’s page about itself', 'metrics istio-telemetry-6d8f -n istio-system'],
      ['What the proxy beside a workload exports', 'metrics deploy/reviews-v1 -n bookinfo --match ^istio_requests'],
    ],
    usage: ['metrics (POD | NAMESPACE/POD | KIND/NAME | KIND NAME) [flags]'],
  },
  debug: {
    about: [`${COMMANDS.debug}. It only reads, but for --execute.`],
    examples: [
      ['As istioctl does, of any release', 'debug proxy-config routes reviews-v1-6d8f -n bookinfo'],
      ['What Pilot sent and Envoy has not', 'debug diff deploy/reviews-v1 -n bookinfo'],
      ['The line to type, and what it does', 'debug tcpdump reviews-v1-6d8f -n bookinfo'],
    ],
    usage: [
      'debug proxy-config KIND POD [flags]',
      'debug sync [POD] [flags]',
      'debug pilot PAGE [flags]',
      'debug (diff | tcpdump | gdb) POD [flags]',
    ],
  },
  topics: { about: [`${COMMANDS.topics}.`], examples: [['For a script', 'topics -o name']], usage: ['topics [flags]'] },
  explain: {
    about: [`${COMMANDS.explain}, a word of the report, a verdict, a status, a hop, a flag or exit-codes.`],
    examples: [
      ['A reason', 'explain HandlerMissing'],
      ['A check', 'explain handler-labels-match'],
      ['A word of the report', 'explain since'],
      ['Every word that is explained', 'explain --list'],
    ],
    usage: ['explain WORD [flags]', 'explain --list'],
  },
  schema: {
    about: [`${COMMANDS.schema}.`],
    examples: [['Into a file', 'schema > report.schema.json']],
    usage: ['schema'],
  },
  shipped: {
    about: [`${COMMANDS.shipped}.`],
    examples: [
      ['Bring back the handler', 'shipped 1.0.6 handler | kubectl apply -f -'],
      ['See all of it', 'shipped 1.3'],
    ],
    usage: ['shipped RELEASE [PART | PART/NAME ...] [flags]'],
  },
  rbac: {
    about: [`${COMMANDS.rbac}.`],
    examples: [
      ['For a user', 'rbac | kubectl apply -f -'],
      ['Of every topic', 'rbac all'],
      ['What you lack, for whoever may give it', 'rbac --missing'],
    ],
    usage: ['rbac [TOPIC | all | debug] [flags]'],
  },
  completion: {
    about: [
      `${COMMANDS.completion}.`,
      'With the name of a shell it prints what that shell reads when it starts; without a word the script that install writes.',
    ],
    examples: [
      ['Once, after kubectl krew install istio-diag', 'completion install'],
      ['Into ~/.bashrc', 'completion bash'],
    ],
    usage: ['completion [bash | zsh | fish | powershell]', 'completion (install | uninstall) [flags]'],
  },
  options: {
    about: [`${COMMANDS.options}.`],
    examples: [['Another context', 'missing-metrics --context prod']],
    usage: ['options'],
  },
  version: {
    about: [`${COMMANDS.version}.`],
    examples: [['For a script', 'version -o json']],
    usage: ['version [flags]'],
  },
};

/** The first page of all. */
export const FIRST: Page = {
  about: [
    'Walks Istio’s Troubleshooting Guide: finds what is broken in a mesh, why, and what to type next. It only reads, but for debug --execute.',
  ],
  examples: [
    ['Where does the mesh lose its metrics?', 'missing-metrics'],
    ['Of one service, with the commands that show it', 'missing-metrics service/reviews -n bookinfo -o wide'],
    ['Everything there is to look at', 'all'],
    ['What a reason means', 'explain HandlerMissing'],
  ],
  usage: ['TOPIC [KIND/NAME] [flags]', 'COMMAND [flags]'],
};

/** As it is typed. */
export const typed = (line: string): string => `${NAME} ${line}`;
