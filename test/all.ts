import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { topics } from '../src/guide/index.ts';
import { assertExamples, noting } from './support/examples.ts';
import { judged } from './support/judging.ts';

const checks = (await topics()).flatMap((topic) =>
  Object.values(topic.walks).flatMap(({ steps }) => steps.flatMap((step) => step.checks)),
);
noting(checks);

// One process for every test file: Node 20 would start one each, at 0.4 s of CPU apiece.
const files = readdirSync(import.meta.dirname, { recursive: true })
  .map(String)
  .sort();
for (const file of files) if (file.endsWith('.test.ts')) await import(join(import.meta.dirname, file));

/** What is still open so long after the last test was left by one (ms). */
const LEFT = 5000;

test('explain shows of each reason what a check has said', () => assertExamples());

test('every check was judged to pass in one case, and not to pass in another', () => {
  const loose = checks.flatMap(({ id }) => {
    const statuses = judged.get(id) ?? new Set();
    return statuses.has('pass') && statuses.size > 1 ? [] : [`${id}: ${[...statuses].join(', ') || 'never'}`];
  });
  assert.deepEqual(loose, []);
});

// Registered last, so it runs last: the run ends when nothing is open any more, and must not wait for what never closes.
test('no test has left anything open', () => {
  const report = (): void => {
    process.stderr.write(`a test has left open: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  };
  setTimeout(report, LEFT).unref();
});
