import { setMaxListeners } from 'node:events';
import { closest } from 'fastest-levenshtein';
import { Gatherer } from '../../diagnosis/gather.ts';
import { UsageError } from '../../errors.ts';
import { DATA, rawText } from '../../report/data.ts';
import { escapeText } from '../../report/escape.ts';
import { exitCodeOf, NO_GROUNDS } from '../../report/exit.ts';
import { plain } from '../../report/style.ts';
import type { Arguments } from '../arguments.ts';
import { aside, type Io, print } from '../io.ts';
import { formatAmong, isKind, scopeOf } from '../options.ts';
import { openConfiguration, openSession } from '../session.ts';
import { styleOf } from '../style.ts';
import { HELPERS, type Helper } from './helpers.ts';
import { NoIstio, type Shown, type Told, type Work } from './work.ts';

const whole = async (shown: Promise<Shown>): Promise<Told> => ({ ...(await shown), missing: [] });

function helperCalled(first: string, others: readonly string[], args: Arguments): Helper {
  const names = Object.keys(HELPERS) as Helper[];
  const helper = names.find((each) => each === first);
  if (!helper)
    throw new UsageError(
      first === ''
        ? `debug takes one of ${names.join(', ')}`
        : `debug has no helper ${JSON.stringify(first)}; did you mean ${closest(first, names)}?`,
    );
  const surplus = others[HELPERS[helper][1]];
  if (surplus !== undefined) throw new UsageError(`debug ${helper} takes no word ${JSON.stringify(surplus)}`);
  if (args.execute === true && helper !== 'tcpdump' && helper !== 'gdb')
    throw new UsageError(`--execute is for tcpdump and gdb: ${helper} reads only`);
  return helper;
}

/** `deploy reviews` as `deploy/reviews`: the last two words, where the first of them is a kind. */
function withoutSpace(words: readonly string[]): readonly string[] {
  const [kind = '', name] = words.slice(-2);
  return words.length > 2 && name !== undefined && isKind(kind) ? [...words.slice(0, -2), `${kind}/${name}`] : words;
}

/** What the guide did with istioctl, tcpdump and gdb: prints, and judges nothing. Resolves to the exit code. */
export async function debug(words: readonly string[], args: Arguments, io: Io): Promise<number> {
  const format = formatAmong(args.output, ['table', ...DATA]);
  const style = styleOf({ ...args, color: 'never' }, io);
  const [first = '', ...others] = withoutSpace(words);
  const helper = helperCalled(first, others, args);
  const scope = scopeOf({ ...args, name: undefined, _: undefined }, 'default');
  const configured = openConfiguration(args, io);
  const session = await openSession(args, io);
  let run: ((interrupt: AbortSignal) => Promise<number>) | null = null;
  try {
    const { cluster, startedAt: now, sleep } = session;
    const gatherer = new Gatherer({ cluster, scope, now, sleep }, io.now);
    const work: Work = { args, session, gatherer, io };
    let told: Told;
    let unsaved: string | null = null;
    try {
      if (helper === 'tcpdump' || helper === 'gdb') {
        const prepared = await (await import('./container.ts')).container(helper, others, work, configured);
        told = { ...prepared, missing: [] };
        run = prepared.run;
      } else told = await tell(helper, others, work);
    } finally {
      // Also of a run that came to nothing: that is when somebody else should look at it.
      unsaved = await session.save();
      if (unsaved !== null) await aside(io.stderr, `error: ${escapeText(unsaved)}\n`);
    }
    // stdout is the started program's: what a person should know first goes to stderr.
    if (run !== null) await print(io.stderr, plain(style, told.text(style)));
    else await print(io.stdout, format === 'table' ? plain(style, told.text(style)) : await rawText(told.data, format));
    for (const { command, words: said } of told.missing)
      await aside(io.stderr, `error: no answer to \`${escapeText(command)}\`: ${escapeText(said)}\n`);
    if (unsaved !== null) return exitCodeOf('error', NO_GROUNDS, 'unknown', io.signal());
    if (run === null)
      return exitCodeOf(told.missing.length > 0 ? 'inconclusive' : 'healthy', NO_GROUNDS, 'unknown', io.signal());
  } catch (error) {
    if (!(error instanceof NoIstio)) throw error;
    await aside(io.stderr, `error: ${error.message}\n`);
    return exitCodeOf('not-applicable', NO_GROUNDS, 'unknown', io.signal());
  } finally {
    await session.close();
  }
  setMaxListeners(0, io.interrupt);
  return run(io.interrupt);
}

async function tell(helper: Exclude<Helper, 'tcpdump' | 'gdb'>, words: readonly string[], work: Work): Promise<Told> {
  switch (helper) {
    case 'proxy-config':
      return whole((await import('./proxy-config.ts')).proxyConfig(words, work));
    case 'diff':
      return whole((await import('./diff.ts')).diff(words, work));
    case 'sync':
      return (await import('./pilots.ts')).sync(words, work);
    case 'pilot':
      return (await import('./pilots.ts')).pilot(words, work);
  }
}
