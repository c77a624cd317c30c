import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { PageReader } from '../../src/prometheus/page-reader.ts';
import { Strict } from '../../src/prometheus/strict.ts';
import { drawing } from '../support/lookup.ts';

/** `MUTATIONS=50000 MUTATION_SEED=7 npm run e2e -- metrics` tries others, and more of them. */
const SEED = Number(process.env.MUTATION_SEED ?? 1);
const MUTATIONS = Number(process.env.MUTATIONS ?? 5000);

const folder = new URL('../metric-pages/', import.meta.url);
const pages = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => readFileSync(new URL(name, folder), 'latin1'));

/** What promtool refuses in a page; null where it takes it. Its lint (exit 3) refuses nothing. */
function refusal(page: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const promtool = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    promtool.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    promtool.once('error', reject);
    promtool.once('close', (code) => resolve(code === 1 ? said.trim() : null));
    // It may have refused the page before it has read it.
    promtool.stdin.on('error', () => undefined);
    promtool.stdin.end(Buffer.from(page, 'latin1'));
  });
}

function problemsOf(page: string): readonly string[] {
  const reader = new PageReader(
    () => true,
    () => undefined,
    new Strict(),
  );
  reader.push(Buffer.from(page, 'latin1'));
  return reader.end().problems.map(({ line, text }) => `${line}: ${text}`);
}

/** Pieces that are put into pages: what a format is made of, and what it is not. */
const PIECES = [
  '{',
  '}',
  '"',
  ',',
  '=',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\\',
  '#',
  '1',
  'x',
  'NaN',
  '+Inf',
  '1e999',
  '-',
  '.',
  ':',
  '_',
  '# TYPE a counter\n',
  '# HELP a b\n',
  'a{b="c"} 1\n',
  'é',
  ' # {x="y"} 1',
];

function mutated(page: string, { any, chance }: ReturnType<typeof drawing>): string {
  let text = page;
  do {
    const at = any([...Array(text.length + 1).keys()]);
    const length = any([0, 1, 1, 2, 5]);
    const lines = text.split('\n');
    text = chance(0.15)
      ? [...lines, any(lines)].join('\n')
      : text.slice(0, at) + (chance(0.6) ? any(PIECES) : '') + text.slice(at + length);
  } while (chance(0.4));
  return text;
}

/** A name in quotes: Prometheus 3 takes it, this promtool may be older. */
const isOfPrometheus3 = (words: string, page: string): boolean =>
  /invalid metric name|invalid label name/.test(words) && /^\s*#\s*(TYPE|HELP)\s+"|[{,]\s*"/m.test(page);

describe(`what promtool refuses, seed ${SEED}`, () => {
  it('is named, on every page and on mutations of them', async () => {
    const draw = drawing(SEED);
    const all = [...pages, ...Array.from({ length: MUTATIONS }, () => mutated(draw.any(pages), draw))];
    const missed: string[] = [];
    let refused = 0;
    let stricter = 0;
    for (let from = 0; from < all.length; from += 8) {
      const some = all.slice(from, from + 8);
      const said = await Promise.all(some.map(refusal));
      for (const [index, words] of said.entries()) {
        const page = some[index] ?? '';
        const named = problemsOf(page).length > 0;
        if (words !== null) refused++;
        else if (named) stricter++;
        if (words !== null && !named && !isOfPrometheus3(words, page)) missed.push(`${JSON.stringify(page)}: ${words}`);
      }
    }
    process.stdout.write(`# ${JSON.stringify({ pages: all.length, refused, stricter, missed: missed.length })}\n`);
    assert.deepEqual(missed.slice(0, 10), []);
    assert.ok(refused > all.length / 10 && refused < all.length);
  });
});
