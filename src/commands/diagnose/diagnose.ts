import { messageOf, UsageError } from '../../errors.ts';
import type { Entry } from '../../guide/index.ts';
import type { Report } from '../../report/document.ts';
import { escapeAll, escapeText } from '../../report/escape.ts';
import { exitCodeOf, type FailOn, NO_GROUNDS } from '../../report/exit.ts';
import { listOf } from '../../report/list.ts';
import { onlyWith } from '../../report/only.ts';
import { render, renderList } from '../../report/render.ts';
import { errorReport } from '../../report/report.ts';
import { tool } from '../../version.ts';
import { type Arguments, text } from '../arguments.ts';
import { aside, type Io, isDrawable, print } from '../io.ts';
import { failOnOf, formatOf, onlyOf, scopeOf } from '../options.ts';
import { openConfiguration, openSession } from '../session.ts';
import { styleOf } from '../style.ts';
import { ignoresOf } from './ignores.ts';
import type { Histories } from './investigate.ts';
import { type Look, type Looking, look, reportsOf } from './look.ts';
import { openCompared, pastsOf } from './pasts.ts';
import { openScreen } from './screen.ts';
import { startSpinner } from './spinner.ts';
import { unreachableWords, withLogin } from './unreachable.ts';
import { changesBetween, type Watching, watch, watchingOf } from './watch.ts';

/** One that is whole, and told before there is another. */
interface ToldLook extends Look {
  reports: readonly Report[];
}

/** Diagnoses one topic or several, prints the report or the list of reports, and resolves to the exit code. */
export async function diagnose(entries: readonly Entry[], args: Arguments, io: Io): Promise<number> {
  const format = formatOf(args);
  const style = styleOf(args, io);
  const only = onlyOf(args, format);
  const failOn = failOnOf(args);
  const watching = watchingOf(args);
  scopeOf(args, 'default');
  const baseline = text(args.baseline);
  if (failOn === 'new' && baseline === null)
    throw new UsageError('--fail-on new fails for what a baseline does not have: name one with --baseline');
  if (args.plan === true && args.bundle !== undefined)
    throw new UsageError('--plan asks a cluster what there is, and --bundle replays one: give one of them');
  let session = await openSession(args, io);
  const isDrawn = watching !== null && isDrawable(io.stdout, io) && (format === 'table' || format === 'wide');
  const spinner = startSpinner(io, { quiet: args.quiet === true || isDrawn, ascii: style.ascii });
  const showCommands = args['show-commands'] === true;
  const histories: Histories = new Map();
  try {
    // Read while kubectl starts.
    const topics = await Promise.all(entries.map((entry) => entry.load()));
    const wanted = entries.map(({ id }) => id);
    const baselines = baseline === null ? [] : await pastsOf(await openCompared(baseline), wanted, args, io);
    const looking: Looking = { topics, args, io, failOn, ignores: ignoresOf(args, topics), baselines };
    let unsaved: string | null = null;
    // The diagnosis stands. That the bundle which was asked for is not there is told by the exit code alone.
    const coded = <T extends { exitCode: number }>(made: T): T =>
      unsaved === null ? made : { ...made, exitCode: exitCodeOf('error', NO_GROUNDS, failOn, io.signal()) };
    const textOf = async (all: readonly Report[]): Promise<{ code: number; text: string }> => {
      const reports = only === null ? all : all.map((report) => onlyWith(report, only));
      const [first] = reports;
      if (first && entries.length === 1)
        return { code: first.exitCode, text: await render(first, format, style, showCommands) };
      const list = coded(listOf(reports, failOn, io.signal()));
      return { code: list.exitCode, text: await renderList(list, format, style, showCommands) };
    };
    let last = await look(looking, session, session.startedAt, spinner, histories);
    /** Of the last look that is whole, where there may be several. */
    let told: readonly Report[] | null = null;
    if (watching) {
      const toldOf = (each: Look): ToldLook => ({ ...each, reports: reportsOf(looking, each) });
      const again = async (before: ToldLook): Promise<ToldLook> => {
        // What led to the cluster may have ended with the connection.
        if (before.reports.every(({ verdict }) => verdict === 'unreachable')) {
          await session.close();
          session = await openSession(args, { ...io, headStart: null });
        } else session.renew();
        return toldOf(await look(looking, session, io.now(), spinner, histories));
      };
      const textOnly = async (reports: readonly Report[]): Promise<string> => (await textOf(reports)).text;
      const end = await watched(watching, toldOf(last), again, textOnly, isDrawn, io);
      // It stays what it is, though the next one was interrupted.
      told = end.reports.map(endedBy(failOn, io));
      last = end;
    }
    unsaved = await session.save();
    const { words } = await session.identity;
    // Nothing is asked any more: kubectl ends while the report is made.
    void session.close();
    spinner.stop();
    if (unsaved !== null) await aside(io.stderr, `error: ${escapeText(unsaved)}\n`);
    const found = (told ?? reportsOf(looking, last, unsaved === null ? [] : [unsaved])).map(coded).map(withLogin);
    const reports = args.plan === true && io.signal() === null ? await planned(found, args, io) : found;
    if (reports[0]?.verdict === 'unreachable')
      await aside(
        io.stderr,
        `error: ${escapeText(unreachableWords(last.found[0]?.unsearched ?? [], words, args, io))}\n`,
      );
    const { code, text } = await textOf(reports);
    await print(io.stdout, text);
    return code;
  } finally {
    spinner.stop();
    await session.close();
  }
}

/** A report with the exit code of a run that ends now. */
const endedBy =
  (failOn: FailOn, io: Io) =>
  (report: Report): Report =>
    io.signal() === null
      ? report
      : { ...report, exitCode: exitCodeOf(report.verdict, NO_GROUNDS, failOn, io.signal()) };

/** With what the fixes would change. */
async function planned(reports: readonly Report[], args: Arguments, io: Io): Promise<readonly Report[]> {
  const { plansOf } = await import('./plan.ts');
  const { kubectl, patience } = openConfiguration(args, io);
  return Promise.all(
    reports.map(async (report) => ({ ...report, plan: escapeAll(await plansOf(report, kubectl, patience)) })),
  );
}

/** Looks again, and shows it: drawn over the look before on a terminal, elsewhere a line on stderr for each change. */
async function watched(
  watching: Watching,
  first: ToldLook,
  again: (before: ToldLook) => Promise<ToldLook>,
  textOf: (reports: readonly Report[]) => Promise<string>,
  isDrawn: boolean,
  io: Io,
): Promise<ToldLook> {
  const screen = isDrawn ? openScreen(io) : null;
  const said = (text: string): string => `${new Date(io.now()).toISOString().slice(11, 19)}Z  ${escapeText(text)}\n`;
  const until = watching.untilHealthy ? 'until all is well, or time is up' : 'until Ctrl-C';
  try {
    return await watch(
      watching,
      first,
      again,
      async ({ reports }, before) => {
        if (screen)
          screen.draw(`${await textOf(reports)}\n${said(`looks again every ${watching.every / 1000} s, ${until}`)}`);
        else for (const line of changesBetween(reports, before?.reports ?? [])) await aside(io.stderr, said(line));
      },
      io.interrupt,
    );
  } finally {
    screen?.close();
  }
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
    baseline: null,
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
