import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PodIndex } from '../../src/evidence/prometheus/pod-series.ts';
import { pod } from '../support/mixer.ts';

const CART = pod({ namespace: 'shop', name: 'cart', ip: '2001:db8::1' });
const BANK = pod({ namespace: 'pay', name: 'bank', ip: '10.0.0.9' });
const found = (labels: Readonly<Record<string, string>>): string | null =>
  new PodIndex([CART, BANK]).podOf(new Map(Object.entries(labels)))?.name ?? null;

describe('the pod of a series', () => {
  it('is that at the address that was scraped, however it is written', () => {
    for (const instance of ['2001:db8::1', '[2001:db8::1]:15020', '[2001:db8::1]'])
      assert.equal(found({ instance }), 'cart', instance);
    for (const instance of ['10.0.0.9', '10.0.0.9:15020']) assert.equal(found({ instance }), 'bank', instance);
    for (const instance of ['2001:db8:', 'bank:15020', '']) assert.equal(found({ instance }), null, instance);
  });
});
