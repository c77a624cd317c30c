import type { Patience } from '../../cluster/ways/deadline.ts';
import { runKubectl } from '../../cluster/ways/kubectl.ts';
import type { Kubectl } from '../../cluster/ways/kubectl-process.ts';
import { messageOf } from '../../errors.ts';
import type { Report } from '../../report/document.ts';
import { verbsOf } from '../../report/hint.ts';
import type { Plan } from '../../report/plan.ts';
import { shellCommandsOf } from '../../report/shell-words.ts';

/** What of an object is read: the rest is the API server's own. */
interface Planned {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; managedFields?: unknown };
}

/** What kubectl works out by itself, from the object that there is: it asks for it, and sends nothing. */
const FORESEEN: ReadonlySet<string> = new Set(['patch', 'label', 'annotate', 'set']);

/** Why a command's result is not foreseen. */
const UNFORESEEN: Readonly<Record<string, string>> = {
  edit: 'what is changed is decided in the editor',
  rollout: 'restarts pods, and changes nothing else',
  delete: 'what is deleted is gone: there is nothing to compare',
};

/** What the fixes of a report would change, each line once: nothing is applied. */
export async function plansOf({ steps }: Report, kubectl: Kubectl, patience: Patience): Promise<readonly Plan[]> {
  const hints = steps.flatMap(({ checks }) =>
    checks.flatMap(({ status, causedBy, hint, hintKind }) =>
      status === 'fail' && causedBy === null && hint !== null && hintKind === 'fix' ? [hint] : [],
    ),
  );
  return Promise.all([...new Set(hints)].map((hint) => planOf(hint, kubectl, patience)));
}

/** What a line would change. A command of it that cannot be foreseen says why. */
export async function planOf(hint: string, kubectl: Kubectl, patience: Patience): Promise<Plan> {
  const commands = shellCommandsOf(hint);
  const parts: Omit<Plan, 'hint'>[] = [];
  for (const [index, { words, isPiped }] of commands.entries()) {
    const before = isPiped ? commands[index - 1]?.words : undefined;
    const [verb = ''] = verbsOf(words);
    try {
      if ((words[0] === 'echo' || isShipped(words)) && commands[index + 1]?.isPiped) continue;
      if (words[0] !== 'kubectl') parts.push(unforeseen(words, 'another program’s'));
      // The last --dry-run counts, and behind -- there are no flags.
      else if (FORESEEN.has(verb) && !isPiped && !words.includes('--'))
        parts.push(await changed(words.slice(1), kubectl, patience));
      else if (verb === 'apply' && before?.[0] === 'echo')
        parts.push(await applied(words, JSON.parse(before[1] ?? '') as Planned, kubectl, patience));
      else if (verb === 'apply' && before && isShipped(before))
        for (const object of await shippedBy(before)) parts.push(await applied(words, object, kubectl, patience));
      else parts.push(unforeseen(words, UNFORESEEN[verb] ?? 'it is made of what another command prints'));
    } catch (error) {
      parts.push(unforeseen(words, messageOf(error)));
    }
  }
  return {
    hint,
    diff: parts.flatMap(({ diff }) => diff),
    unforeseen: parts.flatMap((part) => part.unforeseen),
  };
}

const unforeseen = (words: readonly string[], why: string): Omit<Plan, 'hint'> => ({
  diff: [],
  unforeseen: [`${words.join(' ')}: ${why}`],
});

/** By kubectl's own --dry-run=client: for each object that it prints, what differs from the one that there is. */
async function changed(args: readonly string[], kubectl: Kubectl, patience: Patience) {
  const after = objectsIn(await printed([...args, '--dry-run=client', '-o', 'json'], kubectl, patience));
  const diffs = await Promise.all(after.map(async (object) => diffOf(await liveOf(object, kubectl, patience), object)));
  return { diff: diffs.flat(), unforeseen: [] };
}

/** `kubectl istio-diag shipped`: this program prints the objects. */
const isShipped = (words: readonly string[]): boolean => words.slice(0, 3).join(' ') === 'kubectl istio-diag shipped';

async function shippedBy([, , , release = '', ...words]: readonly string[]): Promise<readonly Planned[]> {
  const { shippedObjects } = await import('../../guide/missing-metrics/mixer/shipped/objects.ts');
  const flag = words.indexOf('-n');
  const [parts, namespace = 'istio-system'] = flag < 0 ? [words] : [words.slice(0, flag), words[flag + 1]];
  return (await shippedObjects(release, namespace, parts)) ?? [];
}

/** An object that is printed for it: where there is one of its name, kubectl would merge the two. */
async function applied(words: readonly string[], object: Planned, kubectl: Kubectl, patience: Patience) {
  const live = await liveOf(object, kubectl, patience);
  if (live) return unforeseen(words, `there is ${nameOf(object)} already, which it would be merged with`);
  return { diff: await diffOf(null, object), unforeseen: [] };
}

async function liveOf(object: Planned, kubectl: Kubectl, patience: Patience): Promise<Planned | null> {
  const [group = '', version] = object.apiVersion.includes('/')
    ? object.apiVersion.split('/')
    : ['', object.apiVersion];
  const type = group === '' ? object.kind : `${object.kind}.${version}.${group}`;
  const { name, namespace } = object.metadata;
  const where = namespace === undefined ? [] : ['-n', namespace];
  const args = [...where, 'get', type, name, '-o', 'json', '--ignore-not-found'];
  return objectsIn(await printed(args, kubectl, patience))[0] ?? null;
}

async function printed(args: readonly string[], kubectl: Kubectl, patience: Patience): Promise<string> {
  const { output, exitCode, words } = await runKubectl(kubectl, args, patience);
  if (exitCode !== 0) throw new Error(words || 'kubectl does not say why');
  return output.toString('utf8');
}

/** One object, one after the other, or a list of them. */
function objectsIn(text: string): readonly Planned[] {
  const documents = text.split(/\n(?=\{)/).filter((part) => part.trim() !== '');
  return documents.flatMap((part) => {
    const value = JSON.parse(part) as Planned & { items?: readonly Planned[] };
    return value.items ?? [value];
  });
}

const nameOf = ({ kind, metadata: { namespace, name } }: Planned): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;

/** As `kubectl diff` prints it. */
async function diffOf(live: Planned | null, planned: Planned): Promise<readonly string[]> {
  const { createTwoFilesPatch } = await import('diff');
  const { dump } = await import('js-yaml');
  const textOf = (object: Planned | null): string =>
    object === null ? '' : dump(withoutManagers(object), { lineWidth: -1, noRefs: true, sortKeys: true });
  const [before, after] = [textOf(live), textOf(planned)];
  if (before === after) return [];
  const name = nameOf(planned).replace(' ', '/');
  const patch = createTwoFilesPatch(`live/${name}`, `planned/${name}`, before, after, undefined, undefined, {
    context: 3,
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  });
  return patch.trimEnd().split('\n');
}

/** `kubectl diff` leaves them out too. */
function withoutManagers(object: Planned): unknown {
  const { managedFields: _, ...metadata } = object.metadata;
  return withoutEmpty({ ...object, metadata });
}

/** Without labels and annotations that hold nothing: the API server keeps none. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, held]) => !['labels', 'annotations'].includes(key) || Object.keys((held ?? {}) as object).length > 0,
  );
  return Object.fromEntries(kept.map(([key, held]) => [key, withoutEmpty(held)]));
}
