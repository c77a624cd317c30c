import { UsageError } from '../../errors.ts';
import { compared } from '../../report/compare.ts';
import { API_VERSION, DATA, dataText } from '../../report/data.ts';
import { type Differences, differencesText, type TopicDifference } from '../../report/differences.ts';
import { escapeAll, escapeText } from '../../report/escape.ts';
import { type Past, unlike } from '../../report/past.ts';
import { plain } from '../../report/style.ts';
import { type Arguments, text } from '../arguments.ts';
import { openCompared, pastsOf } from '../diagnose/pasts.ts';
import { aside, type Io, print } from '../io.ts';
import { formatAmong } from '../options.ts';
import { styleOf } from '../style.ts';

/** Prints what differs between two reports or bundles, and resolves to the exit code, as `diff` has it. */
export async function diff(args: Arguments, io: Io): Promise<number> {
  const format = formatAmong(args.output, ['table', ...DATA]);
  const style = styleOf(args, io);
  const [older, newer] = await Promise.all([openCompared(fileOf(args, 'old')), openCompared(fileOf(args, 'new'))]);
  const topics = [older, newer].flatMap(({ pasts }) => pasts?.map(({ topic }) => topic) ?? []);
  const wanted = topics.length > 0 ? topics : null;
  const olds = await pastsOf(older, wanted, args, io);
  const news = await pastsOf(newer, wanted, args, io);
  const pairs = news.flatMap((now): readonly (readonly [Past, Past])[] => {
    const old = olds.find(({ topic }) => topic === now.topic);
    return old ? [[old, now]] : [];
  });
  if (pairs.length === 0) {
    const named = (pasts: readonly Past[]): string => pasts.map(({ topic }) => topic).join(', ');
    throw new UsageError(`${older.file} is of ${named(olds)}, and ${newer.file} of ${named(news)}`);
  }
  for (const { topic } of [...olds, ...news].filter((past) => !pairs.some((pair) => pair.includes(past))))
    await aside(io.stderr, `note: only one of the two is of ${escapeText(topic)}\n`);
  for (const words of new Set(pairs.flatMap(([old, now]) => unlike(old, now))))
    await aside(io.stderr, `note: ${escapeText(words)}\n`);
  const items = pairs.map(
    ([old, now]): TopicDifference => ({
      topic: now.topic,
      verdict: { old: old.verdict, new: now.verdict },
      with: { startedAt: now.run.startedAt, context: now.run.context },
      ...compared(now, old),
    }),
  );
  const exitCode = items.some(isDifferent) ? 1 : 0;
  const made: Differences = escapeAll({ apiVersion: API_VERSION, kind: 'DiagnosisDiff', items, exitCode });
  await print(
    io.stdout,
    format === 'table' ? plain(style, differencesText(made, style)) : await dataText(made, format),
  );
  return exitCode;
}

function fileOf(args: Arguments, name: string): string {
  const file = text(args[name]);
  if (file === null) throw new UsageError('diff takes two files: OLD and NEW');
  return file;
}

const isDifferent = ({ verdict, summary, unasked }: TopicDifference): boolean =>
  verdict.old !== verdict.new || summary.new + summary.fixed + summary.unknown + unasked.length > 0;
