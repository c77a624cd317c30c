import { STATUSES } from '../diagnosis/finding.ts';
import { guide } from '../guide/index.ts';
import { FAIL_ON } from '../report/exit.ts';
import { FORMATS } from '../report/render.ts';
import { COLORS } from './style.ts';

/** Of every command that asks a cluster. */
const CLUSTER_FLAGS = {
  bundle: { type: 'string', file: true, requiresArg: true, describe: 'Replay a bundle: no cluster is asked' },
  'save-bundle': {
    type: 'string',
    file: true,
    requiresArg: true,
    describe: 'Write every question and answer to this .tar.gz, redacted',
  },
  timeout: { type: 'string', requiresArg: true, default: '60s', describe: 'The length of time the whole run may take' },
  verbose: { alias: 'v', type: 'boolean', describe: 'Say on stderr what is asked and how long it takes' },
  ascii: { type: 'boolean', describe: 'Print 7-bit characters only' },
  color: { type: 'string', requiresArg: true, default: 'auto', describe: `Use colors: ${COLORS.join(', ')}` },
} as const;

/** Of every topic. */
const TOPIC_FLAGS = {
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
  only: {
    type: 'string',
    requiresArg: true,
    describe: `Show only what came to these: ${STATUSES.join(',')}, in a list with commas`,
  },
  'no-headers': { type: 'boolean', describe: 'Print no names of columns' },
  'show-commands': { type: 'boolean', describe: 'List the kubectl commands that give the same answers' },
  'fail-on': {
    type: 'string',
    requiresArg: true,
    default: 'unknown',
    describe: `What makes the exit code fail: ${FAIL_ON.join(', ')}`,
  },
  ignore: {
    type: 'array',
    string: true,
    requiresArg: true,
    describe: 'Accept what is found for this reason: REASON or REASON=NAMESPACE/NAME, with * and ?, can be repeated',
  },
  baseline: {
    type: 'string',
    file: true,
    requiresArg: true,
    describe: 'Tell what is new against this report in JSON or bundle, and what is fixed',
  },
  plan: { type: 'boolean', describe: 'Show what each FIX would change, as kubectl diff does, and apply nothing' },
  wait: { type: 'string', describe: 'Look again until all is well, at most so long: 5m where it does not say' },
  watch: { type: 'boolean', describe: 'Look again and again' },
  every: { type: 'string', requiresArg: true, describe: 'How long to wait before looking again, by default 5s' },
  quiet: { alias: 'q', type: 'boolean', describe: 'Show no progress' },
} as const;

/** Of the topics that name them: a flag that would do nothing is refused. */
export const SOME_TOPICS_FLAGS = {
  namespace: { alias: 'n', type: 'string', requiresArg: true, describe: 'Judge the workloads of this namespace' },
  'all-namespaces': { alias: 'A', type: 'boolean', describe: 'Judge the workloads of all namespaces, the default' },
  selector: { alias: 'l', type: 'string', requiresArg: true, describe: 'Judge the workloads with these labels only' },
  'prometheus-url': { type: 'string', requiresArg: true, describe: 'Ask the Prometheus at this URL' },
  'prometheus-service': {
    type: 'string',
    requiresArg: true,
    describe: 'Ask the Prometheus behind this Service: NAMESPACE/NAME:PORT[/PREFIX]',
  },
  'prometheus-token-file': {
    type: 'string',
    file: true,
    requiresArg: true,
    describe: 'With --prometheus-url: send the bearer token in this file',
  },
  'prometheus-header': {
    type: 'array',
    string: true,
    requiresArg: true,
    describe: 'With --prometheus-url: send this header, NAME: VALUE, can be repeated',
  },
  'prometheus-ca': {
    type: 'string',
    file: true,
    requiresArg: true,
    describe: 'With --prometheus-url: trust the certificate authority in this file',
  },
  'client-time': {
    type: 'string',
    requiresArg: true,
    describe: 'What the clock of the browser’s machine shows, when that is another one',
  },
  window: {
    type: 'string',
    requiresArg: true,
    default: '0',
    describe: 'Read every page again after this time, and judge the difference',
  },
  from: {
    type: 'string',
    requiresArg: true,
    describe: 'The pod, POD or NAMESPACE/POD, whose proxy is asked how it routes',
  },
  sample: {
    type: 'number',
    requiresArg: true,
    default: 3,
    describe: 'How many proxies to ask for their own pages',
  },
} as const;

const outputOf = (first: string, ...others: readonly string[]): Flag => ({
  alias: 'o',
  type: 'string',
  requiresArg: true,
  default: first,
  describe: `Output format: ${[first, ...others].join(', ')}`,
});

/** Of `metrics`. */
const METRICS_FLAGS = {
  namespace: { alias: 'n', type: 'string', requiresArg: true, describe: 'The namespace of the pod' },
  output: outputOf('table', 'json', 'yaml'),
  'no-headers': TOPIC_FLAGS['no-headers'],
  port: {
    type: 'number',
    requiresArg: true,
    describe: 'The pod’s port, by default what its annotations and ports say',
  },
  path: {
    type: 'string',
    requiresArg: true,
    describe: 'The page’s path, by default /metrics or Envoy’s: any that is read and changes nothing',
  },
  match: { type: 'string', requiresArg: true, describe: 'Only families whose name matches this regular expression' },
} as const;

/** Of `debug`. */
const DEBUG_FLAGS = {
  namespace: { alias: 'n', type: 'string', requiresArg: true, describe: 'The namespace of the pod' },
  output: outputOf('table', 'json', 'yaml'),
  'no-headers': TOPIC_FLAGS['no-headers'],
  execute: { type: 'boolean', describe: 'Run the line of tcpdump or gdb: it adds a container to the pod' },
} as const;

/** Of `diff`. */
const DIFF_FLAGS = {
  output: outputOf('table', 'json', 'yaml'),
  ascii: CLUSTER_FLAGS.ascii,
  color: CLUSTER_FLAGS.color,
} as const;

/** Of the words that ask no cluster, and print what they know. */
const TOLD_FLAGS: Readonly<Record<string, Readonly<Record<string, Flag>>>> = {
  topics: { output: outputOf('text', 'name', 'json', 'yaml') },
  explain: {
    output: outputOf('text', 'json', 'yaml'),
    list: { type: 'boolean', describe: 'List every word that is explained' },
  },
  version: {
    output: outputOf('text', 'json', 'yaml'),
    client: { type: 'boolean', describe: 'As kubectl takes it: there is no other version here' },
  },
  rbac: {
    output: outputOf('yaml', 'json'),
    missing: { type: 'boolean', describe: 'Run the topic, and print a role with the rights alone that it lacked' },
    ...CLUSTER_FLAGS,
  },
};

/** Of `shipped`. */
const SHIPPED_FLAGS = {
  namespace: {
    alias: 'n',
    type: 'string',
    requiresArg: true,
    default: 'istio-system',
    describe: 'The namespace of the objects: Istio’s own',
  },
} as const;

/** Of `completion`. */
const COMPLETION_FLAGS = {
  dir: {
    type: 'string',
    file: true,
    requiresArg: true,
    describe: 'The folder, by default that of the plugin on the PATH',
  },
} as const;

/** The commands beside the topics, for --help and for completion. */
export const COMMANDS = {
  all: 'Run every topic, and print one summary',
  debug: 'Print what Envoy and Pilot have, and the lines for tcpdump and gdb',
  diff: 'Print what differs between two reports or bundles',
  metrics: 'Print a pod’s metrics page',
  topics: 'List the topics, their steps and checks',
  explain: 'Explain a topic, a step, a check or a reason',
  schema: 'Print the JSON Schema of a report',
  shipped: 'Print what a release with Mixer ships for its metrics, to be applied',
  rbac: 'Print the ClusterRole that a topic takes',
  completion: 'Complete `kubectl istio-diag <TAB>` in your shell',
  options: 'List the flags of every kubectl, which all that ask a cluster take',
  version: 'Print the version',
} as const;

export interface Flag {
  alias?: string;
  type: 'string' | 'boolean' | 'number' | 'array';
  string?: boolean;
  /** Whether its value is a file or a folder: a shell completes those itself. */
  file?: boolean;
  requiresArg?: boolean;
  describe: string;
  default?: string | number;
}

/** Our own flags that a topic or command takes, beside kubectl's; none for a word that asks no cluster. */
export function flagsOf(command: string): Readonly<Record<string, Flag>> {
  const topic = guide.find(({ id }) => id === command);
  if (command === 'metrics') return { ...CLUSTER_FLAGS, ...METRICS_FLAGS };
  if (command === 'debug') return { ...CLUSTER_FLAGS, ...DEBUG_FLAGS };
  if (command === 'diff') return DIFF_FLAGS;
  if (command === 'shipped') return SHIPPED_FLAGS;
  if (Object.hasOwn(TOLD_FLAGS, command)) return TOLD_FLAGS[command] ?? {};
  if (command === 'completion') return COMPLETION_FLAGS;
  if (!topic && command !== 'all') return {};
  const some = Object.entries(SOME_TOPICS_FLAGS).filter(([name]) => !topic || topic.flags.includes(name));
  return { ...Object.fromEntries(some), ...TOPIC_FLAGS, ...CLUSTER_FLAGS };
}

/** Whether a topic or command asks a cluster, and so takes kubectl's connection flags. */
export const asksCluster = (command: string): boolean => 'bundle' in flagsOf(command);
