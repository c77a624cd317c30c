import { messageOf, type Unanswered } from '../../errors.ts';
import type { Entry } from '../../guide/index.ts';
import { escapeText } from '../../report/escape.ts';
import { exitCodeOf } from '../../report/exit.ts';
import { listOf } from '../../report/list.ts';
import { render, renderList } from '../../report/render.ts';
import { errorReport, type Facts, reportOf } from '../../report/report.ts';
import { tool } from '../../version.ts';
import type { Arguments } from '../arguments.ts';
import { aside, type Io, print } from '../io.ts';
import { failOnOf, formatOf, scopeOf } from '../options.ts';
import { openSession } from '../session.ts';
import { styleOf } from '../style.ts';
import { investigate } from './investigate.ts';
import { startSpinner } from './spinner.ts';

/** Diagnoses one topic or several, prints the report or the list of reports, and resolves to the exit code. */
export async function diagnose(entries: readonly Entry[], args: Arguments, io: Io): Promise<number> {
  const format = formatOf(args);
  const style = styleOf(args, io);
  const failOn = failOnOf(args);
  scopeOf(args, 'default');
  const session = await openSession(args, io);
  const spinner = startSpinner(io, { quiet: args.quiet === true, ascii: style.ascii });
  const started = io.now();
  try {
    // Read while kubectl starts.
    const topics = await Promise.all(entries.map((entry) => entry.load()));
    const found = await investigate(topics, args, session, spinner, io.now);
    const { context, words } = await session.identity;
    const unsaved = await session.save();
    // Nothing is asked any more: kubectl ends while the report is made.
    void session.close();
    spinner.stop();
    if (unsaved !== null) await aside(io.stderr, `error: ${escapeText(unsaved)}\n`);
    const run: Omit<Facts['run'], 'scope'> = {
      startedAt: new Date(session.startedAt).toISOString(),
      durationMs: Math.max(0, io.now() - started),
      context,
      source: session.source,
    };
    // The diagnosis stands. That the bundle which was asked for is not there is told by the exit code alone.
    const coded = <T extends { exitCode: number }>(made: T): T =>
      unsaved === null ? made : { ...made, exitCode: exitCodeOf('error', false, failOn, io.signal()) };
    const reports = found.map(({ warnings, scope, ...rest }) => {
      const own = [...warnings, ...(unsaved === null ? [] : [unsaved])];
      return coded(reportOf({ tool, run: { ...run, scope }, ...rest, warnings: own, failOn, signal: io.signal() }));
    });
    const [first] = reports;
    if (first?.verdict === 'unreachable')
      await aside(io.stderr, `error: ${escapeText(unreachableWords(found[0]?.unsearched ?? [], words))}\n`);
    const showCommands = args['show-commands'] === true;
    if (first && entries.length === 1) {
      await print(io.stdout, await render(first, format, style, showCommands));
      return first.exitCode;
    }
    const list = coded(listOf(reports, failOn, io.signal()));
    await print(io.stdout, await renderList(list, format, style, showCommands));
    return list.exitCode;
  } finally {
    spinner.stop();
    await session.close();
  }
}

/** kubectl's words, and what it says of its configuration when that is the reason. */
function unreachableWords(unsearched: readonly Unanswered[], configuration: string | null): string {
  const [first] = unsearched;
  if (first?.words.startsWith('no answer within')) return `timed out: ${first.words} to \`${first.command}\``;
  const said = first
    ? `the cluster could not be reached with \`${first.command}\`: ${first.words}`
    : 'the cluster could not be reached';
  return configuration === null || said.includes(configuration) ? said : `${said} (${configuration})`;
}

/** -o as it was meant, of a command line that could not be parsed. */
function looseArguments(argv: readonly string[]): Arguments {
  const at = argv.findIndex((word) => word === '-o' || word === '--output');
  const joined = argv.find((word) => /^(--output=|-o=?)\w/.test(word));
  const output = at >= 0 ? argv[at + 1] : joined?.replace(/^(--output=|-o=?)/, '');
  return { output, ...(argv.some((word) => word.startsWith('--bundle')) && { bundle: true }) };
}

/** The document of a run that came to no diagnosis, for -o json and -o yaml. */
export async function printError(topic: string, words: readonly string[], io: Io, error: unknown): Promise<void> {
  const args = looseArguments(words);
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
      scope: { workload: null, namespace: null, selector: null },
    },
    planes: [],
    shares: null,
    sections: [],
    unsearched: [],
    warnings: [messageOf(error)],
    failOn: 'unknown',
    signal: null,
  });
  const style = { width: 100, colour: false, ascii: false };
  const text =
    topic === 'all'
      ? await renderList({ ...listOf([report], 'unknown', null), exitCode: report.exitCode }, format, style, false)
      : await render(report, format, style, false);
  await print(io.stdout, text);
}
