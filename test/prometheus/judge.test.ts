import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeOf } from '../../src/prometheus/judges.ts';
import { PageReader, type PageSummary } from '../../src/prometheus/page-reader.ts';
import { Seen } from '../../src/prometheus/seen.ts';

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0';

/** `page` holds bytes as latin1. */
function judged(page: string, contentType: string, wants = (_name: string): boolean => true): PageSummary {
  const reader = new PageReader(wants, () => undefined, judgeOf(contentType));
  reader.push(Buffer.from(page, 'latin1'));
  return reader.end();
}

const problemsOf = ({ problems }: PageSummary): readonly string[] =>
  problems.map(({ line, text }) => `${line}: ${text}`);

/** Lines that can be read all the same: their values are shown. */
const READABLE: readonly [string, readonly string[]][] = [
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
  ['# TYPE a ga\ruge\n', ['1: not a type: ga\ruge']],
  ['# TYPE a\n', ['1: TYPE of a without a type']],
  ['# TYPE a GAUGE\n', ['1: type not in lower case: GAUGE']],
  ['# TYPE a  gauge\n', ['1: more than one blank before the type']],
  ['# TYPE a info\na 1\n# EOF\n', ['1: a type of OpenMetrics only: info']],
  ['# TYPE \n# HELP \n', ['1: TYPE without a metric name', '2: HELP without a metric name']],
  [
    '# HELP a\r\n# TYPE \r\n',
    ['1: carriage return at the end of the line', '2: carriage return at the end of the line'],
  ],
  ['# HELP a \r\n# HELP a b\n', ['2: second HELP of a']],
  ['# HELP a-b c\n', ['1: not a metric name: a-b']],
  ['# HELP a b\xff\n', ['1: bytes that are not UTF-8']],
  ['# HELP a b\\\r\n# HELP b \\x\n', ['1: backslash that escapes nothing', '2: backslash that escapes nothing']],
  ['# TYPE h histogram\n# HELP h a\n# HELP h_sum b\nh_sum 1\n', ['3: second HELP of h, by h_sum']],
  ['# TYPE h summary\n# TYPE h_count counter\nh_count 1\n', ['2: second TYPE of h, by h_count']],
  ['#\0\na 1\n', ['1: NUL, at which Prometheus stops reading']],
  [' a 1\n\tb 1\n', ['1: blank before the metric name', '2: blank before the metric name']],
  ['a{b="c"} 1\na{b="c"} 2\n', ['2: sample twice: a']],
  ['a{b="c",d="e"} 1\na{d="e",b="c"} 2\n', ['2: sample twice: a']],
  ['a{b=""} 1\na 2\n', ['2: sample twice: a']],
  ['a{b="1",b="2"} 1\n', ['1: label twice']],
  ['a{__name__="b"} 1\n', ['1: label __name__, which is the metric’s own']],
  ['a 1 # {t="x"} 1\n# EOF\n', ['1: exemplar on a page that is not OpenMetrics']],
  ['a 1 1.5\n', ['1: timestamp with a fraction: 1.5']],
  ['a 1 -5\na 1 +5\n', ['1: negative timestamp: -5', '2: not a timestamp: 1 +5']],
  ['a 1 9223372036854775808\n', ['1: timestamp out of range: 9223372036854775808']],
  ['a 1e999\n', ['1: number out of range: 1e999']],
  ['# TYPE h histogram\nh_bucket{le="x"} 1\nh{le="x"} 1\n', ['2: le is no number: x', '3: le is no number: x']],
  ['a{b="\\x"} 1\n', ['1: backslash that escapes nothing']],
  ['a{b="\xff"} 1\n', ['1: bytes that are not UTF-8']],
  ['a{,b="c"} 1\n', ['1: comma without a label']],
  ['a 1 \na 1 2 \n', ['1: blank at the end of the line', '2: blank at the end of the line']],
];

const UNREADABLE: readonly [string, readonly string[]][] = [
  ['<html>\r\n<body>\r\n', ['1: not a metric name: <html>', '2: not a metric name: <body>']],
  [
    'a \r1\na\r 1\na \xa01\na 1\0\n',
    ['1: not a number: \r1', '2: not a metric name: a\r', '3: not a number: \ufffd1', '4: not a number: 1\0'],
  ],
  ['foo.bar 1\n/x 1\n', ['1: not a metric name: foo.bar', '2: not a metric name: /x']],
  ['a{b="c} 1\na{b} 1\na{b=c} 1\n', ['1: open quote', '2: label without value', '3: label value not quoted']],
  [
    'a{b="c" d="e"} 1\na{b="c"\n',
    ['1: label value not followed by a comma or brace', '2: label value not followed by a comma or brace'],
  ],
  ['a{\na{="b"} 1\n{b="c"} 1\n', ['1: label list does not end', '2: label without name', '3: sample without a name']],
  ['a\na 1', ['1: no value', '2: page ends inside a line']],
];

/** What both readers take, odd as it looks. */
const TAKEN: readonly string[] = [
  '# HELP a \r\n# b\r\n',
  'a-3.25\nb+1\nc.5\nd{e="f"}1\n',
  'a INF\nb nAn\nc 5.\nd 1e-999\n',
  '\t# a\n \t# TYPE a counter\na\t1\t5\n \t\n\t',
  '#TYPE a  GAUGE\n#TYPE b\n#HELP c \xff\n#HELP \n# HELP\n# HELP d\n# HELPd d\na 1\n',
  '# a \xff\r\n# HELP a b\r\n# b\0\na{b="\0\\n\\"\\\\"} 1\n',
  'a { b = "c" , } 1\na{} 1\na{b="\xc3\xa9"} 1\na 1 5\na 1 6\n',
  '# TYPE h histogram\n# HELP h_sum a\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
  '{"a b",c="d"} 1\n# TYPE "a c" gauge\n{"a c"} 1\n{"a b"} 1\n',
];

describe('the judge of the text format', () => {
  for (const [page, wanted] of READABLE) {
    it(`${JSON.stringify(page)} has ${wanted.join(' and ')}`, () => {
      const summary = judged(page, 'text/plain; version=0.0.4');
      assert.deepEqual(problemsOf(summary), wanted);
      // What is wrong is named, and the values are there all the same.
      assert.equal(summary.samples, page.split('\n').filter((line) => /^[^#\r]/.test(line)).length);
    });
  }
  for (const [page, wanted] of UNREADABLE) {
    it(`${JSON.stringify(page)} has ${wanted.join(' and ')}`, () => {
      assert.deepEqual(problemsOf(judged(page, '')), wanted);
    });
  }
  for (const page of TAKEN) {
    it(`${JSON.stringify(page)} has no problem`, () => {
      assert.deepEqual(problemsOf(judged(page, '')), []);
    });
  }
  for (const [page, wanted] of [...READABLE, ...UNREADABLE]) {
    it(`${JSON.stringify(page)} is judged alike when nobody wants its families`, () => {
      assert.deepEqual(problemsOf(judged(page, '', () => false)), wanted);
    });
  }
});

describe('labels, however many,', () => {
  const labels = (count: number): string => Array.from({ length: count }, (_, index) => `l${index}="x"`).join(',');
  // Compared with each other, the largest number takes minutes.
  for (const count of [31, 32, 33, 34, 250_000]) {
    it(`are known by their names: ${count}`, () => {
      const page = `a{${labels(count)}} 1\na{${labels(count)},l${count - 1}="y"} 1\na{${labels(count)},l0="y"} 1\n`;
      const again = `a{${labels(count)}} 1\na{x="x"} 1\n`;
      assert.deepEqual(problemsOf(judged(page + again, '', () => false)), [
        '2: label twice',
        '3: label twice',
        '4: sample twice: a',
      ]);
    });
  }
});

describe('the judge of OpenMetrics', () => {
  const cases: readonly [string, readonly string[]][] = [
    ['a_total 1 # {t="x"} 1\n# EOF\n', []],
    ['# TYPE a info\na_info{b="c\\d"} 1 1.5\n# EOF', []],
    ['# HELP a b\n# TYPE a_seconds unknown\n# UNIT a_seconds seconds\na_seconds 1 -1\n# EOF\n', []],
    ['h_bucket{le="1"} 1 2 # {} 1 2.5\n# EOF\n', []],
    ['a 1\n', ['2: OpenMetrics that does not end with # EOF']],
    ['# EOF\na 1\n\n', ['2: line after # EOF', '3: line after # EOF']],
    ['# EOF\n\t', ['2: line after # EOF']],
    ['a 1', ['1: page ends inside a line']],
    ['\n#a\n# EOF\n', ['1: empty line in OpenMetrics', '2: a comment that OpenMetrics does not know: #a']],
    [
      'a  1\na {b="c"} 1\na{b="c",} 1\n# EOF\n',
      [
        '1: not a sample of OpenMetrics: a  1',
        '2: not a number: {b="c"}',
        '3: not a sample of OpenMetrics: a{b="c",} 1',
      ],
    ],
    [
      'a{b="c",b="d"} 1\na{__name__="b"} 1\na{b="\xff"} 1\n# EOF\n',
      ['1: label twice', '2: label __name__, which is the metric’s own', '3: bytes that are not UTF-8'],
    ],
    ['a x\na 1 NaN\na 1\na 1\n# EOF\n', ['1: not a number: x', '2: not a timestamp: NaN', '4: sample twice: a']],
    [
      'a 1 # {b="c"} 1\na_total 1 # {b="c"} x\na_total 2 # {b} 1\n# EOF\n',
      ['1: exemplar on neither a counter nor a bucket', '2: not a number: x', '3: not an exemplar: {b} 1'],
    ],
    [
      '# TYPE a untyped\n# UNIT a b\n# HELP a \xff\n# EOF\n',
      ['1: not a type: untyped', '2: unit that the name does not end with: b', '3: bytes that are not UTF-8'],
    ],
  ];
  for (const [page, wanted] of cases) {
    it(`${JSON.stringify(page)} has ${wanted.join(' and ') || 'no problem'}`, () => {
      assert.deepEqual(problemsOf(judged(page, OPEN_METRICS)), wanted);
    });
  }
});

it('numbers are seen once, however many they are', () => {
  const seen = new Seen();
  const numbers = Array.from({ length: 5000 }, (_, i): [number, number] => [i % 7, Math.imul(i >> 2, 1024)]);
  const first = numbers.map(([high, low]) => seen.add(high, low));
  assert.equal(first.filter((had) => !had).length, new Set(numbers.map(String)).size);
  assert.ok(numbers.every(([high, low]) => seen.add(high, low)));
});
