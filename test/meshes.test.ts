import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { comparable, examining } from './support/mesh/examined.ts';
import { never, otherwise } from './support/mesh/expectation.ts';
import { loadMesh, meshNames } from './support/meshes.ts';
import { it } from './support/programs.ts';
import { assertSchema } from './support/schema.ts';

const examined = examining(new Map(meshNames().map((name) => [name, () => loadMesh(name)])));

for (const name of meshNames()) {
  describe(`the composed mesh ${name}`, () => {
    it('gives one report, live and from its bundle', async () => {
      const { live, replayed } = await examined(name);
      assertSchema(live.report);
      assert.equal(live.code, live.report.exitCode, live.stderr);
      assert.deepEqual(replayed && comparable(replayed.report), comparable(live.report));
    });

    it('is never said to be what it is not', async () => {
      const { live } = await examined(name);
      assert.deepEqual(never(live.report, loadMesh(name).expect), []);
    });

    it('is judged as its scenario says', async () => {
      const { live } = await examined(name);
      const { expect } = loadMesh(name);
      assert.deepEqual(otherwise(live.report, expect), []);
    });
  });
}
