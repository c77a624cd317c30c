import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isDiscovered, leavesOutObjects } from '../../src/istio/discovery.ts';

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

it('leaves out objects since 1.22, unless a variable says otherwise', () => {
  assert.deepEqual(
    [null, '1.21.6', '1.22.0', '1.31.0'].map((release) => leavesOutObjects(release, undefined)),
    [true, false, true, true],
  );
  assert.ok(leavesOutObjects('1.20.0', 'true'));
  assert.ok(!leavesOutObjects('1.23.0', 'false'));
});
