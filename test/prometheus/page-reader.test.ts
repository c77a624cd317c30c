import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { lineOf, Metrics, numberOf } from '../../src/prometheus/metrics.ts';
import { PageReader, type PageSummary, readPage } from '../../src/prometheus/page-reader.ts';
import { Prom2json, type Prom2jsonFamily } from '../../src/prometheus/prom2json.ts';
import { Strict } from '../../src/prometheus/strict.ts';

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

  const strictly: readonly [string, readonly string[]][] = [
    ['cpu{08cd="",name="a"} 5\nok 1\n', ['1: not a label name: 08cd']],
    ['\xef\xbb\xbfa 1\n', ['1: byte order mark']],
    [
      'a 1\r\n# TYPE b gauge\r\nb 2\n',
      ['1: carriage return at the end of the line', '2: carriage return at the end of the line'],
    ],
    ['a 1\n\r\n', ['2: carriage return in an empty line']],
    ['# TYPE a counter\na 1\n# TYPE a gauge\n', ['3: second TYPE of a']],
    ['a 1\n# TYPE a gauge\n', ['2: TYPE of a after its samples']],
    ['# HELP a x\n# HELP a y\na 1\n', ['2: second HELP of a']],
    ['# TYPE a speed\n', ['1: not a type: speed']],
    ['# TYPE a gauge\t\n', ['1: not a type: gauge\t']],
    ['# TYPE a\n', ['1: TYPE of a without a type']],
    ['a{b="c"} 1\na{b="c"} 2\n', ['2: sample twice: a']],
    ['a{b="c",d="e"} 1\na{d="e",b="c"} 2\n', ['2: sample twice: a']],
    ['a{b="1",b="2"} 1\n', ['1: label twice']],
    ['a 1 # {t="x"} 1\n', ['1: exemplar on a page that is not OpenMetrics']],
    ['a 1 # {t="x"} 1\n# EOF\n', []],
    ['# TYPE a info\na 1\n', ['1: a type of OpenMetrics only: info']],
    ['# TYPE a info\na_info 1\n# EOF\n', []],
    ['a 1 1.5\n', ['1: timestamp with a fraction: 1.5']],
    ['a 1e999\n', ['1: number out of range: 1e999']],
    ['# TYPE h histogram\nh_bucket{le="x"} 1\n', ['2: le is no number: x']],
    ['a{b="\\x"} 1\n', ['1: backslash that escapes nothing']],
    ['a{b="\xff"} 1\n', ['1: bytes that are not UTF-8']],
    ['a{,b="c"} 1\n', ['1: comma without a label']],
    ['a 1 \n', ['1: blank at the end of the line']],
  ];
  for (const [page, wanted] of strictly) {
    it(`${JSON.stringify(page)} has, strictly, ${wanted.join(' and ') || 'no problem'}`, () => {
      const json = new Prom2json();
      const reader = new PageReader(() => true, json.add, new Strict());
      reader.push(Buffer.from(page, 'latin1'));
      const { problems, samples } = reader.end();
      assert.deepEqual(
        problems.map(({ line, text }) => `${line}: ${text}`),
        wanted,
      );
      // What is wrong is named, and the values are there all the same.
      assert.equal(samples, page.split('\n').filter((line) => /^[^#\r]/.test(line)).length);
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
