import { withCauses } from '../diagnosis/cause.ts';
import type { ControlPlane, Scope, Topic } from '../diagnosis/check.ts';
import { walk } from '../diagnosis/diagnose.ts';
import type { Section } from '../diagnosis/finding.ts';
import { Gatherer } from '../diagnosis/gather.ts';
import { settle } from '../diagnosis/source.ts';
import { DiagError, messageOf, type Unanswered } from '../errors.ts';
import { type Detection, detection } from '../evidence/istio.ts';
import { allNamespaces, type Pod } from '../evidence/kubernetes.ts';
import { narrowed, selectedPods } from '../evidence/workload.ts';
import type { Entry } from '../guide/index.ts';
import { escapeText } from '../report/escape.ts';
import { render } from '../report/render.ts';
import { errorReport, type Facts, reportOf } from '../report/report.ts';
import { tool } from '../version.ts';
import { type Io, print } from './io.ts';
import { type Arguments, failOnOf, formatOf, scopeOf } from './options.ts';
import { openSession, type Session } from './session.ts';
import { type Spinner, startSpinner } from './spinner.ts';
import { styleOf } from './style.ts';

/** Diagnoses one topic, prints its report and resolves to the exit code. */
export async function diagnose(entry: Entry, args: Arguments, io: Io): Promise<number> {
  const format = formatOf(args);
  const style = styleOf(args, io);
  const failOn = failOnOf(args);
  scopeOf(args, 'default');
  const session = await openSession(args, io);
  const spinner = startSpinner(io, { quiet: args.quiet === true, ascii: style.ascii });
  const started = io.now();
  try {
    // Read while kubectl starts.
    const topic = await entry.load();
    const found = await investigate(topic, args, session, spinner, io.now);
    const { context, words } = await session.identity;
    const unsaved = await session.save();
    // Nothing is asked any more: kubectl ends while the report is made.
    void session.close();
    spinner.stop();
    if (unsaved !== null) await print(io.stderr, `error: ${escapeText(unsaved)}\n`);
    const facts: Facts = {
      topic: topic.id,
      tool,
      run: {
        startedAt: new Date(session.startedAt).toISOString(),
        durationMs: Math.max(0, io.now() - started),
        context,
        source: session.source,
      },
      ...found,
      warnings: [...found.warnings, ...(unsaved === null ? [] : [unsaved])],
      failOn,
      signal: io.signal(),
    };
    const report = reportOf(facts);
    if (report.verdict === 'unreachable')
      await print(io.stderr, `error: ${escapeText(unreachableWords(found.unsearched, words))}\n`);
    await print(io.stdout, await render(report, format, style, args['show-commands'] === true));
    return report.exitCode;
  } finally {
    spinner.stop();
    await session.close();
  }
}

type Found = Pick<Facts, 'planes' | 'sections' | 'unsearched' | 'warnings'>;

/** Finds the control planes and walks the topic for each, all at once. */
async function investigate(
  topic: Topic,
  args: Arguments,
  session: Session,
  spinner: Spinner,
  clock: () => number,
): Promise<Found> {
  // The namespace of the context matters only for a workload without -n: nothing else waits for it.
  const waits = args.workload !== undefined && args.namespace === undefined;
  const scope = scopeOf(args, waits ? (await session.identity).namespace : 'default');
  const { cluster, startedAt: now, sleep } = session;
  const gatherer = new Gatherer({ cluster, scope, now, sleep }, clock);
  spinner.show('looking for control planes');
  const detected = await settle(gatherer.ofCluster(detection));
  const { planes, unsearched } = 'got' in detected ? detected.got : nothing(detected.missing);
  if (scope.workload && planes.length > 0) await assertWorkload(gatherer);
  const warnings = planes.length > 0 ? await scopeWarnings(gatherer, scope) : [];
  const sections = await Promise.all(
    planes.map(
      (plane: ControlPlane): Promise<Section> => walk(topic, plane, gatherer, scope, (title) => spinner.show(title)),
    ),
  );
  return { planes, sections: sections.map(withCauses), unsearched, warnings };
}

const nothing = (missing: Unanswered): Detection => ({ planes: [], unsearched: [missing], searched: [] });

/** A workload that is not there is a slip of the keyboard, not a broken mesh. */
async function assertWorkload(gatherer: Gatherer): Promise<void> {
  const attempt = await settle(gatherer.ofCluster(narrowed));
  if (!('got' in attempt) || attempt.got === null || attempt.got.found) return;
  const { kind, name, namespace } = attempt.got.workload;
  throw new DiagError(`there is no ${kind} ${name} in namespace ${namespace}: kubectl -n ${namespace} get ${kind}s`);
}

/** A namespace or a selector that fits nothing would make a healthy mesh of a slip. An unknown namespace ends the run. */
async function scopeWarnings(gatherer: Gatherer, { namespace, selector }: Scope): Promise<readonly string[]> {
  if (namespace !== null) {
    const attempt = await settle(gatherer.ofCluster(allNamespaces));
    if ('got' in attempt && attempt.got.complete && !attempt.got.items.some(({ name }) => name === namespace)) {
      throw new DiagError(`there is no namespace ${namespace}: kubectl get namespaces`);
    }
  }
  if (selector === null) return [];
  const attempt = await settle(gatherer.ofCluster(selectedPods));
  const pods = 'got' in attempt ? attempt.got?.items : undefined;
  const isJudged = (pod: Pod): boolean => namespace === null || pod.namespace === namespace;
  return pods === undefined || pods.some(isJudged) ? [] : [`no pod has the labels ${selector}: no workload was judged`];
}

/** kubectl's words, and what it says of its configuration when that is the reason. */
function unreachableWords(unsearched: readonly Unanswered[], configuration: string | null): string {
  const [first] = unsearched;
  const said = first
    ? `the cluster could not be reached with \`${first.command}\`: ${first.words}`
    : 'the cluster could not be reached';
  return configuration === null || said.includes(configuration) ? said : `${said} (${configuration})`;
}

/** The document of a run that came to no diagnosis, for -o json and -o yaml. */
export async function printError(topic: string, args: Arguments, io: Io, error: unknown): Promise<void> {
  const format = args.output;
  if (format !== 'json' && format !== 'yaml') return;
  const report = errorReport({
    topic,
    tool,
    run: {
      startedAt: new Date(io.now()).toISOString(),
      durationMs: 0,
      context: null,
      source: args.bundle === undefined ? 'live' : 'bundle',
    },
    planes: [],
    sections: [],
    unsearched: [],
    warnings: [messageOf(error)],
    failOn: 'unknown',
    signal: null,
  });
  await print(io.stdout, await render(report, format, { width: 100, colour: false, ascii: false }, false));
}
