import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plansText } from '../../src/report/plan.ts';
import { shellCommandsOf } from '../../src/report/shell-words.ts';

const style = { width: 100, colour: false, ascii: false };

describe('a plan', () => {
  it('is shown below the line that it is of, with what is not foreseen', () => {
    const hint = 'kubectl label namespace shop a=b && kubectl -n shop rollout restart deployment/web';
    const diff = ['--- live/Namespace/shop', '+++ planned/Namespace/shop', '@@ -1,1 +1,1 @@', '-a: x', '+a: b'];
    assert.equal(
      plansText([{ hint, diff, unforeseen: ['kubectl rollout: restarts pods'] }], style),
      ['PLAN  (nothing was applied)', `# ${hint}`, ...diff, 'not foreseen: kubectl rollout: restarts pods'].join('\n'),
    );
    assert.match(plansText([{ hint, diff: [], unforeseen: [] }], style), /\nnothing would change$/);
    assert.equal(plansText([], style), '');
  });
});

describe('a line of a hint', () => {
  it('is read as a shell reads it', () => {
    const words = (line: string) => shellCommandsOf(line).map((command) => command.words);
    assert.deepEqual(words(`kubectl -n 'a b' patch x -p '{"a":"b & c"}'   # then # more`), [
      ['kubectl', '-n', 'a b', 'patch', 'x', '-p', '{"a":"b & c"}'],
    ]);
    assert.deepEqual(words(`echo 'it'\\''s' | kubectl apply -f - && a#b; c &`), [
      ['echo', "it's"],
      ['kubectl', 'apply', '-f', '-'],
      ['a#b'],
      ['c'],
    ]);
    assert.deepEqual(
      shellCommandsOf('a | b && c').map(({ isPiped }) => isPiped),
      [false, true, false],
    );
    assert.deepEqual(words(''), []);
    assert.deepEqual(words(`a ''`), [['a', '']]);
  });
});
