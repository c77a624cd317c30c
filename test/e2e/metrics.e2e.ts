import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { judgeOf } from '../../src/prometheus/judges.ts';
import { PageReader, type PageSummary } from '../../src/prometheus/page-reader.ts';
import { drawing } from '../support/lookup.ts';
import { loadRecording, recordingNames } from '../support/recordings.ts';
import { type Scrape, type Served, scrapes } from '../support/scrapes.ts';

/** `MUTATIONS=50000 MUTATION_SEED=7 npm run e2e -- metrics` tries others, and more of them. */
const SEED = Number(process.env.MUTATION_SEED ?? 1);
const MUTATIONS = Number(process.env.MUTATIONS ?? 5000);
/** More targets than this are scraped in turns. */
const TARGETS = 6000;

const TEXT = 'text/plain; version=0.0.4';
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const folder = new URL('../metric-pages/', import.meta.url);
const pages = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => readFileSync(new URL(name, folder), 'latin1'));

/** Pages that real Mixers, Envoys and Prometheus served. */
const recorded = recordingNames()
  .flatMap((name) => [...loadRecording(name).pages])
  .filter(([, { contentType }]) => contentType === TEXT)
  .map(([path, { body }]) => ({ path, body: Buffer.from(body as string).toString('latin1') }))
  .filter(({ path }) => /\/(?:metrics|stats\/prometheus)$/.test(path));

/** What promtool refuses in a page; null where it takes it. Its lint (exit 3) refuses nothing. */
function refusal(page: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const promtool = spawn('promtool', ['check', 'metrics'], {
      stdio: ['pipe', 'ignore', 'pipe'],
      // It lives for so short a time that threads and a collector cost a third of it.
      env: { ...process.env, GOGC: 'off', GOMAXPROCS: '1' },
    });
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

function read({ body, contentType }: Served): PageSummary {
  const reader = new PageReader(
    () => true,
    () => undefined,
    judgeOf(contentType),
  );
  reader.push(Buffer.from(body, 'latin1'));
  return reader.end();
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
  '\r',
  '\0',
  '\xff',
  '\xc3',
  '\xa0',
  '\f',
  '  ',
  '\t#',
  '+',
  '-5',
  ' 1700000000000',
  ' -1',
  '\\\r',
  '\\n',
  'INF',
  'le="x",',
  '__name__="x",',
  '# TYPE ',
  '# HELP \n',
  '#TYPE a GAUGE\n',
  '# EOF\n',
];

type Draw = ReturnType<typeof drawing>;

/** Changes of one line that keep most of it. */
const CHANGES: readonly ((line: string, draw: Draw) => string)[] = [
  (line) => line.replace(/[a-z]+$/, (word) => word.toUpperCase()),
  (line, { any }) => line.replace(/(?= \S*$)/, any(['\r', '\t', ' ', '\0'])),
  (line, { any }) => line.replace(/(?<= )(?=\S+$)/, any(['\r', '\t', ' ', '-', '+', '\0'])),
  (line, { any }) => any([' ', '\t', '\r', '\0', '#']) + line,
  (line, { any }) => line + any([' ', '\t', '\r', '\\', ' -1', ' 1', ' +1', ' 1.5', '\xff']),
  (line) => line.replace(/^(# \S+ \w+)/, '$1_sum'),
  (line) => line.replace(/^# TYPE (\w+)/, '# HELP $1_count'),
  (line) => `${line}\n${line}`,
  (line) => line.replace(/ (?=[-+.\d]+$)/, ''),
  (line) => line.replace(/^# /, '#'),
  (line, { any }) => line.replace(/"(?=[,}])/, any(['\\"', '\\x"', '\xff"', '\r"', '\0"', '\t"'])),
];

function mutated(page: string, draw: Draw): string {
  const { any, chance } = draw;
  let text = page;
  do {
    const lines = text.split('\n');
    const at = any([...Array(text.length + 1).keys()]);
    const length = any([0, 1, 1, 2, 5]);
    if (chance(0.15)) text = [...lines, any(lines)].join('\n');
    else if (chance(0.4)) {
      const line = any([...lines.keys()]);
      lines[line] = any(CHANGES)(lines[line] ?? '', draw);
      text = lines.join('\n');
    } else text = text.slice(0, at) + (chance(0.6) ? any(PIECES) : '') + text.slice(at + length);
  } while (chance(0.4));
  return text;
}

/** Names in quotes: Prometheus 3 takes them, this one may be older. */
const isOfPrometheus3 = (page: string): boolean => /^[ \t]*#[ \t]*(TYPE|HELP)[ \t]+"|[{,][ \t]*"/m.test(page);

/** What we name and both take: a sample that is there twice, which is dropped; a NUL that nothing happens to follow. */
const isKnown = (text: string): boolean => /^(?:sample twice|NUL)/.test(text);

/** What both say of all pages. promtool takes long to start, and is asked only where its answer may show a mistake of ours. */
async function oracles(all: readonly Served[]): Promise<readonly { promtool: string | null; scrape: Scrape }[]> {
  const scraped: Scrape[] = [];
  for (let from = 0; from < all.length; from += TARGETS)
    scraped.push(...(await scrapes(all.slice(from, from + TARGETS))));
  const asked = [...all.entries()].filter(
    ([page, served]) =>
      served.contentType === TEXT && (read(served).problemCount === 0 || scraped[page]?.error === null),
  );
  const checked = new Map<number, string | null>();
  for (let from = 0; from < asked.length; from += 8) {
    const some = asked.slice(from, from + 8);
    const said = await Promise.all(some.map(([, { body }]) => refusal(body)));
    for (const [index, [page]] of some.entries()) checked.set(page, said[index] ?? null);
  }
  return scraped.map((scrape, page) => ({ scrape, promtool: checked.get(page) ?? null }));
}

describe(`what promtool or a scrape refuses, seed ${SEED}`, () => {
  it('is named, on every page and on mutations of them', { timeout: 300_000 + MUTATIONS * 50 }, async () => {
    const draw = drawing(SEED);
    const bodies = [...pages, ...Array.from({ length: MUTATIONS }, () => mutated(draw.any(pages), draw))];
    const ended = bodies.filter((body) => /# EOF\n?$/.test(body));
    const all = [
      ...bodies.map((body) => ({ body, contentType: TEXT })),
      ...ended.map((body) => ({ body, contentType: OPEN_METRICS })),
    ];
    const said = await oracles(all);
    const missed: string[] = [];
    const alarms: string[] = [];
    const counts = { pages: all.length, openMetrics: ended.length, promtool: 0, scrape: 0, named: 0 };
    for (const [index, page] of all.entries()) {
      const { promtool, scrape } = said[index] ?? assert.fail();
      const words = [...(promtool !== null ? [promtool] : []), ...(scrape.error !== null ? [scrape.error] : [])];
      const { problems, samples } = read(page);
      if (promtool !== null) counts.promtool++;
      if (scrape.error !== null) counts.scrape++;
      if (problems.length > 0) counts.named++;
      if (problems.length === 0 && scrape.error === null && scrape.samples < samples)
        words.push(`only ${scrape.samples} of ${samples} samples`);
      if (words.length > 0 && problems.length === 0 && !isOfPrometheus3(page.body))
        missed.push(`${JSON.stringify(page.body)}: ${words.join('; ')}`);
      const unknown = problems.filter(({ text }) => !isKnown(text));
      if (words.length === 0 && unknown.length > 0 && scrape.samples >= samples)
        alarms.push(`${JSON.stringify(page.body)}: ${unknown.map(({ line, text }) => `${line}: ${text}`).join('; ')}`);
    }
    process.stdout.write(`# ${JSON.stringify({ ...counts, missed: missed.length, alarms: alarms.length })}\n`);
    assert.deepEqual([missed.slice(0, 10), alarms.slice(0, 10)], [[], []]);
    assert.ok(counts.named > all.length / 10 && counts.named < all.length);
  });

  it('is nothing on recorded pages', async () => {
    assert.ok(recorded.length > 20, `${recorded.length} pages`);
    const all = recorded.map(({ body }) => ({ body, contentType: TEXT }));
    for (const [index, { promtool, scrape }] of (await oracles(all)).entries()) {
      const page = all[index] ?? assert.fail();
      const { problems, samples } = read(page);
      assert.deepEqual([problems, promtool, scrape], [[], null, { error: null, samples }], recorded[index]?.path);
    }
  });
});
