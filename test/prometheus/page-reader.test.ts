import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { judgeOf } from '../../src/prometheus/judges.ts';
import { lineOf, Metrics } from '../../src/prometheus/metrics.ts';
import { numberOf } from '../../src/prometheus/numbers.ts';
import { PageReader, type PageSummary, readPage } from '../../src/prometheus/page-reader.ts';
import { Prom2json, type Prom2jsonFamily } from '../../src/prometheus/prom2json.ts';

const folder = new URL('../metric-pages/', import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith('.txt'));

function read(
  page: Buffer | string,
  wants: (name: string) => boolean = () => true,
): { summary: PageSummary; families: readonly Prom2jsonFamily[] } {
  const json = new Prom2json();
  const reader = new PageReader(wants, json.add);
  reader.push(Buffer.from(page));
  return { summary: reader.end(), families: json.families() };
}

const byName = (families: readonly Prom2jsonFamily[]): unknown =>
  JSON.parse(JSON.stringify([...families].sort((a, b) => (a.name < b.name ? -1 : 1))));

/** What is read otherwise than by prom2json, which rejects these pages whole: softer, and explained. */
const REJECTED: Record<string, readonly string[]> = {
  'bad_type.txt': [],
  'bad_value.txt': ['2: not a number: 1x'],
  'bom.txt': [],
  'crlf.txt': [],
  'digit_label.txt': [],
  'dup_type.txt': [],
  'envoy_404.txt': [
    '1: not a number: path. admin commands are:',
    '2: not a metric name: /:',
    '3: not a metric name: /certs:',
  ],
  'html.txt': [
    '1: not a metric name: <!DOCTYPE',
    '2: not a metric name: <html><head><title>502',
    '3: not a metric name: <body><h1>502</h1></body></html>',
  ],
  'no_final_newline.txt': ['3: page ends inside a line'],
  'no_value.txt': ['1: no value', '2: no value'],
  'om_exemplar.txt': [],
  'om_exemplar_counter.txt': [],
  'plain_error.txt': ['1: page ends inside a line'],
  'second_type.txt': [],
  'spaces_tabs.txt': [],
  'specials.txt': ['7: not a number: 0x1p-2'],
  'truncated_mid_label.txt': ['3: page ends inside a line'],
  'truncated_mid_value.txt': ['3: page ends inside a line'],
  'truncated_name.txt': ['3: page ends inside a line'],
  'type_after_sample.txt': [],
};

describe('a metrics page', () => {
  for (const name of pages) {
    const page = readFileSync(new URL(name, folder));
    const golden = new URL(name.replace(/txt$/, 'json'), folder);
    if (existsSync(golden)) {
      it(`${name} is read as prom2json reads it`, () => {
        const { families, summary } = read(page);
        assert.deepEqual(summary.problems, []);
        assert.deepEqual(byName(families), JSON.parse(readFileSync(golden, 'utf8')));
      });
    } else {
      it(`${name}, which prom2json rejects, is read with its problems named`, () => {
        const { summary } = read(page);
        assert.deepEqual(
          summary.problems.map(({ line, text }) => `${line}: ${text}`),
          REJECTED[name],
        );
      });
    }
    it(`${name} is read alike, wherever it is cut into chunks`, () => {
      const whole = read(page);
      for (let cut = 0; cut <= page.length; cut++) {
        const json = new Prom2json();
        const reader = new PageReader(() => true, json.add);
        reader.push(page.subarray(0, cut));
        reader.push(page.subarray(cut));
        assert.deepEqual([reader.end(), json.families()], [whole.summary, whole.families], `cut at ${cut}`);
      }
    });
  }

  const problems: readonly [string, string][] = [
    ['metric{label="bla"+} 3.14\n', '1: label value not followed by a comma or brace'],
    ['metric{label="bla" 3.14\n', '1: label value not followed by a comma or brace'],
    ['metric{label="bla\n', '1: open quote'],
    ['metric{label=bla} 1\n', '1: label value not quoted'],
    ['metric{label} 1\n', '1: label without value'],
    ['metric{="x"} 1\n', '1: label without name'],
    ['metric{a="x",\n', '1: label list does not end'],
    ['{} 1\n', '1: sample without a name'],
    ['a 1\nb\n', '2: no value'],
    ['a 1 2 3\n', '1: not a timestamp: 1 2 3'],
    ['1a 1\n', '1: not a metric name: 1a'],
  ];
  for (const [page, problem] of problems) {
    it(`${JSON.stringify(page)} has the problem ${problem}`, () => {
      assert.deepEqual(
        read(page).summary.problems.map(({ line, text }) => `${line}: ${text}`),
        [problem],
      );
    });
  }

  const readAsPrometheusDoes: readonly [string, readonly string[]][] = [
    ['a-3.25\nb+1\nc.5\nd{e="f"}1\n', ['-3.25', '+1', '.5', '1']],
    ['a INF\na{b\t="c"} nAn\n', ['INF', 'nAn']],
    [' a 1\n\t# TYPE b counter\n\t# b\nb 2\n \t\n', ['1', '2']],
    ['a 1\n \t', ['1']],
  ];
  for (const [page, values] of readAsPrometheusDoes) {
    it(`${JSON.stringify(page)} is read`, () => {
      const seen: string[] = [];
      const reader = new PageReader(
        () => true,
        (_family, sample) => seen.push(sample.value),
      );
      reader.push(Buffer.from(page));
      assert.deepEqual([reader.end().problems, seen], [[], values]);
    });
  }

  it('is counted: samples, skipped samples, lines', () => {
    const { summary, families } = read('# TYPE a counter\na{x="1"} 1\na{x="2"} 2\nb 1\n', (name) => name === 'a');
    assert.deepEqual([summary.lines, summary.samples, summary.skipped], [4, 2, 1]);
    assert.deepEqual(
      families.map(({ name }) => name),
      ['a'],
    );
  });

  it('without line ends is given up at 4 MB, not collected', () => {
    const reader = new PageReader(
      () => true,
      () => undefined,
    );
    for (let i = 0; i < 6; i++) reader.push(Buffer.alloc(1024 * 1024, 'x'));
    assert.match(reader.end().problems[0]?.text ?? '', /longer than 4 MB/);
  });

  // Where each character is looked at again for each other, these take minutes.
  const long: readonly [string, string, RegExp][] = [
    ['blanks inside', `a 1${' '.repeat(1_000_000)}x\n`, /^not a timestamp: 1 {59}$/],
    ['carriage returns inside', `a 1${'\r'.repeat(1_000_000)}x\n`, /^not a number: 1\r{59}$/],
    ['digits before a letter', `a ${'1'.repeat(1_000_000)}x\n`, /^not a number: 1{60}$/],
  ];
  for (const [what, page, problem] of long) {
    for (const wanted of [true, false]) {
      it(`with a million ${what} of a line is read at once, ${wanted ? '' : 'not '}wanted, and judged`, () => {
        for (const judge of [null, judgeOf('')]) {
          const reader = new PageReader(
            () => wanted,
            () => undefined,
            judge,
          );
          reader.push(Buffer.from(page));
          const { problems } = reader.end();
          assert.equal(problems.length, wanted || judge ? 1 : 0);
          if (problems.length > 0) assert.match(problems[0]?.text ?? '', problem);
        }
      });
    }
  }

  it('keeps the first hundred problems and counts all', () => {
    const { summary } = read('a x\n'.repeat(250));
    assert.deepEqual([summary.problems.length, summary.problemCount], [100, 250]);
  });

  it('is read from a stream', async () => {
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.from('a{x="gr');
      yield Buffer.from('ün"} 1\n');
    }
    const seen: string[] = [];
    await readPage(
      body(),
      () => true,
      (_family, sample) => seen.push(lineOf(sample)),
    );
    assert.deepEqual(seen, ['a{x="grün"} 1']);
  });
});

describe('wanted metrics', () => {
  const metrics = new Metrics();
  const reader = new PageReader(() => true, metrics.add);
  reader.push(Buffer.from('a{x="1",y="2"} 3\na{x="2"} 4\nb NaN\n'));
  reader.end();

  it('are selected by name and labels', () => {
    assert.deepEqual(metrics.select('a', { x: '1' }).map(lineOf), ['a{x="1",y="2"} 3']);
    assert.equal(metrics.total('a'), 7);
    assert.equal(metrics.total('a', { x: '9' }), 0);
  });
  it('tell absent from zero', () => {
    assert.deepEqual([metrics.has('a'), metrics.has('c')], [true, false]);
  });
  it('are numbers, Inf and NaN too', () => {
    assert.deepEqual(
      [numberOf('+Inf'), numberOf('-inf'), numberOf('1.5e+06')],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1_500_000],
    );
    assert.ok(Number.isNaN(numberOf('NaN')));
  });
});
