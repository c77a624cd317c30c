import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
