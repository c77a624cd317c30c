import { parseArgs } from 'node:util';
import type { Kubectl } from '../cluster/ways/kubectl-process.ts';
import { KUBECTL_FLAGS, kubectlFlagsOf } from './kubectl-flags.ts';

/** The words that ask a cluster: a slip of the keyboard starts nothing. */
const LIVE = [
  'missing-metrics',
  'route-rules',
  'pilot-connectivity',
  'zipkin-clock',
  'http10',
  'grafana-clock',
  'envoy-crash',
  'headless-tcp',
  'envoy-cpu',
  'webhook-certs',
  'apiserver-proxy',
  'all',
  'metrics',
  'debug',
];

/** kubectl's `-v=6`, `-v6`, `--v=6` and `-v 6`: here any number but 0 says what is asked. */
const LEVEL = /^(?:-v=?|--v=)(\d+)$/;

/** A word that kubectl reads as the level of the one before it. */
const isLevelOf = (before: string | undefined, word: string | undefined): boolean =>
  (before === '-v' || before === '--v') && /^\d+$/.test(word ?? '');

/** What every user of kubectl types: `-ojson` is `-o json` (yargs would read five flags), and `help` is a command. */
export const kubectlSpelling = (argv: readonly string[]): string[] =>
  argv.flatMap((word, index) => {
    if (index === 0 && word === '--version') return ['version'];
    if (index === 0 && word === 'help') return ['--help'];
    if (isLevelOf(argv[index - 1], word)) return [];
    const level = LEVEL.exec(word)?.[1] ?? (isLevelOf(word, argv[index + 1]) ? argv[index + 1] : undefined);
    if (level !== undefined) return Number(level) > 0 ? ['--verbose'] : [];
    if (word === '--v') return ['--verbose'];
    const [, flag, value] = /^-([onlis])([^=].*)$/.exec(word) ?? [];
    return flag === undefined || value === undefined ? [word] : [`-${flag}`, value];
  });

/** Whether a command line looks as if it asks a cluster. */
export const looksLive = (argv: readonly string[]): boolean =>
  (LIVE.includes(argv[0] ?? '') || (argv[0] === 'rbac' && argv.includes('--missing'))) &&
  !argv.some((word) => /^(-h|--help|--bundle(=.*)?)$/.test(word));

/**
 * The kubectl that a command line will want, read before the program that reads it well is there; null where it wants
 * none, or that cannot be told. A guess: whoever uses it compares it with what was meant.
 */
export function guessedKubectl(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Kubectl | null {
  const words = kubectlSpelling(argv);
  // kubectl 1.8 to 1.11 hands its flags over as variables (legacy.ts), and joined flags are not looked into.
  if (!looksLive(words) || env.KUBECTL_PLUGINS_CALLER || words.some((word) => /^-[a-z]./i.test(word))) return null;
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
    const { values } = parseArgs({ args: words, options, strict: false });
    return { program: env.KUBECTL_PATH || 'kubectl', flags: kubectlFlagsOf(values), env };
  } catch {
    return null;
  }
}
