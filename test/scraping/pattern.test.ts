import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pattern } from '../../src/scraping/pattern.ts';

const groups = (pattern: string, text: string): readonly string[] | null | undefined =>
  Pattern.of(pattern)?.groupsIn(text);

describe('a pattern of relabelling', () => {
  it('fits a text as a whole only', () => {
    assert.deepEqual(groups('istio-proxy', 'istio-proxy'), ['istio-proxy']);
    assert.equal(groups('istio', 'istio-proxy'), null);
    assert.deepEqual(groups('.*-envoy-prom', 'http-envoy-prom'), ['http-envoy-prom']);
    assert.deepEqual(groups('', ''), ['']);
    assert.equal(groups('', 'a'), null);
    assert.deepEqual(groups('(?:true|)', ''), ['']);
    assert.deepEqual(groups('true|', 'true'), ['true']);
  });

  it('fills its groups as RE2 does', () => {
    assert.deepEqual(groups(String.raw`(.+?)(?::\d+)?;(\d+)`, '10.0.0.9:8080;15020')?.slice(1), ['10.0.0.9', '15020']);
    assert.deepEqual(groups(String.raw`([^:]+)(?::\d+)?;(\d+)`, '10.0.0.9;15020')?.slice(1), ['10.0.0.9', '15020']);
    assert.deepEqual(groups(String.raw`(\d+);((([0-9]+?)(\.|$)){4})`, '15020;10.244.0.12')?.slice(1, 3), [
      '15020',
      '10.244.0.12',
    ]);
    assert.deepEqual(
      groups(String.raw`(\d+);(([A-Fa-f0-9]{1,4}::?){1,7}[A-Fa-f0-9]{1,4})`, '15020;2001:db8::1')?.slice(1, 3),
      ['15020', '2001:db8::1'],
    );
    assert.equal(groups(String.raw`(\d+);(([A-Fa-f0-9]{1,4}::?){1,7}[A-Fa-f0-9]{1,4})`, '15020;10.244.0.12'), null);
    assert.deepEqual(groups('(?P<a>x)|(?<b>y)', 'y'), ['y', '', 'y']);
    assert.deepEqual(groups('(a*)(a*)', 'aaa'), ['aaa', 'aaa', '']);
    assert.deepEqual(groups('(a*?)(a*)', 'aaa'), ['aaa', '', 'aaa']);
  });

  it('reads flags, classes and escapes', () => {
    assert.deepEqual(groups('(?i)TRUE', 'true'), ['true']);
    assert.equal(groups('(?i:T)RUE', 'true'), null);
    assert.deepEqual(groups(String.raw`[\w.-]+`, 'a-b.c_1'), ['a-b.c_1']);
    assert.deepEqual(groups('[^:]+', 'abc'), ['abc']);
    assert.deepEqual(groups('[]a]+', ']a'), [']a']);
    assert.deepEqual(groups('[[a]+', '[a'), ['[a']);
    assert.deepEqual(groups(String.raw`\.\*`, '.*'), ['.*']);
    assert.deepEqual(groups('^a$', 'a'), ['a']);
    assert.deepEqual(groups('a{2}', 'aa'), ['aa']);
    assert.deepEqual(groups('a{2,}', 'aaa'), ['aaa']);
    assert.deepEqual(groups('a{x', 'a{x'), ['a{x']);
  });

  it('does not guess at what it does not understand', () => {
    for (const pattern of [
      '(?=a)',
      String.raw`\pL`,
      '[[:alpha:]]',
      '(',
      'a)',
      '[a',
      '*',
      'a**',
      String.raw`\Qa\E`,
      'a{1001}',
    ])
      assert.equal(Pattern.of(pattern), null, pattern);
  });

  it('agrees with JavaScript where both read the same', () => {
    const patterns = ['(a|ab)(c|bcd)(d*)', '(x+x+)+y', '(a?)(ab)?', '(.*)(\\d+)', '((a)|b)*', 'a|b|', '(a+|b)*c'];
    const texts = ['abcd', 'xxxxxxxy', 'ab', 'a12', 'abab', '', 'aabbc'];
    for (const pattern of patterns)
      for (const text of texts) {
        const wanted = new RegExp(`^(?:${pattern})$`, 's').exec(text);
        assert.equal(groups(pattern, text) !== null, wanted !== null, `${pattern} ${text}`);
      }
  });

  it('takes no longer for a pattern that was made to take long', () => {
    const from = performance.now();
    assert.equal(groups('(a+)+b', 'a'.repeat(300)), null);
    assert.equal(groups('(.*a){12}c', 'a'.repeat(300)), null);
    assert.equal(Pattern.of('(?:(?:(?:){1000}){1000}){1000}'), null);
    assert.equal(Pattern.of(`${'('.repeat(900)}${')'.repeat(900)}`), null);
    assert.ok(performance.now() - from < 1000);
  });
});
