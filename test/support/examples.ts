import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Example } from '../../src/commands/explain/examples.ts';
import type { AnyCheck } from '../../src/diagnosis/check.ts';
import { isWhole } from './programs.ts';

const FILE = new URL('../../src/commands/explain/examples.json', import.meta.url);

/** Longer is nothing to learn from, and hostile names are in no example. */
const isPlain = (message: string): boolean => message.length <= 200 && /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(message);

/** Numbers, ports and addresses differ from run to run. */
const withoutNumbers = ({ message, hint }: Example): string =>
  JSON.stringify([message, hint]).replace(/\d+(\.\d+)*/g, '0');

/** With something to type, then the shortest: it has to be read. */
const better = (a: Example, b: Example): number =>
  Number(b.hint !== null) - Number(a.hint !== null) ||
  a.message.length - b.message.length ||
  a.message.localeCompare(b.message) ||
  (a.hint ?? '').localeCompare(b.hint ?? '');

/** Examples that may differ in one run: real programs are looked at while they start, and words of that moment come and go. */
const SHAKY = 10;

/** What checks have said for each of their reasons, by `CHECK REASON` and without numbers. */
export type Said = ReadonlyMap<string, ReadonlyMap<string, Example>>;

/** Notes from here on what these checks say when they fail or warn. */
export function noting(checks: Iterable<AnyCheck>): Said {
  const said = new Map<string, Map<string, Example>>();
  for (const check of new Set(checks)) {
    const judge = check.judge.bind(check);
    Object.assign(check, {
      judge(...args: Parameters<typeof judge>) {
        const verdict = judge(...args);
        if ((verdict.status === 'fail' || verdict.status === 'warn') && isPlain(verdict.message)) {
          const key = `${check.id} ${verdict.reason}`;
          const example: Example = { message: verdict.message, hint: verdict.hint ?? null };
          said.set(key, (said.get(key) ?? new Map<string, Example>()).set(withoutNumbers(example), example));
        }
        return verdict;
      },
    });
  }
  return said;
}

/** Whether `explain` shows what the checks say: an example of each reason that any test has. UPDATE_GOLDEN=1 writes them. */
export function assertExamples(said: Said): void {
  if (process.env.UPDATE_GOLDEN === '1') {
    const best = [...said].map(([key, examples]) => [key, [...examples.values()].sort(better)[0]] as const);
    const sorted = best.sort(([a], [b]) => a.localeCompare(b));
    writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
    return;
  }
  // What was left out has said nothing.
  if (!isWhole()) return;
  const kept = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Example>;
  const old = Object.entries(kept).filter(([key, example]) => !said.get(key)?.has(withoutNumbers(example)));
  const without = [...said.keys()].filter((key) => !Object.hasOwn(kept, key));
  const words = JSON.stringify({ old, without }, null, 1);
  assert.ok(old.length <= SHAKY && without.length <= SHAKY, `npm run golden keeps what checks say now: ${words}`);
}
