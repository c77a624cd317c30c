import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Example } from '../../src/commands/explain/examples.ts';
import type { AnyCheck, Verdict } from '../../src/diagnosis/check.ts';
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
type Said = ReadonlyMap<string, ReadonlyMap<string, Example>>;

const [said, byHand] = [new Map<string, Map<string, Example>>(), new Map<string, Map<string, Example>>()];

/** Whether the evidence that is judged now was written by hand: what is said of a mesh is better. */
let isByHand = false;

/** Notes what a check has said, where it is one of its own reasons. */
function note({ id, reasons }: Pick<AnyCheck, 'id' | 'reasons'>, verdict: Verdict): void {
  const noted = isByHand ? byHand : said;
  if (!('reason' in verdict) || !Object.hasOwn(reasons, verdict.reason) || !isPlain(verdict.message)) return;
  const key = `${id} ${verdict.reason}`;
  const example: Example = { message: verdict.message, hint: ('hint' in verdict && verdict.hint) || null };
  noted.set(key, (noted.get(key) ?? new Map<string, Example>()).set(withoutNumbers(example), example));
}

/** Judges evidence that was written by hand, and notes what is said. */
export function judgedByHand(check: Pick<AnyCheck, 'id' | 'reasons'>, judge: () => Verdict): Verdict {
  isByHand = true;
  try {
    const verdict = judge();
    note(check, verdict);
    return verdict;
  } finally {
    isByHand = false;
  }
}

/** Of each reason what is said of a mesh, else what is said of evidence that was written by hand. */
const all = (): Said => new Map([...byHand, ...said]);

/** Notes from here on what these checks say. */
export function noting(checks: Iterable<AnyCheck>): void {
  for (const check of new Set(checks)) {
    const judge = check.judge.bind(check);
    Object.assign(check, {
      judge(...args: Parameters<typeof judge>) {
        const verdict = judge(...args);
        note(check, verdict);
        return verdict;
      },
    });
  }
}

/** Whether `explain` shows what the checks say: an example of each reason that any test has. UPDATE_GOLDEN=1 writes them. */
export function assertExamples(): void {
  if (process.env.UPDATE_GOLDEN === '1') {
    const best = [...all()].map(([key, examples]) => [key, [...examples.values()].sort(better)[0]] as const);
    const sorted = best.sort(([a], [b]) => a.localeCompare(b));
    writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
    return;
  }
  // What was left out has said nothing.
  if (!isWhole()) return;
  const kept = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Example>;
  const isSaid = (key: string, example: Example): boolean =>
    [said, byHand].some((noted) => noted.get(key)?.has(withoutNumbers(example)));
  const old = Object.entries(kept).filter(([key, example]) => !isSaid(key, example));
  const without = [...all().keys()].filter((key) => !Object.hasOwn(kept, key));
  const words = JSON.stringify({ old, without }, null, 1);
  assert.ok(old.length <= SHAKY && without.length <= SHAKY, `npm run golden keeps what checks say now: ${words}`);
}
