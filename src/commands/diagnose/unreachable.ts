import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Unanswered } from '../../errors.ts';
import type { Report } from '../../report/document.ts';
import { type Arguments, text } from '../arguments.ts';
import type { Io } from '../io.ts';

/** The kubeconfig that kubectl reads, and who names it. */
function filesOf(args: Arguments, { env }: Pick<Io, 'env'>): { by: string; files: readonly string[] } {
  const flag = text(args.kubeconfig);
  if (flag !== null) return { by: '--kubeconfig', files: [flag] };
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) return { by: 'KUBECONFIG', files: named };
  return { by: '', files: [join(env.HOME ?? homedir(), '.kube', 'config')] };
}

const GIVE = 'name one: export KUBECONFIG=FILE, or --kubeconfig FILE';
const CONTEXTS = '`kubectl config get-contexts` lists those that there are, then add --context NAME';

/** What is wrong with the kubeconfig, by kubectl's words about it, and what to type; null where it is not at fault. */
function configurationFault(words: string, args: Arguments, io: Pick<Io, 'env'>): string | null {
  const { by, files } = filesOf(args, io);
  const [missing, ...others] = files.filter((file) => !existsSync(file));
  const [, what, name = ''] = /cannot locate (user|context|cluster) (\S+)/.exec(words) ?? [];
  if (/current-context must exist/.test(words)) {
    if (missing !== undefined && others.length + 1 === files.length)
      return by === ''
        ? `there is no kubeconfig, ${missing} is not there: ${GIVE}`
        : `${by} names ${missing}, which does not exist: ${GIVE}`;
    return `the kubeconfig has no current context: ${CONTEXTS}, or \`kubectl config use-context NAME\``;
  }
  if (what === 'context') return `the kubeconfig has no context ${JSON.stringify(name)}: ${CONTEXTS}`;
  if (what !== undefined)
    return `the kubeconfig has no ${what} ${JSON.stringify(name)}, which its context names: \`kubectl config get-${what}s\` lists those that there are`;
  return null;
}

/** Why a cluster could not be asked: the true cause where the kubeconfig is it, and kubectl's words. */
export function unreachableWords(
  unsearched: readonly Unanswered[],
  configuration: string | null,
  args: Arguments,
  io: Pick<Io, 'env'>,
): string {
  const [first] = unsearched;
  if (first?.words.startsWith('no answer within')) return `timed out: ${first.words} to \`${first.command}\``;
  const fault = configuration === null ? null : configurationFault(configuration, args, io);
  if (fault !== null) return `the cluster could not be reached: ${fault}${first ? ` (kubectl: ${first.words})` : ''}`;
  const said = first
    ? `the cluster could not be reached with \`${first.command}\`: ${first.words}`
    : 'the cluster could not be reached';
  return configuration === null || said.includes(configuration) ? said : `${said} (${configuration})`;
}

/** A login that the API server takes for nobody's: every right is missing then, and no role would help. */
export const withLogin = (report: Report): Report =>
  report.unchecked.some(({ words, triedInstead }) => /"system:anonymous"/.test([words, ...triedInstead].join(' ')))
    ? {
        ...report,
        warnings: [
          ...report.warnings,
          'the API server knows you as system:anonymous: the user of this context has no credentials that it takes. `kubectl config view --minify` shows the user, `kubectl auth whoami` who you are',
        ],
      }
    : report;
