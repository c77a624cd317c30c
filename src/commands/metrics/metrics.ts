import type { Cluster, KubernetesObject } from '../../cluster/question/cluster.ts';
import type { PageQuestion } from '../../cluster/question/question.ts';
import { mayBeRead } from '../../cluster/question/read-only.ts';
import { pods } from '../../cluster/question/resources.ts';
import { askJson, askPage } from '../../cluster/question/text.ts';
import { NoAnswer, UsageError } from '../../errors.ts';
import { type Pod, podOf } from '../../evidence/kubernetes/pod.ts';
import { judgeOf } from '../../prometheus/judges.ts';
import { readPage } from '../../prometheus/page-reader.ts';
import { Prom2json } from '../../prometheus/prom2json.ts';
import { columns } from '../../report/columns.ts';
import { DATA, rawText } from '../../report/data.ts';
import { escapeText } from '../../report/escape.ts';
import { plain, type Style } from '../../report/style.ts';
import { type Arguments, text } from '../arguments.ts';
import { aside, type Io, print } from '../io.ts';
import { formatAmong, joined, podOfWord } from '../options.ts';
import { onePodOf } from '../pods.ts';
import { openSession } from '../session.ts';
import { styleOf } from '../style.ts';

/**
 * Prints a pod's metrics page. Its JSON is prom2json's own schema. Lines that Prometheus refuses go to stderr, by their
 * numbers, also those of families that --match leaves out; the exit code is then 3, and what can be read is printed all the
 * same.
 */
export async function metrics(args: Arguments, io: Io): Promise<number> {
  const format = formatAmong(args.output, ['table', ...DATA]);
  const style = styleOf(args, io);
  const matches = matcherOf(args.match as string | undefined);
  const wanted = podOfWord(joined(String(args.pod), text(args.name)), text(args.namespace), 'metrics');
  const session = await openSession(args, io);
  try {
    const namespace = wanted.namespace ?? (await session.identity).namespace;
    const { name } = wanted.kind === 'pod' ? wanted : await onePodOf(session.cluster, wanted, namespace, io);
    const question = await pageOf(session.cluster, namespace, name, args);
    const answer = await askPage(session.cluster, question);
    const rows: string[][] = [];
    const collected = new Prom2json();
    const summary = await readPage(
      answer.body,
      matches,
      (family, sample) => {
        if (format !== 'table') collected.add(family, sample);
        else {
          const labels = [...sample.labels].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',');
          rows.push([sample.name, family.type.toLowerCase(), labels, sample.value]);
        }
      },
      judgeOf(answer.contentType),
    );
    const unsaved = await session.save();
    if (unsaved !== null) await aside(io.stderr, `error: ${escapeText(unsaved)}\n`);
    await print(
      io.stdout,
      format === 'table'
        ? plain(style, tableOf(rows, summary.problemCount > 0 && summary.samples + summary.skipped === 0, style))
        : await rawText(collected.families(), format, 0),
    );
    for (const { line, text } of summary.problems) io.stderr.write(`line ${line}: ${escapeText(text)}\n`);
    const more = summary.problemCount - summary.problems.length;
    if (more > 0) io.stderr.write(`and ${more} more lines that Prometheus refuses\n`);
    if (unsaved !== null) return 2;
    return summary.problemCount > 0 ? 3 : 0;
  } finally {
    await session.close();
  }
}

function matcherOf(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  try {
    const expression = new RegExp(pattern);
    return (name) => expression.test(name);
  } catch {
    throw new UsageError(`--match takes a regular expression, not ${JSON.stringify(pattern)}`);
  }
}

/** The page to read: as the flags say, else as the pod's annotations and ports do. */
async function pageOf(cluster: Cluster, namespace: string, pod: string, args: Arguments): Promise<PageQuestion> {
  const question = { ask: 'page', byName: true, namespace, pod } as const;
  const port = args.port as number | undefined;
  const path = args.path as string | undefined;
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    throw new UsageError('--port takes a number from 1 to 65535');
  if (path !== undefined && !mayBeRead({ ...question, port: port ?? 0, path }))
    throw new UsageError(`--path takes a page that is read and changes nothing, not ${JSON.stringify(path)}`);
  if (port !== undefined)
    return { ...question, port, path: path ?? (port === 15020 || port === 15090 ? '/stats/prometheus' : '/metrics') };
  const object = await askJson(cluster, { ask: 'object', resource: pods, namespace, name: pod }).catch(
    (error: unknown) => {
      if (!(error instanceof NoAnswer) || error.unanswered.hindrance !== 'NotInBundle') throw error;
      throw new UsageError(`the bundle does not say which ports pod ${pod} has: name one with --port`);
    },
  );
  const known = defaultsOf(podOf(object as KubernetesObject));
  // An annotation is the cluster's word, not a person's.
  if (path === undefined) return { ask: 'page', namespace, pod, ...known };
  return { ...question, port: known.port, path };
}

/** Mixer's own page, then what the pod is annotated with, then Envoy's, then its first port. */
function defaultsOf(pod: Pod): { port: number; path: string } {
  const ports = pod.containers.flatMap(({ ports }) => ports.map(({ port }) => port));
  const mixer =
    pod.containers.some(({ name }) => name === 'mixer') && ports.find((port) => port === 9093 || port === 15014);
  if (mixer) return { port: mixer, path: '/metrics' };
  const annotated = Number(pod.annotations['prometheus.io/port']);
  if (annotated > 0) return { port: annotated, path: pod.annotations['prometheus.io/path'] ?? '/metrics' };
  if (ports.includes(15090)) return { port: 15090, path: '/stats/prometheus' };
  const [first] = ports;
  if (first === undefined) throw new UsageError(`pod ${pod.name} declares no port: name one with --port`);
  return { port: first, path: '/metrics' };
}

/** `unreadable`: of the whole page no line could be read. */
const tableOf = (rows: readonly string[][], unreadable: boolean, style: Style): string =>
  columns(
    ['NAME', 'TYPE', 'VALUE', 'LABELS'],
    rows.map(([name = '', type = '', labels = '', value = '']) => [name, type, value, labels]),
    unreadable ? 'This page cannot be read as metrics.' : 'No metric matches.',
    style,
  );
