import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'node:test';
import { dump, load as parse } from 'js-yaml';
import { COMMANDS, flagsOf } from '../src/commands/flags.ts';
import { legacyFlags } from '../src/commands/legacy.ts';
import { guide } from '../src/guide/index.ts';
import { it } from './support/programs.ts';
import { ran, reported } from './support/run.ts';
import { withStandIn } from './support/standing.ts';

/** The descriptor of kubectl 1.8 - 1.11, as its source validates it (packaging.md 5.4). */
interface Descriptor {
  name: string;
  shortDesc: string;
  command?: string;
  flags?: { name: string; desc: string; shorthand?: string; defValue?: string }[];
  tree?: Descriptor[];
}

const FILE = join(import.meta.dirname, '../plugin.yaml');
const plugin = parse(readFileSync(FILE, 'utf8')) as Descriptor;

const KEYS = ['name', 'shortDesc', 'longDesc', 'example', 'command', 'flags', 'tree'];
const KEYS_OF_FLAG = ['name', 'shorthand', 'desc', 'defValue'];
/** Of kubectl's own flags that every command inherits: a second one of these stops kubectl. */
const TAKEN = ['n', 's', 'v', 'h'];

function assertValid(descriptor: Descriptor): void {
  assert.deepEqual(
    Object.keys(descriptor).filter((key) => !KEYS.includes(key)),
    [],
  );
  assert.match(descriptor.name, /^\S+$/);
  assert.ok(descriptor.shortDesc.length > 0);
  assert.ok(descriptor.command || descriptor.tree);
  const flags = descriptor.flags ?? [];
  for (const flag of flags) {
    assert.deepEqual(
      Object.keys(flag).filter((key) => !KEYS_OF_FLAG.includes(key)),
      [],
    );
    assert.match(flag.name, /^[a-z][a-z-]*$/);
    assert.ok(flag.desc.length > 0, flag.name);
    if (flag.shorthand !== undefined) assert.ok(/^[a-zA-Z]$/.test(flag.shorthand) && !TAKEN.includes(flag.shorthand));
    if (flag.defValue !== undefined) assert.equal(typeof flag.defValue, 'string');
  }
  for (const key of ['name', 'shorthand'] as const) {
    const values = flags.flatMap((flag) => flag[key] ?? []);
    assert.deepEqual(values, [...new Set(values)]);
  }
  for (const child of descriptor.tree ?? []) assertValid(child);
}

describe('plugin.yaml', () => {
  it('is valid by the rules of kubectl 1.8 - 1.11', () => assertValid(plugin));

  it('has every topic and command with its flags, but for those flags that kubectl has itself', () => {
    const commands = [
      ...guide.map(({ id, summary }) => [id, summary] as const),
      ...Object.entries(COMMANDS).filter(([name]) => name !== 'completion'),
    ];
    const tree = commands.map(([name, shortDesc]): Descriptor => {
      const flags = Object.entries(flagsOf(name))
        .filter(([flag]) => flag !== 'namespace')
        .map(([flag, { alias, describe, default: value }]) => ({
          name: flag,
          ...(alias !== undefined && !TAKEN.includes(alias) && { shorthand: alias }),
          desc: describe,
          ...(value !== undefined && { defValue: String(value) }),
        }));
      const command = `./kubectl-istio-diag ${name}`;
      return { name, shortDesc, command, ...(flags.length > 0 && { flags }) };
    });
    if (process.env.UPDATE_GOLDEN === '1') {
      const text = readFileSync(FILE, 'utf8');
      writeFileSync(
        FILE,
        `${text.slice(0, text.indexOf('\ntree:') + 1)}${dump({ tree }, { lineWidth: -1, noRefs: true })}`,
      );
    }
    assert.deepEqual((parse(readFileSync(FILE, 'utf8')) as Descriptor).tree, tree, 'npm run golden writes plugin.yaml');
  });
});

describe('the flags that kubectl 1.8 - 1.11 hands over', () => {
  const CALLER = { KUBECTL_PLUGINS_CALLER: '/usr/bin/kubectl' };
  it('are taken from the variables, without what nobody gave', () => {
    const env = {
      KUBECTL_PLUGINS_LOCAL_FLAG_OUTPUT: 'json',
      KUBECTL_PLUGINS_LOCAL_FLAG_FAIL_ON: 'unknown',
      KUBECTL_PLUGINS_LOCAL_FLAG_SAVE_BUNDLE: '',
      KUBECTL_PLUGINS_LOCAL_FLAG_PROMETHEUS_HEADER: 'X-Scope-OrgID: a,b',
      KUBECTL_PLUGINS_LOCAL_FLAG_QUIET: 'true',
      KUBECTL_PLUGINS_LOCAL_FLAG_ASCII: 'false',
      KUBECTL_PLUGINS_GLOBAL_FLAG_CONTEXT: 'prod-eu',
      KUBECTL_PLUGINS_GLOBAL_FLAG_NAMESPACE: 'bookinfo',
      KUBECTL_PLUGINS_GLOBAL_FLAG_AS_GROUP: '[a,b]',
      KUBECTL_PLUGINS_GLOBAL_FLAG_REQUEST_TIMEOUT: '0',
      KUBECTL_PLUGINS_GLOBAL_FLAG_INSECURE_SKIP_TLS_VERIFY: 'false',
    };
    assert.deepEqual(legacyFlags({ ...CALLER, ...env }, 'missing-metrics'), [
      '--prometheus-header=X-Scope-OrgID: a,b',
      '--output=json',
      '--quiet',
      '--context=prod-eu',
      '--as-group=a',
      '--as-group=b',
      '--namespace=bookinfo',
    ]);
    assert.deepEqual(legacyFlags(env, 'missing-metrics'), []);
    assert.deepEqual(legacyFlags({ ...CALLER, ...env }, 'topics'), []);
  });

  it('tell how an error is to be printed', async () => {
    const { stdout, code } = await ran(['missing-metrics', '--bundle', '/nonexistent'], {
      env: { ...CALLER, KUBECTL_PLUGINS_LOCAL_FLAG_OUTPUT: 'json' },
    });
    assert.deepEqual([code, (JSON.parse(stdout) as { verdict: string }).verdict], [2, 'error']);
  });

  it('reach the run', async () => {
    await withStandIn('istio-1.0.6/handler-missing', async (_, env) => {
      const { stdout, code } = await ran(['missing-metrics'], {
        env: {
          ...env,
          ...CALLER,
          KUBECTL_PLUGINS_LOCAL_FLAG_OUTPUT: 'json',
          KUBECTL_PLUGINS_LOCAL_FLAG_FAIL_ON: 'never',
        },
      });
      const { report } = await reported(['missing-metrics', '--fail-on', 'never'], { env });
      assert.equal(code, 0);
      assert.equal((JSON.parse(stdout) as typeof report).verdict, report.verdict);
    });
  });
});
