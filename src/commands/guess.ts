import { parseArgs } from 'node:util';
import type { Kubectl } from '../cluster/kubectl-process.ts';
import { KUBECTL_FLAGS, kubectlFlagsOf } from './kubectl-flags.ts';

/** The words that ask no cluster. */
const OFFLINE = ['version', 'help', 'explain', 'topics', 'schema', 'rbac', 'completion', '__complete'];

/** Whether a command line looks as if it asks a cluster. */
export const looksLive = (argv: readonly string[]): boolean =>
  argv[0] !== undefined &&
  !argv[0].startsWith('-') &&
  !OFFLINE.includes(argv[0]) &&
  !argv.some((word) => /^(-h|--help|--bundle(=.*)?)$/.test(word));

/**
 * The kubectl that a command line will want, read before the program that reads it well is there; null where it wants
 * none, or that cannot be told. A guess: whoever uses it compares it with what was meant.
 */
export function guessedKubectl(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Kubectl | null {
  // kubectl 1.8 to 1.11 hands its flags over as variables (legacy.ts).
  if (!looksLive(argv) || env.KUBECTL_PLUGINS_CALLER) return null;
  const options = Object.fromEntries(
    Object.entries(KUBECTL_FLAGS).map(([name, flag]) => [
      name,
      {
        type: flag.type === 'boolean' ? ('boolean' as const) : ('string' as const),
        multiple: flag.type === 'array',
        ...('alias' in flag && { short: flag.alias }),
      },
    ]),
  );
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: false });
    return { program: env.KUBECTL_PATH || 'kubectl', flags: kubectlFlagsOf(values), env };
  } catch {
    return null;
  }
}
