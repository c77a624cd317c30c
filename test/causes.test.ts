import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { matchesGolden } from './support/golden.ts';
import { CAUSES, causeMeshes } from './support/mesh/causes/all.ts';
import { severalCauses } from './support/mesh/causes/several.ts';
import { comparable, examining } from './support/mesh/examined.ts';
import { never, otherwise } from './support/mesh/expectation.ts';
import { it } from './support/programs.ts';
import { assertSchema } from './support/schema.ts';

const AMBIENT = new Set(
  Object.values(CAUSES)
    .flat()
    .flatMap(({ name, spec }) => (spec.ambient ? [name] : [])),
);

/** Bundles are compared where there are two of something, and of ambient; test/meshes.test.ts does it of all else. */
const isReplayed = (name: string): boolean => AMBIENT.has(name) || severalCauses.some((cause) => cause.name === name);

const examined = examining(causeMeshes(), isReplayed);

for (const [what, causes] of Object.entries(CAUSES)) {
  describe(what, () => {
    for (const { name, facts, expect } of causes) {
      it(`${name} (${facts})`, async () => {
        const { live, replayed } = await examined(name);
        assertSchema(live.report);
        assert.equal(live.code, live.report.exitCode, live.stderr);
        if (replayed) assert.deepEqual(comparable(replayed.report), comparable(live.report));
        assert.deepEqual(never(live.report, expect), []);
        assert.deepEqual(otherwise(live.report, expect), []);
      });
    }
  });
}

describe('what is printed to type next', () => {
  for (const kind of ['fix', 'look'] as const)
    it(`(${kind}) is the golden list, which is run for real elsewhere`, async () => {
      const lines: Record<string, readonly string[]> = {};
      for (const { name } of Object.values(CAUSES).flat()) {
        const { live } = await examined(name);
        const own = live.report.steps.flatMap(({ checks }) =>
          checks.flatMap(({ id, status, reason, hint, hintKind }) =>
            hintKind === kind && (status === 'fail' || status === 'warn') ? [`${id} ${reason}: ${hint}`] : [],
          ),
        );
        if (own.length > 0) lines[name] = [...new Set(own)];
      }
      const file = { fix: 'fixes/causes.json', look: 'fixes/looks.json' }[kind];
      matchesGolden(file, `${JSON.stringify(lines, null, 1)}\n`);
    });
});
