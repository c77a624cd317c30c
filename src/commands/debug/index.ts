import { closest } from 'fastest-levenshtein';
import { Gatherer } from '../../diagnosis/gather.ts';
import { type Unanswered, UsageError } from '../../errors.ts';
import { escapeText } from '../../report/escape.ts';
import { plain } from '../../report/style.ts';
import { type Io, print } from '../io.ts';
import { type Arguments, oneOf, scopeOf } from '../options.ts';
import { openSession, type Session } from '../session.ts';
import { styleOf } from '../style.ts';

/** The helpers, and what each prints. */
export const HELPERS = {
  'proxy-config': 'Print clusters, listeners, routes, endpoints or bootstrap of a pod’s Envoy',
  sync: 'Print every proxy’s state on every replica of Pilot',
  pilot: 'Print the page ads, eds or registry of every replica of Pilot',
  diff: 'Print what Pilot sent and a pod’s Envoy has not, and the other way round',
  tcpdump: 'Print the line that captures a pod’s packets',
  gdb: 'Print the line that attaches a debugger to a pod’s Envoy',
} as const;
type Helper = keyof typeof HELPERS;

/** What a helper prints, and what it could not look at. */
export interface Told {
  text: string;
  missing: readonly Unanswered[];
}

const whole = async (text: Promise<string>): Promise<Told> => ({ text: await text, missing: [] });

/** What the guide did with istioctl, tcpdump and gdb: prints, and judges nothing. Resolves to the exit code. */
export async function debug(words: readonly string[], args: Arguments, io: Io): Promise<number> {
  const json = oneOf(args.output, ['table', 'json'] as const, 'output') === 'json';
  const style = styleOf(args, io);
  const [first = '', ...others] = words;
  const helper = (Object.keys(HELPERS) as Helper[]).find((each) => each === first);
  if (!helper)
    throw new UsageError(
      first === ''
        ? `debug takes one of ${Object.keys(HELPERS).join(', ')}`
        : `debug has no helper ${JSON.stringify(first)}; did you mean ${closest(first, Object.keys(HELPERS))}?`,
    );
  if (args.execute === true && helper !== 'tcpdump' && helper !== 'gdb')
    throw new UsageError(`--execute is for tcpdump and gdb: ${helper} reads only`);
  const scope = scopeOf({ ...args, _: undefined }, 'default');
  const session = await openSession(args, io);
  try {
    if (helper === 'tcpdump' || helper === 'gdb') {
      const { container } = await import('./container.ts');
      return await container(helper, others, args, io, session, json);
    }
    const { cluster, startedAt: now, sleep } = session;
    const gatherer = new Gatherer({ cluster, scope, now, sleep }, io.now);
    const { text, missing } = await told(helper, others, args, session, gatherer, json);
    const unsaved = await session.save();
    await print(io.stdout, plain(style, text));
    for (const { command, words } of missing)
      await print(io.stderr, `error: no answer to \`${escapeText(command)}\`: ${escapeText(words)}\n`);
    if (unsaved !== null) await print(io.stderr, `error: ${escapeText(unsaved)}\n`);
    if (unsaved !== null) return 2;
    return missing.length > 0 ? 3 : 0;
  } finally {
    await session.close();
  }
}

async function told(
  helper: Exclude<Helper, 'tcpdump' | 'gdb'>,
  words: readonly string[],
  args: Arguments,
  session: Session,
  gatherer: Gatherer,
  json: boolean,
): Promise<Told> {
  switch (helper) {
    case 'proxy-config':
      return whole((await import('./proxy-config.ts')).proxyConfig(words, args, session, json));
    case 'diff':
      return whole((await import('./diff.ts')).diff(words, args, session, gatherer, json));
    case 'sync':
      return (await import('./pilots.ts')).sync(words, gatherer, json);
    case 'pilot':
      return (await import('./pilots.ts')).pilot(words, gatherer, json);
  }
}
