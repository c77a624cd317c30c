import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const updating = process.env.UPDATE_GOLDEN === '1';

/** Compares with `test/golden/NAME`; a missing golden fails. `npm run golden` writes them: review them as code. */
export function matchesGolden(name: string, actual: string): void {
  const file = new URL(`../golden/${name}`, import.meta.url);
  if (updating) {
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, actual);
  } else
    assert.equal(actual, readFileSync(file, 'utf8'), `test/golden/${name} differs; if that is meant: npm run golden`);
}
