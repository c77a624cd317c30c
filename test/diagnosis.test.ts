import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { later, UNDATED } from '../src/diagnosis/history.ts';
import { count, digits } from '../src/diagnosis/verdict.ts';

describe('a number in a report', () => {
  for (const [number, is] of [
    [0, '0'],
    [160, '160'],
    [1234567, '1234567'],
    [1e6, '1000000'],
    [1e21, '1000000000000000000000'],
    [2 ** 64, '18446744073709551616'],
    [0.1 + 0.2, '0.3'],
    [0.4, '0.4'],
    [2.5, '2.5'],
    [-3, '-3'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ] as const) {
    it(`is ${is}, all its digits and no more`, () => assert.equal(digits(number), is));
  }
  it('is counted the same way', () => assert.equal(count(1e21, 'request'), '1000000000000000000000 requests'));
});

describe('the history of a loss', () => {
  const since = {
    at: '2026-11-29T08:44:33Z',
    secondsAgo: 100,
    notBefore: '2026-11-29T08:44:18Z',
    series: 'up{}',
    from: 'prometheus-history',
    subjects: [],
  } as const;
  it('is longer ago at the next look, and never in the future', () => {
    const known = { ...UNDATED, since };
    assert.deepEqual(later(known, 40), { ...UNDATED, since: { ...since, secondsAgo: 140 } });
    assert.equal(later(known, -1000).since?.secondsAgo, 0);
    assert.deepEqual(later(UNDATED, 40), UNDATED);
  });
});
