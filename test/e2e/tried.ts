import assert from 'node:assert/strict';
import type { Report } from '../../src/report/document.ts';
import { verbsOf } from '../../src/report/hint.ts';
import { type ShellCommand, shellCommandsOf } from '../../src/report/shell-words.ts';
import type { Ended } from '../support/started.ts';

/** What a program says of a line that it does not take, whatever there is in the cluster. */
const MISTAKEN =
  /unknown (shorthand )?(flag|command)|invalid (argument|subcommand)|doesn't have a resource type|no matches for kind|error (parsing|converting)|unable to parse|is not a recognized|must (specify|provide|be specified)|^Usage:|syntax error|command not found|strict decoding error|is invalid:|admission webhook .* denied/im;

/** What changes objects, and takes --dry-run=server: the API server judges it, and nothing is changed. */
const DRY: ReadonlySet<string> = new Set([
  'apply',
  'patch',
  'label',
  'annotate',
  'create',
  'delete',
  'set',
  'scale',
  'replace',
]);

/** A line as it may be tried: null where it would change what it is tried on. */
function harmless(line: string): string | null {
  const commands = shellCommandsOf(line);
  if (commands.some(isRisky)) return null;
  const changing = commands.filter(({ words }) => words[0] === 'kubectl' && DRY.has(verbsOf(words)[0] ?? ''));
  if (changing.length === 0) return line;
  // Where one flag says it for the whole line, it is the last word of its only command.
  if (changing.length > 1 || commands.at(-1) !== changing[0]) return null;
  const [command = ''] = line.split('   # ');
  return `${command} --dry-run=server`;
}

/** Restarts pods, installs a release, waits for ever, or is to be filled in by a person. */
const isRisky = ({ words }: ShellCommand): boolean =>
  verbsOf(words).slice(0, 2).join(' ') === 'rollout restart' ||
  (words[0] === 'istioctl' && /^(install|upgrade|dashboard|d)$/.test(words[1] ?? '')) ||
  words.some((word) => /^(-w|--watch|-f=|--follow)$/.test(word)) ||
  verbsOf(words)[0] === 'port-forward' ||
  words.some((word) => /^YOUR-|^<.*>$|^(POD|NAMESPACE|NAME)$/.test(word)) ||
  !/^(kubectl|istioctl|grep|jq|echo|head|tail|sort|wc|cut)$/.test(words[0] ?? '');

const tried = new Set<string>();

/** Starts a program on a cluster. */
type Run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv) => Promise<Ended>;

/** Whether each line to type next, that was not tried yet, is one that the real programs take. Resolves to how many were run. */
export async function tryLines(run: Run, lines: readonly string[]): Promise<number> {
  let ran = 0;
  for (const each of lines.filter((line) => !tried.has(line))) {
    tried.add(each);
    const line = harmless(each);
    if (line === null) continue;
    const { stderr } = await run('timeout', ['15', 'bash', '-c', line], { KUBE_EDITOR: 'true' });
    assert.doesNotMatch(stderr, MISTAKEN, line);
    ran++;
  }
  return ran;
}

/** The same of all lines of a report. */
export const tryHints = (run: Run, { steps }: Report): Promise<number> =>
  tryLines(
    run,
    steps.flatMap(({ checks }) => checks.flatMap(({ hint }) => hint ?? [])),
  );
