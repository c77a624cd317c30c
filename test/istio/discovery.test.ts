import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isDiscovered } from '../../src/istio/discovery.ts';

const [on, team] = [{ matchLabels: { mesh: 'on' } }, { matchExpressions: [{ key: 'team', operator: 'Exists' }] }];

it('looks at each namespace where nothing is selected', () => {
  assert.ok(isDiscovered([], {}));
});

it('looks at those that any selector takes', () => {
  assert.deepEqual(
    [{ mesh: 'on' }, { team: 'a' }, { mesh: 'off' }, {}].map((labels) => isDiscovered([on, team], labels)),
    [true, true, false, false],
  );
  assert.ok(isDiscovered([on, {}], {}));
});

it('looks at each where one of them is none', () => {
  for (const operator of ['In', 'NotIn', 'Near'])
    assert.ok(isDiscovered([on, { matchExpressions: [{ key: 'team', operator, values: [] }] }], {}), operator);
  assert.ok(isDiscovered([on, { matchExpressions: [{ key: 'team', operator: 'Exists', values: ['a'] }] }], {}));
  assert.ok(!isDiscovered([on, { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] }], {}));
});
