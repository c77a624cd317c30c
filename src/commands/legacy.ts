import { asksCluster, flagsOf, SOME_TOPICS_FLAGS } from './flags.ts';
import { KUBECTL_FLAGS } from './kubectl-flags.ts';

/** kubectl parses these itself; `namespace` is among its own. */
const GLOBAL: Flags = { ...KUBECTL_FLAGS, namespace: SOME_TOPICS_FLAGS.namespace };

type Flags = Readonly<Record<string, { type: string; default?: string | number }>>;

/** What a flag of kubectl's own has when nobody gave it, as Go prints it. */
const UNSET = ['', '0', '0s', 'false', '[]'];

/**
 * The flags of a `kubectl plugin istio-diag`: kubectl 1.8 to 1.11 parses those that plugin.yaml declares, and hands
 * them over as variables only (packaging.md 5.4). Nothing for any other kubectl.
 */
export function legacyFlags(
  env: Readonly<Record<string, string | undefined>>,
  command: string | undefined,
): readonly string[] {
  // A command that asks no cluster takes none, whatever kubectl was given.
  if (!env.KUBECTL_PLUGINS_CALLER || command === undefined || !asksCluster(command)) return [];
  const flags = flagsOf(command);
  const given = (kind: string, name: string): string =>
    env[`KUBECTL_PLUGINS_${kind}_FLAG_${name.toUpperCase().replaceAll('-', '_')}`] ?? '';
  const local = Object.entries(flags).flatMap(([name, flag]) => {
    const value = given('LOCAL', name);
    // Declared as texts: a comma in one is its own.
    const type = flag.type === 'array' ? 'string' : flag.type;
    return value === '' || value === String(flag.default) ? [] : spelled(name, type, value);
  });
  const global = Object.entries(GLOBAL).flatMap(([name, { type }]) => {
    if (name === 'namespace' && !(name in flags)) return [];
    const value = given('GLOBAL', name);
    return UNSET.includes(value) ? [] : spelled(name, type, value);
  });
  return [...local, ...global];
}

function spelled(name: string, type: string, value: string): readonly string[] {
  if (type === 'boolean') return value === 'true' ? [`--${name}`] : [];
  const values = type === 'array' ? value.replace(/^\[|\]$/g, '').split(',') : [value];
  return values.map((each) => `--${name}=${each}`);
}
