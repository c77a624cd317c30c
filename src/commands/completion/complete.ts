import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import { deployments, namespaces, pods, services } from '../../cluster/question/resources.ts';
import { configuredNames } from '../../cluster/ways/identity.ts';
import { guide } from '../../guide/index.ts';
import { FAIL_ON } from '../../report/exit.ts';
import { FORMATS } from '../../report/render.ts';
import { text } from '../arguments.ts';
import { asksCluster, COMMANDS, type Flag, flagsOf } from '../flags.ts';
import { type Io, print } from '../io.ts';
import { KUBECTL_FLAGS } from '../kubectl-flags.ts';
import { openConfiguration, openSession } from '../session.ts';
import { COLORS } from '../style.ts';

/** A word to offer, and what it means. */
interface Offer {
  value: string;
  means?: string;
}

/** How cobra's scripts are told to go on: with no file names, or with file names of the shell's own. */
const NO_FILES = 4;
const FILES = 0;

/** A shell waits for the answer while somebody looks at it. */
const PATIENCE = { timeout: '4s', 'request-timeout': '3s' };

type Flags = Readonly<Record<string, Flag>>;

/** What has been typed: its command, its other words, and the flags with their values. */
interface Line {
  words: readonly string[];
  given: Readonly<Record<string, string | boolean>>;
}

/**
 * Answers kubectl's `__complete`, in cobra's own format: a word and its meaning in each line, then how to go on. The
 * last of `args` is the word under the cursor. Whatever cannot be asked is offered nothing: there is no place for words.
 */
export async function complete(args: readonly string[], io: Io): Promise<number> {
  const before = args.slice(0, -1);
  const current = args.at(-1) ?? '';
  const flags = flagsFor(before.find((word) => !word.startsWith('-')) ?? '');
  const line = readLine(before, flags);
  const [, joined, start] = /^(--[^=]+|-[a-zA-Z])=(.*)$/.exec(current) ?? [];
  const open = joined ?? before.at(-1) ?? '';
  const wanted = flagCalled(open, flags);
  const typed = start ?? current;
  let directive = NO_FILES;
  let offers: readonly Offer[] = [];
  if (wanted !== undefined && takesValue(flags[wanted])) {
    if (flags[wanted]?.file) directive = FILES;
    else offers = await orNothing(valuesOf(wanted, line, io));
  } else if (current.startsWith('-')) offers = flagOffers(flags, line);
  // Its words are files.
  else if (line.words[0] === 'diff') directive = FILES;
  else offers = await orNothing(wordOffers(line, typed, io));
  const lines = offers
    .filter(({ value }) => value.startsWith(typed) && isPlain(value))
    .map(({ value, means }) => (means === undefined ? value : `${value}\t${means}`));
  await print(io.stdout, `${[...lines, `:${directive}`].join('\n')}\n`);
  return 0;
}

const orNothing = async (offers: Promise<readonly Offer[]>): Promise<readonly Offer[]> => offers.catch(() => []);

/** A name from a cluster or a file goes into somebody's command line: one that a shell would read is not offered. */
const isPlain = (value: string): boolean => /^[\w.:/@%+=-]+$/.test(value);

const flagsFor = (command: string): Flags => ({
  ...(asksCluster(command) && KUBECTL_FLAGS),
  ...flagsOf(command),
  help: { alias: 'h', type: 'boolean', describe: 'Show help' },
});

const takesValue = (flag: Flag | undefined): boolean => flag !== undefined && flag.type !== 'boolean';

/** The name of a flag that was typed as `--namespace` or `-n`. */
const flagCalled = (word: string, flags: Flags): string | undefined =>
  Object.keys(flags).find((name) => word === `--${name}` || (word.length === 2 && word === `-${flags[name]?.alias}`));

function readLine(before: readonly string[], flags: Flags): Line {
  const words: string[] = [];
  const given: Record<string, string | boolean> = {};
  for (let at = 0; at < before.length; at++) {
    const word = before[at] ?? '';
    const [, name = word, value] = /^(--?[^=]+)=(.*)$/.exec(word) ?? [];
    const flag = flagCalled(name, flags);
    if (flag === undefined) words.push(...(word.startsWith('-') ? [] : [word]));
    else if (!takesValue(flags[flag])) given[flag] = true;
    else {
      const argument = value ?? before[++at];
      if (argument !== undefined) given[flag] = argument;
    }
  }
  return { words, given };
}

const flagOffers = (flags: Flags, { given }: Line): readonly Offer[] =>
  Object.entries(flags)
    .filter(([name, { type }]) => !(name in given) || type === 'array')
    .map(([name, { describe }]) => ({ value: `--${name}`, means: describe }));

const plain = (values: readonly string[]): readonly Offer[] => values.map((value) => ({ value }));

async function valuesOf(flag: string, line: Line, io: Io): Promise<readonly Offer[]> {
  switch (flag) {
    case 'output':
      return plain(outputsOf(line.words[0] ?? ''));
    case 'fail-on':
      return plain(FAIL_ON);
    case 'ignore':
      return plain(await reasonsIn(line.words[0] ?? ''));
    case 'color':
      return plain(COLORS);
    case 'namespace':
    case 'istio-namespace':
      return namesIn(line, io, namesOf(namespaces));
    case 'context':
      return namesInConfiguration('contexts', line, io);
    case 'cluster':
      return namesInConfiguration('clusters', line, io);
    case 'user':
      return namesInConfiguration('users', line, io);
    default:
      return [];
  }
}

/** What a command prints in: its help names them. */
const outputsOf = (command: string): readonly string[] =>
  /^Output format: (.*)$/.exec(flagsOf(command).output?.describe ?? '')?.[1]?.split(', ') ?? FORMATS;

/** The reasons of a topic, or of all. */
async function reasonsIn(command: string): Promise<readonly string[]> {
  const { reasonsOf } = await import('../diagnose/ignores.ts');
  const entries = guide.filter(({ id }) => command === 'all' || id === command);
  return (await Promise.all(entries.map((entry) => entry.load()))).flatMap(reasonsOf);
}

async function wordOffers(line: Line, typed: string, io: Io): Promise<readonly Offer[]> {
  const [command, ...others] = line.words;
  if (command === undefined) {
    return [
      ...guide.map(({ id, summary }) => ({ value: id, means: summary })),
      ...Object.entries(COMMANDS).map(([value, means]) => ({ value, means })),
    ];
  }
  if (command === 'debug') return debugOffers(others, line, io);
  if (command === 'shipped') {
    const { RELEASES, shippedNames } = await import('../../guide/missing-metrics/mixer/shipped/objects.ts');
    return plain(others[0] === undefined ? RELEASES : await shippedNames(others[0]));
  }
  if (others.length > 0) return [];
  if (guide.some(({ id, workload }) => id === command && workload !== null)) {
    return namesIn(line, io, (list) => workloadsIn(list, typed));
  }
  if (command === 'metrics') return namesIn(line, io, namesOf(pods));
  if (command === 'rbac')
    return [
      ...guide.map(({ id, summary }) => ({ value: id, means: summary })),
      { value: 'all', means: COMMANDS.all },
      { value: 'debug', means: COMMANDS.debug },
    ];
  if (command === 'completion') return plain((await import('./completion.ts')).ACTIONS);
  if (command !== 'explain') return [];
  const { explainedWords } = await import('../explain/explain.ts');
  return plain(await explainedWords());
}

/** A helper, then what it is about, then a pod. */
async function debugOffers([helper, ...others]: readonly string[], line: Line, io: Io): Promise<readonly Offer[]> {
  const { HELPERS } = await import('../debug/helpers.ts');
  if (helper === undefined) return Object.entries(HELPERS).map(([value, [means]]) => ({ value, means }));
  const before = helper === 'proxy-config' ? 1 : 0;
  if (helper === 'proxy-config' && others.length === 0) return plain((await import('../debug/proxy-config.ts')).KINDS);
  if (helper === 'pilot') return others.length === 0 ? plain((await import('../debug/pilots.ts')).PAGES) : [];
  return others.length === before ? namesIn(line, io, namesOf(pods)) : [];
}

/** The flags that lead to a cluster: the others are for the run that is being typed. */
const connection = (given: Line['given']): Line['given'] =>
  Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(KUBECTL_FLAGS, name)));

type List = (resource: typeof pods) => Promise<readonly KubernetesObject[]>;

const namesOf =
  (resource: typeof pods) =>
  async (list: List): Promise<readonly string[]> =>
    (await list(resource)).map(({ metadata }) => metadata.name);

/** Owners that are known by their pods. */
const OWNERS = ['statefulset', 'daemonset', 'job'];

/** Every workload that a topic may be asked about, of the kinds that what was typed may be: of pods, what owns them too. */
async function workloadsIn(list: List, typed: string): Promise<readonly string[]> {
  const mayBe = (kind: string): boolean => `${kind}/`.startsWith(typed) || typed.startsWith(`${kind}/`);
  // Whoever may not list one kind is offered the others.
  const found = async (resource: typeof pods, ...kinds: readonly string[]): Promise<readonly KubernetesObject[]> =>
    kinds.some(mayBe) ? list(resource).catch(() => []) : [];
  const [ofServices, ofDeployments, ofPods] = await Promise.all([
    found(services, 'service'),
    found(deployments, 'deployment'),
    found(pods, 'pod', ...OWNERS),
  ]);
  const named =
    (kind: string) =>
    ({ metadata }: KubernetesObject): string =>
      `${kind}/${metadata.name}`;
  const owners = ofPods.flatMap(({ metadata }) =>
    (metadata.ownerReferences ?? []).map(({ kind, name }) => ({ kind: kind.toLowerCase(), name })),
  );
  return [
    ...ofServices.map(named('service')),
    ...ofDeployments.map(named('deployment')),
    ...new Set(owners.filter(({ kind }) => OWNERS.includes(kind)).map(({ kind, name }) => `${kind}/${name}`)),
    ...ofPods.map(named('pod')),
  ];
}

/** Names in the cluster that the line's flags lead to: in its namespace, or the context's. */
async function namesIn(
  { given }: Line,
  io: Io,
  names: (list: List) => Promise<readonly string[]>,
): Promise<readonly Offer[]> {
  // A bundle is replayed: no cluster is asked.
  if ('bundle' in given) return [];
  const session = await openSession({ ...connection(given), ...PATIENCE }, io);
  try {
    const namespace = text(given.namespace) ?? (await session.identity).namespace;
    const found = await names(async (resource) => {
      const where = resource.plural === 'namespaces' ? null : namespace;
      return session.cluster.list({ ask: 'list', resource, namespace: where });
    });
    return plain(found);
  } finally {
    await session.close();
  }
}

async function namesInConfiguration(
  of: 'contexts' | 'clusters' | 'users',
  { given }: Line,
  io: Io,
): Promise<readonly Offer[]> {
  const { kubectl, patience } = openConfiguration({ ...connection(given), ...PATIENCE }, io);
  return plain(await configuredNames(kubectl, patience, of));
}
